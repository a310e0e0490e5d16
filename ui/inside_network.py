"""The whole network on one screen, and one of its maps taken apart below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from core.types import Floats, Image
from core.vision.arithmetic import TOLERANCE, Strand, Unfolded
from core.vision.feature_maps import Column, feature_maps, overview
from core.vision.structure import Graph
from ui import cache, inside, state
from ui import inside_pictures as pictures
from ui.components import Bar, stops
from ui.components.network import Legend, Links, NetworkColumn, NetworkMap, network
from ui.components.unfolded import Station, UnfoldedRow, unfolded
from ui.inside import POINTWISE, Look, Network, named, shape_of, short
from ui.words import percent, t

SHOWN = 10  # maps a column
STRANDS = 6  # inputs of an unfolded map that are shown one by one
SIGNS = {
    "add": "+",
    "subtract": "−",
    "multiply": "×",
    "divide": "÷",
    "average": "+",
    "maximum": "max",
    "minimum": "min",
}


FUNCTIONS = {  # as formulas write them, in every language
    "relu": "ReLU",
    "relu6": "ReLU6",
    "leaky_relu": "LeakyReLU",
    "prelu": "PReLU",
    "elu": "ELU",
    "selu": "SELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "sigmoid": "σ",
    "tanh": "tanh",
    "softmax": "softmax",
    "exponential": "exp",
}
KNOWN = POINTWISE | {"softmax"}


@dataclass(frozen=True, eq=False)
class Drawn:
    """The network's picture for one photo and class, ready for the browser."""

    columns: tuple[NetworkColumn, ...]
    classes: tuple[Bar, ...]
    class_links: Links


def draw(chosen: Network, image: Image, label_index: int) -> Drawn:
    """The network's columns as pictures, and the most probable classes."""
    found = overview(chosen.model, image, label_index if chosen.classifies else None, shown=SHOWN)
    graph = chosen.graph
    columns = list(found.columns)
    probable = np.argsort(-found.probabilities, kind="stable")[:SHOWN]
    shown = [int(index) for index in probable]
    if label_index not in shown:
        shown[-1] = label_index
    classes: tuple[Bar, ...] = ()
    class_links: Links = "all"
    if chosen.classifies:
        last = columns[-1]
        if last.kind == "softmax" and last.shape == (1, 1, len(found.probabilities)):
            columns.pop()  # the classes' bars are this layer
            last = columns[-1]
        if last.kind == "dense" and last.shape == (1, 1, len(found.probabilities)):
            logits = feature_maps(chosen.model, image, [last.layer])[0][1][0, 0]
            columns[-1] = replace(
                last,
                channels=tuple(shown),
                maps=logits[shown].reshape(-1, 1, 1),
                influence=np.zeros(len(shown), np.float32),
                left_out=last.shape[2] - len(shown),
            )
            class_links = tuple((place, place) for place in range(len(shown)))
        classes = tuple(
            Bar(
                str(index),
                chosen.label(index),
                "",
                float(found.probabilities[index]),
                percent(float(found.probabilities[index])),
            )
            for index in shown
        )
    made: list[NetworkColumn] = []
    before: Column | None = None
    for column in columns:
        links = _links(graph, before, column)
        if before is not None and links != "all":
            column = _aligned(column, before)
            links = _links(graph, before, column)
        made.append(_column(chosen, column, links))
        before = column
    return Drawn(tuple(made), classes, class_links)


def _links(graph: Graph, before: Column | None, column: Column) -> Links:
    """Which maps of a column are made of which of the column before."""
    if before is None:
        return ()
    flattened = column.kind == "flatten" and graph.sources(graph.node(column.layer))[0].name == before.layer
    if not flattened and not inside.keeps_channels(graph, before.layer, column.layer):
        return "all"
    places = {channel: place for place, channel in enumerate(before.channels)}
    sources = [channel % before.shape[2] for channel in column.channels]  # flattened: channels vary fastest
    return tuple((places[source], place) for place, source in enumerate(sources) if source in places)


def _aligned(column: Column, before: Column) -> Column:
    """The column with its channels beside those of the column before that they are made of."""
    places: list[int | None] = [None] * len(column.channels)
    spare = []
    for index, channel in enumerate(column.channels):
        source = channel % before.shape[2]
        place = before.channels.index(source) if source in before.channels else len(places)
        if place < len(places) and places[place] is None:
            places[place] = index
        else:
            spare.append(index)
    order = [index if index is not None else spare.pop(0) for index in places]
    return replace(
        column,
        channels=tuple(column.channels[index] for index in order),
        maps=column.maps[order],
        influence=column.influence[order],
    )


