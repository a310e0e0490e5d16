"""A dense grid of small maps, one of which is chosen; nothing fades, since the colours are numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ui.components._declare import declare, picking

_mount = declare("channel_grid")


class Channel(NamedTuple):
    """One map of the grid."""

    number: int
    caption: str
    title: str  # told under the mouse and read out
    source: str  # a data URI


def channel_grid(
    items: Sequence[Channel],
    *,
    key: str,
    alt: str,
    selected: int,
    pixelated: bool,
    on_pick: Callable[[int], None],
    columns: int = 0,
) -> None:
    """Small maps in rows, as many side by side as there is room for.

    Args:
        alt: what the grid is, read out before it.
        selected: the number of the one chosen now.
        pixelated: show single pixels as squares.
        on_pick: called with the number before the page runs again.
        columns: exactly so many side by side, close together and without captions; 0: as many as fit.
    """

    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "items": [item._asdict() for item in items],
            "selected": selected,
            "pixelated": pixelated,
            "columns": columns,
        },
        on_pick_change=picking(key, [item.number for item in items], on_pick),
    )
