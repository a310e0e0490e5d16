"""The network as data, its feature maps, its channels in numbers, the one-screen picture."""

from __future__ import annotations

import os
import time
from typing import Any

import keras
import numpy as np
import psutil
import pytest
import tensorflow as tf
from keras import layers

from core.errors import GlassboxError
from core.types import Image
from core.vision import VisionModel, article_cnn, efficientnet, feature_maps, inside, structure, vision_model
from core.vision.feature_maps import blocks, overview
from core.vision.lite import softmax
from core.vision.statistics import ORDERS, by_depth, channels, effective_size
from tests.networks import held, held_against_tensors, plain, shaken

APPLICATIONS = {
    "MobileNetV2": ("Conv1", "block_16_project_BN", "out_relu"),
    "ResNet50": ("conv1_conv", "conv4_block6_out", "conv5_block3_out"),
    "DenseNet121": ("conv1_conv", "conv5_block16_concat", "relu"),
}


@pytest.fixture(scope="module")
def lite0() -> VisionModel:
    return vision_model("efficientnet_lite0")


@pytest.fixture(scope="module", params=APPLICATIONS)
def foreign(request: pytest.FixtureRequest) -> VisionModel:
    """A network of Keras Applications with random weights."""
    keras.utils.set_random_seed(1)
    network = getattr(keras.applications, request.param)(weights=None, input_shape=(64, 64, 3), classes=10)
    return held(shaken(network), 64, APPLICATIONS[request.param])


@pytest.fixture(scope="module")
def nested() -> VisionModel:
    """A transfer-learning model: a functional backbone inside a functional model."""
    keras.utils.set_random_seed(2)
    inside_ = keras.Input((16, 16, 3))
    x = layers.Conv2D(6, 3, padding="same", name="conv")(inside_)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.Add(name="add")([x, layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)])
    backbone = keras.Model(inside_, x, name="backbone")
    inputs = keras.Input((16, 16, 3), name="photo")
    x = layers.Rescaling(0.5, name="rescale")(inputs)
    x = backbone(x, training=False)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    x = layers.Dropout(0.5, name="dropout")(x)
    network = keras.Model(inputs, layers.Dense(10, activation="softmax", name="top")(x))
    return held(shaken(network), 16, ("backbone/conv", "backbone/add"))


def names(model: VisionModel, image: Image) -> list[str]:
    return [name for name, _ in feature_maps(model, image)]


# --- feature maps -----------------------------------------------------------------------------------


def test_every_map_of_the_shipped_network_is_the_networks_own(lite0: VisionModel, cat: Image) -> None:
    network = lite0.load()
    wanted = ("stem_conv", "block5_depthwise_relu", "block9_expand_conv", "head_relu", "pool", "logits")
    own = keras.Model(network.input, [network.get_layer(name).output for name in wanted])(lite0.prepare(cat))
    found = dict(feature_maps("efficientnet_lite0", cat))
    for name, values in zip(wanted, own, strict=True):
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(
            found[name].ravel(), np.ravel(values), rtol=1e-3, atol=1e-3 * np.abs(values).mean()
        )
    assert found["stem_conv"].shape == (112, 112, 32)
    assert found["pool"].shape == (1, 1, 1280)


def test_maps_come_in_network_order_convolutions_activations_pools_vectors(
    lite0: VisionModel, cat: Image
) -> None:
    found = names(lite0, cat)
    order = [layer.name for layer in lite0.load().layers]
    assert found == sorted(found, key=order.index)
    assert [name for name in found if name.endswith("_conv")] == list(efficientnet.convolutions())
    assert {name.split("_")[-1] for name in found} == {"conv", "relu", "pool", "logits"}
    assert [name for name, _ in feature_maps("article_cnn", cat)] == list(article_cnn.LAYERS)


def test_chosen_layers_only_and_of_any_kind(lite0: VisionModel, cat: Image) -> None:
    found = feature_maps(lite0, cat, ["block3_add", "stem_norm", "pixels"])
    assert [name for name, _ in found] == ["pixels", "stem_norm", "block3_add"]
    np.testing.assert_array_equal(found[0][1], lite0.prepare(cat)[0])
    with pytest.raises(KeyError):
        feature_maps(lite0, cat, ["no_such_layer"])
    with pytest.raises(KeyError):
        feature_maps("no_such_model", cat)


def test_two_photos_have_their_own_maps(lite0: VisionModel, cat: Image, noise: Image) -> None:
    first = dict(feature_maps(lite0, cat, ["stem_conv"]))["stem_conv"]
    kept = first.copy()
    second = dict(feature_maps(lite0, noise, ["stem_conv"]))["stem_conv"]
    assert np.abs(first - second).max() > 0.1
    np.testing.assert_array_equal(first, kept)


