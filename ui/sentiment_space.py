"""Which words a network takes for alike: the neighbours of any token, and a map of words to add to."""

from __future__ import annotations

import re

import streamlit as st

from core.language import calibration, embedding_space
from ui import cache, charts, state
from ui.components.bars import Bar, bars
from ui.components.tokens import Piece, tokens
from ui.sentiment import Look, cut, quoted, shown, turns
from ui.words import t

COUNT = 10
MOST = 40  # words that a visitor can add
LONGEST = 40  # letters of one


def space(look: Look | None, model: str) -> None:
    """The neighbours of a token of the text, and the map; the map alone while there is no text."""
    if not embedding_space.has_embedding(model):
        st.info(t("sentiment.space.none", name=t(f"sentiment.name.{model}")), icon=":material/info:")
        return
    left, right = st.columns([4, 7], gap="large")
    with left:
        if look is None:
            st.caption(t("sentiment.needs_text"))
        else:
            _neighbours(look)
    with right:
        _map(model)


def _neighbours(look: Look) -> None:
    reading = look.reading()
    place = _place(look)
    st.markdown(t("sentiment.space.lead"))
    tokens(
        [Piece(before, letters, 0.0, "") for before, letters in cut(reading)],
        key="sentiment_space_tokens",
        alt=t("sentiment.space.tokens"),
        selected=place,
        most=5,
        on_pick=lambda place: (
            state.visit().kept.setdefault("sentiment_token", {}).update({(look.model, look.digest): place})
        ),
    )
    token = reading.tokens[place]
    st.markdown(f"**{t('sentiment.space.nearest', token=quoted(shown(reading)[place]))}**")
    found = cache.neighbours(look.model, token.id, COUNT)
    bars(
        [
            Bar(str(each.id), each.piece, "", max(each.cosine, 0.0), f"{each.cosine:.2f}".replace("-", "−"))
            for each in found
        ],
        key="sentiment_neighbours",
        alt=t("sentiment.space.nearest.alt"),
        compact=True,
    )
    st.caption(t("sentiment.space.cosine"))


def _place(look: Look) -> int:
    """The token whose neighbours are shown: the one chosen, else the one at which the network turns."""
    chosen: dict[tuple[str, str], int] = state.visit().kept.setdefault("sentiment_token", {})
    while len(chosen) > 3 * state.RECENT:
        del chosen[next(iter(chosen))]
    reading = look.reading()
    found = chosen.get((look.model, look.digest))
    if found is not None and found < len(reading.tokens):
        return found
    turned = turns([float(p) for p in reading.running])
    return turned[-1] if turned else len(reading.tokens) - 1


def _map(model: str) -> None:
    words, dimensions = st.columns([3, 2], vertical_alignment="bottom")
    state.remember("sentiment_words", "")
    words.text_input(
        t("sentiment.space.add"),
        key="sentiment_words",
        placeholder=t("sentiment.space.add.placeholder"),
        max_chars=MOST * (LONGEST + 1),
        on_change=state.keep,
        args=("sentiment_words",),
    )
    shown_in = state.remember("sentiment_dimensions", 2, options=(2, 3))
    dimensions.segmented_control(
        t("sentiment.space.dimensions"),
        (2, 3),
        key="sentiment_dimensions",
        format_func=lambda count: t(f"sentiment.space.{count}d"),
        required=True,
        on_change=state.keep,
        args=("sentiment_dimensions",),
        label_visibility="collapsed",
    )
    added = own_words(st.session_state["sentiment_words"])
    known = embedding_space.default_words(state.texts_language())
    found = embedding_space.word_map(model, (*known, *added), shown_in)
    own = set(added)
    judged = cache.word_verdicts(model, found.words)
    charts.word_map(
        found.points,
        found.words,
        [word in own for word in found.words],
        [("neither" if each is None else calibration.verdict(each)) for each in judged],
        key=f"sentiment_map_{shown_in}",
        names={side: t(f"sentiment.space.{side}") for side in ("positive", "neither", "negative")},
        axes=[
            t("sentiment.space.axis", index=index + 1, share=f"{100 * float(share):.0f}%")
            for index, share in enumerate(found.explained)
        ],
        alt=t("sentiment.space.map.alt", count=len(found.words)),
        uirevision=f"{model} {shown_in}",
    )
    lost = [word for word in added if word not in found.words]
    if lost:
        st.caption(t("sentiment.space.lost", words=", ".join(quoted(word) for word in lost[:5])))
    st.caption(t("sentiment.space.pca", name=t(f"sentiment.name.{model}")))


def own_words(text: str) -> tuple[str, ...]:
    """The words that a visitor wrote, split at commas and spaces of either language."""
    found = (word[:LONGEST] for word in re.split(r"[\s,;，、；]+", text) if word)
    return tuple(dict.fromkeys(found))[:MOST]
