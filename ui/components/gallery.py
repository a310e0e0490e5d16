"""A row or a grid of small pictures, one of which is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st

from ui.components._declare import declare

_mount = declare("gallery")


class GalleryItem(NamedTuple):
    """One picture of a gallery."""

    id: str
    caption: str
    alt: str
    source: str  # a data URI (`thumbnail`), or the address of a static file


def gallery(
    items: Sequence[GalleryItem],
    *,
    key: str,
    alt: str,
    selected: str | None = None,
    columns_hint: int = 8,
    wrap: bool = False,
    pixelated: bool = False,
    on_pick: Callable[[str], None] | None = None,
) -> str | None:
    """Thumbnails to click; the chosen one ringed, the others faded.

    Returns the id of the picture clicked since the last run, once; otherwise None. The page keeps
    the choice and passes it as `selected`.

    Args:
        alt: what is to be chosen here, read out before the pictures.
        selected: the id of the one chosen now.
        columns_hint: how many stand side by side where there is room for them.
        wrap: break into a grid. Otherwise it is one row, which scrolls sideways on a phone.
        pixelated: show single pixels as squares rather than smoothed.
        on_pick: called with the id before the page runs again, like a button's `on_click`.
    """

    def picked() -> None:
        chosen = st.session_state[key].get("pick")
        if on_pick is not None and chosen is not None:
            on_pick(chosen)

    result = _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "items": [GalleryItem(*item)._asdict() for item in items],
            "selected": selected,
            "columns": columns_hint,
            "wrap": wrap,
            "pixelated": pixelated,
        },
        on_pick_change=picked,
    )
    chosen: str | None = result.get("pick")
    return chosen if any(chosen == item[0] for item in items) else None