def _column(chosen: Network, column: Column, links: Links) -> NetworkColumn:
    scale = pictures.scale_of(column.maps)
    limit = pictures.limit_of(column.maps, share=pictures.MOST)
    names = []
    for place, channel in enumerate(column.channels):
        words = channel_name(chosen, column.layer, channel)
        low, high = float(column.maps[place].min()), float(column.maps[place].max())
        told = (
            pictures.number(high)
            if column.maps.shape[1:] == (1, 1)
            else f"{pictures.number(low)} … {pictures.number(high)}"
        )
        if column.influence[place]:
            influence = t("feature_maps.influence", value=f"{column.influence[place]:+.2g}".replace("-", "−"))
            told = f"{told}\n{influence}"
        names.append(NetworkMap(channel, f"{short(column.layer)} · {words}\n{told}"))
    return NetworkColumn(
        layer=column.layer,
        title=short(column.layer).replace("_", " "),
        caption=shape_of(column.shape),
        source=pictures.sprite(list(column.maps), scale, limit),
        maps=tuple(names),
        pixels=max(column.maps.shape[1:]),
        more=f"+{column.left_out:,}" if column.left_out else "",
        more_title=t("feature_maps.left_out", count=f"{column.left_out:,}", silent=f"{column.silent:,}"),
        links=links,
        scale=scale,
    )


def channel_name(chosen: Network, layer: str, channel: int) -> str:
    """What a channel is called: red, a class, or its number."""
    graph = chosen.graph
    node = graph.node(layer)
    if graph.by_name[layer] == graph.image and node.shape[-1] >= 3:
        return t(f"feature_maps.input.{min(channel, 3)}")
    if node.shape == (len(chosen.model.labels),) and layer in _last(graph):
        return chosen.label(channel)
    return t("feature_maps.channel", index=channel)


def _last(graph: Graph) -> set[str]:
    """The layer of the classes, and the logits before it."""
    node = graph.nodes[graph.output[0]]
    found = {node.name}
    while node.kind in ("softmax", "sigmoid", "identity") and node.inputs:
        node = graph.sources(node)[0]
        found.add(node.name)
    return found


def drawing(look: Look) -> Drawn:
    """The network's picture for what is looked at, drawn or kept."""
    language = state.visit().language
    return cache.inside_drawn(
        look.network.key, look.photo.digest, look.label_index, language, look.network, look.image
    )


def whole(look: Look, drawn: Drawn) -> None:
    """The network's columns from the photo to the classes; a click chooses."""
    chosen, shown, predicted = look.network, (look.layer, look.channel), look.predicted
    layers = [column.layer for column in drawn.columns]
    signed = any(column.scale == "signed" for column in drawn.columns)
    legends = [
        Legend(stops("viridis"), "0", t("feature_maps.legend.activation"), t("feature_maps.legend.most"))
    ]
    if signed:
        legends.append(Legend(stops("signed"), "−", t("feature_maps.legend.signed"), "+"))
    network(
        drawn.columns,
        drawn.classes,
        key="inside_network",
        alt=t("feature_maps.network.alt", name=chosen.title, count=len(layers)),
        chosen=(look.layer, look.channel),
        place=_place(chosen.graph, layers, look.layer),
        chosen_class=str(look.label_index),
        class_links=drawn.class_links,
        legends=legends,
        words={
            "classes": t("feature_maps.classes"),
            "play": t("feature_maps.play"),
            "here": short(look.layer),
        },
        on_pick=lambda layer, channel: _picked(chosen, shown, layer, channel),
        on_more=lambda layer: _all_of(chosen, layer),
        on_class=lambda index: inside.choose_class(chosen, None if int(index) == predicted else int(index)),
    )


def _picked(chosen: Network, shown: tuple[str, int], layer: str, channel: int | None) -> None:
    """A map is chosen; a second click on it opens its arithmetic."""
    if (layer, channel) == shown:
        inside.open_tab("arithmetic")
    inside.choose_map(chosen, layer, channel)


def _all_of(chosen: Network, layer: str) -> None:
    """All channels of a layer are asked for."""
    inside.choose_layer(chosen, layer)
    inside.open_tab("channels")


def _place(graph: Graph, layers: Sequence[str], layer: str) -> float:
    """Where a layer stands among the columns; half way between two if it is none of them."""
    if layer in layers:
        return float(layers.index(layer))
    index = graph.by_name[layer]
    before = [place for place, name in enumerate(layers) if graph.by_name[name] < index]
    return (before[-1] if before else 0) + 0.5


# --- one map taken apart ---------------------------------------------------------------------------


def apart(look: Look) -> None:
    """The chosen map: what it is made of, and that it is the network's own."""
    chosen, node = look.network, look.node
    title = f"{short(look.layer)} · {channel_name(chosen, look.layer, look.channel)}"
    st.markdown(f"**{title}** · {named(node.kind)} · {shape_of(node.shape)}")
    if node.kind == "input":
        st.info(t("feature_maps.unfold.input"), icon=":material/image:")
        return
    way = inside.way(chosen.graph, look.layer)
    try:
        first = cache.inside_unfolded(
            chosen.key, look.photo.digest, way[0], look.channel, STRANDS, chosen.model, look.image
        )
    except ValueError:
        st.info(t("arithmetic.other.about"), icon=":material/help:")
        return
    _show(look, first, way)
    difference = float(np.abs(first.map - first.network).max(initial=0))
    same = difference <= TOLERANCE * float(np.abs(first.network).max(initial=1e-9))
    mark = ":green[:material/check_circle:] " if same else ":red[:material/cancel:] "
    told = "feature_maps.unfold.same" if same else "feature_maps.unfold.differs"
    st.caption(mark + t(told, layer=short(first.layer), difference=pictures.tiny(difference)))


