"""Probabilities over the tokens of a text: lines above, the tokens as their axis below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ui.components._declare import declare

_mount = declare("curve")


class Strand(NamedTuple):
    """One network's line: a probability after some of the tokens."""

    name: str
    colour: str  # "#rrggbb"
    dash: str  # of SVG's stroke-dasharray; "" for a solid line
    values: tuple[float | None, ...]  # one a token, 0..1; None where it says nothing
    told: tuple[str, ...]  # the same as words
    last: str  # the last one, beside the name
    turns: tuple[int, ...]  # tokens at which it changes its mind
    starts: tuple[int, ...] = ()  # tokens at which it begins anew: the line is broken before them
    strong: bool = False  # the one that the page is about


def curve(
    tokens: Sequence[str],
    strands: Sequence[Strand],
    *,
    key: str,
    alt: str,
    words: Mapping[str, str],
    band: tuple[float, float],
    height: int = 200,
) -> None:
    """Lines over tokens, which scroll sideways where there are many. Under the mouse, a finger or the
    arrow keys a token tells what each line is there.

    Args:
        tokens: as they are shown; the visitor's own letters, never taken for HTML.
        alt: what the lines show, read out before them.
        words: `positive`, `negative`, at the ends of the axis; `turn`, what the mark of a turn means.
        band: between which probabilities a network is said to be unsure.
        height: of the lines, in pixels.
    """
    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "tokens": list(tokens),
            "strands": [strand._asdict() for strand in strands],
            "words": dict(words),
            "band": list(band),
            "height": height,
        },
    )
