"""Three questions about teaching a network, each answered by an experiment that runs now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

import numpy as np
import streamlit as st

from core.tuning import experiments
from core.tuning.experiments import COUNTS, DRAWS, SETS, Guards, Score, Setting
from core.tuning.shipped import BUILTIN
from ui import charts, frame, state, tuning_races
from ui.words import percent, t

GUARDS = tuple(one.name for one in fields(Guards))
WRONG = (0, 10, 20, 30, 40, 50)  # per cent of the labels
COMPARED = "pixels", "tower"
BARE = "scratch~augmentation~off~dropout~0~early_stopping~0~weight_decay~0"  # a plan, as a link has it
GUARDED = "scratch"  # the usual plan has all of them


def style() -> None:
    """The page's part of the look."""
    st.html(
        "<style>"
        '[class*="st-key-questions_part_"] { padding-block: 0.5rem 1.25rem; }'
        '[class*="st-key-questions_part_"] h2 { padding: 0; }'
        '[class*="st-key-questions_part_"] [data-testid="stMetricValue"] { font-size: 1.5rem; }'
        "</style>"
    )


def link(page: str, label: str, **query: str) -> None:
    """A link to a page that is filled in."""
    entry = frame.entry(page)
    st.page_link(
        entry.path, label=label, icon=entry.icon, query_params=state.shared_parameters() | dict(query)
    )


def _question(name: str, **values: object) -> None:
    st.header(t(f"questions.{name}"), anchor=False)
    st.markdown(t(f"questions.{name}.answer", **values))


# --- how to choose data ----------------------------------------------------------------------------


@frame.fragment
def data() -> None:
    """How many pictures, how rightly labelled, how evenly spread: sliders, and the accuracy that follows."""
    with st.container(key="questions_part_data"):
        words, drawing = st.columns(2, gap="large")
        with words:
            _question("data", draws=DRAWS)
            setting = _setting()
            chosen = experiments.score("digits", setting)
            _figures(chosen, setting)
            link("fine_tune", t("questions.data.try"))
        with drawing:
            _over_counts(setting, chosen)


def _setting() -> Setting:
    count = state.remember("questions_count", 10, options=COUNTS, url="count")
    wrong = state.remember("questions_wrong", 0, options=WRONG, url="wrong")
    starved = state.remember("questions_starved", False, options=(False, True), url="starved")
    st.select_slider(
        t("questions.data.count"),
        COUNTS,
        key="questions_count",
        on_change=state.keep,
        args=("questions_count", "count"),
    )
    st.select_slider(
        t("questions.data.wrong"),
        WRONG,
        key="questions_wrong",
        format_func=lambda share: f"{share}%",
        on_change=state.keep,
        args=("questions_wrong", "wrong"),
    )
    st.toggle(
        t("questions.data.starve"),
        key="questions_starved",
        on_change=state.keep,
        args=("questions_starved", "starved"),
    )
    return Setting(count, wrong / 100, starved)


def _figures(chosen: Score, setting: Setting) -> None:
    columns = st.columns(3)
    for column, name, value in zip(
        columns,
        ("new", "learned", "starved"),
        (chosen.accuracy, chosen.learned, chosen.starved),
        strict=True,
    ):
        column.metric(t(f"questions.data.{name}"), percent(value, 0))


def _over_counts(setting: Setting, chosen: Score) -> None:
    clean = replace(setting, wrong=0.0, starved=False)
    drawn = [("chosen", setting, "main")]
    if setting != clean:
        drawn.append(("clean", clean, "second"))
    series = []
    for name, found, role in drawn:
        scores = [experiments.score("digits", replace(found, count=count)) for count in COUNTS]
        low, high = (np.array([one.interval[end] for one in scores], np.float32) for end in (0, 1))
        series.append(
            charts.Series(
                t(f"questions.data.series.{name}"),
                np.array([one.accuracy for one in scores], np.float32),
                low,
                high,
                role,
            )
        )
    tests = len(experiments.shelf("digits").test_labels)
    charts.over_counts(
        np.array(COUNTS, np.float32),
        series,
        key="questions_data_chart",
        x_title=t("questions.data.x"),
        y_title=t("questions.accuracy"),
        alt=t("questions.data.alt", count=setting.count, accuracy=percent(chosen.accuracy, 0)),
    )
    st.caption(t("questions.note", draws=DRAWS, tests=tests))


# --- how to avoid overfitting ----------------------------------------------------------------------


