"""What the page "Inside the network" looks at: which network, layer, channel and pixel; all of it in the URL."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.elements.lib.mutable_tab_container import TabContainer

from core import vision
from core.errors import GlassboxError
from core.types import Floats, Image
from core.vision import inside as core_inside
from core.vision import structure
from core.vision.feature_maps import blocks
from core.vision.models import MODELS, VisionModel
from core.vision.statistics import Channels
from core.vision.structure import ACTIVATIONS, Graph, Layer, Node
from core.vision.uploaded import Uploaded
from ui import cache, networks, state
from ui import tabs as lazy
from ui.words import t

OWN = "own"
CHOICES = (*MODELS, OWN)
TELLING = 5  # channels among which the first one shown is taken
POINTWISE = (ACTIVATIONS - {"softmax"}) | {"batch_normalisation", "identity", "rescaling", "normalisation"}
PASSING = POINTWISE | {  # layers that keep the channels apart
    *("zero_padding", "cropping", "max_pooling", "average_pooling", "up_sampling"),
    *("global_average_pooling", "global_max_pooling"),
}


@dataclass(frozen=True, eq=False)
class Network:
    """A network that can be looked into, and the name under which its results are kept."""

    key: str
    model: VisionModel

    @functools.cached_property
    def graph(self) -> Graph:
        """Its layers; loads TensorFlow at the first call."""
        return core_inside.graph(self.model)

    @functools.cached_property
    def layers(self) -> tuple[Layer, ...]:
        """What is told of every layer."""
        return structure.layers(self.graph)

    @functools.cached_property
    def stops(self) -> tuple[str, ...]:
        """The layers that the slider stops at: those whose output is ready for the next, and all vectors."""
        graph = self.graph
        ready = {*self.model.card.layers, *blocks(graph)}
        return tuple(
            node.name
            for index, node in enumerate(graph.nodes)
            if index == graph.image
            or (node.kind not in ("input", "identity") and (node.name in ready or len(node.shape) == 1))
        )

    @property
    def title(self) -> str:
        """What it is called."""
        own = isinstance(self.model, Uploaded)
        return self.model.name if own else t(f"model.{self.model.name}")

    def label(self, index: int) -> str:
        """The name of a class; a number where the network has none."""
        if isinstance(self.model, Uploaded) or index >= len(self.model.labels):
            return t("uploaded.label", index=index)
        return networks.label(self.model.name, self.model.labels[index])

    @property
    def classifies(self) -> bool:
        """Whether its output can be read as classes."""
        return bool(self.model.labels)

    def layer(self, name: str) -> Layer:
        """What is told of one layer."""
        return self.layers[self.graph.by_name[name]]


@dataclass
class Chosen:
    """What a visitor chose in one network; None: what tells most."""

    layer: str
    channel: int | None = None
    place: tuple[float, float] | None = None  # (down, right) in 0..1 of the map
    label_index: int | None = None


@dataclass(frozen=True, eq=False)
class Look:
    """What one drawing of the page shows."""

    network: Network
    photo: state.Photo
    label_index: int  # the class whose influence sorts the channels
    predicted: int
    layer: str
    channel: int
    pixel: tuple[int, int]  # (row, column) in the layer's map

    @property
    def image(self) -> Image:
        """The pixels, asked for anew: a part of the page that waits to be run again must not hold them."""
        return self.photo.image

    @property
    def node(self) -> Node:
        return self.network.graph.node(self.layer)

    @property
    def maps(self) -> Floats:
        """All channels of the chosen layer, (h, w, c)."""
        return layer_maps(self.network, self.photo.digest, self.image, self.layer)

    @property
    def map(self) -> Floats:
        """The chosen channel's map, (h, w)."""
        return self.maps[..., self.channel]

    @property
    def channels(self) -> Channels:
        """The chosen layer's channels in numbers."""
        return channel_numbers(self.network, self.photo.digest, self.image, self.layer, self.label_index)


def layer_maps(network: Network, digest: str, image: Image, layer: str) -> Floats:
    """The maps of one layer for a photo."""
    return cache.inside_maps(network.key, digest, layer, network.model, image)


def channel_numbers(network: Network, digest: str, image: Image, layer: str, label_index: int) -> Channels:
    """The channels of a layer in numbers, from what is kept already."""
    maps = layer_maps(network, digest, image, layer)
    influence = cache.inside_influences(network.key, digest, label_index, network.model, image)[layer]
    return Channels(
        layer=layer,
        mean=maps.mean((0, 1)),
        largest=maps.max((0, 1)),
        sparsity=(maps == 0).mean((0, 1), dtype=np.float32),
        influence=influence,
        label_index=label_index,
    )


# --- choosing --------------------------------------------------------------------------------------


def uploaded() -> Uploaded | None:
    """The model that this visitor brought."""
    found: Uploaded | None = state.visit().kept.get("inside_model_own")
    return found


def chosen_model() -> str:
    """The choice of the network: a shipped one, or one's own."""
    return state.remember("inside_model", MODELS[0], options=choices(), url="model")


