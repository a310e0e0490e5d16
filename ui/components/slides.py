"""The keys and the counter of a talk."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from ui.components._declare import declare

_mount = declare("slides")


def slides(
    *,
    key: str,
    place: int,
    count: int,
    title: str,
    words: Mapping[str, str],
    on_step: Callable[[int], None],
    on_leave: Callable[[], None],
    sight: str = "",
) -> None:
    """A small counter in the corner; the arrow keys go on and back, Escape leaves.

    The keys are heard anywhere on the page, except where a control that has the focus uses them itself.

    Args:
        place: of this stop, from 1; 0 where the talk is left for a moment.
        title: of this stop.
        words: `back`, `on`, `leave`: what the three buttons do; `hint`: which keys there are.
        on_step: called with 1 or -1 before the page runs again.
        sight: the key of what a stop brings to the top of the screen; the top of the page if not given.
    """

    def stepped() -> None:
        chosen = st.session_state[key].get("step")
        if chosen in ("on", "back"):
            on_step(1 if chosen == "on" else -1)
        elif chosen == "leave":
            on_leave()

    _mount(
        key=key,
        data={
            "key": key,
            "place": place,
            "count": count,
            "title": title,
            "sight": sight,
            "words": dict(words),
        },
        on_step_change=stepped,
    )
