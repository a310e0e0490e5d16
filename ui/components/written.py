"""A text as it was written or read, token by token: how surprising each was, and what was likely instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ui.components._declare import declare, picking

_mount = declare("written")
MOST = 10.0  # bits of a token at which the colour is full


class Glyph(NamedTuple):
    """One token."""

    before: str  # spaces and line breaks before it
    text: str  # its letters, never taken for HTML
    bits: float | None  # None: it was given, and has no colour
    told: str = ""  # its numbers in words
    likely: tuple[
        tuple[str, float, str], ...
    ] = ()  # what was likely in its place: name, share, the share as text
    chosen: bool = False  # by hand, not drawn


def written(
    glyphs: Sequence[Glyph],
    *,
    key: str,
    alt: str,
    words: Mapping[str, str],
    lines: int = 0,
    large: bool = False,
    cursor: bool = False,
    legend: bool = True,
    on_pick: Callable[[int], None] | None = None,
) -> None:
    """The text, a colour behind each token. Under the mouse, a finger or the arrow keys a token opens a card
    with its numbers and the likeliest tokens in its place.

    Args:
        alt: what the colours mean, read out before the text.
        words: `low` and `high`, the ends of the colours; `likely`, over the list; `hint`, below the text.
        lines: that are shown; more scroll. 0: all.
        large: for a poem.
        cursor: whether a caret stands at the end.
        legend: whether the colours are explained below.
        on_pick: called with a token's place before the page runs again.
    """
    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "glyphs": [list(glyph) for glyph in glyphs],
            "most": MOST,
            "words": dict(words),
            "lines": lines,
            "large": large,
            "cursor": cursor,
            "legend": legend,
            "still": on_pick is None,
        },
        on_pick_change=picking(key, range(len(glyphs)), on_pick),
    )
