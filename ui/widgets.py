"""Widgets that follow from a function's signature: one for each parameter that `core.params` reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.params import Parameter
from ui.words import t

MOST_SEGMENTS = 24  # letters (a Chinese one counts for two) of all choices together that fit side by side


def parameter(
    found: Parameter, value: Any, *, key: str, words: str, on_change: Callable[[str, Any], None]
) -> None:
    """A toggle, segments or a list, or a slider, set to `value`.

    Args:
        key: the widget's key.
        words: the messages begin with it: `WORDS.NAME` is the label, `WORDS.NAME.CHOICE` a choice.
        on_change: called with the parameter's name and its new value before the page runs again.
    """
    label = t(f"{words}.{found.name}")

    def told() -> None:
        new = st.session_state[key]
        if new is not None:
            on_change(found.name, new)

    if st.session_state.get(key) != value:  # writing it always would move a slider that is being dragged
        st.session_state[key] = value
    # The value is the widget's default, too: where two drawings of a new widget reach a busy browser together,
    # it sees the second alone, into which nothing was written, and would send the default back as a choice.
    if found.kind == "bool":
        st.toggle(label, value, key=key, on_change=told)
    elif found.range is None:
        names = {choice: t(f"{words}.{found.name}.{choice}") for choice in found.choices}
        wide = sum(len(name.encode("gbk", "replace")) + 3 for name in names.values())
        if wide <= MOST_SEGMENTS:
            st.segmented_control(
                label,
                found.choices,
                default=value,
                key=key,
                format_func=names.__getitem__,
                required=True,
                on_change=told,
            )
        else:
            st.selectbox(
                label,
                found.choices,
                found.choices.index(value),
                key=key,
                format_func=names.__getitem__,
                on_change=told,
            )
    else:
        number = int if found.kind == "int" else float
        st.slider(
            label,
            number(found.range.low),
            number(found.range.high),
            number(value),
            step=number(found.range.step),
            format=number_format(found),
            key=key,
            on_change=told,
        )


def number_format(found: Parameter) -> str:
    """As many decimals as the steps of a number need: "%d", "%.2f"."""
    if found.range is None or found.kind == "int":
        return "%d"
    text = f"{found.range.step:g}"
    return f"%.{len(text.partition('.')[2])}f"


def written(found: Parameter, value: Any, *, words: str) -> str:
    """A value in the visitor's words."""
    if found.kind == "bool":
        return t("widget.yes" if value else "widget.no")
    return t(f"{words}.{found.name}.{value}") if found.range is None else number_format(found) % value
