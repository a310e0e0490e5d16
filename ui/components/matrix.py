"""A confusion matrix whose cells can be opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st
from numpy.typing import NDArray

from ui.components._declare import declare

_mount = declare("matrix")


def matrix(
    counts: NDArray,  # type: ignore[type-arg]
    names: Sequence[str],
    *,
    key: str,
    alt: str,
    words: Mapping[str, str],
    selected: tuple[int, int] | None,
    on_pick: Callable[[tuple[int, int]], None],
) -> None:
    """How often each class (rows) was called which (columns); a click on a cell opens it.

    Args:
        counts: (classes, classes) of whole numbers.
        names: of the classes, in their order; shown as text.
        alt: what the table shows, read out before it.
        words: `true` and `named`, over the rows and columns; `cell` with {count}, {true} and {named}.
        selected: (true class, named class) of the cell that is open now.
        on_pick: called with a cell before the page runs again.
    """
    size = len(names)

    def picked() -> None:
        chosen = st.session_state[key].get("pick")
        if (
            isinstance(chosen, list)
            and len(chosen) == 2
            and all(isinstance(one, int) and 0 <= one < size for one in chosen)
        ):
            on_pick((chosen[0], chosen[1]))

    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "counts": counts.tolist(),
            "names": list(names),
            "words": dict(words),
            "selected": list(selected) if selected else None,
        },
        on_pick_change=picked,
    )