def test_the_49_convolution_outputs_cost_at_most_two_forward_passes(lite0: VisionModel, cat: Image) -> None:
    network, numbers = lite0.load(), lite0.prepare(cat)
    forward = tf.function(lambda x: network(x, training=False))
    tensor, wanted = tf.constant(numbers), efficientnet.convolutions()
    seconds: dict[str, list[float]] = {"plain": [], "maps": []}
    for _ in range(15):
        begun = time.perf_counter()
        np.asarray(forward(tensor))
        middle = time.perf_counter()
        inside.tensors(lite0, numbers, wanted)
        seconds["plain"].append(middle - begun)
        seconds["maps"].append(time.perf_counter() - middle)
    assert min(seconds["maps"]) <= 2 * min(seconds["plain"])


def test_memory_stays(lite0: VisionModel) -> None:
    random = np.random.default_rng(0)
    process = psutil.Process(os.getpid())
    feature_maps(lite0, random.integers(0, 256, (300, 400, 3), np.uint8))
    before = process.memory_info().rss
    for _ in range(100):
        feature_maps(lite0, random.integers(0, 256, (300, 400, 3), np.uint8))
    assert process.memory_info().rss - before < 150 * 2**20


def test_looking_changes_nothing(nested: VisionModel, cat: Image) -> None:
    before, copy = plain(nested.load()), cat.copy()
    feature_maps(nested, cat)
    channels(nested, cat, "backbone/relu")
    overview(nested, cat)
    np.testing.assert_array_equal(plain(nested.load()), before)
    np.testing.assert_array_equal(cat, copy)


# --- networks that we did not write ------------------------------------------------------------------


def test_foreign_networks_show_their_maps(foreign: VisionModel, cat: Image) -> None:
    network, numbers = foreign.load(), foreign.prepare(cat)
    found = dict(feature_maps(foreign, cat))
    convolutions = [layer.name for layer in network.layers if type(layer).__name__.endswith("Conv2D")]
    assert [name for name in found if name in convolutions] == convolutions
    wanted = np.asarray(network(numbers, training=False))
    np.testing.assert_allclose(found[next(reversed(found))].ravel(), wanted[0], atol=1e-5)
    np.testing.assert_allclose(inside.probabilities(foreign, numbers), wanted, atol=1e-5)


def test_foreign_networks_are_recomputed(foreign: VisionModel, cat: Image) -> None:
    worst, unknown = held_against_tensors(foreign, cat)
    assert worst < 1
    assert not unknown


def test_foreign_networks_say_where_they_look(foreign: VisionModel, cat: Image) -> None:
    found = inside.class_activation_maps(foreign, foreign.prepare(cat), 3)
    assert tuple(found) == foreign.card.layers
    for name, values in found.items():
        assert values.shape == inside.graph(foreign).node(name).shape[:2]
        assert np.isfinite(values).all()
        assert (values >= 0).all()


def test_a_nested_model_is_flat(nested: VisionModel, cat: Image) -> None:
    network, backbone = nested.load(), nested.load().get_layer("backbone")
    assert [node.name for node in inside.graph(nested).nodes] == [
        *("photo", "rescale", "backbone/conv", "backbone/norm", "backbone/relu", "backbone/depthwise"),
        *("backbone/add", "average", "dropout", "top"),
    ]
    numbers = nested.prepare(cat)
    found = dict(feature_maps(nested, cat, ["backbone/depthwise", "backbone/add"]))
    inner = keras.Model(backbone.input, [backbone.get_layer(n).output for n in ("depthwise", "add")])
    for values, wanted in zip(found.values(), inner(numbers * 0.5, training=False), strict=True):
        np.testing.assert_allclose(values, wanted[0], atol=1e-5)
    np.testing.assert_allclose(inside.probabilities(nested, numbers), network(numbers), atol=1e-6)


def test_grad_cam_inside_a_nested_model_is_that_of_the_logit(nested: VisionModel, cat: Image) -> None:
    """By hand: the logit's gradient at the pooled maps is the class's weights."""
    maps = dict(feature_maps(nested, cat, ["backbone/add"]))["backbone/add"]
    kernel = np.asarray(nested.load().get_layer("top").kernel)
    found = inside.class_activation_maps(nested, nested.prepare(cat), 4)["backbone/add"]
    np.testing.assert_allclose(found, np.maximum(maps @ kernel[:, 4] / 256, 0), atol=1e-6)
    assert found.max() > 0


