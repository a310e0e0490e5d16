"""What the cache is worth, in milliseconds measured here; and one prompt continued by two networks side by side."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.language import generation
from core.language.generation.types import LanguageModel
from core.language.generation.writing import Draft, prompt
from core.types import Floats
from ui import charts, state, style
from ui.components import Bar, bars
from ui.components.written import written
from ui.language_model import (
    OWN,
    Desk,
    Step,
    card,
    desk_words,
    form_now,
    given,
    glyphs_of,
    kind_now,
    name_of,
    networks,
    piece,
    remembered,
    sampling_now,
    text_now,
)
from ui.words import percent, t

LENGTH = 256  # tokens of the text that is timed
POINTS = 16  # lengths at which it is timed without the cache
TRIES = 3  # without the cache, of which the median counts
SMOOTH = 8  # tokens whose median is one point of the line
SIDES = ("transformer", "gru")
WRITTEN = 48  # tokens that each of them writes
LISTED = 6


# --- the cache -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Timing:
    """How long the next token took, with the cache and without, at growing lengths of the text."""

    lengths: Floats  # (n,) tokens that stood there
    cached: Floats  # (n,) milliseconds for one more
    anew_lengths: Floats
    anew: Floats  # milliseconds for one more when everything is computed again
    difference: float  # the largest between the scores of both ways
    first: float  # milliseconds from the prompt to the first choice

    @property
    def factor(self) -> float:
        """How many times faster the cache is at the longest text."""
        return float(self.anew[-1] / np.median(self.cached[-SMOOTH:]))

    @property
    def speed(self) -> float:
        """Tokens a second with the cache, at the longest text."""
        return float(1000 / np.median(self.cached[-SMOOTH:]))


def measure(model: LanguageModel, ids: tuple[int, ...], length: int = LENGTH) -> Timing:
    """Write on greedily to `length` tokens and time each; then compute some of them without the cache."""
    if model.context:
        length = min(length, model.context)
    begun = time.perf_counter()
    Draft(model, ids).choice(sampling_now())
    first = 1000 * (time.perf_counter() - begun)
    barred = [0, *model.vocabulary.specials.values()]
    text, reader = list(ids[:length]), model.begin(ids[:1])
    wanted = {round(at) for at in np.linspace(length / POINTS, length, POINTS)}
    kept, times = {}, []
    for place in range(1, length):
        if place >= len(text):
            scores = reader.logits.copy()
            scores[barred] = -np.inf
            text.append(int(scores.argmax()))
        begun = time.perf_counter()
        reader.read(text[place])
        times.append(1000 * (time.perf_counter() - begun))
        if place + 1 in wanted:
            kept[place + 1] = reader.logits.copy()
    anew, differences = [], []
    for count in sorted(kept):
        other = model.begin(text[: count - 1], cached=False)
        tries = []
        for turn in range(TRIES):  # a busy machine makes a single one look slow
            if turn:
                other.back()
            begun = time.perf_counter()
            other.read(text[count - 1])
            tries.append(1000 * (time.perf_counter() - begun))
        anew.append(float(np.median(tries)))
        differences.append(float(np.abs(other.logits - kept[count]).max()))
    return Timing(
        np.arange(2, length + 1, dtype=np.float32),
        np.array(times, np.float32),
        np.array(sorted(kept), np.float32),
        np.array(anew, np.float32),
        max(differences),
        first,
    )


def cache(found: Desk) -> None:
    """The button that measures, the line, the figures."""
    st.markdown(t(f"language_model.cache.lead.{found.kind}"))
    if found.kind == "ngram":
        return
    kept = state.visit().kept
    name = (found.training, found.kind, id(found.model))
    if st.button(t("language_model.cache.measure"), key="language_cache_measure", icon=":material/timer:"):
        with st.spinner(t("language_model.cache.measuring")):
            kept["language_timing"] = name, measure(found.model, found.ids)
    timed: Timing | None = None
    if kept.get("language_timing", (None,))[0] == name:
        timed = kept["language_timing"][1]
    if timed is None:
        st.caption(t("language_model.cache.none"))
        return
    line, figures = st.columns([7, 4], gap="large")
    ends = range(SMOOTH, len(timed.cached) + 1, SMOOTH)
    with line:
        charts.tracks(
            [
                charts.Track(
                    t("language_model.cache.off"), timed.anew_lengths, timed.anew, style.second(), "dash"
                ),
                charts.Track(
                    t("language_model.cache.on"),
                    timed.lengths[[end - 1 for end in ends]],
                    np.array([np.median(timed.cached[end - SMOOTH : end]) for end in ends], np.float32),
                    style.accent(),
                    "solid",
                ),
            ],
            key="language_cache_chart",
            x_title=t("language_model.cache.length"),
            y_title=t("language_model.cache.milliseconds"),
            shares=False,
            alt=t("language_model.cache.alt", factor=f"{timed.factor:.1f}", length=int(timed.lengths[-1])),
            height=280,
        )
    with figures, st.container(key="language_cache_figures"):
        left, right = st.columns(2)
        left.metric(t("language_model.cache.speed"), f"{timed.speed:,.0f}")
        right.metric(t("language_model.cache.factor", length=int(timed.lengths[-1])), f"{timed.factor:.1f} ×")
        left.metric(t("language_model.cache.first"), t("unit.ms", value=f"{timed.first:.0f}"))
        right.metric(t("language_model.cache.difference"), f"{timed.difference:.1e}")
        st.caption(t("language_model.cache.note"))


# --- side by side ----------------------------------------------------------------------------------


def side() -> None:
    """The same prompt, the same rules, the same seed: a Transformer and a GRU."""
    kind = kind_now()
    form, text = form_now(kind), text_now(kind)
    if kind == OWN:
        st.info(t("language_model.side.own"), icon=":material/compare:")
        return
    present = [name for name in SIDES if name in networks(kind)]
    if len(present) < 2:
        st.info(t("language_model.side.one"), icon=":material/compare:")
        return
    kept = state.visit().kept
    seed = kept.get("language_side_seed", 0)
    head, act = st.columns([6, 2], vertical_alignment="center")
    head.markdown(t("language_model.side.lead", count=WRITTEN))
    act.button(
        t("language_model.side.again"),
        key="language_side_again",
        icon=":material/casino:",
        width="stretch",
        on_click=lambda: kept.update(language_side_seed=seed + 1),
    )
    for network, column in zip(present, st.columns(2, gap="large"), strict=True):
        with column, st.container(key=f"language_side_{network}", gap="small"):
            _one(kind, network, form, text, seed)


def _one(kind: str, network: str, form: str | None, text: str, seed: int) -> None:
    model = generation.language_model(kind, network)
    name = (kind, network, form, text, seed, sampling_now())
    steps, first = remembered(f"side_{network}", name, lambda: write(model, form, text, seed))
    st.markdown(f"**{t(f'language_model.network.{network}')}**")
    bars(
        [
            Bar(str(place), piece(each, kind), "", share / first[0][1], percent(share))
            for place, (each, share) in enumerate(first)
        ],
        key=f"language_side_bars_{network}",
        alt=t("language_model.side.bars", name=t(f"language_model.network.{network}")),
        compact=True,
    )
    start = given(text, kind)
    written(
        start + glyphs_of(steps, kind, last=start[-1].text if start else ""),
        key=f"language_side_written_{network}",
        alt=t("language_model.written.alt"),
        words=desk_words() | {"hint": ""},
        large=kind == "poems",
    )
    if steps:
        bits = sum(one.bits for one in steps) / len(steps)
        speed = 1000 * float(np.median([one.seconds for one in steps]))
        st.caption(
            t("language_model.status", count=len(steps), bits=f"{bits:.1f}")
            + " · "
            + t("language_model.status.speed", value=f"{speed:.1f}")
        )
    st.caption(card(model))


def write(
    model: LanguageModel, form: str | None, text: str, seed: int
) -> tuple[list[Step], list[tuple[str, float]]]:
    """What a model writes after a prompt, and the likeliest first tokens by the model itself."""
    ids = prompt(model, text, form)
    desk = Desk(model.training, model.kind, form, text, model, Draft(model, ids), seed=seed)
    row = desk.choice().model
    order = np.argsort(-row, kind="stable")[:LISTED]
    first = [(name_of(model.vocabulary, int(id)), float(row[id])) for id in order]
    while len(desk.steps) < WRITTEN and not desk.draft.over:
        desk.draw()
    return desk.steps, first
