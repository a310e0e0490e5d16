"""Inside of a language model: what each head reads, what each layer would have said, what a GRU keeps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from core.language import generation
from core.language.generation.types import NetworkModel
from core.types import Floats
from ui import charts, state
from ui import inside_pictures as pictures
from ui.components.attention import attention as drawing
from ui.components.channel_grid import Channel, channel_grid
from ui.components.lens import Guess, lens
from ui.components.states import states
from ui.language_model import Desk, cut, name_of, piece, remembered
from ui.words import percent, plain, t

MOST = 96  # tokens that are drawn at once
COLUMNS = 32  # tokens of the lens
LIKELIEST = 3  # tokens whose way through the layers is drawn
GATES = ("hidden", "update", "reset", "candidate")


def inside(found: Desk) -> None:
    """The attention of a Transformer, the states of a GRU; an n-gram model has counts alone."""
    if found.kind == "ngram":
        st.info(t("language_model.inside.ngram"), icon=":material/tag:")
        return
    what = found.inside()
    if what.attention is not None:
        _attention(found, what.attention)
    else:
        _states(found)


# --- attention -------------------------------------------------------------------------------------


def _attention(found: Desk, weights: Floats) -> None:
    layers, heads, count, _ = weights.shape
    begin = max(0, count - MOST)
    layer, head, token = _chosen(weights)
    token = max(token, begin)
    tokens = _tokens(found, count)[begin:]
    st.markdown(t("language_model.inside.lead", layers=layers, heads=heads))
    picker, text = st.columns([4, 7], gap="large")
    with picker:
        st.markdown(f"**{t('sentiment.attention.heads')}**")
        channel_grid(
            [
                Channel(
                    place * heads + each,
                    f"{place + 1}·{each + 1}",
                    t("sentiment.attention.head", layer=place + 1, head=each + 1),
                    pictures.picture(weights[place, each, begin:, begin:], "viridis", 1.0, 96),
                )
                for place in range(layers)
                for each in range(heads)
            ],
            key="language_heads",
            alt=t("sentiment.attention.heads.alt"),
            selected=layer * heads + head,
            pixelated=count <= 48,
            columns=heads,
            on_pick=lambda number: _choose(number // heads, number % heads, token),
        )
        st.caption(t("language_model.inside.heads.about"))
    with text:
        st.markdown(f"**{t('sentiment.attention.head', layer=layer + 1, head=head + 1)}**")
        drawing(
            tokens,
            weights[layer, head, begin:, begin:],
            key="language_attention",
            alt=t("sentiment.attention.alt"),
            selected=token - begin,
            words={
                "reads": t("sentiment.attention.reads"),
                "read_by": t("sentiment.attention.read_by"),
                "most": t("sentiment.attention.most"),
                "most_by": t("sentiment.attention.most_by"),
            },
            on_pick=lambda place: _choose(layer, head, place + begin),
        )
        st.caption(t("language_model.inside.causal"))
        if begin:
            st.caption(t("sentiment.attention.part", first=begin + 1, last=count, count=count))


def _tokens(found: Desk, count: int) -> list[tuple[str, str]]:
    """The last tokens in sight as they are shown."""
    return cut(found.model.vocabulary, found.ids[-count:], found.training)


def _chosen(weights: Floats) -> tuple[int, int, int]:
    """Layer, head and token: as they were chosen, else the head that looks most sharply far back."""
    layers, heads, count, _ = weights.shape
    kept = state.visit().kept.get("language_head")
    if kept is not None and kept[0] < layers and kept[1] < heads:
        return kept[0], kept[1], kept[2] if kept[2] < count else count - 1
    here, there = np.mgrid[:count, :count]
    far = (here - there > 1) & (there > 0)  # not itself, its neighbour, the first: those are habits
    sharp = (weights * far).max(-1).mean(-1)  # (layers, heads)
    layer, head = (int(place) for place in np.unravel_index(int(sharp.argmax()), sharp.shape))
    return layer, head, count - 1


def _choose(layer: int, head: int, token: int) -> None:
    state.visit().kept["language_head"] = (layer, head, token)


# --- the states of a GRU ---------------------------------------------------------------------------


def _states(found: Desk) -> None:
    """Every unit after every token, and one unit over time."""
    what = found.inside().states
    count = min(MOST, len(what["hidden"]))
    tokens = [letters for _, letters in _tokens(found, count)]
    name = state.remember("language_gate", GATES[0], options=GATES)
    values = what[name][-count:]
    units = values.shape[1]
    kept = state.visit().kept.get("language_unit")
    liveliest = int(what["hidden"][-count:].std(axis=0).argmax())
    unit = kept if kept is not None and kept < units else liveliest

    def picked(_: int, row: int) -> None:
        state.visit().kept["language_unit"] = row

    st.markdown(t("language_model.inside.states", units=units))
    st.segmented_control(
        t("language_model.inside.gate"),
        GATES,
        key="language_gate",
        format_func=lambda each: t(f"sentiment.states.{each}"),
        required=True,
        on_change=state.keep,
        args=("language_gate",),
        label_visibility="collapsed",
    )
    signed = name in ("hidden", "candidate")
    states(
        values,
        tokens,
        key=f"language_states_{name}",
        alt=t("sentiment.states.alt", name=t(f"sentiment.states.{name}")),
        scale="signed" if signed else "viridis",
        limit=1.0,
        chosen=(count - 1, unit),
        unit=t("sentiment.states.told", unit="{unit}", token="{token}", value="{value}"),
        rows=t("sentiment.states.units", count=units),
        height=260,
        on_pick=picked,
    )
    st.markdown(f"**{t('sentiment.states.over_time', unit=unit)}**")
    charts.over_tokens(
        tokens,
        [
            charts.Line(t(f"sentiment.states.{each}"), what[each][-count:, unit], role)
            for each, role in zip(GATES, ("main", "second", "muted", "third"), strict=True)
        ],
        key="language_over_time",
        y_title=t("sentiment.states.value"),
        alt=t("sentiment.states.over_time.alt", unit=unit),
        y_range=(-1.05, 1.05),
        height=260,
    )


# --- the lens --------------------------------------------------------------------------------------


def layers(found: Desk) -> None:
    """What each layer would have said, had it been the last; one column in bars, from layer to layer."""
    if found.kind != "transformer":
        st.info(t("language_model.lens.other"), icon=":material/layers:")
        return
    what = found.inside()
    count = len(what.logits)
    begin = max(0, count - COLUMNS)
    looked = remembered("lens", (id(found.model), found.ids), lambda: _looked(found, begin))
    ids = found.ids[-count:]
    vocabulary, training = found.model.vocabulary, found.training
    came = [piece(name_of(vocabulary, id), training) for id in ids[begin + 1 :]] + [""]
    tokens = [letters for _, letters in _tokens(found, count)][begin:]
    column = state.visit().kept.get("language_lens", (None, 0))
    place = column[1] if column[0] == found.ids and column[1] < len(tokens) else len(tokens) - 1
    last = len(looked) - 1
    names = [
        t("language_model.lens.embedding") if not layer else t("language_model.lens.layer", number=layer)
        for layer in range(last + 1)
    ]
    st.markdown(t("language_model.lens.lead"))
    lens(
        tokens,
        [
            (
                names[layer],
                [
                    Guess(
                        piece(name, training),
                        round(share, 4),
                        percent(share),
                        begin + at + 1 < count and id == ids[begin + at + 1],
                    )
                    for at, (id, name, share) in enumerate(looked[layer])
                ],
            )
            for layer in range(last, -1, -1)
        ],
        came,
        key="language_lens_table",
        alt=t("language_model.lens.alt"),
        words={name: t(f"language_model.lens.{name}") for name in ("read", "came")}
        | {"cell": t("language_model.lens.cell", layer="{layer}", guess="{guess}", share="{share}")},
        selected=place,
        on_pick=lambda at: state.visit().kept.update(language_lens=(found.ids, at)),
    )
    _way(found, begin + place, tokens[place], names)


def _looked(found: Desk, begin: int) -> list[list[tuple[int, str, float]]]:
    """(id, name, probability) of each layer's likeliest token after each token from `begin` on."""
    what, vocabulary = found.inside(), found.model.vocabulary
    assert isinstance(found.model, NetworkModel) and what.layers is not None
    shown = replace(what, logits=what.logits[begin:], layers=what.layers[:, begin:])
    best = generation.logit_lens(found.model, shown).best
    return [[(one.id, name_of(vocabulary, one.id), one.probability) for one in row] for row in best]


def _way(found: Desk, place: int, token: str, names: list[str]) -> None:
    """The likeliest tokens at one place, and their probability layer by layer."""
    what = found.inside()
    assert isinstance(found.model, NetworkModel) and what.layers is not None
    shown = replace(what, logits=what.logits[[place]], layers=what.layers[:, [place]])
    shares = generation.logit_lens(found.model, shown).probabilities[:, 0]  # (1 + layers, tokens)
    order = np.argsort(-shares[-1], kind="stable")[:LIKELIEST]
    vocabulary = found.model.vocabulary
    st.markdown(f"**{t('language_model.lens.way', token=plain(token))}**")
    roles = ("main", "second", "third")
    charts.over_tokens(
        names,
        [
            charts.Line(
                charts.literal(piece(name_of(vocabulary, int(id)), found.training)),
                shares[:, int(id)],
                role,
            )
            for id, role in zip(order, roles, strict=True)
        ],
        key="language_lens_way",
        y_title=t("language_model.lens.share"),
        alt=t("language_model.lens.way.alt"),
        y_range=(0, min(1.0, 1.15 * float(shares[:, order].max()) + 0.01)),
        height=240,
    )
