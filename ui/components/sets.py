"""Cards to choose a data set from: what is in it as four small pictures, or as lines of text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ui.components._declare import declare, picking

_mount = declare("sets")


class SetCard(NamedTuple):
    """One card."""

    id: str
    title: str
    caption: str
    sources: tuple[str, ...] = ()  # data URIs of up to four pictures
    lines: tuple[str, ...] = ()  # of text, where there are no pictures
    icon: str = ""  # "pictures", "zip" or "texts", where there is nothing to show yet


def sets(
    items: Sequence[SetCard], *, key: str, alt: str, selected: str | None, on_pick: Callable[[str], None]
) -> None:
    """A row of cards, one of which is chosen; on a phone it scrolls sideways.

    Args:
        alt: what is to be chosen here, read out before the cards.
        on_pick: called with the id before the page runs again.
    """

    _mount(
        key=key,
        data={"key": key, "alt": alt, "items": [item._asdict() for item in items], "selected": selected},
        on_pick_change=picking(key, [item.id for item in items], on_pick),
    )
