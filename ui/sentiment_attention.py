"""Which tokens read which, by layer and head, and the arithmetic of one row of one head."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.language.arithmetic import Attention
from core.language.reading import Reading
from core.types import Floats
from ui import cache, state
from ui import inside_pictures as pictures
from ui.components.attention import attention as drawing
from ui.components.channel_grid import Channel, channel_grid
from ui.sentiment import Look, cut, quoted, shown, turns
from ui.sentiment_recurrent import n
from ui.words import percent, t

MOST = 96  # tokens that are drawn at once
TERMS = 3  # of a dot product that are written out
LISTED = 8  # rows of the table


def attention(look: Look) -> None:
    """All heads small, one of them between the tokens, one token's row in numbers."""
    reading = look.reading()
    found = reading.attention
    assert found is not None
    layers, heads, count, _ = found.shape
    layer, head, token = chosen(look, reading, found)
    st.markdown(
        t("sentiment.attention.lead", layers=layers, heads=heads, name=t(f"sentiment.name.{look.model}"))
    )
    part = _part(count, token)
    picker, text = st.columns([4, 7], gap="large")
    with picker:
        st.markdown(f"**{t('sentiment.attention.heads')}**")
        channel_grid(
            [
                Channel(
                    place * heads + each,
                    f"{place + 1}·{each + 1}",
                    t("sentiment.attention.head", layer=place + 1, head=each + 1),
                    pictures.picture(found[place, each, part, part], "viridis", 1.0, 96),
                )
                for place in range(layers)
                for each in range(heads)
            ],
            key=f"sentiment_heads_{look.model}",
            alt=t("sentiment.attention.heads.alt"),
            selected=layer * heads + head,
            pixelated=count <= 48,
            columns=heads,
            on_pick=lambda number: choose(look.model, number // heads, number % heads, None),
        )
        st.caption(t("sentiment.attention.heads.about"))
    with text:
        st.markdown(f"**{t('sentiment.attention.head', layer=layer + 1, head=head + 1)}**")
        begin = part.start
        drawing(
            cut(reading)[part],
            found[layer, head, part, part],
            key=f"sentiment_attention_{look.model}",
            alt=t("sentiment.attention.alt"),
            selected=token - begin,
            words={
                "reads": t("sentiment.attention.reads"),
                "read_by": t("sentiment.attention.read_by"),
                "most": t("sentiment.attention.most"),
                "most_by": t("sentiment.attention.most_by"),
            },
            on_pick=lambda place: choose(look.model, layer, head, place + begin),
        )
        if part.stop - begin < count:
            st.caption(t("sentiment.attention.part", first=begin + 1, last=part.stop, count=count))
    _arithmetic(look, reading, layer, head, token)


def _part(count: int, token: int) -> slice:
    """The tokens that are drawn: all, or so many around the chosen one."""
    begin = min(max(0, token - MOST // 2), max(0, count - MOST))
    return slice(begin, min(count, begin + MOST))


def chosen(look: Look, reading: Reading, found: Floats) -> tuple[int, int, int]:
    """Layer, head and token: as they were chosen, else the head that looks most sharply at another token."""
    kept = state.visit().kept.get("sentiment_head", {}).get(look.model)
    count = found.shape[2]
    if kept is not None:
        layer, head, token = kept
    else:
        here, there = np.mgrid[:count, :count]
        far = (abs(here - there) > 1) & (there > 0)  # not the neighbour, not the first: those are habits
        sharp = (found * far).max(-1).mean(-1)  # (layers, heads)
        layer, head = (int(place) for place in np.unravel_index(int(sharp.argmax()), sharp.shape))
        token = None
    if token is None or token >= count:
        turned = turns([float(p) for p in reading.running])
        token = turned[-1] if turned else count - 1
    return layer, head, token


def choose(model: str, layer: int, head: int, token: int | None) -> None:
    """Another head or token in the run that follows; a token stays if none is given."""
    kept = state.visit().kept.setdefault("sentiment_head", {})
    if token is None and model in kept:
        token = kept[model][2]
    kept[model] = (layer, head, token)


# --- the arithmetic --------------------------------------------------------------------------------


def _arithmetic(look: Look, reading: Reading, layer: int, head: int, token: int) -> None:
    found = cache.attention_row(look.model, look.digest, look.window, layer, head, token, look.text)
    pieces = shown(reading)
    order = [int(place) for place in np.argsort(-found.weights, kind="stable")[:LISTED]]
    first = order[0]
    st.markdown(
        f"**{t('sentiment.attention.arithmetic', token=quoted(pieces[token]), layer=layer + 1, head=head + 1)}**"
    )
    left, right = st.columns([6, 5], gap="large")
    with left:
        _checked(found, first)
        st.latex(
            r"a_{ij} = \frac{e^{s_{ij} - m}}{\sum_k e^{s_{ik} - m}}, \qquad s_{ij} = \frac{q_i \cdot k_j}{\sqrt{d}}"
        )
        st.caption(
            t(
                "sentiment.attention.qk",
                token=quoted(pieces[token]),
                other=quoted(pieces[first]),
                width=len(found.query),
            )
        )
        dot = found.dot(first, TERMS)
        score, largest = float(found.scores[first]), float(found.scores.max())
        total = float(found.exponentials.sum())
        terms = " + ".join(
            f"{n(term.weight, place > 0)} \\cdot {n(term.value, True)}"
            for place, term in enumerate(dot.terms)
        )
        rest = f" + {n(dot.rest, True)}" if dot.others else ""
        st.latex(
            r"\begin{aligned}"
            rf"q \cdot k &= {terms}\\&\quad{rest} = {n(float(found.dots[first]))}\\"
            rf"s &= {n(float(found.dots[first]))} / \sqrt{{{len(found.query)}}} = {n(score)}\\"
            rf"a &= \frac{{e^{{{n(score)} - {n(largest, True)}}}}}{{{n(total)}}} = {n(float(found.weights[first]))}"
            r"\end{aligned}"
        )
    with right:
        st.dataframe(
            {
                t("sentiment.attention.other"): [pieces[place] for place in order],
                "q · k": [round(float(found.dots[place]), 3) for place in order],
                f"÷ √{len(found.query)}": [round(float(found.scores[place]), 3) for place in order],
                t("sentiment.attention.weight"): [float(found.weights[place]) for place in order],
                t("sentiment.attention.network"): [float(found.network[place]) for place in order],
            },
            hide_index=True,
            key="sentiment_attention_table",
            column_config={
                t("sentiment.attention.weight"): st.column_config.NumberColumn(format="%.4f"),
                t("sentiment.attention.network"): st.column_config.NumberColumn(format="%.4f"),
            },
        )
        left_out = len(found.weights) - len(order)
        if left_out:
            others = float(found.weights.sum() - found.weights[order].sum())
            st.caption(t("sentiment.attention.rest", count=left_out, share=percent(max(others, 0.0))))


def _checked(found: Attention, first: int) -> None:
    values = {
        "value": f"{found.weights[first]:.6f}",
        "network": f"{found.network[first]:.6f}",
        "difference": pictures.tiny(found.difference),
    }
    if found.agrees:
        st.success(t("sentiment.attention.agrees", **values), icon=":material/check_circle:")
    else:
        st.error(t("sentiment.disagrees", **values), icon=":material/cancel:")
