"""A small data set tunes a network: what is locked, how it learns, what it is worth, and taking it away."""

from __future__ import annotations

import streamlit as st

from ui import (
    frame,
    tuning,
    tuning_away,
    tuning_data,
    tuning_plan,
    tuning_races,
    tuning_result,
    tuning_style,
    tuning_watch,
)


def teach(found: tuning.Workshop) -> None:
    """The examples beside the plan: all that is needed to begin."""
    tuning_data.chooser(found)
    examples, plan = st.columns([7, 5], gap="large")
    with examples:
        tuning_data.heading(found)
        tuning_data.table(found)
    with plan:
        tuning_plan.drawing(found)
        tuning_plan.start(found)
        tuning_plan.main(found)


def show(tab: str, found: tuning.Workshop) -> None:
    """What stands under a tab; only the open one is computed."""
    match tab:
        case "teach":
            teach(found)
        case "watch":
            tuning_watch.watch(found)
        case "result":
            tuning_result.result(found)
        case "away":
            tuning_away.away(found)
        case "races":
            tuning_races.races(found)


with frame.page("fine_tune") as here:
    tuning_style.style()
    workshop = tuning.workshop()
    here.card = tuning.card()
    for name, tab in tuning.tabs():
        if tab.open:
            with tab, frame.told():
                show(name, workshop)
