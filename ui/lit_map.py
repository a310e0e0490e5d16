"""Pictures and words in one plane, with what the visitor adds."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.imaging.samples import samples
from core.lit import answers, known
from core.lit.plane import plane
from ui import cache, charts, frame, lit, lit_search, state
from ui.words import percent, t

MOST_WORDS = 40  # of the visitor that are drawn
MOST_PICTURES = 60


@frame.fragment
def draw() -> None:
    """The plane, and a field for more words."""
    found = lit.bench()
    st.markdown(t("lit.map.about"))
    _field(found)
    _map(found)


def _field(found: lit.Bench) -> None:
    """Words to add; they are prompts on the first tab too."""
    key = "lit_map_word"

    def added() -> None:
        words = st.session_state[key]
        st.session_state[key] = ""
        if words.strip():
            lit.add(found, words)

    st.text_input(
        t("lit.map.add"), key=key, placeholder=t("lit.ask.placeholder"), on_change=added, max_chars=2_000
    )
    if found.refused is not None:
        lit.refusal(found.refused)


def _map(found: lit.Bench) -> None:
    language = state.texts_language()
    every = lit_search.pictures(found)
    base = [t(f"sample.{name}").lower() for name in samples()]
    given = answers.TEMPLATES
    own = [one.prompt for one in lit.read(found.prompts, {}) if one.problem is None][:MOST_WORDS]
    words = list(dict.fromkeys([*base, *own]))
    rows = cache.lit_texts(answers.templated(words, given))
    count = len(base)
    flat = plane(every.rows[: len(samples())], rows[: len(dict.fromkeys(base))])
    places = flat.texts(rows)
    shown = min(len(every.names), len(samples()) + MOST_PICTURES)
    pictures, names, sources = every.rows[:shown], every.words[:shown], every.sources[:shown]
    mine = [name not in samples() for name in every.names[:shown]]
    photo = state.visit().photo
    if photo is not None and not photo.sample:
        pictures = np.concatenate([pictures, lit.photo_row(photo)[np.newaxis]])
        names, sources, mine = (*names, photo.name), (*sources, photo.thumbnail), [*mine, True]
    spots = flat.images(pictures)
    nearest = (pictures @ rows.T).argmax(axis=1)
    typed = set(own)
    charts.picture_map(
        [
            charts.Word(
                lit.shortened(word, 28), float(x), float(y), word in typed, known.how_seen(word) == "new"
            )
            for word, (x, y) in zip(words, places, strict=True)
        ],
        [
            charts.Thumb(lit.shortened(name, 40), float(x), float(y), source, is_own, int(near))
            for name, (x, y), source, is_own, near in zip(names, spots, sources, mine, nearest, strict=True)
        ],
        key=f"lit_map_{language}",
        names={name: t(f"lit.map.{name}") for name in ("word", "new", "picture", "line")},
        axes=(t("lit.map.axis", number=1), t("lit.map.axis", number=2)),
        alt=t("lit.map.alt", pictures=len(names), words=len(words)),
    )
    st.caption(t("lit.map.note", share=percent(flat.share, 0), count=count))
