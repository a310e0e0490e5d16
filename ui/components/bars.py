"""Probabilities as bars, one of which is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ui.components._declare import declare, picking

_mount = declare("bars")


class Bar(NamedTuple):
    """One bar: a class, its name in both languages and its probability."""

    id: str
    name: str
    other: str
    share: float  # 0..1, the length of the bar
    text: str  # the number beside it


def bars(
    items: Sequence[Bar],
    *,
    key: str,
    alt: str,
    selected: str | None = None,
    on_pick: Callable[[str], None] | None = None,
    compact: bool = False,
) -> None:
    """Horizontal bars with their numbers; a click chooses one. Without `on_pick` they only show.

    Args:
        alt: what the bars show, read out before them.
        selected: the id of the one chosen now.
        on_pick: called with the id before the page runs again.
        compact: name, bar and number in one line.
    """

    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "items": [item._asdict() for item in items],
            "selected": selected,
            "still": on_pick is None,
            "compact": compact,
        },
        on_pick_change=picking(key, [item.id for item in items], on_pick),
    )
