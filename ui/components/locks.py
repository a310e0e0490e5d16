"""Two towers side by side with their locks: which of them learns, to choose from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import streamlit as st

from ui.components._declare import declare

_mount = declare("locks")


class LockCard(NamedTuple):
    """One way to lock."""

    id: str
    title: str
    about: str
    image: bool  # whether the image tower learns
    text: bool  # whether the text tower learns; the projection always does
    result: str = ""  # what came of it, once it was tuned
    colour: str = ""  # "#rrggbb" of its lines in the charts


def locks(
    items: Sequence[LockCard],
    *,
    key: str,
    alt: str,
    words: Mapping[str, str],
    selected: str,
    on_pick: Callable[[str], None],
) -> None:
    """Cards, one of which is chosen.

    Args:
        alt: what is to be chosen, read out before the cards.
        words: `image`, `text`, `projection`: the three parts; `locked` and `learns`, read out for each.
        on_pick: called with an id before the page runs again.
    """

    def picked() -> None:
        chosen = st.session_state[key].get("pick")
        if any(chosen == item.id for item in items):
            on_pick(chosen)

    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "items": [item._asdict() for item in items],
            "words": dict(words),
            "selected": selected,
        },
        on_pick_change=picked,
    )