def choices() -> tuple[str, ...]:
    """The networks that can be looked into: with one's own tuned one, if there is one."""
    return (*CHOICES, networks.TUNED) if networks.tuned() is not None else CHOICES


def opened(choice: str) -> Network | None:
    """The chosen network; None while a visitor has not brought one."""
    if choice == networks.TUNED:
        return _tuned()
    if choice != OWN:
        return _shipped(choice)
    model = uploaded()
    if model is None:
        return None
    held: Network | None = state.visit().kept.get("inside_network_own")
    if held is None or held.model is not model:
        key = f"{OWN} {state.visit().kept['inside_digest_own']} {model.scaling}"
        held = state.visit().kept["inside_network_own"] = Network(key, model)
    return held


def _tuned() -> Network | None:
    """The network that this visitor has tuned."""
    done = networks.tuned()
    if done is None or done.model is None:
        return None
    held: Network | None = state.visit().kept.get("inside_network_tuned")
    if held is None or held.model is not done.model:
        held = state.visit().kept["inside_network_tuned"] = Network(done.key, done.model)
    return held


@functools.cache
def _shipped(name: str) -> Network:
    return Network(name, vision.vision_model(name))


def choice_of(network: Network) -> Chosen:
    """What this visitor chose in the network, begun if nothing yet."""
    held: dict[str, Chosen] = state.visit().kept.setdefault("inside_chosen", {})
    key = network.key.split(" ")[0]
    found = held.get(key)
    if found is None or found.layer not in network.graph.by_name:
        kinds = {stop: network.graph.node(stop).kind for stop in network.stops}
        moving = [
            stop
            for stop in network.stops[1:]
            if kinds[stop] not in ("rescaling", "normalisation", "zero_padding")
        ]
        found = held[key] = Chosen((moving or network.stops)[0])
    return found


def look(network: Network, photo: state.Photo | None) -> Look:
    """Layer, channel and pixel: from the URL, else as they were left, else those that tell most.

    Raises:
        GlassboxError: there is no photo, or it cannot be used.
    """
    if photo is None:
        raise GlassboxError("error.no_photo")
    image = photo.image
    chosen = choice_of(network)
    _take_url(network, chosen)
    model, digest = network.model, photo.digest
    probabilities = cache.inside_probabilities(network.key, digest, model, image)
    predicted = int(probabilities.argmax())
    label_index = predicted if chosen.label_index is None else chosen.label_index
    shape = network.graph.node(chosen.layer).map_shape
    if chosen.channel is None or chosen.channel >= shape[2]:
        channel = most_telling(network, digest, image, chosen.layer, label_index)
    else:
        channel = chosen.channel
    if chosen.place is None:
        values = np.abs(layer_maps(network, digest, image, chosen.layer)[..., channel])
        row, column = strongest(values)
    else:
        row, column = (
            min(int(share * size), size - 1) for share, size in zip(chosen.place, shape[:2], strict=True)
        )
    found = Look(
        network,
        photo,
        label_index,
        predicted,
        chosen.layer,
        channel,
        (row, column),
    )
    _tell_url(found, chosen)
    return found


def strongest(values: Floats) -> tuple[int, int]:
    """(row, column) of the largest number of a map (height, width), nearest to its middle if there are several.

    At the rim a number is made of padding too: it is left out where there is anything else.
    """
    margin = 1 if min(values.shape) > 4 else 0
    inner = values[margin : values.shape[0] - margin, margin : values.shape[1] - margin]
    places = np.argwhere(inner == inner.max())
    middle = (np.array(inner.shape) - 1) / 2
    row, column = places[((places - middle) ** 2).sum(1).argmin()]
    return int(row) + margin, int(column) + margin


def most_telling(network: Network, digest: str, image: Image, layer: str, label_index: int) -> int:
    """Of the channels that move the class most, the one whose map has most to see."""
    influence = cache.inside_influences(network.key, digest, label_index, network.model, image)[layer]
    first = np.argsort(-np.abs(influence), kind="stable")[:TELLING]
    maps = layer_maps(network, digest, image, layer)[..., first]
    return int(first[maps.std((0, 1)).argmax()])


def _take_url(network: Network, chosen: Chosen) -> None:
    layer, channel, pixel, name = (state.from_url(key) for key in ("layer", "channel", "pixel", "class"))
    if layer is not None and layer in network.graph.by_name:
        chosen.layer = layer
    height, width, channels = network.graph.node(chosen.layer).map_shape
    if channel is not None and channel.isdecimal() and int(channel) < channels:
        chosen.channel = int(channel)
    if pixel is not None:
        row, _, column = pixel.partition("-")
        if row.isdecimal() and column.isdecimal() and int(row) < height and int(column) < width:
            chosen.place = (int(row) + 0.5) / height, (int(column) + 0.5) / width
    if name in network.model.labels:
        chosen.label_index = network.model.labels.index(name)


