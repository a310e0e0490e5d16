"""A text cut into tokens, each with a colour for its score; the visitor's letters are never taken for HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from ui.components._declare import declare, picking

_mount = declare("tokens")


class Piece(NamedTuple):
    """One token."""

    before: str  # what stands between the token before and this one: spaces, line breaks
    text: str  # the visitor's own letters
    score: float  # -1..1; 0 has no colour
    told: str  # the score as a number
    mark: Literal["", "gone", "new"] = ""  # taken out, put in


class Ends(NamedTuple):
    """The legend's colour bar; without a `low` it begins at zero."""

    low: str
    middle: str
    high: str


def tokens(
    pieces: Sequence[Piece],
    *,
    key: str,
    alt: str,
    legend: Ends | None = None,
    selected: int | None = None,
    hint: str = "",
    most: int = 0,
    on_pick: Callable[[int], None] | None = None,
) -> None:
    """The text as it was typed, a colour behind each token: one side of zero or the other.

    The number of a token is told under the mouse, and with the arrow keys.

    Args:
        alt: what the colours mean, read out before the text.
        legend: what the ends of the colours mean.
        selected: the token chosen now.
        hint: a few words below, while no token is told.
        most: lines that are shown; more scroll. 0: all.
        on_pick: called with a token's place before the page runs again; without it nothing is chosen.
    """

    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "pieces": [list(piece) for piece in pieces],
            "legend": legend._asdict() if legend else None,
            "selected": selected,
            "hint": hint,
            "most": most,
            "still": on_pick is None,
        },
        on_pick_change=picking(key, range(len(pieces)), on_pick),
    )