def _show(look: Look, first: Unfolded, way: Sequence[str]) -> None:
    """The inputs of the first layer; what those after it make of its map, one number at a time."""
    chosen, last = look.network, look.map
    strands = first.strands[:STRANDS]
    sources = [strand.source for strand in strands]
    results = [strand.result for strand in strands]
    kernels = [strand.kernel for strand in strands if strand.kernel is not None]
    source_scale, source_limit = pictures.scale_of(*sources), pictures.limit_of(*sources)
    result_limit, kernel_limit = pictures.limit_of(*results), pictures.limit_of(*kernels)
    origins = {strand.layer for strand in strands}
    one = len(origins) == 1 and origins != {""}  # its name stands over the column, once

    def title(strand: Strand) -> str:
        if not strand.layer:
            return t("feature_maps.unfold.constant")
        return channel_name(chosen, strand.layer, strand.channel) if one else short(strand.layer)

    rows = [
        UnfoldedRow(
            title=title(strand),
            source=pictures.picture(strand.source, source_scale, source_limit, 112),
            kernel=()
            if strand.kernel is None
            else pictures.cells(np.atleast_2d(strand.kernel), "signed", kernel_limit),
            result=""
            if strand.kernel is None
            else pictures.picture(strand.result, "signed", result_limit, 112),
        )
        for strand in strands
    ]
    stations = [Station("", text=_sign(first, look))]
    if first.activation not in ("linear", first.kind):
        stations += [
            Station(t("feature_maps.unfold.before"), _own_scale(first.before, 112)),
            Station("", text=_function(first.activation)),
        ]
    if len(way) > 1:
        stations.append(Station(short(first.layer), _own_scale(first.network, 112)))
        stations += [Station("", text=_function(chosen.graph.node(name).kind)) for name in way[1:]]
    name = channel_name(chosen, look.layer, look.channel)
    low, high = (pictures.number(float(end)) for end in (last.min(), last.max()))
    size = last.shape
    told = high if size == (1, 1) else t("feature_maps.unfold.range", low=low, high=high)
    stations.append(Station(f"{name} · {told}", _own_scale(last, 224)))
    left_out = first.left_out + len(first.strands) - len(strands)
    unfolded(
        rows,
        stations,
        key="inside_unfolded",
        alt=t("feature_maps.unfold.alt", name=name, count=len(rows)),
        bias=t("feature_maps.unfold.bias", value=pictures.number(first.bias)) if first.bias else "",
        rest=t("feature_maps.unfold.rest", count=f"{left_out:,}") if left_out else "",
        rest_source=pictures.picture(first.rest, "signed", result_limit, 112) if left_out else "",
        headings={
            "source": t("feature_maps.unfold.from", layer=short(strands[0].layer))
            if one
            else t("feature_maps.unfold.source"),
            "kernel": t("feature_maps.unfold.kernel"),
            "result": t("feature_maps.unfold.result"),
        },
        sides=(max(sources[0].shape), max(size)),
        window=_window(look, first),
    )


def _window(look: Look, first: Unfolded) -> tuple[float, float] | None:
    """How much of an input map the kernel or the pool covers, (down, across); None if nothing slides."""
    layer = look.network.layer(first.layer)
    height, width = first.strands[0].source.shape
    if layer.kernel is None or layer.dilation not in (None, (1, 1)) or first.network.shape == (1, 1):
        return None
    return layer.kernel[0] / height, layer.kernel[1] / width


def _own_scale(values: Floats, side: int) -> str:
    return pictures.picture(values, pictures.scale_of(values), pictures.limit_of(values), side)


def _sign(found: Unfolded, look: Look) -> str:
    """What stands where the inputs come together."""
    if found.kind in SIGNS:
        return SIGNS[found.kind]
    if found.activation == found.kind:
        return _function(found.kind)
    if found.kind in ("max_pooling", "average_pooling"):
        rows, columns = look.network.layer(found.layer).kernel or (0, 0)
        return f"{'max' if found.kind == 'max_pooling' else t('feature_maps.mean')} {rows}×{columns}"
    if found.kind == "global_average_pooling":
        return t("feature_maps.mean")
    if found.kind == "global_max_pooling":
        return "max"
    if any(strand.kernel is not None for strand in found.strands):
        return "+"
    return named(found.kind)


def _function(kind: str) -> str:
    """A layer that works on one number at a time, short enough for a sign."""
    return FUNCTIONS.get(kind) or (named(kind) if kind in KNOWN else kind)
