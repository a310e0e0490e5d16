"""The home page's look at the language model: a text that it has begun, and what it holds likely next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.language import generation
from core.language.calibration import softmax
from core.language.generation import Sampling
from core.language.generation.writing import Draft, prompt
from ui import cache, state
from ui.components import Bar, bars
from ui.components.written import written
from ui.frame import entry, page_link, told
from ui.language_model import Step, desk_words, given, glyphs_of, name_of, piece, ships, steps_of
from ui.words import percent, t

BEGUN = {"en": ("reviews", "This movie is", "en_positive"), "zh": ("poems", "明月", "five_4")}
TOKENS = 16  # that are written
LISTED = 6


def station() -> None:
    """A verse or a sentence, coloured by surprisal, and the next token in bars; a link leads to the page."""
    begun = BEGUN[state.texts_language()]
    if not ships(begun[0], "transformer"):
        begun = BEGUN["zh"]
    if not ships(begun[0], "transformer"):
        return
    with st.container(key="home_language", gap="xsmall"):
        st.markdown(f"**{t('language_model.home')}**")
        st.caption(t("language_model.home.about"))
        with told():
            _begun(*begun)
        page_link(entry("language_model"), t("language_model.next"), icon=":material/arrow_forward:")


@dataclass(frozen=True)
class Beginning:
    """A text that was begun, as the model went on with it: the same for everybody."""

    steps: tuple[Step, ...]
    likely: tuple[tuple[str, float], ...]  # the tokens that are likeliest next, each with its probability


def draft(training: str, text: str, form: str) -> Beginning:
    """What the model goes on with, and what it holds likely then."""
    found = Draft(model := generation.language_model(training, "transformer"), prompt(model, text, form))
    rules, random = Sampling(temperature=0.5), np.random.default_rng(0)
    first, left = found.prompt, TOKENS
    while left and not found.over:
        found.take(found.choice(rules).draw(random))
        left -= 1
    if found.over:
        found.undo()  # the bars show what might still come
    row = softmax(model.begin(found.ids).logits)
    order = np.argsort(-row, kind="stable")[:LISTED]
    return Beginning(
        tuple(steps_of(model, found.ids, first)),
        tuple((name_of(model.vocabulary, int(id)), float(row[id])) for id in order),
    )


def _begun(training: str, text: str, form: str) -> None:
    begun = cache.begun(training, text, form)
    page, choices = st.columns([7, 5], gap="large")
    with page:
        start = given(text, training)
        written(
            [*start, *glyphs_of(begun.steps, training, last=start[-1].text)],
            key="home_language_written",
            alt=t("language_model.written.alt"),
            words=desk_words() | {"hint": ""},
            large=training == "poems",
            cursor=True,
        )
    with choices:
        largest = begun.likely[0][1]
        bars(
            [
                Bar(str(place), piece(name, training), "", share / largest, percent(share))
                for place, (name, share) in enumerate(begun.likely)
            ],
            key="home_language_bars",
            alt=t("language_model.choices.alt"),
            compact=True,
        )
