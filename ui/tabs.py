"""Tabs of which only the open one is computed; the link and another language keep it open."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st
from streamlit.elements.lib.mutable_tab_container import TabContainer

from ui import state


def tabs(key: str, labels: Mapping[str, str], variant: str = "") -> list[tuple[str, TabContainer]]:
    """Draws tabs; whoever fills them looks at each one's `open` first.

    Args:
        key: under which the open tab's name is remembered.
        labels: what stands on each tab, by its name; the first is open at first.
        variant: told apart from another set of labels under the same key, beside the language.
    """
    names = tuple(labels)
    chosen = state.remember(key, names[0], options=names, url="tab")
    widget = f"{key}_{state.visit().language}{variant}"
    st.session_state[widget] = labels[chosen]
    called = {label: name for name, label in labels.items()}

    def opened() -> None:
        open_tab(key, called.get(st.session_state[widget], names[0]))

    return list(zip(names, st.tabs(list(labels.values()), key=widget, on_change=opened), strict=True))


def open_tab(key: str, name: str) -> None:
    """Opens a tab in the run that follows; for a widget's callback."""
    st.session_state[key] = name
    state.keep(key, "tab")
