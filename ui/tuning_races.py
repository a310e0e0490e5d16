"""Races: the same pictures, learned in different ways; a recorded run, and a small one now."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from core import assets
from core.errors import GlassboxError
from core.tuning import review
from core.tuning.queue import start
from core.tuning.training import default_plan, estimate
from core.tuning.types import Dataset, Finished, Plan, Unlocked
from ui import cache, charts, frame, tuning
from ui.tuning import UNLOCKED, Job, Workshop
from ui.words import percent, t

EVERY = 1.0  # seconds
SIZES = (3, 5, 10)  # examples a class that can be raced with now
EPOCHS = {"head": 40, "last": 4, "all": 3, "scratch": 15}  # of the small race
QUICK: tuple[Unlocked, ...] = ("head", "last", "scratch")  # that race unless asked otherwise
SHORT = 40.0  # seconds that the race takes at most unless asked otherwise


def races(found: Workshop) -> None:
    """What was recorded, and a race on the visitor's own examples."""
    st.markdown(f"#### {t('fine_tune.races.live')}")
    frame.fragment(_live, EVERY if any(not job.over for job in found.race) else None)(found)
    st.markdown(f"#### {t('fine_tune.races.recorded')}")
    recorded(record())


def record() -> dict[str, Any] | None:
    """The recorded races, if they are there."""
    path = assets.path("tuning", "races.json")
    if not path.exists():
        return None
    record: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return record


# --- now -------------------------------------------------------------------------------------------


def plans(dataset: Dataset, ways: Sequence[Unlocked] = UNLOCKED) -> dict[str, Plan]:
    """A short plan for each way to learn."""
    return {name: replace(default_plan(dataset, name), epochs=EPOCHS[name]) for name in ways}


def seconds(dataset: Dataset, ways: Sequence[Unlocked]) -> float:
    """About how long the race takes."""
    return sum(estimate(dataset, plan) for plan in plans(dataset, ways).values())


def usual_size(dataset: Dataset, sizes: Sequence[int]) -> int:
    """The largest of the sizes with which the usual race is short, else the smallest."""
    short = [size for size in sizes if seconds(small(dataset, size), QUICK) <= SHORT]
    return max(short, default=min(sizes))


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
    who, size_column, ask = st.columns([5, 3, 4], vertical_alignment="bottom")
    with who:
        chosen = st.pills(
            t("fine_tune.races.ways"),
            UNLOCKED,
            key="fine_tune_race_ways",
            default=QUICK,
            selection_mode="multi",
            format_func=lambda name: t(f"fine_tune.unlocked.{name}"),
            disabled=active,
        )
    with size_column:
        usual = usual_size(dataset, sizes)
        size = st.segmented_control(
            t("fine_tune.races.size"),
            sizes,
            key="fine_tune_race_size",
            default=usual,
            required=True,
            disabled=active,
        )
    ways = [name for name in UNLOCKED if name in chosen]
    raced = small(dataset, size if size in sizes else usual)
    with ask:
        if active:
            if st.button(
                t("fine_tune.stop"),
                key="fine_tune_race_stop",
                icon=":material/stop_circle:",
                width="stretch",
            ):
                for job in found.race:
                    job.run.stop()
        elif st.button(
            t("fine_tune.races.begin", time=tuning.seconds(seconds(raced, ways))),
            key="fine_tune_race",
            type="primary",
            icon=":material/flag:",
            width="stretch",
            disabled=found.problem is not None or not ways,
        ):
            _begin(found, raced, ways)
            st.rerun()
    if active:
        st.progress(*_progress(found.race))
    with st.container(key="fine_tune_race_chart" if found.race else "fine_tune_race_about"):
        _chart(found)
    seen = "".join(job.run.id for job in found.race if job.over)
    if found.race and not active and st.session_state.get("fine_tune_race_seen") != seen:
        st.session_state["fine_tune_race_seen"] = seen
        st.rerun()


def _begin(found: Workshop, raced: Dataset, ways: Sequence[Unlocked]) -> None:
    try:
        review.check(raced)
        found.race = [
            Job(start(cache.queue_owner(), raced, plan), raced, plan, None)
            for plan in plans(raced, ways).values()
        ]
    except GlassboxError as error:
        found.refused = error


def _progress(race: Sequence[Job]) -> tuple[float, str]:
    """How much of the race is run, 0..1, and who is on the way."""
    whole = [estimate(job.dataset, job.plan) for job in race]
    run = 0.0
    for job, length in zip(race, whole, strict=True):
        epochs = job.run.epochs
        run += length * (1.0 if job.over else epochs[-1].epoch / job.plan.epochs if epochs else 0.0)
    runner = next((job for job in race if not job.over), race[-1])
    name = t(f"fine_tune.unlocked.{runner.plan.unlocked}")
    if runner.run.state == "waiting":
        told = t("fine_tune.waiting", place=runner.run.place, time=tuning.seconds(runner.run.ahead))
    else:
        progress = runner.run.progress
        told = t(progress.stage) if progress is not None else t("fine_tune.beginning")
    left = t("fine_tune.left", time=tuning.seconds(sum(whole) - run))
    return min(1.0, run / sum(whole)), t("fine_tune.races.runner", name=name, stage=told, left=left)


def _chart(found: Workshop) -> None:
    if not found.race:
        st.caption(t("fine_tune.races.about"))
        return
    marks = []
    for job in found.race:
        name = t(f"fine_tune.unlocked.{job.plan.unlocked}")
        if isinstance(job.run.result, Finished):
            evaluation = job.run.result.evaluation
            took = tuning.seconds(job.run.result.seconds)
            marks.append(charts.Mark(f"{name} · {took}", evaluation.accuracy, *evaluation.interval))
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