def test_a_vector_is_explained_by_the_last_maps_before_it(cat: Image) -> None:
    model = vision_model("article_cnn")
    found = inside.class_activation_maps(model, model.prepare(cat), 3)
    assert tuple(found) == article_cnn.LAYERS
    np.testing.assert_array_equal(found["softmax"], found["pool3"])
    assert found["pool3"].shape == (8, 8)


def test_a_layer_that_is_called_twice_has_two_names(cat: Image) -> None:
    inputs = keras.Input((8, 8, 3))
    shared = layers.Conv2D(3, 1, name="shared")
    part = keras.Sequential([keras.Input((8, 8, 3)), layers.ReLU(name="relu")], name="part")
    x = part(shared(part(shared(inputs))))
    model = held(keras.Model(inputs, layers.Flatten(name="flat")(x)), 8)
    assert names(model, cat) == ["shared", "part/relu", "shared#2", "part#2/relu", "flat"]
    maps = dict(feature_maps(model, cat))
    np.testing.assert_allclose(maps["shared#2"], shared(maps["part/relu"][np.newaxis])[0], atol=1e-6)
    rows = structure.layers(inside.graph(model))
    assert [row.parameters for row in rows if row.kind == "convolution"] == [12, 0]


def test_several_inputs_and_outputs(cat: Image) -> None:
    numbers, photo = keras.Input((4,), name="numbers"), keras.Input((8, 8, 3), name="photo")
    features = layers.GlobalAveragePooling2D(name="average")(layers.Conv2D(5, 3, name="conv")(photo))
    both = layers.Concatenate(name="both")([features, layers.Dense(2, name="other")(numbers)])
    classes = layers.Dense(7, name="classes")(both)
    box = layers.Dense(1, name="box")(both)
    model = held(keras.Model([numbers, photo], [photo, box, classes]), 8)
    graph = inside.graph(model)
    assert graph.nodes[graph.image].name == "photo"
    assert graph.nodes[graph.output[0]].name == "classes"
    x = model.prepare(cat)
    wanted = model.load()([np.zeros((1, 4), np.float32), x])[2]
    np.testing.assert_allclose(inside.probabilities(model, x)[0], softmax(np.asarray(wanted))[0], atol=1e-6)
    found = names(model, cat)
    assert found == [layer.name for layer in model.load().layers if layer.name in found]
    assert set(found) == {"other", "conv", "average", "both", "box", "classes"}


def test_a_grey_sequential_network_that_is_not_square(cat: Image) -> None:
    network = keras.Sequential([keras.Input((12, 20, 1)), layers.Conv2D(4, 3, name="conv"), layers.Flatten()])
    model = held(network, 20)
    numbers = inside.network_input(model, cat)
    assert numbers.shape == (1, 12, 20, 1)
    white = inside.network_input(model, np.full((30, 30, 3), 255, np.uint8))
    np.testing.assert_allclose(white, 1, atol=1e-5)
    green = inside.network_input(model, np.full((30, 30, 3), (0, 255, 0), np.uint8))
    np.testing.assert_allclose(green, 2 * 0.587 - 1, atol=1e-5)
    np.testing.assert_allclose(
        dict(feature_maps(model, cat))["conv"], network.layers[0](numbers)[0], atol=1e-5
    )


def test_an_input_of_any_size_and_of_whole_numbers(cat: Image) -> None:
    inputs = keras.Input((None, None, 3), dtype="uint8")
    x = layers.Conv2D(4, 3, strides=2, name="conv")(layers.Rescaling(1 / 255)(inputs))
    x = layers.GlobalMaxPooling2D(name="largest")(x)
    model = held(keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="yes")(x)), 33)
    assert inside.graph(model).node("conv").shape == (16, 16, 4)
    found = inside.probabilities(model, model.prepare(cat))
    yes = dict(feature_maps(model, cat))["yes"].item()
    np.testing.assert_allclose(found, [[1 - yes, yes]], atol=1e-6)
    assert np.abs(inside.influences(model, model.prepare(cat), 1)["conv"]).max() > 0


def test_what_cannot_be_read_is_told() -> None:
    class Code(keras.Model):
        def call(self, x: Any) -> Any:
            return x

    with pytest.raises(GlassboxError, match="Code"):
        structure.read(Code())
    inputs = keras.Input((16,))
    with pytest.raises(GlassboxError, match="16"):
        structure.read(keras.Model(inputs, layers.Dense(2)(inputs)))


# --- the network as data -----------------------------------------------------------------------------


