"""What was in the tuning and what was not, and our figures beside the published ones."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import assets
from core.lit import known, towers
from ui import charts, frame, lit
from ui.words import percent, plain, t

MEGA = 1_000_000
LEFT_OUT = 200  # classes that the tower of the zero-shot figures was trained without
KINDS: tuple[known.Seen, ...] = ("pictures", "words", "captions", "new")
ZERO_SHOT = ("out_en_spread", "out_zh_spread", "out_en_tiny", "out_zh_tiny")  # of names that were left out
TUNED = (
    *("names_nearest_row_tiny", "names_en_tiny", "names_zh_tiny", "names_en_spread", "names_zh_spread"),
    *("captions_en_at_5", "captions_zh_at_5", "cifar10_en", "cifar10_zh"),
)


def honest() -> None:
    """The panel."""
    _words()
    st.markdown(f"#### {t('lit.honest.figures')}")
    _figures()


@frame.fragment
def _words() -> None:
    """How the words of each prompt were in the tuning."""
    found = lit.bench()
    counts = known.counts()
    st.markdown(
        t(
            "lit.honest.about",
            classes=f"{counts['pictures']:,}",
            words=f"{counts['words']:,}",
            captions=f"{counts['captions']:,}",
        )
    )
    for column, kind in zip(st.columns(len(KINDS), gap="medium"), KINDS, strict=True):
        with column, st.container(border=True, height="stretch"):
            st.markdown(f"**{t(f'lit.seen.{kind}')}**")
            st.caption(t(f"lit.seen.{kind}.about"))
            mine = [prompt for prompt in found.prompts if known.how_seen(prompt) == kind]
            for prompt in mine[:8]:
                st.markdown(f"- {plain(lit.shortened(prompt, 40))}")
            if len(mine) > 8:
                st.caption(t("lit.ask.more", count=len(mine) - 8))
            if not mine:
                st.caption(t("lit.honest.no_prompt"))


def _figures() -> None:
    """Bars of our own and of others, told apart by whether they are zero-shot."""
    figures = towers.card().figures
    published: list[dict[str, Any]] = assets.read_json("lit", "published.json")
    ours = [key for key in ZERO_SHOT if key in figures]
    others = [key for key in TUNED if key in figures]
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**{t('lit.honest.zero_shot')}**")
        drawn = [charts.Score(t(f"lit.figure.{key}"), figures[key], "main") for key in ours]
        drawn += [charts.Score(t(f"lit.published.{one['id']}"), one["share"], "second") for one in published]
        charts.scores(
            drawn,
            key="lit_zero_shot",
            x_title=t("lit.honest.share"),
            alt=_alt(drawn),
            names={"main": t("lit.honest.ours"), "second": t("lit.honest.published")},
        )
        if not ours:
            st.caption(t("lit.honest.unmeasured"))
        cited = dict.fromkeys((one["source"], one["url"]) for one in published)
        st.caption(t("lit.honest.sources", sources=" · ".join(f"[{name}]({url})" for name, url in cited)))
    with right:
        st.markdown(f"**{t('lit.honest.tuned')}**")
        if others:
            drawn = [charts.Score(t(f"lit.figure.{key}"), figures[key], "muted") for key in others]
            charts.scores(
                drawn,
                key="lit_tuned",
                x_title=t("lit.honest.share"),
                alt=_alt(drawn),
                names={"muted": t("lit.honest.ours")},
            )
        else:
            st.caption(t("lit.honest.unmeasured"))
        st.caption(t("lit.honest.spread") + " " + t("lit.honest.made_by", made_by=towers.card().made_by))
    shares = {one["id"]: percent(one["share"]) for one in published}
    size = assets.path("lit", "text_tower.npz").stat().st_size / MEGA
    st.markdown(
        "- "
        + t("lit.honest.why.data", coco=shares["lit_coco"], low=shares["lit_b16b"], high=shares["lit_g14"])
    )
    st.markdown("- " + t("lit.honest.why.names", chance=percent(1 / LEFT_OUT)))
    st.markdown("- " + t("lit.honest.why.tower"))
    st.markdown("- " + t("lit.honest.why.choice", megabytes=f"{size:.0f}"))


def _alt(drawn: list[charts.Score]) -> str:
    told = t("fine_tune.comma").join(f"{one.name} {percent(one.share)}" for one in drawn)
    return t("lit.honest.alt", results=told)
