"""How a component of ours is registered: its markup, style and script are files in `web/`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

_WEB = Path(__file__).parent / "web"


def declare(name: str) -> ComponentRenderer:
    """Register `web/NAME.html|css|js` behind the parts all of them share; gives what mounts it.

    The browser loads each script as a module of its own that can import nothing, so the shared
    functions are put in front of it.
    """

    def read(file: str) -> str:
        return (_WEB / file).read_text(encoding="utf-8")

    return st.components.v2.component(
        f"glassbox_{name}",
        html=read(f"{name}.html"),
        css=read("common.css") + read(f"{name}.css"),
        js=read("common.js") + read(f"{name}.js"),
    )


def picking(key: str, known: Collection[Any], on_pick: Callable[[Any], None] | None) -> Callable[[], None]:
    """The callback of a component in which one of several things is picked.

    What the browser says is taken only if it is one of `known`, of its very type; without `on_pick` nothing is.
    """

    def picked() -> None:
        chosen = st.session_state[key].get("pick")
        if on_pick is not None and any(chosen == one and type(chosen) is type(one) for one in known):
            on_pick(chosen)

    return picked


def picking_cell(key: str, size: int, on_pick: Callable[[tuple[int, int]], None]) -> Callable[[], None]:
    """The same for a cell (row, column) of a square table with `size` rows."""

    def picked() -> None:
        chosen = st.session_state[key].get("pick")
        if (
            isinstance(chosen, list)
            and len(chosen) == 2
            and all(isinstance(one, int) and 0 <= one < size for one in chosen)
        ):
            on_pick((chosen[0], chosen[1]))

    return picked
