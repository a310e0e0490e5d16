"""The home page's look at fine-tuning: what a few pictures are worth, as it was measured, or the visitor's own."""

from __future__ import annotations

import streamlit as st

from ui import networks, tuning_races
from ui.components import Bar, bars
from ui.frame import entry, page_link
from ui.words import percent, t

COUNT = 10  # pictures a class, of the race that is told


def station() -> None:
    """The recorded race of the ways to learn; where the visitor has tuned a network, what that one can do."""
    record = tuning_races.record()
    raced = record["rows"] if record else []
    rows = [row for row in raced if row["count"] == COUNT and row["race"] in ("sizes", "plans")]
    done = networks.tuned() or networks.tuned_texts()
    if not rows and done is None:
        return
    with st.container(key="home_teach", gap="xsmall"):
        st.markdown(f"**{t('fine_tune.home')}**")
        if done is not None:
            share = percent(done.tuned.figures["accuracy"], 0)
            count = round(done.tuned.figures["validation"])
            st.caption(t(f"fine_tune.home.own.{done.tuned.kind}", share=share, count=count))
        if rows:
            st.caption(t("fine_tune.home.about", count=COUNT, tests=rows[0]["tests"]))
            shares = {
                name: tuning_races.mean([row for row in rows if row["name"] == name])[0]
                for name in dict.fromkeys(row["name"] for row in rows)
            }
            bars(
                [
                    Bar(name, t(f"fine_tune.unlocked.{name}"), "", share, percent(share, 0))
                    for name, share in sorted(shares.items(), key=lambda pair: -pair[1])
                ],
                key="home_teach_bars",
                alt=t("fine_tune.home.alt"),
            )
        page_link(entry("fine_tune"), t("fine_tune.next"), icon=":material/arrow_forward:")
