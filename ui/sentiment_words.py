"""Which words speak for which side, asked in several ways, and what each of these answers is worth."""

from __future__ import annotations

import sys
import time

import numpy as np
import streamlit as st

from core.language.attribution import Attribution, Progress, attribution, methods
from core.language.faithfulness import Faithfulness
from core.language.reading import Reading
from ui import cache, charts, state
from ui import inside_pictures as pictures
from ui.components.tokens import Ends, Piece, tokens
from ui.sentiment import Look, cut
from ui.words import percent, t

KEPT = 24  # attributions of a visit
AT_ONCE = 0.4  # seconds after which a bar says how far it is
BEATS = 0.9  # share of the random orders that an attribution has to beat
LINES = 8  # of a text; more scroll

Name = tuple[str, str, str, int]


def words(look: Look) -> None:
    """The text once for each way to ask, coloured, with its own number beside it."""
    reading = look.reading()
    st.markdown(t("sentiment.words.lead", name=t(f"sentiment.name.{look.model}")))
    for method in methods(look.model):
        with st.container(key=f"sentiment_method_{method}", gap="xsmall"):
            text, worth = st.columns([5, 2], gap="large", vertical_alignment="center")
            with text:
                st.markdown(
                    f"**{t(f'attribution.{method}')}**",
                    help=f"{t(f'attribution.{method}.about')}\n\n{t(f'attribution.{method}.citation')}",
                )
                found = attributed(look, method)
                if found is None:
                    continue
                coloured(reading, found)
            with worth:
                _worth(look, found)
    st.caption(t("sentiment.words.method"))


def attributed(look: Look, method: str) -> Attribution | None:
    """An attribution, kept for the visit; one that needs TensorFlow is made when it is asked for."""
    kept: dict[Name, Attribution] = state.visit().kept.setdefault("sentiment_attributions", {})
    name = (look.model, method, look.digest, look.window)
    if name in kept:
        return kept[name]
    if method == "integrated_gradients" and not _gradients_asked():
        st.caption(t("sentiment.words.gradients"))
        st.button(
            t("sentiment.words.ask"),
            key="sentiment_gradients",
            icon=":material/play_arrow:",
            on_click=lambda: state.visit().kept.update(sentiment_gradients=True),
        )
        return None
    slot = st.empty()
    begun = time.perf_counter()
    working = t(
        "sentiment.words.loading" if "keras" not in sys.modules else "sentiment.words.working",
        name=t(f"attribution.{method}"),
    )
    if method == "integrated_gradients":
        slot.progress(0.0, working)
    for step in attribution(method, look.model, look.text, look.window):
        if isinstance(step, Attribution):
            kept[name] = step
        elif isinstance(step, Progress) and time.perf_counter() - begun > AT_ONCE:
            slot.progress(min(max(step.share, 0.0), 1.0), working)
    slot.empty()
    while len(kept) > KEPT:
        del kept[next(iter(kept))]
    return kept[name]


def _gradients_asked() -> bool:
    return bool(state.visit().kept.get("sentiment_gradients"))


def coloured(reading: Reading, found: Attribution, *, key: str = "") -> None:
    """The text with a colour behind each token."""
    largest = float(np.abs(found.scores).max(initial=0)) or 1.0
    if found.signed:
        told = [signed(float(score)) for score in found.scores]
        legend = Ends(
            t("sentiment.words.negative", value=signed(-largest)),
            "0",
            t("sentiment.words.positive", value=signed(largest)),
        )
    else:
        told = [percent(float(score)) for score in found.scores]
        legend = Ends(t("sentiment.words.unread"), "", t("sentiment.words.read", value=percent(largest)))
    tokens(
        [
            Piece(before, letters, round(float(score) / largest, 4), number)
            for (before, letters), score, number in zip(cut(reading), found.scores, told, strict=True)
        ],
        key=key or f"sentiment_tokens_{found.method}",
        alt=t("sentiment.words.alt", method=t(f"attribution.{found.method}")),
        legend=legend,
        most=LINES,
    )


def signed(value: float) -> str:
    """A number with its sign: "+0.31", "−1.20"."""
    return f"{value:+.2f}".replace("-", "−")


def _worth(look: Look, found: Attribution) -> None:
    """How far the probability falls without the tokens that it calls important, against random ones."""
    with st.spinner(t("sentiment.words.worth.working")):
        score = cache.text_score(found.name, found.method, look.digest, look.window, found)
    st.metric(
        t("sentiment.words.worth"),
        signed(-score.comprehensiveness),
        delta=t("classify.against", value=signed(-score.random_comprehensiveness)),
        delta_color="off",
        delta_arrow="off",
        help=t(
            "sentiment.words.worth.help",
            orders=len(score.random_falls),
            sufficiency=signed(-score.sufficiency),
            verdict=t(f"sentiment.{'positive' if score.label_index else 'negative'}"),
        ),
    )
    better = score.beaten >= BEATS
    st.caption(
        (":material/check: " if better else ":material/close: ")
        + t(
            "sentiment.words.better" if better else "sentiment.words.no_better",
            share=percent(score.beaten, 0),
        )
    )
    if not np.isnan(found.total):
        st.caption(
            t(
                "sentiment.words.complete",
                sum=signed(float(found.scores.sum(dtype=float))),
                total=signed(found.total),
                gap=pictures.tiny(found.gap),
            )
        )
    with st.popover(t("sentiment.words.curve"), icon=":material/show_chart:"):
        _falling(found, score)


def _falling(found: Attribution, score: Faithfulness) -> None:
    verdict = t(f"sentiment.{'positive' if score.label_index else 'negative'}")
    charts.lines(
        score.fractions,
        [
            charts.Line(t(f"attribution.{found.method}"), score.removed, "main"),
            charts.Line(t("sentiment.words.random"), score.random, "second"),
        ],
        key=f"sentiment_falling_{found.method}",
        x_title=t("sentiment.words.removed"),
        y_title=t("sentiment.words.probability", verdict=verdict),
        alt=t("sentiment.words.curve.alt", method=t(f"attribution.{found.method}")),
        y_range=(0, 1),
        height=260,
    )
