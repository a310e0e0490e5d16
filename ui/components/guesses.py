"""Examples with what a network says of each: right or wrong, how sure, and how that came about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ui.components._declare import declare, picking

_mount = declare("guesses")


class Guess(NamedTuple):
    """One example and the network's word on it."""

    id: str
    source: str  # a data URI, or ""
    text: str  # where it is no picture
    named: str  # what the network calls it
    share: str  # how sure, in letters
    right: bool
    told: str  # all of it in a sentence: read out, and shown under the mouse
    history: tuple[float, ...] = ()  # the probability of the true class, epoch by epoch


def guesses(
    items: Sequence[Guess],
    *,
    key: str,
    alt: str,
    selected: str | None = None,
    on_pick: Callable[[str], None] | None = None,
    columns: int = 6,
) -> None:
    """Cards side by side. Without `on_pick` they only show.

    Args:
        alt: what the cards show, read out before them.
        selected: the id of the one chosen now.
        on_pick: called with the id before the page runs again.
        columns: how many stand in a row where there is room.
    """

    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "items": [item._asdict() for item in items],
            "selected": selected,
            "still": on_pick is None,
            "columns": columns,
        },
        on_pick_change=picking(key, [item.id for item in items], on_pick),
    )
