"""The little of the look that the theme cannot say. Only our own words get into it, no visitor's."""

from __future__ import annotations

import json

import streamlit as st

from ui.words import t

_CSS = """
.stMainBlockContainer { padding-top: 2.75rem; padding-bottom: 3rem; max-width: 1280px; }
[data-testid="stSidebarUserContent"] { padding-top: 0.5rem; }
[data-testid="stSidebarHeader"] { height: 2.5rem; padding-block: 0.25rem; margin-bottom: 0; }
.st-key-brand .stMarkdown p { font-size: 1.35rem; letter-spacing: -0.02em; }
.st-key-brand { flex-wrap: nowrap; }
.st-key-current_photo img { aspect-ratio: 16 / 10; object-fit: cover; border-radius: 10px; }
.st-key-heading h1 { padding: 0; line-height: 1.25; }
.st-key-heading [data-testid="stMarkdownContainer"] { margin-bottom: 0; }
.st-key-heading p { opacity: 0.72; font-size: 1.02rem; max-width: 46rem; text-wrap: pretty; }
.st-key-awake { position: absolute; width: 0 !important; height: 0; }
.st-key-phone_language { display: none; }
.st-key-tools { flex: none; flex-wrap: nowrap; gap: 0.5rem; }
.st-key-footer { border-top: 1px solid color-mix(in srgb, currentColor 14%, transparent); padding-top: 1rem; margin-top: 1rem; }
.st-key-footer > :last-child { margin-left: auto; }
.st-key-footer [data-testid="stPageLink"] a { background: var(--glassbox-accent); border-radius: 10px; padding: 0.45rem 0.9rem; }
.st-key-footer [data-testid="stPageLink"] a:hover { filter: brightness(1.08); background: var(--glassbox-accent); }
.st-key-footer [data-testid="stPageLink"] a p, .st-key-footer [data-testid="stPageLink"] a span { color: var(--glassbox-on-accent) !important; font-weight: 600; }
button[kind^="primary"]:enabled :is(p, span) { color: var(--glassbox-on-accent); }
[data-testid="stCaptionContainer"] { opacity: 0.8; }
[data-testid="stCaptionContainer"] code { color: inherit; font-size: 0.85em; }
:is([data-variant="segmented_control"], [data-variant="pills"])[data-selected="true"] :is(p, span) { color: var(--glassbox-accent-text); }
[data-testid="stMetricValue"] { font-size: 1.5rem; }
[data-testid="stHeaderActionElements"] { display: none; }
.katex-display { padding: 0.4rem 2px; }
:is([data-testid="stPageLink"] a, [data-testid="stTab"], [data-variant], [data-testid="stMain"]):focus-visible { outline: 2px solid var(--glassbox-accent) !important; outline-offset: 2px; }
[data-testid="stMain"]:focus-visible { outline-offset: -2px; }
:is(.stTextInput, .stTextArea, .stNumberInput, .stSelectbox, .stMultiSelect) div:has(> :is(input, textarea):focus-visible), .stMain span:focus-visible { outline: 2px solid var(--glassbox-accent); outline-offset: -1px; }
.st-key-headline h2 { padding: 0; font-size: 2rem; line-height: 1.2; }
.st-key-photo_ways button[data-testid="stPopoverButton"], .st-key-photo_ways [data-testid="stFileUploaderDropzone"] { min-height: 3.5rem; height: 3.5rem; }
.st-key-photo_ways [data-testid="stFileUploaderDropzone"] { padding-block: 0; align-items: center; }
.st-key-photo_ways [data-testid="stFileUploaderDropzone"] > span { display: flex; }
.st-key-sentiment_inside .katex-display { overflow-x: auto; overflow-y: hidden; padding-block: 2px; margin: 0.35em 0; scrollbar-width: thin; }
.st-key-sentiment_inside .katex { font-size: 1.08em; }
[class*="st-key-sentiment_method_"] { padding-top: 0.9rem; border-top: 1px solid color-mix(in srgb, currentColor 12%, transparent); }
[class*="st-key-sentiment_method_"] [data-testid="stVerticalBlock"] { gap: 0.45rem; }
.st-key-sentiment_field { margin-top: -0.6rem; }
.st-key-sentiment_field .stButton button { min-height: 2rem; padding: 0.15rem 0.7rem; border-radius: 999px; font-size: 0.875rem; }
[data-testid="stElementToolbar"] { display: none; }
@media (max-width: 767px) {
  .stMainBlockContainer { padding: 4.25rem 1rem 2rem; }
  .st-key-photo_ways [data-testid="stColumn"] { min-width: 40%; flex: 1 1 40%; }
  .st-key-photo_ways [data-testid="stColumn"]:first-child { flex-basis: 100%; }
  .st-key-photo_ways [data-testid="stFileUploaderDropzone"] { flex-direction: row; }
  .st-key-figures [data-testid="stHorizontalBlock"] { gap: 0.5rem; }
  .st-key-figures [data-testid="stColumn"] { min-width: 0; }
  .stMainBlockContainer [data-testid="stHorizontalBlock"] { row-gap: 1rem; }
  .st-key-phone_language { display: block; }
  .st-key-sentiment_examples { flex-wrap: nowrap !important; overflow-x: auto; scrollbar-width: none; }
  .st-key-sentiment_examples > * { flex: none !important; width: auto !important; }
  .st-key-sentiment_inside .katex { font-size: 0.92em; }
  .st-key-header { flex-direction: column-reverse; gap: 0.75rem; }
  .st-key-header > * { flex: none; width: 100% !important; }
  .st-key-tools { width: 100% !important; }
  .st-key-tools > * { flex: none; width: auto !important; }
  .st-key-tools > :first-child { margin-right: auto; }
  .st-key-qr button { min-width: 2.75rem; min-height: 2.5rem; }
  .st-key-qr button p { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .st-key-heading h1 { font-size: 1.6rem; }
}
@media (pointer: coarse) { .st-key-present kbd { display: none; } } /* a phone has no keys */
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation: none !important; transition: none !important; scroll-behavior: auto !important; }
}
"""

