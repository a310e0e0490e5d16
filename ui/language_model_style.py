"""The page's part of the look, and Streamlit's own words in its fields."""

from __future__ import annotations

import json

import streamlit as st

from ui.words import t

_CSS = """
.st-key-language_field { margin-top: -0.35rem; }
.st-key-language_field .stButton button, .st-key-language_read_chips .stButton button { min-height: 2rem; padding: 0.15rem 0.7rem; border-radius: 999px; font-size: 0.875rem; }
.st-key-language_choose { row-gap: 0.4rem; margin-top: -0.7rem; }
.st-key-language_inside .katex-display { overflow-x: auto; overflow-y: hidden; padding-block: 2px; margin: 0.35em 0; scrollbar-width: thin; }
.st-key-language_inside .katex { font-size: 1.06em; }
.st-key-language_status { min-height: 4rem; }
@media (max-width: 767px) {
  .st-key-language_examples { flex-wrap: nowrap !important; overflow-x: auto; scrollbar-width: none; }
  .st-key-language_examples > * { flex: none !important; width: auto !important; }
  .st-key-language_acts { gap: 0.5rem; }
  .st-key-language_acts .stButton button { padding-inline: 0.6rem; }
  .st-key-language_inside .katex { font-size: 0.9em; }
  .st-key-language_cache_figures [data-testid="stColumn"] { min-width: 40%; flex: 1 1 40%; }
}
"""

_FIELD = """
[class*="st-key-%s"] [data-testid="stFileUploaderDropzoneInstructions"]::after { content: %s !important; }
[class*="st-key-%s"] [data-testid="stFileUploaderDropzone"] button p::after { content: %s !important; }
"""

_FIELDS = {"language_file": "text", "language_saved": "saved"}


def style() -> None:
    """Puts the style into the page."""
    st.html(f"<style>{_CSS}</style>")


def fields() -> None:
    """Puts our words into the fields for files."""
    found = ""
    for key, words in _FIELDS.items():
        drop, browse = (
            json.dumps(t(f"language_model.field.{words}.{name}"), ensure_ascii=False)
            for name in ("drop", "browse")
        )
        found += _FIELD % (key, drop, key, browse)
    st.html(f"<style>{found}</style>")