def test_the_structure_adds_up(lite0: VisionModel) -> None:
    rows = structure.layers(inside.graph(lite0))
    assert sum(row.parameters for row in rows) == lite0.load().count_params()
    by_name = {row.name: row for row in rows}
    stem = by_name["stem_conv"]
    assert (stem.kernel, stem.stride, stem.shape) == ((3, 3), (2, 2), (112, 112, 32))
    assert stem.multiply_adds == 3 * 3 * 3 * 32 * 112 * 112
    assert by_name["block3_add"].inputs == ("block2_project_norm", "block3_project_norm")
    assert by_name["block3_add"].step == (4, 4)
    assert by_name["pool"].whole
    costs = {row.layer: row for row in article_cnn.costs()}
    for row in structure.layers(inside.graph(vision_model("article_cnn")))[1:]:
        cost = costs[row.name]
        assert (row.shape, row.parameters, row.multiply_adds) == (
            cost.shape,
            cost.parameters,
            cost.multiply_adds,
        )


def test_receptive_fields_of_the_articles_network_by_hand() -> None:
    rows = {row.name: row for row in structure.layers(inside.graph(vision_model("article_cnn")))}
    fields = {name: (row.receptive_field[0], row.step[0]) for name, row in rows.items() if not row.whole}
    first = {"pixels": (1, 1), "conv1": (3, 1), "relu1": (3, 1), "pool1": (4, 2)}
    second = {"conv2": (8, 2), "relu2": (8, 2), "pool2": (10, 4)}
    assert fields == first | second | {"conv3": (18, 4), "relu3": (18, 4), "pool3": (22, 8)}


def test_a_position_sees_exactly_the_pixels_that_move_it() -> None:
    """Against the gradient, in a network whose paths cannot cancel each other."""
    inputs = keras.Input((29, 31, 3))
    x = layers.ZeroPadding2D(((2, 1), (0, 3)))(inputs)
    x = layers.Conv2D(2, (3, 5), strides=(2, 1), padding="same", kernel_initializer="ones", name="a")(x)
    side = layers.DepthwiseConv2D(3, dilation_rate=2, padding="same", depthwise_initializer="ones")(x)
    x = layers.Add(name="sum")([x, side])
    x = layers.AveragePooling2D((3, 2), strides=2, padding="same", name="pool")(x)
    x = layers.UpSampling2D(2, name="up")(layers.Conv2D(2, 3, kernel_initializer="ones", name="b")(x))
    x = layers.Cropping2D(((1, 0), (2, 1)), name="cut")(x)
    network = keras.Model(inputs, x)
    graph = structure.read(network)
    random = np.random.default_rng(3)
    picture = tf.ones((1, 29, 31, 3))
    for name in ("a", "sum", "pool", "b", "up", "cut"):
        forward = keras.Model(inputs, network.get_layer(name).output)
        height, width, _ = graph.node(name).shape
        inner = [tuple(random.integers(0, (height, width))) for _ in range(3)]
        for row, column in {(0, 0), (height - 1, width - 1), *inner}:
            with tf.GradientTape() as tape:
                tape.watch(picture)
                value = forward(picture)[0, row, column, 1]
            moved = np.asarray(tape.gradient(value, picture))[0].any(-1)
            rows, columns = np.flatnonzero(moved.any(1)), np.flatnonzero(moved.any(0))
            wanted = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) if len(rows) else None
            assert structure.seen_by(graph, name, int(row), int(column), 1) == wanted, (name, row, column)


def test_what_is_worth_showing(lite0: VisionModel) -> None:
    shown = structure.worth_showing(inside.graph(lite0))
    assert {name for name in efficientnet.outputs() if name not in shown} == set()
    assert not {name for name in shown if name.endswith("_conv")}


# --- channels in numbers -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def by_hand() -> VisionModel:
    """Three channels: the red pixels, nothing, and red where it is above 0; logits without biases."""
    inputs = keras.Input((4, 4, 3))
    x = layers.Conv2D(3, 1, use_bias=False, name="conv")(inputs)
    x = layers.ReLU(name="relu")(x)
    network = keras.Model(inputs, layers.Dense(2, use_bias=False)(layers.GlobalAveragePooling2D()(x)))
    kernel = np.zeros((1, 1, 3, 3), np.float32)
    kernel[0, 0, 0] = (1, 0, -1)
    network.set_weights([kernel, np.array([[2, 0], [5, 5], [0, 1]], np.float32)])
    return held(network, 4)