Row = dict[str, Any]


def recorded(record: dict[str, Any] | None) -> None:
    """The races that take minutes, as they went once."""
    if record is None or not record["rows"]:
        st.info(t("fine_tune.races.missing"), icon=":material/history:")
        return
    rows: list[Row] = record["rows"]
    seeds = sorted({row["seed"] for row in rows})
    st.caption(
        t(
            "fine_tune.races.made",
            date=max(row["made"] for row in rows)[:10],
            seeds=t("fine_tune.comma").join(map(str, seeds)),
            tests=rows[0]["tests"],
            made_by=record["made_by"],
        )
    )
    sizes, against = st.columns(2, gap="large")
    chance = 1 / record["classes"]
    with sizes:
        _over_sizes([row for row in rows if row["race"] == "sizes"])
    with against:
        _plans([row for row in rows if row["race"] == "plans"], chance)
    _settings([row for row in rows if row["race"] == "settings"], chance)


def mean(rows: list[Row]) -> tuple[float, float, float]:
    """The accuracy and the interval of one run, each averaged over the seeds."""
    accuracy = sum(row["accuracy"] for row in rows) / len(rows)
    low, high = (sum(row["interval"][end] for row in rows) / len(rows) for end in (0, 1))
    return accuracy, low, high


def _over_sizes(rows: list[Row]) -> None:
    """Accuracy against the number of pictures a class."""
    if not rows:
        return
    series = []
    counts = sorted({row["count"] for row in rows})
    for name, role in (("head", "main"), ("scratch", "second")):
        own = {
            count: [row for row in rows if (row["name"], row["count"]) == (name, count)] for count in counts
        }
        found = np.array([mean(own[count]) if own[count] else (np.nan,) * 3 for count in counts], np.float32)
        if np.isfinite(found).any():
            series.append(
                charts.Series(t(f"fine_tune.unlocked.{name}"), found[:, 0], found[:, 1], found[:, 2], role)
            )
    st.markdown(f"**{t('fine_tune.races.sizes')}**")
    charts.over_counts(
        np.array(counts, np.float32),
        series,
        key="fine_tune_race_sizes",
        x_title=t("fine_tune.races.sizes.x"),
        y_title=t("fine_tune.curve.accuracy.axis"),
        alt=t(
            "fine_tune.races.alt",
            results=t("fine_tune.comma").join(
                f"{one.name} {percent(float(np.nanmax(one.shares)), 0)}" for one in series
            ),
        ),
    )


def _marks(rows: list[Row], words: str) -> list[charts.Mark]:
    names = dict.fromkeys(row["name"] for row in rows)
    return [
        charts.Mark(t(f"{words}.{name}"), *mean([row for row in rows if row["name"] == name]))
        for name in names
    ]


def _plans(rows: list[Row], chance: float) -> None:
    """All four ways to learn on the same pictures."""
    if not rows:
        return
    st.markdown(f"**{t('fine_tune.races.plans', count=rows[0]['count'])}**")
    marks = _marks(rows, "fine_tune.unlocked")
    _bars(marks, "fine_tune_race_plans", chance)


def _settings(rows: list[Row], chance: float) -> None:
    """What helps against learning by heart, each on and off, and how one of them went."""
    if not rows:
        return
    st.markdown(f"**{t('fine_tune.races.settings', count=rows[0]['count'])}**")
    left, right = st.columns(2, gap="large")
    with left:
        _bars(_marks(rows, "fine_tune.races.setting"), "fine_tune_race_settings", chance)
    with right:
        names = list(dict.fromkeys(row["name"] for row in rows))
        name = st.selectbox(
            t("fine_tune.races.went"),
            names,
            key="fine_tune_race_went",
            format_func=lambda one: t(f"fine_tune.races.setting.{one}"),
        )
        row = next(row for row in rows if row["name"] == name)
        history = np.array(
            row["history"], np.float32
        )  # epoch, loss, accuracy, and both of what it has never seen
        charts.learning(
            history[:, 0],
            history[:, 1],
            history[:, 3],
            key="fine_tune_race_history",
            names=(t("fine_tune.curve.learned"), t("fine_tune.curve.tested")),
            x_title=t("fine_tune.curve.epoch"),
            y_title=t("fine_tune.curve.loss.axis"),
            epochs=row["plan"]["epochs"],
            shares=False,
            best=row["best_epoch"],
            best_name=t("fine_tune.curve.best"),
            revision=name,
            alt=t(
                "fine_tune.curve.alt",
                name=t("fine_tune.curve.loss"),
                learned=f"{history[-1, 1]:.2f}",
                tested=f"{history[-1, 3]:.2f}",
            ),
        )
        st.caption(
            t(
                "fine_tune.races.gap",
                learned=percent(row["training_accuracy"], 0),
                tested=percent(row["last_validation_accuracy"], 0),
            )
        )


def _bars(marks: list[charts.Mark], key: str, chance: float) -> None:
    charts.with_intervals(
        marks,
        key=key,
        x_title=t("fine_tune.races.x"),
        alt=t(
            "fine_tune.races.alt",
            results=t("fine_tune.comma").join(f"{mark.name} {percent(mark.share, 0)}" for mark in marks),
        ),
        chance=chance,
        height=90 + 44 * len(marks),
    )
