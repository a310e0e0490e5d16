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
        with st.container(key=f"sentiment_method_{method}"):
            text, worth = st.columns([9, 4], gap="large")
            with text:
                st.markdown(f"**{t(f'attribution.{method}')}**", help=t(f"attribution.{method}.about"))
                if _waits(look, method):
                    st.caption(t("sentiment.words.gradients"))
                else:
                    found = attributed(look, method)
                    coloured(reading, found)
                    _told(found, method)
            with worth:
                if _waits(look, method):
                    st.button(
                        t("sentiment.words.ask"),
                        key="sentiment_gradients",
                        icon=":material/play_arrow:",
                        on_click=lambda: state.visit().kept.update(sentiment_gradients_asked=True),
                    )
                else:
                    _worth(look, found)
    st.caption(t("sentiment.words.method"))


def _waits(look: Look, method: str) -> bool:
    """Whether it needs TensorFlow and nobody in this visit has asked for that yet."""
    asked = state.visit().kept.get("sentiment_gradients_asked", False)
    return method == "integrated_gradients" and not asked


def _told(found: Attribution, method: str) -> None:
    """What the text is compared with, whether the scores add up as they should, and who thought of it."""
    words = [t(f"attribution.baseline.{found.baseline}")]
    if found.signed and not np.isnan(found.total):
        words.append(
            t(
                "sentiment.words.complete",
                sum=signed(float(found.scores.sum(dtype=float))),
                total=signed(found.total),
                gap=pictures.tiny(found.gap),
            )
        )
    if found.group > 1:
        words.append(t("sentiment.words.group", count=found.group))
    st.caption(" ".join([*words, t(f"attribution.{method}.citation")]))


def attributed(look: Look, method: str) -> Attribution:
    """An attribution, kept for the visit; after a moment a bar says how far it is."""
    kept: dict[Name, Attribution] = state.visit().kept.setdefault("sentiment_attributions", {})
    name = (look.model, method, look.digest, look.window)
    if name in kept:
        return kept[name]
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