# Streamlit's own words in the upload and camera widgets are English only; ours stand in their place.
_UPLOAD = """
[data-testid="stFileUploaderDropzoneInstructions"] > * { display: none; }
[data-testid="stFileUploaderDropzoneInstructions"]::after { content: %s; opacity: 0.7; font-size: 0.85rem; }
[data-testid="stFileUploaderDropzone"] > span button p, [data-testid="stFileUploaderDropzone"] > button p { font-size: 0; }
[data-testid="stFileUploaderDropzone"] > span button p::after, [data-testid="stFileUploaderDropzone"] > button p::after { content: %s; font-size: 0.9rem; }
[data-testid="stCameraInputButton"], [data-testid="stCameraInputButton"] p { font-size: 0; }
[data-testid="stCameraInputButton"]::after { content: %s; font-size: 0.9rem; }
"""


# Where a table is wanted and not a photo.
_TABLE = """
.st-key-sentiment_file [data-testid="stFileUploaderDropzoneInstructions"]::after { content: %s; }
.st-key-sentiment_file [data-testid="stFileUploaderDropzone"] > span button p::after, .st-key-sentiment_file [data-testid="stFileUploaderDropzone"] > button p::after { content: %s; }
"""


def dark() -> bool:
    """Whether the visitor's theme is the dark one."""
    return st.context.theme.type == "dark"


def accent() -> str:
    """The one accent colour, as the theme has it."""
    return "#2DD4BF" if dark() else "#0F766E"


def second() -> str:
    """The colour of "the other one": before, random, baseline."""
    return "#F2A071" if dark() else "#B34D15"


def third() -> tuple[str, str, str]:
    """Colours for up to three networks beside one another, none of them the accent or the second colour."""
    return ("#7FB0F0", "#E07CC0", "#C3D05A") if dark() else ("#3B6FB6", "#B0468B", "#6B7A1E")


def muted() -> str:
    """The colour of axes and of what stands back."""
    return "#8FA5A0" if dark() else "#62706D"


def ink() -> str:
    """The colour of words, as the theme has it."""
    return "#E6EFED" if dark() else "#16211F"


def paper() -> str:
    """The colour of the page, as the theme has it."""
    return "#0E1514" if dark() else "#FFFFFF"


def _quoted(key: str) -> str:
    return json.dumps(t(key), ensure_ascii=False)


def write() -> None:
    """Puts the style into the page."""
    words = _UPLOAD % (_quoted("photo.drop"), _quoted("photo.browse"), _quoted("photo.take"))
    words += _TABLE % (_quoted("sentiment.many.drop"), _quoted("sentiment.many.browse"))
    root = (
        f":root {{ --glassbox-accent: {accent()}; --glassbox-on-accent: {'#06201c' if dark() else '#fff'};"
        f" --glassbox-accent-text: {accent() if dark() else '#0B5F58'};"
        f" --glassbox-positive: {accent()}; --glassbox-negative: {second()};"
        f" --glassbox-strength: {'52%' if dark() else '62%'}; }}"
    )
    st.html(f"<style>{root}{_CSS}{words}</style>")
