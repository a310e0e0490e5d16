"""The way through the network as a row of pictures, each leading to its page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st

from ui.components._declare import declare

_mount = declare("flow")


class Station(NamedTuple):
    """One stop on the way: one picture, or four small ones, with two lines of words."""

    id: str
    title: str
    caption: str
    sources: tuple[str, ...]  # data URIs, one or four
    pixelated: bool = False


def flow(items: Sequence[Station], *, key: str, alt: str, on_pick: Callable[[str], None]) -> None:
    """Stations from left to right with arrows between them; a click on one calls `on_pick` with its id."""

    def picked() -> None:
        chosen = st.session_state[key].get("pick")
        if any(chosen == item.id for item in items):
            on_pick(chosen)

    _mount(
        key=key,
        data={"key": key, "alt": alt, "items": [item._asdict() for item in items]},
        on_pick_change=picked,
    )
