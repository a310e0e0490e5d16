"""What a network thinks the photo is, where it looked, and what that explanation is worth."""

from __future__ import annotations

import streamlit as st

from core.vision.models import MODELS
from ui import answers, frame, networks, photo, state, turns, ways
from ui.words import t

with turns.answering(), frame.page("classify") as here:
    name = networks.named(networks.choice("classify_model", MODELS))
    model = networks.model(name)
    here.card = None if networks.is_tuned(name) else model.card
    answer = answers.classify(name, state.visit().photo)
    chosen = answers.chosen_class(answer)
    layer = answers.chosen_layer(model)

    picture, words = st.columns([5, 4], gap="large")
    with words:
        networks.choose("classify_model", MODELS)
        answers.headline(answer)
        answers.top_bars(answer, chosen)
        turns.answered(wait=answers.is_new(answer))
        figures = st.container(key="figures", height=112, border=False)
    with picture:
        heatmap = answers.heatmap(answer, chosen, layer)
        answers.picture(answer, chosen, layer, heatmap)
    photo.chooser()

    tabs = ("closer", "worth", "ways", "maths", "many")
    closer, worth, others, maths, many = st.tabs([t(f"classify.tab.{tab}") for tab in tabs])
    with closer:
        answers.closer(answer, model, chosen)
    with others:
        ways.side_by_side(answer, chosen)
    with maths:
        answers.maths(answer, chosen)
    with many:
        answers.many(name)
    with worth:
        score = answers.score(answer, chosen, layer, heatmap)
        answers.curves(score)
    with figures:
        answers.figures(answer, score)