def test_channels_by_hand(by_hand: VisionModel) -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    image[:2, :, 0] = 255  # eight pixels are 1, eight are -1
    found = channels(by_hand, image, "relu", 0)
    np.testing.assert_allclose(found.mean, [0.5, 0, 0.5], atol=1e-6)
    np.testing.assert_allclose(found.largest, [1, 0, 1], atol=1e-6)
    np.testing.assert_allclose(found.sparsity, [0.5, 1, 0.5])
    np.testing.assert_allclose(found.influence, [1, 0, 0], atol=1e-6)  # the whole logit is 2 * 0.5
    assert found.silent == (1,)
    assert found.order("index") == (0, 1, 2)
    assert found.order("sparsity") == (1, 0, 2)
    assert found.order("influence")[0] == 0
    assert channels(by_hand, image, "relu").label_index == 0


def test_influences_of_a_network_without_biases_sum_to_the_logit(cat: Image) -> None:
    """A ReLU network without biases is homogeneous: gradient times activation is the logit itself."""
    keras.utils.set_random_seed(5)
    model = held(article_cnn.build(32), 32)
    found = inside.influences(model, model.prepare(cat), 6)
    logit = dict(feature_maps(model, cat))["dense2"][0, 0, 6]
    for name, influence in found.items():
        if name != "softmax":
            assert influence.sum(dtype=np.float64) == pytest.approx(float(logit), rel=1e-3, abs=1e-5), name


def test_channels_of_the_shipped_network_sorted(lite0: VisionModel, cat: Image) -> None:
    found = channels(lite0, cat, "head_relu")
    maps = dict(feature_maps(lite0, cat))["head_relu"]
    assert found.label_index == 281
    assert len(found.silent) == int((maps.max((0, 1)) == 0).sum()) > 300
    for by in ORDERS:
        assert sorted(found.order(by)) == list(range(1280))
    kernel, _ = efficientnet.head()
    np.testing.assert_allclose(found.influence, maps.mean((0, 1)) * kernel[:, 281], atol=1e-4)


def test_statistics_by_depth(by_hand: VisionModel, photos: dict[str, Image]) -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    image[:2, :, 0] = 255
    first, relu, *_ = by_depth(by_hand, [image, np.zeros_like(image)])
    assert (first.layer, relu.layer) == ("conv", "relu")
    assert first.sparsity == pytest.approx(1 / 3)
    assert relu.sparsity == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert relu.dead == 1  # the second channel
    assert relu.silent == pytest.approx(1.5)  # and the first one on the black photo
    assert relu.counts.sum() > 0
    assert len(relu.edges) == len(relu.counts) + 1
    found = by_depth("article_cnn", list(photos.values())[:3])
    assert [row.layer for row in found] == list(article_cnn.LAYERS)
    assert all(0 <= row.effective_size <= row.shape[2] + 1e-3 for row in found)


def test_effective_size_counts_directions() -> None:
    random = np.random.default_rng(0)
    independent = random.standard_normal((4000, 6)).astype(np.float32)
    assert effective_size(independent) == pytest.approx(6, rel=0.02)
    assert effective_size(independent[:, :1] * np.ones(6, np.float32)) == pytest.approx(1, rel=1e-3)
    assert effective_size(independent[:5]) < 5
    assert effective_size(np.ones((9, 4), np.float32)) == 0


# --- one screen --------------------------------------------------------------------------------------


def test_the_articles_network_shows_every_layer(cat: Image) -> None:
    found = overview("article_cnn", cat)
    assert [column.layer for column in found.columns] == ["pixels", *article_cnn.LAYERS]
    assert found.label_index == int(found.probabilities.argmax())
    maps = dict(feature_maps("article_cnn", cat))
    for column in found.columns[1:]:
        assert len(column.channels) == len(column.maps) == min(10, column.shape[2])
        assert len(column.channels) + column.left_out == column.shape[2]
        shown = np.abs(column.influence)
        assert (np.diff(shown) <= 1e-6).all()
        np.testing.assert_array_equal(column.maps[0], maps[column.layer][..., column.channels[0]])


def test_a_deep_network_shows_a_column_a_block(lite0: VisionModel, cat: Image) -> None:
    found = overview(lite0, cat, 281)
    shown = [column.layer for column in found.columns]
    assert shown == [
        *("pixels", "block1_depthwise_relu", "block1_project_norm", "block3_add", "block5_add"),
        *("block8_add", "block11_add", "block15_add", "block16_project_norm", "head_relu", "pool", "logits"),
    ]
    assert found.columns[-1].channels[0] == 281
    assert found.columns[-3].silent > 300


def test_blocks_of_a_foreign_network_are_few_and_in_order(foreign: VisionModel) -> None:
    graph = inside.graph(foreign)
    found = blocks(graph)
    assert 7 <= len(found) <= 12
    assert found == sorted(found, key=graph.by_name.__getitem__)
    sides = [graph.node(name).map_shape[0] for name in found]
    assert sides == sorted(sides, reverse=True)
