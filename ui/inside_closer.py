"""What a channel looks for; statistics by depth; the list of all layers and what they cost; the sandbox."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from core.imaging.samples import samples
from core.types import Image
from core.vision.arithmetic import output_size
from core.vision.article_cnn import ARTICLE_SIDE, SIDE, article_card, costs
from core.vision.convolution import Padding
from core.vision.maximisation import STEPS, Step, feeds, last_layer, maximise
from ui import cache, charts, frame, inside, state
from ui import inside_pictures as pictures
from ui.components import Bar, GalleryItem, bars, gallery, thumbnail
from ui.components.slide import Sliding, slide
from ui.inside import Look, Network, named, shape_of, short
from ui.inside_network import channel_name
from ui.words import percent, t

KEPT = 12  # pictures by gradient ascent of a visit
PATCHES = 9
PADDINGS: tuple[Padding, ...] = ("valid", "same", 1, 2)
PHOTOS = 6  # whose statistics are told, the visitor's own among them


# --- what it looks for -----------------------------------------------------------------------------


@frame.fragment
def seeks(look: Look) -> None:
    """A picture made to excite the channel, the photos' patches that do, and the classes that it feeds."""
    ascent, patches = st.columns([5, 7], gap="large")
    with ascent:
        _ascent(look)
    with patches:
        _patches(look)
        _feeds(look)


def _ascent(look: Look) -> None:
    name = channel_name(look.network, look.layer, look.channel)
    st.markdown(t("feature_maps.seeks.ascent", name=f"{short(look.layer)} · {name}"))
    if look.node.kind == "input":
        st.info(t("feature_maps.seeks.input"), icon=":material/image:")
        return
    held: dict[tuple[str, str, int], Step] = state.visit().kept.setdefault("inside_ascents", {})
    place = (look.network.key, look.layer, look.channel)
    done = held.get(place)
    with st.container(horizontal=True, vertical_alignment="center"):
        begun = st.button(
            t("feature_maps.seeks.begin" if done is None else "feature_maps.seeks.again"),
            key="inside_ascend",
            icon=":material/landscape:",
            type="primary",
        )
        stop = st.empty()
    with st.container(key="inside_ascent"):
        bar, picture = st.empty(), st.empty()
    if begun:
        stop.button(t("feature_maps.seeks.stop"), key="inside_ascend_stop", icon=":material/stop:")
        bar.progress(0.0, t("feature_maps.seeks.compiling"))
        for step in maximise(look.network.model, look.layer, look.channel):
            held.pop(place, None)
            held[place] = done = step
            while len(held) > KEPT:
                del held[next(iter(held))]
            told = t(
                "feature_maps.seeks.step",
                step=step.step,
                steps=step.steps,
                value=pictures.number(step.value),
            )
            bar.progress(step.step / step.steps, told)
            _picture(picture, step, name)
        stop.empty()
    if done is not None:
        told = "feature_maps.seeks.done" if done.step == done.steps else "feature_maps.seeks.stopped"
        bar.caption(t(told, step=done.step, steps=done.steps, value=pictures.number(done.value)))
        _picture(picture, done, name)
    else:
        bar.caption(t("feature_maps.seeks.idle", steps=STEPS))


def _picture(slot: Any, step: Step, name: str) -> None:
    slot.image(pictures.photo(step.picture, 448), alt=t("feature_maps.seeks.alt", name=name), width="stretch")


def _patches(look: Look) -> None:
    st.markdown(t("feature_maps.seeks.patches"))
    with st.container(key="inside_patches"):
        with st.spinner(t("feature_maps.seeks.searching"), show_time=True):
            found = cache.inside_patches(
                look.network.key, look.layer, look.channel, PATCHES, look.network.model
            )
        if not found:
            st.caption(t("feature_maps.seeks.nowhere"))
            return
        gallery(
            [
                GalleryItem(
                    f"{place}",
                    f"{t(f'sample.{patch.photo}')} · {pictures.number(patch.value)}",
                    t(f"sample.{patch.photo}.alt"),
                    thumbnail(_enlarged(patch.crop)),
                )
                for place, patch in enumerate(found)
            ],
            key="inside_patch_gallery",
            alt=t("feature_maps.seeks.patches.alt"),
            columns_hint=5,
            wrap=True,
            pixelated=True,
        )


