"""The page's part of the look: places that keep their size, and Streamlit's own words in its fields."""

from __future__ import annotations

import json

import streamlit as st

from ui.words import t

_CSS = """
.st-key-lit_headline [data-testid="stMarkdownContainer"] { margin-bottom: 0; }
.st-key-lit_headline h2 { padding: 0; font-size: 1.9rem; line-height: 1.2; overflow-wrap: anywhere; }
.st-key-lit_headline { min-height: 5.2rem; }
.st-key-lit_sets .stButton button, .st-key-lit_sets [data-testid="stPopoverButton"], .st-key-lit_asked .stButton button { min-height: 2rem; padding: 0.15rem 0.7rem; border-radius: 999px; font-size: 0.875rem; }
.st-key-lit_status { min-height: 4rem; }
.st-key-lit_maths .katex-display { overflow-x: auto; overflow-y: hidden; padding-block: 2px; margin: 0.35em 0; scrollbar-width: thin; }
.st-key-lit_maths .katex { font-size: 1.02em; }
.st-key-lit_begin button { min-height: 2.75rem; }
.st-key-lit_own img { border-radius: 8px; height: 64px; width: 64px; object-fit: cover; }
@media (max-width: 767px) {
  .st-key-lit_headline { min-height: 0; }
  .st-key-lit_maths .katex { font-size: 0.9em; }
}
"""

_FIELD = """
[class*="st-key-%s"] [data-testid="stFileUploaderDropzoneInstructions"]::after { content: %s !important; }
[class*="st-key-%s"] [data-testid="stFileUploaderDropzone"] button p::after { content: %s !important; }
"""

_FIELDS = {"lit_folder_": "folder", "lit_pair_": "pair"}


def style() -> None:
    """Puts the style into the page."""
    fields = ""
    for key, words in _FIELDS.items():
        drop, browse = (
            json.dumps(t(f"lit.field.{words}.{name}"), ensure_ascii=False) for name in ("drop", "browse")
        )
        fields += _FIELD % (key, drop, key, browse)
    st.html(f"<style>{_CSS}{fields}</style>")
