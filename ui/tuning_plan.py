"""The plan: what of the network may learn, how long, how fast, and against overfitting what."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from core.tuning.augment import augmented
from core.tuning.images import pixels
from core.tuning.training import estimate
from core.tuning.types import Augmentation, Plan, Unlocked
from core.vision import efficientnet
from ui import tuning, widgets
from ui.components import data_uri
from ui.components.tower import Floor, tower
from ui.tuning import RATES, UNLOCKED, Workshop
from ui.words import plain, t

PREVIEWS = 5  # views of one picture
ADVANCED = ("batch", "weight_decay", "dropout", "label_smoothing", "early_stopping", "refit", "seed")
EARLY = (1.0, 0.9, 0.9, 0.75, 0.75, 0.6, 0.6, 0.6, 0.45, 0.45)  # the heights of the blocks drawn
LAST = (0.34, 0.34, 0.34)
TEXT_EARLY, TEXT_LAST = (0.8, 0.8, 0.8, 0.8), (0.8, 0.8)
ARTICLE = (0.9, 0.7, 0.5)
RECURRENT = (0.7, 0.7)


def drawing(found: Workshop) -> None:
    """The network with its locks, and the same choice in words."""
    kind = found.dataset.kind
    locks = {"early": found.unlocked == "all", "last": found.unlocked in ("last", "all"), "head": True}
    scratch = found.unlocked == "scratch"
    if scratch:
        shape = ARTICLE if kind == "images" else RECURRENT
        floors = [_floor("early", kind, shape, True, True), _floor("head", kind, (0.3,), True, True)]
    else:
        early, last = (EARLY, LAST) if kind == "images" else (TEXT_EARLY, TEXT_LAST)
        floors = [
            _floor("early", kind, early, locks["early"], False),
            _floor("last", kind, last, locks["last"], False),
            _floor("head", kind, (0.3,), True, False),
        ]
    names = tuning.names_of(found.dataset)
    tower(
        floors,
        key="fine_tune_tower",
        alt=t(f"fine_tune.tower.alt.{found.unlocked}.{kind}"),
        words={
            "input": t(f"fine_tune.tower.input.{kind}"),
            "output": t("fine_tune.tower.output", count=len(names)),
        },
        on_pick=lambda part: tuning.unlock(found, _after(found.unlocked, part)),
    )
    key = "fine_tune_unlocked"
    st.session_state[key] = found.unlocked

    def changed() -> None:
        tuning.unlock(found, st.session_state[key])

    st.segmented_control(
        t("fine_tune.unlocked"),
        UNLOCKED,
        key=key,
        format_func=lambda one: t(f"fine_tune.unlocked.{one}"),
        required=True,
        on_change=changed,
        label_visibility="collapsed",
        width="stretch",
    )
    st.caption(t(f"fine_tune.unlocked.{found.unlocked}.about.{kind}"))


def _floor(part: str, kind: str, blocks: tuple[float, ...], learns: bool, random: bool) -> Floor:
    which = "scratch" if random else part
    told = "fixed" if part == "head" or random else ("lock" if learns else "unlock")
    name = t(f"fine_tune.tower.{which if part == 'early' else part}.{kind}")
    return Floor(
        part,
        name,
        t(f"fine_tune.tower.{'learns' if learns else 'locked'}"),
        blocks,
        learns,
        random,
        told == "fixed",
        t(f"fine_tune.tower.{told}", name=name),
    )


def _after(unlocked: Unlocked, part: str) -> Unlocked:
    """What a click on a part's lock leads to."""
    if part == "early":
        return "last" if unlocked == "all" else "all"
    return "head" if unlocked in ("last", "all") else "last"


def start(found: Workshop) -> None:
    """The one big button, with how long it will take or why it cannot be."""
    problem = found.problem
    st.button(
        t("fine_tune.tune" if found.done is None else "fine_tune.tune_again"),
        key="fine_tune_start",
        type="primary",
        icon=":material/model_training:",
        width="stretch",
        disabled=problem is not None or found.busy,
        on_click=tuning.tune,
        args=(found,),
    )
    if found.busy:
        st.caption(":material/hourglass_top: " + t("fine_tune.busy"))
    elif problem is not None:
        st.caption(":material/block: " + tuning.told(problem.key, problem.values, found.dataset))
    else:
        st.caption(
            ":material/schedule: "
            + t("fine_tune.estimate", time=tuning.seconds(estimate(found.dataset, found.plan)))
        )


