"""The circle: a review written with the sentiment that is wished, read back by those who judge sentiments."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import streamlit as st

from core.language import calibration, generation
from core.language.generation.sampling import Sampling
from core.language.generation.writing import GUIDANCE, SENTIMENTS, Ended, prompt
from ui import cache, sentiment, state, style
from ui.components import Bar, bars
from ui.components.verdicts import verdicts
from ui.language_model import network_now, networks, sampling_now
from ui.sentiment import again, digest_of
from ui.words import percent, plain, t

LANGUAGES = ("en", "zh")
COUNT = 50  # samples
LENGTH = 90  # tokens of a review at most
SHARE = 0.6  # seconds between two pictures
JUDGE = "pretrained"


@dataclass(frozen=True)
class Sample:
    """A review to order, and how positive each network finds it."""

    wished: str
    text: str
    positive: dict[str, float]

    def agrees(self, judge: str) -> bool:
        """Whether a network reads it as it was ordered."""
        return (self.positive.get(judge, 0.5) > 0.5) == (self.wished == "positive")


@dataclass
class Round:
    """Samples that are written and judged one after another."""

    language: str
    network: str
    rules: Sampling
    running: bool = True
    samples: list[Sample] = field(default_factory=list)


def circle() -> None:
    """One review and its judges; then fifty."""
    st.markdown(t("language_model.circle.lead"))
    kept = state.visit().kept
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom", key="language_circle_what"):
        state.remember("language_circle_language", state.texts_language(), options=LANGUAGES)
        st.segmented_control(
            t("language_model.circle.language"),
            LANGUAGES,
            key="language_circle_language",
            format_func=lambda name: t(f"language_model.circle.language.{name}"),
            required=True,
            on_change=state.keep,
            args=("language_circle_language",),
            width="content",
        )
        state.remember("language_circle_wish", SENTIMENTS[1], options=SENTIMENTS)
        st.segmented_control(
            t("language_model.circle.wish"),
            SENTIMENTS,
            key="language_circle_wish",
            format_func=lambda name: t(f"sentiment.{name}"),
            required=True,
            on_change=state.keep,
            args=("language_circle_wish",),
            width="content",
        )
        st.button(
            t("language_model.circle.write"),
            key="language_circle_write",
            type="primary",
            icon=":material/edit_note:",
            on_click=_one_more,
        )
    written: tuple[str, str, str] | None = kept.get("language_circle_one")
    if written is None:
        st.caption(t("language_model.circle.none"))
    else:
        _judged(*written)
    _many()


def write(wished: str, seed: int, *, network: str, language_: str, rules: Sampling) -> str:
    """A review to order."""
    model = generation.language_model("reviews", network)
    ids = prompt(model, "", f"{language_}_{wished}")
    events = generation.generate(model, ids, rules, most=LENGTH, seed=seed, guidance=GUIDANCE, alternatives=0)
    return next(event.text for event in events if isinstance(event, Ended))


def writer() -> str:
    """The kind of model that is chosen, if there is one of it that writes reviews."""
    present = networks("reviews")
    return network_now() if network_now() in present else present[0]


def _one_more() -> None:
    kept = state.visit().kept
    seed = kept.get("language_circle_seed", 1000)
    kept["language_circle_seed"] = seed + 1
    wished, spoken = kept["language_circle_wish"], kept["language_circle_language"]
    text = write(wished, seed, network=writer(), language_=spoken, rules=sampling_now())
    kept["language_circle_one"] = wished, text, spoken


def _judged(wished: str, text: str, spoken: str) -> None:
    """The review as three networks read it token by token, and what all five say."""
    look = sentiment.looked(text, sentiment.FIRST)
    if look is None:
        st.caption(t("language_model.circle.empty"))
        return
    st.markdown(f"> {plain(text)}")
    curve, answers = st.columns([8, 5], gap="large")
    with curve:
        sentiment.running(look)
    with answers:
        found = sentiment.verdicts_of(text)
        verdicts(
            [sentiment.verdict(name, found[name]) for name in sentiment.MODELS],
            key="language_circle_verdicts",
            alt=t("language_model.circle.verdicts"),
            band=calibration.NEITHER,
            words={**sentiment.sides(), "before": ""},
        )
        positive = found.get(JUDGE)
        agrees = positive is not None and (positive > 0.5) == (wished == "positive")
        st.caption(
            t(
                f"language_model.circle.{'agrees' if agrees else 'disagrees'}",
                wished=t(f"sentiment.{wished}"),
                name=t(f"sentiment.name.{JUDGE}"),
            )
        )


# --- fifty -----------------------------------------------------------------------------------------


def _many() -> None:
    kept = state.visit().kept
    found: Round | None = kept.get("language_circle_round")
    with st.container(key="language_circle_many", gap="small"):
        words, act = st.columns([6, 2], vertical_alignment="center")
        words.markdown(f"**{t('language_model.circle.many', count=COUNT)}**")
        if found is not None and found.running:
            act.button(
                t("language_model.stop"),
                key="language_circle_stop",
                icon=":material/stop:",
                width="stretch",
                on_click=lambda: setattr(found, "running", False),
            )
            st.progress(
                len(found.samples) / COUNT,
                t("language_model.circle.progress", done=len(found.samples), count=COUNT),
            )
        else:
            act.button(
                t("language_model.circle.begin"),
                key="language_circle_begin",
                icon=":material/play_arrow:",
                width="stretch",
                on_click=_begin,
            )
            st.caption(t("language_model.circle.many.about"))
        if found is not None and found.samples:
            _results(found)
        if found is not None and found.running:
            _go_on(found)


def _begin() -> None:
    kept = state.visit().kept
    kept["language_circle_round"] = Round(kept["language_circle_language"], writer(), sampling_now())


def _go_on(found: Round) -> None:
    """Writes and judges for a moment, then draws; any click only interrupts it."""
    until = time.perf_counter() + SHARE
    while len(found.samples) < COUNT and time.perf_counter() < until:
        number = len(found.samples)
        wished = SENTIMENTS[(number + 1) % 2]
        text = write(wished, number, network=found.network, language_=found.language, rules=found.rules)
        found.samples.append(Sample(wished, text, _judge(text)))
    if len(found.samples) >= COUNT:
        found.running = False
    again()


def _judge(text: str) -> dict[str, float]:
    verdict, _ = cache.text_verdicts(sentiment.MODELS, digest_of(text), text)
    numbers = {name: sentiment.number(one) for name, one in verdict.items()}
    return {name: one for name, one in numbers.items() if one is not None}


def _results(found: Round) -> None:
    """How often each network agrees with the order, and every sample."""
    count = len(found.samples)
    agreed = {name: sum(one.agrees(name) for one in found.samples) for name in sentiment.MODELS}
    left, right = st.columns([4, 8], gap="large")
    with left:
        bars(
            [
                Bar(
                    name,
                    t(f"sentiment.name.{name}"),
                    "",
                    agreed[name] / count,
                    t("language_model.circle.of", agreed=agreed[name], count=count),
                )
                for name in sorted(sentiment.MODELS, key=lambda name: -agreed[name])
            ],
            key="language_circle_bars",
            alt=t("language_model.circle.bars"),
        )
        st.caption(
            t(
                "language_model.circle.found",
                network=t(f"language_model.network.{found.network}"),
                spoken=t(f"language_model.circle.language.{found.language}"),
                share=percent(agreed[JUDGE] / count, 0),
                name=t(f"sentiment.name.{JUDGE}"),
            )
        )
    with right:
        st.dataframe(
            {
                t("language_model.circle.column.wish"): [
                    t(f"sentiment.{one.wished}") for one in found.samples
                ],
                t("language_model.circle.column.read"): [one.positive.get(JUDGE) for one in found.samples],
                t("language_model.circle.column.agrees"): [
                    "✓" if one.agrees(JUDGE) else "✗" for one in found.samples
                ],
                t("sentiment.many.text"): [one.text for one in found.samples],
            },
            hide_index=True,
            key="language_circle_table",
            height=min(330, 38 + 35 * count),
            column_config={
                t("sentiment.many.text"): st.column_config.TextColumn(width="large"),
                t("language_model.circle.column.read"): st.column_config.ProgressColumn(
                    format="percent", min_value=0, max_value=1, color=style.accent()
                ),
            },
        )