def _tell_url(found: Look, chosen: Chosen) -> None:
    state.to_url("layer", found.layer)
    state.to_url("channel", str(found.channel))
    state.to_url("pixel", None if chosen.place is None else "{}-{}".format(*found.pixel))
    labels = found.network.model.labels
    state.to_url("class", None if chosen.label_index is None else labels[chosen.label_index])


def choose_layer(network: Network, layer: str) -> None:
    """Another layer. Where its channels are those of the layer before, the channel stays; the place always."""
    chosen = choice_of(network)
    if not (
        keeps_channels(network.graph, chosen.layer, layer)
        or keeps_channels(network.graph, layer, chosen.layer)
    ):
        chosen.channel = None
    chosen.layer = layer


def choose_map(network: Network, layer: str, channel: int | None) -> None:
    """A layer and one of its channels; None: the one that tells most."""
    choose_layer(network, layer)
    chosen = choice_of(network)
    chosen.channel = channel


def choose_pixel(network: Network, row: int, column: int) -> None:
    """A position of the chosen layer's map."""
    chosen = choice_of(network)
    height, width, _ = network.graph.node(chosen.layer).map_shape
    chosen.place = (row + 0.5) / height, (column + 0.5) / width


def choose_class(network: Network, index: int | None) -> None:
    """The class whose influence sorts the channels; None: the most probable one."""
    chosen = choice_of(network)
    chosen.label_index = index
    chosen.channel = None


def keeps_channels(graph: Graph, before: str, after: str) -> bool:
    """Whether channel k of `after` is made of channel k of `before` alone."""
    target, index = graph.by_name[before], graph.by_name[after]
    while index > target:
        node = graph.nodes[index]
        depthwise = node.kind == "depthwise_convolution" and node.operation.kernel.shape[3] == 1
        if len(node.inputs) != 1 or not (node.kind in PASSING or depthwise):
            return False
        index = node.inputs[0][0]
    return index == target


def way(graph: Graph, layer: str) -> list[str]:
    """The layer, and before it those whose numbers become its own one by one, the first of them first.

    A ReLU of a normalised convolution: the convolution, the normalisation, the ReLU.
    """
    node = graph.node(layer)
    found = [layer]
    while node.kind in POINTWISE and len(node.inputs) == 1:
        node = graph.sources(node)[0]
        if node.kind == "input":
            break
        found.append(node.name)
    return found[::-1]


def named(kind: str) -> str:
    """What a kind of layer is called."""
    return t(f"arithmetic.{kind}")


def shape_of(shape: tuple[int, ...]) -> str:
    """A shape in few letters; vectors as their length."""
    sizes = [size for size in shape if size != 1] if len(shape) == 3 and shape[:2] == (1, 1) else list(shape)
    return "×".join(map(str, sizes or [1]))


def short(layer: str) -> str:
    """A layer's name without the models around it."""
    return layer.rsplit("/", 1)[-1]


def controls() -> DeltaGenerator:
    """The row of controls; gives the place of the layers' slider, drawn once the layer is known."""
    models, layers = st.columns([6, 7], gap="large", vertical_alignment="bottom")
    with models:
        st.segmented_control(
            t("feature_maps.model"),
            choices(),
            key="inside_model",
            format_func=lambda name: t(f"feature_maps.model.{name}"),
            required=True,
            on_change=state.keep,
            args=("inside_model", "model"),
            label_visibility="collapsed",
            wrap=True,
        )
    return layers.container(key="inside_slider", height=74, border=False)


def slider(network: Network, layer: str) -> None:
    """The layers from the pixels to the classes; moving it is the forward pass."""
    stops = [each.name for each in network.layers if each.name in network.stops or each.name == layer]
    key = f"inside_layer_{network.key.split(' ')[0]}"
    st.session_state[key] = layer
    names = {stop: f"{place} · {short(stop)}" for place, stop in enumerate(stops)}
    st.select_slider(
        t("feature_maps.layer"),
        stops,
        key=key,
        format_func=names.__getitem__,
        on_change=lambda: choose_layer(network, st.session_state[key]),
        help=t("feature_maps.layer.help"),
    )


def tabs(names: Sequence[str]) -> list[tuple[str, TabContainer]]:
    """Tabs of which only the open one is computed; the link and another language keep it open."""
    return lazy.tabs("inside_tab", {name: t(f"feature_maps.tab.{name}") for name in names})


def open_tab(name: str) -> None:
    """Opens a tab in the run that follows; for a widget's callback."""
    lazy.open_tab("inside_tab", name)


@contextmanager
def waiting(network: Network) -> Iterator[None]:
    """Says what is done while the block runs; the first time of a network something of its size stands there."""
    words, size = st.container(key="inside_busy"), st.container()  # one place holds one of the two
    with ExitStack() as told:
        with words:
            told.enter_context(st.spinner(t("feature_maps.loading"), show_time=True))
        if "influences" not in network.model.compiled:
            with size:
                told.enter_context(st.skeleton(height=470))
        yield
