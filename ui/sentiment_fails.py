"""Where the networks fail: how often each is right, by kind of text, on texts that none of them has learned from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core import assets, i18n
from ui import charts, state
from ui.sentiment import MODELS, quoted, write_text
from ui.words import percent, t

GROUPS = ("language", "negation", "length", "other_kind", "source", "sure")
FEWEST = 6  # texts of a part that is shown
FILE = ("language", "failures.json")


def fails(model: str) -> None:
    """The weakest spots of one network in words, all groups as dots, and sentences that it got wrong."""
    if not assets.path(*FILE).exists():
        st.info(t("sentiment.fails.none"), icon=":material/info:")
        return
    found = assets.read_json(*FILE)
    groups: Mapping[str, Mapping[str, Any]] = found["groups"]
    st.markdown(t("sentiment.fails.lead", name=t(f"sentiment.name.{model}")))
    weakest = _weakest(groups, model)
    if weakest:
        st.markdown(
            t("sentiment.fails.weakest", name=t(f"sentiment.name.{model}"))
            + "  \n"
            + "  \n".join(f"- {part}: **{percent(share)}** ({count:,})" for part, share, count in weakest)
        )
    shown = [group for group in GROUPS if group in groups]
    for left, right in zip(shown[::2], [*shown[1::2], None], strict=False):
        for column, group in zip(st.columns(2, gap="large"), (left, right), strict=True):
            if group is not None:
                with column:
                    _group(group, groups[group], model)
    _worst(found.get("worst", {}).get(model, []), model)
    st.caption(t("sentiment.fails.method"))


def _rows(group: str, parts: Mapping[str, Any], model: str) -> list[tuple[str, int, Mapping[str, float]]]:
    """(its name, how many texts, the share that each network got right) of the parts that say something."""
    rows: list[tuple[str, int, Mapping[str, float]]] = []
    for part, row in parts.items():
        texts = row["texts"]
        count = texts.get(model, 0) if isinstance(texts, Mapping) else texts
        right = {name: share for name, share in row["accuracy"].items() if share == share}  # not a nan
        if count >= FEWEST and model in right:
            rows.append((part_name(group, part), int(count), right))
    return rows


def _weakest(groups: Mapping[str, Mapping[str, Any]], model: str) -> list[tuple[str, float, int]]:
    """The three parts of the test texts in which a network is right least often."""
    every = [
        (name, right[model], count)
        for group in ("language", "negation", "length", "source")
        for name, count, right in _rows(group, groups.get(group, {}), model)
    ]
    return sorted(every, key=lambda each: each[1])[:3]


def _group(group: str, parts: Mapping[str, Any], model: str) -> None:
    rows = _rows(group, parts, model)
    if not rows:
        return
    st.markdown(f"**{t(f'sentiment.fails.{group}')}**")
    charts.dots(
        [f"{name} · {count:,}" for name, count, _ in rows],
        {
            t(f"sentiment.name.{name}"): [right.get(name) for _, _, right in rows]
            for name in MODELS
            if any(name in right for _, _, right in rows)
        },
        main=t(f"sentiment.name.{model}"),
        key=f"sentiment_fails_{group}",
        x_title=t("sentiment.fails.axis"),
        alt=t("sentiment.fails.alt", group=t(f"sentiment.fails.{group}")),
    )


def part_name(group: str, part: str) -> str:
    """What a part of a group is called; the length in characters, the source by its own name."""
    language, _, rest = part.partition("_")
    if group == "sure":
        low = round(100 * float(part))
        return f"{low}–{min(low + 10, 100)}%"
    if group == "source":
        key = f"sentiment.fails.source.{part}"
        return t(key) if key in i18n.catalogue(state.visit().language) else part
    named = t(f"sentiment.fails.{language}")
    if group == "language" or not rest:
        return named
    if group == "length":
        low_text, _, high = rest.partition("_")
        if not high:
            return t("sentiment.fails.longer", name=named, low=f"{int(low_text) - 1:,}")
        return t("sentiment.fails.between", name=named, low=f"{int(low_text):,}", high=f"{int(high):,}")
    return t("sentiment.fails.of", name=named, what=t(f"sentiment.fails.{group}.{rest}"))


def _worst(worst: list[dict[str, Any]], model: str) -> None:
    """Sentences that it got wrong; a click reads one."""
    if not worst:
        return
    st.markdown(f"**{t('sentiment.fails.worst', name=t(f'sentiment.name.{model}'))}**")
    for place, each in enumerate(worst):
        st.button(
            t(
                "sentiment.fails.wrong",
                text=quoted(each["text"]),
                label=t("sentiment.positive" if each["label"] else "sentiment.negative"),
                share=percent(each["positive"], 0),
            ),
            key=f"sentiment_worst_{place}",
            type="tertiary",
            icon=":material/arrow_upward:",
            on_click=write_text,
            args=(each["text"],),
        )
