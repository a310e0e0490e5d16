"""The distribution of the next token as bars, and the four controls that change it, live in the browser."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from core.types import Floats
from ui.components._declare import declare

_mount = declare("next_token")
NAMED = 80  # tokens whose names travel: those shown, and those that may take their place when others fall


class Control(NamedTuple):
    """One slider."""

    name: str
    label: str
    help: str
    low: float
    high: float
    step: float
    value: float
    digits: int
    off: str = ""  # what stands instead of the number where it does nothing
    off_at: float | None = None


def next_token(
    scores: Floats,
    ids: Sequence[int],
    names: Sequence[str],
    before: Sequence[int],
    controls: Sequence[Control],
    *,
    key: str,
    alt: str,
    words: Mapping[str, str],
    on_pick: Callable[[int], None],
    on_change: Callable[[dict[str, Any]], None],
    shown: int = 8,
) -> None:
    """Bars with their numbers: a click takes a token. A slider that is dragged moves the bars at once; when
    it is let go the page is told.

    The browser repeats the steps of `core.language.generation.sampling.choose` on the scores; a test holds
    that both agree.

    Args:
        scores: (n,) of all tokens that may be drawn, the highest first.
        ids: of the first `NAMED` of them.
        names: theirs, never taken for HTML.
        before: places in `scores` of the tokens that were there before.
        controls: temperature, top_k, top_p and repetition_penalty.
        alt: what the bars show, read out before them.
        words: `kept` with {count} and {all}; `rest`; `out`, said of a token that cannot be drawn; `greedy`;
            `model`, what the thin mark is.
        on_pick: called with an id before the page runs again.
        on_change: called with the values of all controls before the page runs again; to be checked.
        shown: how many bars.
    """

    def picked() -> None:
        chosen = st.session_state[key].get("pick")
        if isinstance(chosen, int) and not isinstance(chosen, bool) and chosen in ids:
            on_pick(chosen)

    def changed() -> None:
        values = st.session_state[key].get("sampling")
        if isinstance(values, dict):
            on_change(values)

    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "scores": base64.b64encode(np.ascontiguousarray(scores, "<f4").tobytes()).decode("ascii"),
            "ids": list(ids),
            "names": list(names),
            "before": list(before),
            "controls": [control._asdict() for control in controls],
            "words": dict(words),
            "shown": shown,
        },
        on_pick_change=picked,
        on_sampling_change=changed,
    )
