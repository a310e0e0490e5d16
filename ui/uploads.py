"""What a visitor brings: it stays in memory, and nobody brings more in a minute than others can wait for."""

from __future__ import annotations

import hashlib
import math
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from starlette.formparsers import MultiPartParser

from core.errors import GlassboxError
from ui import leftovers, state

FILES, MEGABYTES, SPAN = 60, 300, 60.0  # files and megabytes in seconds; the largest file alone has 100
_REMEMBERED = 500  # files that were let in, so that one is not counted again when the page is drawn anew

# Starlette puts what is larger than 1 MB into a file while it arrives. Photos belong in memory alone, and a full
# disk would refuse them. (`server.maxUploadSize` bounds it; Streamlit copies the file into memory in any case.)
MultiPartParser.spool_max_size = 128 * 2**20


class Brought(Protocol):
    """A file of an upload widget."""

    file_id: str
    name: str
    size: int

    def getvalue(self) -> bytes: ...


@dataclass
class Gate:
    """What one visit has brought lately."""

    lately: deque[tuple[float, int]] = field(default_factory=deque)
    known: dict[str, None] = field(default_factory=dict)

    def admit(self, name: str, size: int, now: float) -> None:
        """Counts a file, unless it is known already.

        Args:
            name: tells it from the others: its digest, or the id of its upload.
            size: in bytes.
            now: seconds of a clock that never goes back.

        Raises:
            GlassboxError: `uploads.error.often`: the visit must wait.
        """
        if name in self.known:
            return
        while self.lately and now - self.lately[0][0] >= SPAN:
            self.lately.popleft()
        files, total = len(self.lately) + 1, size + sum(one for _, one in self.lately)
        if files > FILES or (total > MEGABYTES * 1_000_000 and self.lately):
            wait = min(math.ceil(self.lately[0][0] + SPAN - now), int(SPAN))  # sums of floats round up, too
            raise GlassboxError("uploads.error.often", files=FILES, megabytes=MEGABYTES, seconds=wait)
        self.lately.append((now, size))
        self.known[name] = None
        while len(self.known) > _REMEMBERED:
            del self.known[next(iter(self.known))]


def admit(name: str, size: int) -> None:
    """Counts a file of this visit.

    Raises:
        GlassboxError: `uploads.error.often`.
    """
    gate: Gate = state.visit().kept.setdefault("uploads_gate", Gate())
    gate.admit(name, size, time.monotonic())


def contents(file: Brought) -> bytes:
    """The bytes of an uploaded file; the one way to them.

    Raises:
        GlassboxError: `uploads.error.often`.
    """
    leftovers.read(file.file_id)
    admit(file.file_id, file.size)
    return file.getvalue()


def pictures(dropped: tuple[tuple[str, bytes], ...]) -> tuple[tuple[str, bytes], ...]:
    """Pictures that were dropped into a class together: they count as one file.

    Raises:
        GlassboxError: `uploads.error.often`.
    """
    digest = hashlib.sha256(b"".join(data for _, data in dropped)).hexdigest()
    admit(digest, sum(len(data) for _, data in dropped))
    return dropped
