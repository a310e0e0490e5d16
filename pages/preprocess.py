"""A chain of preprocessing steps, what each makes of the photo, and what the network thinks of it then."""

from __future__ import annotations

import streamlit as st

from ui import frame, networks, photo, studio, studio_chain, studio_closer


@frame.fragment
def bench() -> None:
    """The chain; it reruns alone, without the frame and the photos."""
    found = studio.opened()
    strip = st.container(key="studio_strip")
    studio.refusal(found)
    with st.container(key="studio_tools", horizontal=True, horizontal_alignment="distribute"):
        look = st.container(width="content")
        change = st.container(width="content", horizontal=True, gap="xsmall")
    large, words = st.columns([4, 3], gap="large")
    busy = large.container(key="studio_busy")
    picture = large.container(key="studio_picture", horizontal_alignment="center")

    with look:
        mode = studio.mode(found)
    with busy:
        studio.run(found, studio.needed(found, mode))
    with picture:
        if mode == "draw":
            studio.rectangle(found)
        else:
            studio.picture(found, mode)
    with busy:
        studio.run(found)
    shown = studio.work(found)
    with strip:
        studio.cards(shown)
    with change:
        studio.tools(found)
    with words:
        with st.container(key="studio_answer" if found.chain.steps else "studio_first"):
            studio.answer(shown)
        if mode == "draw":
            studio.result(shown)
        if shown.step is not None:
            studio.parameters(shown, mode)
        elif not found.chain.steps:
            studio.stories()
    studio_closer.closer(shown)


with frame.page("preprocess") as here:
    studio_chain.restore()
    here.card = studio.card()
    networks.choose("studio_model", (studio_chain.MODEL,))
    bench()
    photo.chooser()