@frame.fragment
def overfitting() -> None:
    """What helps against learning by heart, each switched on and off."""
    with st.container(key="questions_part_overfitting"):
        words, drawing = st.columns(2, gap="large")
        with words:
            _question("overfitting")
            guards = _guards()
            found, bare = experiments.course(guards), experiments.course(Guards())
            learned, new = st.columns(2)
            learned.metric(t("questions.data.learned"), percent(found.learned, 0))
            new.metric(
                t("questions.data.new"),
                percent(found.kept, 0),
                None
                if guards == Guards()
                else t("questions.points", points=f"{100 * (found.kept - bare.kept):+.0f}"),
            )
            with st.container(horizontal=True):
                link("fine_tune", t("questions.overfitting.bare"), set="surfaces", plan=BARE)
                link("fine_tune", t("questions.overfitting.guarded"), set="surfaces", plan=GUARDED)
        with drawing:
            history = found.history
            charts.learning(
                np.arange(1, len(history) + 1, dtype=np.float32),
                history[:, 1],
                history[:, 3],
                key="questions_overfitting_chart",
                names=(t("questions.data.learned"), t("questions.data.new")),
                x_title=t("fine_tune.curve.epoch"),
                y_title=t("questions.accuracy"),
                epochs=len(history),
                shares=True,
                best=found.best_epoch if guards.early_stopping else None,
                best_name=t("questions.overfitting.kept"),
                revision=str(guards),
                alt=t(
                    "questions.overfitting.alt",
                    learned=percent(float(history[-1, 1]), 0),
                    new=percent(float(history[-1, 3]), 0),
                ),
                height=330,
            )
            tests = len(experiments.shelf("digits").test_labels)
            st.caption(t("questions.overfitting.note", draws=DRAWS, tests=tests // 2))


def _guards() -> Guards:
    key = "questions_guards"
    asked = state.from_url("guards")
    if asked is not None:
        state.visit().kept[key] = [name for name in GUARDS if name in asked.split("~")]
    chosen: list[str] = state.visit().kept.get(key, [])
    st.session_state[key] = chosen

    def changed() -> None:
        state.visit().kept[key] = [name for name in GUARDS if name in st.session_state[key]]
        state.to_url("guards", "~".join(state.visit().kept[key]) or None)

    st.pills(
        t("questions.overfitting.guards"),
        GUARDS,
        selection_mode="multi",
        wrap=True,
        key=key,
        format_func=lambda name: t(f"questions.guard.{name}"),
        on_change=changed,
    )
    state.to_url("guards", "~".join(chosen) or None)
    return Guards(**{name: name in chosen for name in GUARDS})


# --- how to make a model better --------------------------------------------------------------------


@frame.fragment
def better() -> None:
    """The same learner on bare pixels and on what a locked tower makes of them."""
    with st.container(key="questions_part_better"):
        words, drawing = st.columns(2, gap="large")
        with words:
            _question("better")
            name = state.remember("questions_set", SETS[0], options=SETS, url="pictures")
            st.segmented_control(
                t("questions.better.set"),
                SETS,
                key="questions_set",
                format_func=lambda one: t(f"tuning_set.{one}"),
                required=True,
                wrap=True,
                on_change=state.keep,
                args=("questions_set", "pictures"),
            )
            count = state.remember("questions_better_count", 5, options=COUNTS[:4], url="each")
            st.select_slider(
                t("questions.data.count"),
                COUNTS[:4],
                key="questions_better_count",
                on_change=state.keep,
                args=("questions_better_count", "each"),
            )
            scores = {what: experiments.score(name, Setting(count), what) for what in COMPARED}
            _worth(scores, len(experiments.shelf(name).test_labels))
            with st.container(horizontal=True):
                link("fine_tune", t("questions.better.head"), set=name, plan="head")
                link("fine_tune", t("questions.better.scratch"), set=name, plan="scratch")
        with drawing:
            marks = [
                charts.Mark(t(f"questions.better.{what}"), one.accuracy, *one.interval)
                for what, one in scores.items()
            ]
            charts.with_intervals(
                marks,
                key="questions_better_chart",
                x_title=t("fine_tune.races.x"),
                alt=t(
                    "fine_tune.races.alt",
                    results=t("fine_tune.comma").join(
                        f"{mark.name} {percent(mark.share, 0)}" for mark in marks
                    ),
                ),
                chance=1 / len(BUILTIN[name].labels),
                height=220,
            )
            st.caption(t("questions.note", draws=DRAWS, tests=len(experiments.shelf(name).test_labels)))
            _recorded()


def _worth(scores: Mapping[str, Score], tests: int) -> None:
    """What the tower is worth, if so few test pictures can tell."""
    pixels, tower = scores["pixels"], scores["tower"]
    gain = f"{abs(100 * (tower.accuracy - pixels.accuracy)):.0f}"
    if tower.interval[0] > pixels.accuracy:
        said = t("questions.better.gains", points=gain)
    elif tower.interval[1] < pixels.accuracy:
        said = t("questions.better.loses", points=gain)
    else:
        said = t("questions.better.alike", points=gain, tests=tests)
    st.markdown(said)


def _recorded() -> None:
    """The same question on photos, with a real network from nothing: the recorded races, if they are there."""
    record = tuning_races.record()
    rows = record["rows"] if record else []
    found = {
        name: {row["count"]: row["accuracy"] for row in rows if (row["race"], row["name"]) == ("sizes", name)}
        for name in ("head", "scratch")
    }
    both = sorted(set(found["head"]) & set(found["scratch"]))
    if not both:
        return
    count = both[-1]
    means = {
        name: np.mean(
            [
                row["accuracy"]
                for row in rows
                if (row["race"], row["name"], row["count"]) == ("sizes", name, count)
            ]
        )
        for name in found
    }
    st.markdown(
        t(
            "questions.better.recorded",
            count=count,
            head=percent(float(means["head"]), 0),
            scratch=percent(float(means["scratch"]), 0),
            tests=rows[0]["tests"],
        )
    )
    link("fine_tune", t("questions.better.races"), tab="races")
