"""What every layer would have said at every token: a table of guesses, coloured by how sure each is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import streamlit as st

from ui.components._declare import declare

_mount = declare("lens")


class Guess(NamedTuple):
    """One cell."""

    name: str
    share: float
    told: str  # the share as text
    right: bool  # whether this token came


def lens(
    tokens: Sequence[str],
    rows: Sequence[tuple[str, Sequence[Guess]]],
    came: Sequence[str],
    *,
    key: str,
    alt: str,
    words: Mapping[str, str],
    selected: int,
    on_pick: Callable[[int], None],
) -> None:
    """A column a token that was read, a row a layer, the last one on top; scrolls sideways to its end.

    Args:
        tokens: that were read, under the table; the visitor's own letters, never taken for HTML.
        rows: (name of the layer, its guess after each token), from top to bottom.
        came: what came after each token; "" where nothing has yet.
        alt: what the table shows.
        words: `read`, beside the tokens; `came`, beside what came; `cell` with {layer}, {guess} and {share}.
        selected: the column chosen now.
        on_pick: called with a column before the page runs again.
    """

    def picked() -> None:
        chosen = st.session_state[key].get("pick")
        if isinstance(chosen, int) and not isinstance(chosen, bool) and 0 <= chosen < len(tokens):
            on_pick(chosen)

    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "tokens": list(tokens),
            "rows": [[name, [list(guess) for guess in guesses]] for name, guesses in rows],
            "came": list(came),
            "words": dict(words),
            "selected": selected,
        },
        on_pick_change=picked,
    )
