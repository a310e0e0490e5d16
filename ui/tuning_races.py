"""Races: the same pictures, learned in different ways; a recorded run, and a small one now."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from core import assets
from core.errors import GlassboxError
from core.tuning import review
from core.tuning.queue import start
from core.tuning.training import default_plan, estimate
from core.tuning.types import Dataset, Finished, Plan
from ui import cache, charts, frame, tuning
from ui.tuning import UNLOCKED, Job, Workshop
from ui.words import percent, t

EVERY = 1.0  # seconds
SIZES = (3, 5, 10)  # examples a class that can be raced with now
EPOCHS = {"head": 40, "last": 6, "all": 3, "scratch": 20}  # of the small race


def races(found: Workshop) -> None:
    """What was recorded, and a race on the visitor's own examples."""
    st.markdown(f"#### {t('fine_tune.races.live')}")
    frame.fragment(_live, EVERY if any(not job.over for job in found.race) else None)(found)
    st.markdown(f"#### {t('fine_tune.races.recorded')}")
    recorded(_record())


def _record() -> dict[str, Any] | None:
    """The recorded races, if they are there."""
    path = assets.path("tuning", "races.json")
    if not path.exists():
        return None
    record: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return record


# --- now -------------------------------------------------------------------------------------------


def plans(dataset: Dataset) -> dict[str, Plan]:
    """A short plan for each way to learn."""
    return {name: replace(default_plan(dataset, name), epochs=EPOCHS[name]) for name in UNLOCKED}


def small(dataset: Dataset, size: int) -> Dataset:
    """The data set with at most `size` examples of a class to learn from; what is tested with stays."""
    taken: Counter[int] = Counter()
    kept = []
    for example in dataset.examples:
        if example.split == "train":
            taken[example.label] += 1
            if taken[example.label] > size:
                continue
        kept.append(example)
    return replace(dataset, examples=tuple(kept), problems=())


def _live(found: Workshop) -> None:
    active = any(not job.over for job in found.race)
    dataset = found.dataset
    most = min((learn for learn, _ in review.counts(dataset)), default=0)
    sizes = [size for size in SIZES if size <= most] or [max(1, most)]
    ask, size_column, stop = st.columns([3, 3, 2], vertical_alignment="bottom")
    with size_column:
        size = st.segmented_control(
            t("fine_tune.races.size"), sizes, key="fine_tune_race_size", default=sizes[-1], required=True
        )
    size = size if size in sizes else sizes[-1]
    raced = small(dataset, size)
    whole = sum(estimate(raced, plan) for plan in plans(raced).values())
    with ask:
        if st.button(
            t("fine_tune.races.begin", time=tuning.seconds(whole)),
            key="fine_tune_race",
            type="primary",
            icon=":material/flag:",
            width="stretch",
            disabled=active or found.problem is not None,
        ):
            _begin(found, raced)
            st.rerun()
    with stop:
        if active and st.button(
            t("fine_tune.stop"), key="fine_tune_race_stop", icon=":material/stop_circle:"
        ):
            for job in found.race:
                job.run.stop()
    with st.container(key="fine_tune_race_chart"):
        _chart(found)
    seen = "".join(job.run.id for job in found.race if job.over)
    if found.race and not active and st.session_state.get("fine_tune_race_seen") != seen:
        st.session_state["fine_tune_race_seen"] = seen
        st.rerun()


def _begin(found: Workshop, raced: Dataset) -> None:
    try:
        review.check(raced)
        found.race = [
            Job(start(cache.queue_owner(), raced, plan), raced, plan, None) for plan in plans(raced).values()
        ]
    except GlassboxError as error:
        found.refused = error


def _chart(found: Workshop) -> None:
    if not found.race:
        st.caption(t("fine_tune.races.about"))
        return
    marks = []
    for job in found.race:
        name = t(f"fine_tune.unlocked.{job.plan.unlocked}")
        if isinstance(job.run.result, Finished):
            evaluation = job.run.result.evaluation
            seconds = tuning.seconds(job.run.result.seconds)
            marks.append(charts.Mark(f"{name} · {seconds}", evaluation.accuracy, *evaluation.interval))
        elif job.run.error is not None:
            tuning.refusal(job.run.error)
        else:
            epochs = job.run.epochs
            share = epochs[-1].validation_accuracy if epochs else 0.0
            marks.append(
                charts.Mark(f"{name} · {t(f'fine_tune.races.{job.run.state}')}", share, share, share)
            )
    dataset = found.race[0].dataset
    charts.with_intervals(
        marks,
        key="fine_tune_race_bars",
        x_title=t("fine_tune.races.x"),
        alt=t(
            "fine_tune.races.alt",
            results=t("fine_tune.comma").join(f"{mark.name} {percent(mark.share, 0)}" for mark in marks),
        ),
        chance=1 / len(dataset.labels),
    )
    learn = sum(one for one, _ in review.counts(dataset))
    test = sum(one for _, one in review.counts(dataset))
    st.caption(t("fine_tune.races.note", learn=learn, test=test, chance=percent(1 / len(dataset.labels), 0)))


# --- recorded --------------------------------------------------------------------------------------


def recorded(record: dict[str, Any] | None) -> None:
    """The races that take minutes, as they went once."""
    if record is None:
        st.info(t("fine_tune.races.missing"), icon=":material/history:")
        return
    np.asarray(record)
