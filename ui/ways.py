"""The five ways to explain, side by side, each with its score; one after another, and it can be stopped."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import streamlit as st

from core.types import Floats, Image
from core.vision.explanations import METHODS, Progress, explanation
from core.vision.faithfulness import Faithfulness, faithfulness
from ui import cache, frame, networks, state
from ui.answers import Answer
from ui.components import colour, data_uri
from ui.networks import label
from ui.words import t

KEPT = 15  # explanations of a visit
SIDE = 320  # pixels of a small picture


@dataclass(frozen=True)
class Told:
    """One way's picture and what it is worth."""

    picture: str  # a data URI
    score: Faithfulness


@frame.fragment
def side_by_side(answer: Answer, chosen: str) -> None:
    """Every method's map under its name; a button asks them all, another stops in between."""
    found: dict[tuple[str, str, str, str], Told] = state.visit().kept.setdefault("classify_ways", {})
    names = {method: (answer.model, answer.digest, chosen, method) for method in METHODS}
    waiting = [method for method, name in names.items() if name not in found]
    st.markdown(t("ways.lead", name=label(answer.model, chosen)))
    begun = False
    if waiting:
        ask, stop, _ = st.columns([2, 1, 4], vertical_alignment="center")
        begun = ask.button(t("ways.ask"), key="ways_ask", icon=":material/compare:", type="primary")
        if begun:
            stop.button(t("ways.stop"), key="ways_stop", icon=":material/stop:")
    slots = dict(zip(METHODS, st.columns(len(METHODS)), strict=True))
    for method, name in names.items():
        if name in found:
            _show(slots[method], method, found[name])
        else:
            with slots[method]:
                st.markdown(f"**{t(f'explanation.{method}')}**", help=t(f"explanation.{method}.about"))
                if not begun:
                    st.caption(t(f"ways.cost.{METHODS[method].passes}"))
    if begun:
        bar = st.progress(0.0)
        asked = networks.model(answer.model) if networks.is_tuned(answer.model) else answer.model
        for position, method in enumerate(waiting):
            bar.progress(position / len(waiting), t("ways.working", name=t(f"explanation.{method}")))
            for step in explanation(method, asked, answer.image, answer.labels.index(chosen)):
                if isinstance(step, Progress):
                    share = (position + step.share) / len(waiting)
                    bar.progress(share, t("ways.working", name=t(f"explanation.{method}")))
                else:
                    found[names[method]] = _told(answer, chosen, method, step)
                    while len(found) > KEPT:
                        del found[next(iter(found))]
        st.rerun(scope="fragment")
    st.caption(t("ways.note"))


def _told(answer: Answer, chosen: str, method: str, heatmap: Floats) -> Told:
    classifier = networks.classifier(answer.model)
    score = faithfulness(
        classifier,
        answer.image,
        heatmap,
        answer.labels.index(chosen),
        beside=cache.beside(answer.model, answer.digest, answer.image),
    )
    left, top, right, bottom = classifier.preparation.box(answer.image)
    seen = np.ascontiguousarray(answer.image[top:bottom, left:right])
    small = cv2.resize(seen, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    heat = cv2.resize(heatmap[top:bottom, left:right], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return Told(
        data_uri(heated(small, heat), digest=f"{answer.digest} {answer.model} {chosen} {method}"), score
    )


def heated(image: Image, heat: Floats) -> Image:
    """A picture under a map of the same size in 0..1, half and half."""
    return (0.5 * image + 0.5 * colour(np.clip(heat, 0, 1))).astype(np.uint8)


def _show(slot: st.delta_generator.DeltaGenerator, method: str, told: Told) -> None:
    score = told.score
    worth = score.heatmap.insertion_area - score.heatmap.deletion_area
    chance = score.random.insertion_area - score.random.deletion_area
    with slot:
        st.markdown(f"**{t(f'explanation.{method}')}**", help=t(f"explanation.{method}.about"))
        st.image(told.picture, alt=t("ways.alt", name=t(f"explanation.{method}")), width="stretch")
        st.metric(
            t("ways.worth"),
            f"{worth:.3f}",
            delta=t("classify.against", value=f"{chance:.3f}"),
            delta_color="off",
            delta_arrow="off",
            help=t(
                "ways.worth.help",
                insertion=f"{score.heatmap.insertion_area:.3f}",
                deletion=f"{score.heatmap.deletion_area:.3f}",
            ),
        )
