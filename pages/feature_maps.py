"""Inside the network: every layer, every channel, and the arithmetic of one pixel."""

from __future__ import annotations

import streamlit as st

from ui import (
    frame,
    inside,
    inside_arithmetic,
    inside_channels,
    inside_closer,
    inside_network,
    inside_own,
    photo,
    state,
)
from ui.words import t

TABS = ("channels", "arithmetic", "kernel", "sandbox", "seeks", "statistics", "layers", "own")


@frame.fragment
def bench(framed: str) -> None:
    """The network and all that is chosen in it; it reruns alone, but where the frame tells of another network."""
    choice = inside.chosen_model()
    if choice != framed:
        st.rerun()
    inside_own.style()
    slot = inside.controls()
    picture = st.container(key="inside_picture")
    with picture:
        network = inside_own.opened(choice)
        if network is None:
            return
        with inside.waiting(network):
            look = inside.look(network, state.visit().photo)
            drawn = inside_network.drawing(look)
        with slot:
            inside.slider(network, look.layer)
        inside_network.whole(look, drawn)
    with st.container(key="inside_apart"):
        inside_network.apart(look)

    with st.container(key="inside_tabs"):
        for name, tab in inside.tabs(TABS):
            if tab.open:
                with tab:
                    show(name, look)


def show(tab: str, look: inside.Look) -> None:
    """What stands under a tab; only the open one is computed."""
    match tab:
        case "channels":
            inside_channels.channels(look)
        case "arithmetic":
            inside_arithmetic.one_number(look)
        case "kernel":
            inside_arithmetic.another_kernel(look)
        case "sandbox":
            inside_closer.sandbox()
        case "seeks":
            inside_closer.seeks(look)
        case "statistics":
            inside_closer.statistics(look)
        case "layers":
            inside_closer.layers(look)
        case "own":
            inside_own.own()


with frame.page("feature_maps") as here:
    here.card = inside_own.card()
    bench(inside.chosen_model())
    st.caption(t("feature_maps.engine"))
    photo.chooser()
