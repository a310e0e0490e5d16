"""A network as a drawing: which part of it is locked, and the locks to click."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import streamlit as st

from ui.components._declare import declare

_mount = declare("tower")


class Floor(NamedTuple):
    """One part of the network."""

    id: str
    name: str
    about: str  # what it sees, or how many numbers it has
    blocks: tuple[float, ...]  # the height of each of its blocks, 0..1
    open: bool  # whether it learns
    random: bool  # whether it begins with random weights
    fixed: bool  # its lock cannot be changed by itself
    told: str  # what a click does, or why it does nothing: read out, and shown under the mouse


def tower(
    floors: Sequence[Floor], *, key: str, alt: str, words: Mapping[str, str], on_pick: Callable[[str], None]
) -> None:
    """The network from the input to the classes; a click on a part's lock calls `on_pick` with its id.

    Args:
        alt: what the drawing shows, read out before it.
        words: `input` and `output`, at its two ends.
    """

    def picked() -> None:
        chosen = st.session_state[key].get("pick")
        if any(chosen == floor.id for floor in floors):
            on_pick(chosen)

    _mount(
        key=key,
        data={"key": key, "alt": alt, "floors": [floor._asdict() for floor in floors], "words": dict(words)},
        on_pick_change=picked,
    )