def _enlarged(crop: Image) -> Image:
    times = max(1, 96 // max(crop.shape[:2]))
    return np.ascontiguousarray(crop.repeat(times, axis=0).repeat(times, axis=1))


def _feeds(look: Look) -> None:
    """The logits that a channel of the last layer feeds by a weight of its own."""
    network = look.network
    last = last_layer(network.model)
    fed = last is not None and (look.layer == last or inside.keeps_channels(network.graph, last, look.layer))
    if not fed or not network.classifies or look.layer in _after_dense(network):
        influence = float(look.channels.influence[look.channel])
        st.caption(
            t(
                "feature_maps.seeks.influence",
                name=network.label(look.label_index),
                value=f"{influence:+.2g}".replace("-", "−"),
                last=short(last) if last else "—",
            )
        )
        return
    found = feeds(network.model, look.channel)
    st.markdown(t("feature_maps.seeks.feeds"))
    columns = st.columns(2, gap="medium")
    largest = float(np.abs(found.weights).max()) or 1.0
    for column, listed, side in zip(
        columns, (found.strongest(), found.weakest()), ("for", "against"), strict=True
    ):
        with column:
            st.caption(t(f"feature_maps.seeks.{side}"))
            bars(
                [
                    Bar(
                        str(index),
                        network.label(index),
                        "",
                        min(abs(weight) / largest, 1.0),
                        f"{weight:+.3f}".replace("-", "−"),
                    )
                    for index, weight in listed
                ],
                key=f"inside_feeds_{side}",
                alt=t(f"feature_maps.seeks.{side}"),
            )


def _after_dense(network: Network) -> set[str]:
    graph = network.graph
    node = graph.nodes[graph.output[0]]
    found = {node.name}
    while node.kind != "dense" and node.inputs:
        node = graph.sources(node)[0]
        found.add(node.name)
    return found


# --- statistics ------------------------------------------------------------------------------------


def statistics(look: Look) -> None:
    """Sparsity, dead channels and effective size from the first layer to the last; the chosen one's histogram."""
    network = look.network
    names = [name for name in samples() if name != look.photo.sample][: PHOTOS - 1]
    with st.spinner(t("feature_maps.statistics.working"), show_time=True):
        found = cache.inside_statistics(
            network.key, look.photo.digest, tuple(names), network.stops[1:], network.model, look.image
        )
    st.markdown(t("feature_maps.statistics.lead", count=len(names) + 1))
    rectified = [each for each in found if float(each.edges[0]) >= 0]  # those that can be zero at all
    by_name = {each.layer: each for each in found}
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**{t('feature_maps.statistics.sparsity')}**")
        charts.by_layer(
            [each.layer for each in rectified],
            [
                charts.Line(
                    t("feature_maps.statistics.zeros"),
                    np.array([each.sparsity for each in rectified], np.float32),
                    "main",
                ),
                charts.Line(
                    t("feature_maps.statistics.silent"),
                    np.array([each.silent / each.shape[2] for each in rectified], np.float32),
                    "second",
                ),
                charts.Line(
                    t("feature_maps.statistics.dead"),
                    np.array([each.dead / each.shape[2] for each in rectified], np.float32),
                    "muted",
                ),
            ],
            key="inside_sparsity",
            x_title=t("feature_maps.statistics.depth"),
            y_title=t("feature_maps.statistics.share"),
            alt=t("feature_maps.statistics.sparsity"),
            chosen=look.layer,
        )
        st.caption(t("feature_maps.statistics.sparsity.note"))
    with right:
        st.markdown(f"**{t('feature_maps.statistics.size')}**")
        charts.by_layer(
            [each.layer for each in found],
            [
                charts.Line(
                    t("feature_maps.statistics.effective"),
                    np.array([each.effective_size for each in found], np.float32),
                    "main",
                ),
            ],
            key="inside_effective",
            x_title=t("feature_maps.statistics.depth"),
            y_title=t("feature_maps.statistics.directions"),
            alt=t("feature_maps.statistics.size"),
            y_format=".0f",
            chosen=look.layer,
        )
        st.caption(t("feature_maps.statistics.size.note"))
    chosen = by_name.get(look.layer)
    if chosen is None:
        st.caption(t("feature_maps.statistics.other", layer=short(look.layer)))
        return
    st.markdown(
        t(
            "feature_maps.statistics.layer",
            layer=short(look.layer),
            mean=pictures.number(chosen.mean),
            deviation=pictures.number(chosen.deviation),
            sparsity=percent(chosen.sparsity),
            dead=f"{chosen.dead:,}",
            count=f"{chosen.shape[2]:,}",
            size=f"{chosen.effective_size:.1f}",
        )
    )
    charts.distribution(
        chosen.counts,
        chosen.edges,
        key="inside_histogram",
        x_title=t("feature_maps.statistics.activation"),
        y_title=t("feature_maps.statistics.log"),
        alt=t("feature_maps.statistics.histogram", layer=short(look.layer)),
    )


# --- all layers ------------------------------------------------------------------------------------


def layers(look: Look) -> None:
    """Every layer with its shape and costs; a row chosen is the layer chosen."""
    network = look.network
    told = network.layers
    st.markdown(
        t(
            "feature_maps.layers.lead",
            count=f"{len(told):,}",
            parameters=f"{sum(layer.parameters for layer in told):,}",
            multiply_adds=f"{sum(layer.multiply_adds for layer in told) / 1e6:,.0f}",
        )
    )
    key = f"inside_layers_{network.key.split(' ')[0]}"

    def chosen() -> None:
        rows = st.session_state[key].selection.rows
        if rows:
            inside.choose_layer(network, told[rows[0]].name)

    names = ("place", "name", "kind", "shape", "kernel", "parameters", "multiply_adds", "field")
    columns = {name: t(f"feature_maps.layers.{name}") for name in names}
    st.dataframe(
        {
            columns["place"]: list(range(len(told))),
            columns["name"]: [layer.name for layer in told],
            columns["kind"]: [named(layer.kind) for layer in told],
            columns["shape"]: [shape_of(layer.shape) for layer in told],
            columns["kernel"]: [
                f"{layer.kernel[0]}×{layer.kernel[1]} / {layer.stride[0]}"
                if layer.kernel and layer.stride
                else ""
                for layer in told
            ],
            columns["parameters"]: [layer.parameters for layer in told],
            columns["multiply_adds"]: [layer.multiply_adds for layer in told],
            columns["field"]: [
                t("feature_maps.layers.whole") if layer.whole else "{}×{}".format(*layer.receptive_field)
                for layer in told
            ],
        },
        hide_index=True,
        height=420,
        key=key,
        on_select=chosen,
        selection_mode="single-row",
        column_config={
            columns["place"]: st.column_config.NumberColumn(width=48),
            columns["parameters"]: st.column_config.NumberColumn(format="localized"),
            columns["multiply_adds"]: st.column_config.NumberColumn(format="localized"),
        },
        alt=t("feature_maps.layers.alt"),
    )
    st.caption(t("feature_maps.layers.note"))
    if network.key == "article_cnn":
        _costs()


def _costs() -> None:
    """The article's network as it is written, at 224 x 224: what the Flatten costs."""
    card = article_card()
    rows = {row.layer: row for row in costs(ARTICLE_SIDE) if row.parameters}
    small = {row.layer: row for row in costs(SIDE) if row.parameters}
    flat = next(row.shape[0] for row in costs(ARTICLE_SIDE) if row.layer == "flatten")
    dense = int(card.figures["dense1_parameters"])
    st.markdown(f"#### {t('feature_maps.costs.title', side=ARTICLE_SIDE)}")
    figures = st.columns(3)
    figures[0].metric(t("feature_maps.costs.parameters"), f"{card.parameters:,}")
    figures[1].metric(
        t("feature_maps.costs.weights"),
        t("feature_maps.costs.megabytes", value=f"{card.figures['float32_bytes'] / 1e6:.1f}"),
    )
    figures[2].metric(t("feature_maps.costs.dense"), percent(dense / card.parameters))
    st.markdown(
        t(
            "feature_maps.costs.told",
            flat=f"{flat:,}",
            dense=f"{dense:,}",
            side=ARTICLE_SIDE,
            shipped=SIDE,
            small=f"{sum(row.parameters for row in small.values()):,}",
        )
    )
    bars(
        [
            Bar(
                layer,
                f"{layer} · {shape_of(row.shape)}",
                t("feature_maps.costs.at", side=SIDE, count=f"{small[layer].parameters:,}"),
                row.parameters / card.parameters,
                f"{row.parameters:,}",
            )
            for layer, row in rows.items()
        ],
        key="inside_costs",
        alt=t("feature_maps.costs.title", side=ARTICLE_SIDE),
    )


# --- the sandbox -----------------------------------------------------------------------------------


@frame.fragment
def sandbox() -> None:
    """Padding, stride, kernel and dilation, and what they make of the size."""
    settings, drawn = st.columns([4, 7], gap="large")
    with settings:
        st.markdown(t("feature_maps.sandbox.lead"))
        values = {
            name: st.slider(t(f"feature_maps.sandbox.{name}"), low, high, value, key=f"inside_sandbox_{name}")
            for name, low, high, value in (
                ("size", 3, 12, 7),
                ("kernel", 1, 5, 3),
                ("stride", 1, 4, 1),
                ("dilation", 1, 3, 1),
            )
        }
        padding = st.segmented_control(
            t("feature_maps.sandbox.padding"),
            PADDINGS,
            key="inside_sandbox_padding",
            default="valid",
            required=True,
            help=t("feature_maps.sandbox.padding.help"),
        )
    zeros: Padding = "valid" if padding is None else padding
    found = output_size(values["size"], values["kernel"], values["stride"], zeros, values["dilation"])
    with drawn:
        st.latex(t("arithmetic.output_size.formula"))
        st.latex(
            t(
                "arithmetic.output_size.numbers.formula",
                size=values["size"],
                before=found.before,
                behind=found.behind,
                dilation=values["dilation"],
                kernel=values["kernel"],
                stride=values["stride"],
                result=found.size,
            )
        )
        total = values["size"] + found.before + found.behind
        slide(
            Sliding(
                values["size"],
                values["kernel"],
                values["stride"],
                values["dilation"],
                found.before,
                found.behind,
                found.size,
            ),
            key="inside_slide",
            alt=t("feature_maps.sandbox.alt", size=total, kernel=values["kernel"], output=found.size),
            words={
                "input": t("feature_maps.sandbox.input", size=values["size"], total=total),
                "output": t("feature_maps.sandbox.output", size=found.size),
                "play": t("feature_maps.sandbox.play"),
                "pause": t("feature_maps.sandbox.pause"),
                "cell": t("feature_maps.sandbox.cell"),
            },
        )
        if not found.fits:
            st.warning(
                t("arithmetic.output_size.does_not_fit", reach=found.reach, room=total),
                icon=":material/block:",
            )
        elif found.unread:
            st.info(t("arithmetic.output_size.unread", count=found.unread), icon=":material/visibility_off:")
