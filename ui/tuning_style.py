"""The page's part of the look: places that keep their size, and Streamlit's own words in its fields."""

from __future__ import annotations

import json

import streamlit as st

from ui.style import dark
from ui.words import t

_CSS = """
.st-key-fine_tune_heading { gap: 0.5rem; margin-bottom: -0.5rem; }
.st-key-fine_tune_heading [data-testid="stMarkdownContainer"] { margin-bottom: 0; }
.st-key-fine_tune_heading p { margin: 0; }
:is(.st-key-fine_tune_headline, .st-key-fine_tune_verdict) [data-testid="stMarkdownContainer"] { margin-bottom: 0; }
.st-key-fine_tune_headline h2 { padding: 0; font-size: 2rem; line-height: 1.2; }
.st-key-fine_tune_unlocked button { padding-inline: 0.4rem; }
.st-key-fine_tune_start button { min-height: 3rem; font-size: 1.1rem; }
.st-key-fine_tune_status { min-height: 4rem; }
.st-key-fine_tune_gap { min-height: 4.6rem; }
.st-key-fine_tune_cards { padding: 6px; }
.st-key-fine_tune_card :is(h1, h2) { padding: 0.4rem 0 0; font-size: 1.05rem; }
.st-key-fine_tune_maps { min-height: 13rem; overflow-x: auto; }
.st-key-fine_tune_race_chart { min-height: 18rem; }
.st-key-fine_tune_package { min-height: 5rem; }
.st-key-fine_tune_verdict h2 { padding: 0; font-size: 1.75rem; line-height: 1.2; overflow-wrap: anywhere; }
.st-key-fine_tune_result { min-height: 34rem; }
.st-key-photo_ways [data-testid="stFileUploaderDropzone"] { flex-direction: row; }
@media (max-width: 767px) { .st-key-fine_tune_result { min-height: 0; } }
"""

_DARK = (
    '[data-testid^="stBaseButton-primary"] :is(p, span) { color: #0E1A19; }'  # readable on the light accent
)

_FIELD = """
[class*="st-key-%s"] [data-testid="stFileUploaderDropzoneInstructions"]::after { content: %s !important; }
[class*="st-key-%s"] [data-testid="stFileUploaderDropzone"] button p::after { content: %s !important; }
"""

_FIELDS = {"fine_tune_zip_": "zip", "fine_tune_table_": "table", "fine_tune_saved_": "saved"}


def style() -> None:
    """Puts the style into the page."""
    fields = _DARK if dark() else ""
    for key, words in _FIELDS.items():
        drop, browse = (
            json.dumps(t(f"fine_tune.field.{words}.{name}"), ensure_ascii=False)
            for name in ("drop", "browse")
        )
        fields += _FIELD % (key, drop, key, browse)
    st.html(f"<style>{_CSS}{fields}</style>")
