"""What a network thinks the photo is, where it looked, and what that explanation is worth."""

from __future__ import annotations

import streamlit as st

from core.vision.faithfulness import Faithfulness
from core.vision.models import MODELS
from ui import answers, frame, networks, photo, state, turns, ways

with turns.answering(), frame.page("classify", ahead=answers.ahead) as here:
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
    here.surround()
    photo.chooser()

    def score() -> Faithfulness:
        return answers.score(answer, chosen, layer, heatmap)

    pieces = {
        "closer": lambda: answers.closer(answer, model, chosen),
        "worth": lambda: answers.curves(score()),
        "ways": lambda: ways.side_by_side(answer, chosen),
        "maths": lambda: answers.maths(answer, chosen),
    }
    for tab, container in answers.tabs():
        with container:
            if tab == "many":  # its files stay, whatever tab is open
                answers.many(name, container.open)
            elif container.open:
                pieces[tab]()
    with figures:
        answers.figures(answer, score())