def main(found: Workshop) -> None:
    """The parts of the plan that matter most."""
    plan = found.plan
    known = tuning.parts(Plan)
    words = "fine_tune.plan"
    epochs, rate = st.columns(2, gap="medium")
    with epochs:
        _part(found, plan, "epochs")
    with rate:
        key = "fine_tune_learning_rate"
        options = sorted({*RATES, plan.learning_rate})
        if st.session_state.get(key) != plan.learning_rate:
            st.session_state[key] = plan.learning_rate
        st.select_slider(
            t(f"{words}.learning_rate"),
            options,
            key=key,
            format_func=lambda value: f"{value:g}",
            on_change=lambda: tuning.set_part(found, "learning_rate", st.session_state[key]),
            help=t(f"{words}.learning_rate.help"),
        )
    if found.dataset.kind == "images":
        augmentation(found, plan)
    with st.expander(t("fine_tune.advanced"), icon=":material/tune:"):
        left, right = st.columns(2, gap="medium")
        names = [name for name in ADVANCED if name != "refit" or found.unlocked == "head"]
        for place, name in enumerate(names):
            assert name in known
            with (left, right)[place % 2]:
                _part(found, plan, name)
        layers = tuning.layers_to_watch(found)
        if layers:
            _watched(found, layers)
        st.button(
            t("fine_tune.usual"),
            key="fine_tune_usual",
            icon=":material/restart_alt:",
            type="tertiary",
            disabled=not found.by_hand,
            on_click=tuning.usual,
            args=(found,),
        )


def _part(found: Workshop, plan: Plan, name: str) -> None:
    widgets.parameter(
        tuning.parts(Plan)[name],
        getattr(plan, name),
        key=f"fine_tune_{name}",
        words="fine_tune.plan",
        on_change=lambda part, value: tuning.set_part(found, part, value),
    )


def _watched(found: Workshop, layers: tuple[str, ...]) -> None:
    key = "fine_tune_watched"
    chosen = found.watched if found.watched in layers else layers[-1]
    found.watched = chosen
    st.session_state[key] = chosen

    def changed() -> None:
        found.watched = st.session_state[key]

    st.select_slider(
        t("fine_tune.watched"), layers, key=key, on_change=changed, help=t("fine_tune.watched.help")
    )


def augmentation(found: Workshop, plan: Plan) -> None:
    """Whether pictures are changed at random, and what becomes of one of them."""
    key = "fine_tune_augment"
    chosen = plan.augmentation
    st.session_state[key] = chosen is not None

    def switched() -> None:
        tuning.set_part(found, "augmentation", Augmentation() if st.session_state[key] else None)

    st.toggle(t("fine_tune.augmentation"), key=key, on_change=switched, help=t("fine_tune.augmentation.help"))
    if chosen is None:
        return
    preview(found, chosen)
    with st.popover(t("fine_tune.augmentation.more"), icon=":material/tune:"):
        for name, part in tuning.parts(Augmentation).items():
            widgets.parameter(
                part,
                getattr(chosen, name),
                key=f"fine_tune_augmentation_{name}",
                words="fine_tune.augmentation",
                on_change=lambda part, value: tuning.set_part(
                    found, "augmentation", replace(chosen, **{part: value})
                ),
            )


def preview(found: Workshop, chosen: Augmentation) -> None:
    """One of the visitor's own pictures as the network may meet it."""
    examples = [one for one in found.dataset.examples if one.split == "train"]
    if not examples:
        return
    kept = st.session_state.setdefault("fine_tune_preview", 0)
    example = examples[kept * 7 % len(examples)]
    prepared = efficientnet.PREPARATION.pixels(pixels(example))
    views = []
    for number in range(1, PREVIEWS + 1):
        random = np.random.default_rng([found.plan.seed, number + kept * PREVIEWS])
        views.append(augmented(prepared, chosen, random))
    with st.container(key="fine_tune_previews", horizontal=True, gap="xsmall", vertical_alignment="center"):
        for view in views:
            st.image(
                data_uri(view, max_side=112),
                width=54,
                alt=t("fine_tune.augmentation.alt", name=plain(example.name)),
            )

        def another() -> None:
            st.session_state["fine_tune_preview"] += 1

        st.button(
            t("fine_tune.augmentation.another"),
            key="fine_tune_another",
            icon=":material/refresh:",
            type="tertiary",
            on_click=another,
        )
