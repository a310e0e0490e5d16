"""What such networks are used for: four tunings that are ready to begin, each with what came of it once."""

from __future__ import annotations

import streamlit as st

from core.tuning import applications
from core.tuning.applications import Result
from core.tuning.shipped import BUILTIN
from core.tuning.training import default_plan, estimate
from ui import cache, charts, state, tuning
from ui.questions import link
from ui.words import percent, plain, t

PICTURES = 6
LINES = 2
TALL = 118  # pixels of what is shown of a set


def style() -> None:
    """The page's part of the look: what came of a set at the foot of its card; on a phone nothing of it cut off."""
    glimpse = '[class*="st-key-applications_glimpse_"]'
    feet = ", ".join(f".st-key-applications_{name} > :nth-last-child(2)" for name in applications.SETS)
    st.html(
        "<style>"
        f"{feet} {{ margin-top: auto; }}"
        "@media (max-width: 767px) {"
        f" {glimpse}, :has(> {glimpse}) {{ height: auto !important; }}"
        f' {glimpse} [data-testid="stHorizontalBlock"] {{ flex-wrap: nowrap; gap: 0.4rem; }}'
        f' {glimpse} [data-testid="stHorizontalBlock"] > * {{ flex: 0 1 52px; min-width: 0; }}'
        f' {glimpse} [data-testid="stImageContainer"] {{ max-width: 100%; }}'
        " }"
        "</style>"
    )


def cards() -> None:
    """The four of them, two in a row."""
    for start in range(0, len(applications.SETS), 2):
        columns = st.columns(2, gap="large")
        for column, name in zip(columns, applications.SETS[start : start + 2], strict=True):
            with column, st.container(border=True, key=f"applications_{name}", height="stretch"):
                _card(name)


def result(name: str) -> Result:
    """What is recorded of a set, its texts in the visitor's language."""
    texts = BUILTIN[name].kind == "texts"
    return applications.results()[name, state.texts_language() if texts else ""]


def _card(name: str) -> None:
    st.header(t(f"tuning_set.{name}"), anchor=False)
    st.markdown(t(f"applications.{name}"))
    with st.container(height=TALL, border=False, key=f"applications_glimpse_{name}"):
        _glimpse(name)
    found = result(name)
    st.markdown(
        t(
            "applications.result",
            accuracy=percent(found.accuracy, 0),
            low=percent(found.interval[0], 0),
            high=percent(found.interval[1], 0),
            tests=found.tests,
            training=found.training,
        )
    )
    dataset = tuning.shipped(name)
    link(
        "fine_tune",
        t("applications.open", time=tuning.seconds(estimate(dataset, default_plan(dataset)))),
        set=name,
        plan="head",
        tab="teach",
    )


def _glimpse(name: str) -> None:
    """A few of its pictures with their classes, or of its lines."""
    dataset = tuning.shipped(name)
    names = tuning.names_of(dataset)
    labels = range(len(names))
    if dataset.kind == "texts":
        for label in list(labels)[:LINES]:
            first = next(one for one in dataset.examples if one.label == label)
            st.markdown(f":gray-badge[{plain(names[label])}] {plain(first.text)}")
        return
    thumbnails = cache.builtin_thumbnails(name)
    each = max(1, PICTURES // len(names))
    of_class = {label: [one for one in dataset.examples if one.label == label][:each] for label in labels}
    shown = [(names[label], of_class[label][number]) for number in range(each) for label in labels][:PICTURES]
    with st.container(horizontal=True, gap="small"):
        for word, one in shown:
            st.image(thumbnails[one.digest], caption=word, width=52, alt=word)


def chart() -> None:
    """All four results beside one another."""
    found = [result(name) for name in applications.SETS]
    marks = [charts.Mark(t(f"tuning_set.{one.set}"), one.accuracy, *one.interval) for one in found]
    st.header(t("applications.results"), anchor=False)
    charts.with_intervals(
        marks,
        key="applications_chart",
        x_title=t("fine_tune.races.x"),
        alt=t(
            "fine_tune.races.alt",
            results=t("fine_tune.comma").join(f"{mark.name} {percent(mark.share, 0)}" for mark in marks),
        ),
    )
    st.caption(t("applications.note", date=found[0].made, splits=max(one.splits for one in found)))
