"""What such networks are used for: tunings that are ready to begin, each with its recorded result."""

from __future__ import annotations

from ui import applications, frame

with frame.page("applications") as here:
    applications.style()
    applications.cards()
    applications.chart()
