"""A text as five networks read it: what each thinks, token by token, and what happens inside."""

from __future__ import annotations

import streamlit as st

from core import language
from ui import (
    frame,
    sentiment,
    sentiment_attention,
    sentiment_edit,
    sentiment_fails,
    sentiment_many,
    sentiment_ngrams,
    sentiment_recurrent,
    sentiment_space,
    sentiment_tuned,
    sentiment_words,
)
from ui.words import t


@frame.fragment
def bench(framed: str) -> None:
    """The text and all that is shown of it; it reruns alone, but where the frame tells of another network."""
    model = sentiment.chosen_model()
    if model != framed:
        st.rerun()
    text = sentiment.field()
    look = sentiment.looked(text, model)
    within = None  # what is looked into: nothing of a text that no network can read
    if look is None:
        sentiment.empty()
    else:
        with frame.told():
            overview(look)
            within = sentiment.inner(look)
    with st.container(key="sentiment_inside"):
        sentiment.control()
        for name, tab in sentiment.tabs(model):
            if tab.open:
                with tab, frame.told():
                    show(name, within, model)


def overview(look: sentiment.Look) -> None:
    """What stands above the fold: all verdicts, and how three networks come to theirs."""
    curve, answers = st.columns([8, 5], gap="large")
    with answers, sentiment.working():
        sentiment.answer(look)
        sentiment_tuned.verdict(look)
    with curve, sentiment.working():
        sentiment.running(look)
    sentiment.windows(look)


def show(tab: str, look: sentiment.Look | None, model: str) -> None:
    """What stands under a tab; only the open one is computed."""
    match tab:
        case "space":
            sentiment_space.space(look, model)
        case "many":
            sentiment_many.many(model)
        case "fails":
            sentiment_fails.fails(model)
        case _ if look is None:
            st.caption(t("sentiment.needs_text"))
        case "words":
            sentiment_words.words(look)
        case "edit":
            sentiment_edit.edit(look)
        case "inside":
            inside(look)


def inside(look: sentiment.Look) -> None:
    """The states, the gates, the attention or the n-grams: what the network has."""
    match look.model:
        case "bag_of_words":
            sentiment_ngrams.ngrams(look)
        case "rnn" | "gru":
            sentiment_recurrent.recurrent(look)
        case _:
            sentiment_attention.attention(look)


with frame.page("sentiment") as here:
    here.card = language.sentiment(sentiment.chosen_model()).card
    bench(sentiment.chosen_model())
