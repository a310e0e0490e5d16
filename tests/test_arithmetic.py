"""The arithmetic of one number, of one map, and of the sandbox, held against Keras and against paper."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from core import i18n
from core.types import Image
from core.vision import VisionModel, efficientnet, feature_maps, inside, vision_model
from core.vision.arithmetic import (
    convolve,
    edited,
    explain_position,
    kernel_of,
    latex,
    output_size,
    unfold,
)
from core.vision.recompute import recompute
from core.vision.structure import ACTIVATIONS
from tests.networks import held, held_against_tensors, shaken


@pytest.fixture(scope="module")
def lite0() -> VisionModel:
    return vision_model("efficientnet_lite0")


@pytest.fixture(scope="module")
def every_kind() -> VisionModel:
    """A network with a layer of every kind, strides, dilations, groups, constants and all."""
    keras.utils.set_random_seed(4)
    inputs = keras.Input((40, 48, 3))
    x = layers.Rescaling([0.5, 1, 2], offset=0.1, name="rescale")(inputs)
    statistics = {"mean": [0.1, 0, 0.2], "variance": [0.5, 1, 2]}
    x = layers.Normalization(**statistics, name="normalise")(x)
    x = layers.Conv2D(4, (3, 5), strides=(2, 3), padding="same", activation="leaky_relu", name="strided")(x)
    x = layers.Conv2D(8, 3, groups=2, padding="same", activation="gelu", name="grouped")(x)
    x = layers.SeparableConv2D(
        *(6, 3), depth_multiplier=2, dilation_rate=2, padding="same", activation="silu", name="separable"
    )(x)
    x = layers.DepthwiseConv2D((3, 2), depth_multiplier=2, activation="elu", name="depthwise")(x)
    x = layers.Conv2D(
        *(5, 3), dilation_rate=(2, 1), padding="same", activation=layers.LeakyReLU(0.1), name="dilated"
    )(x)
    for kind in sorted({*ACTIVATIONS, "celu"} - {"prelu", "clipped_relu", "softmax"}):
        x = layers.Add()([x, layers.Activation(kind, name=f"activation_{kind}")(x)])
        x = layers.BatchNormalization()(x)
    x = layers.PReLU("random_normal", shared_axes=[1, 2], name="prelu")(x)
    x = layers.ELU(0.5)(x) + layers.ReLU(2.0, negative_slope=0.1, threshold=0.2, name="clipped")(x)
    x = layers.ReLU(6.0)(x + 3.0) * (1 / 6) - layers.LeakyReLU()(x)
    x = layers.Average(name="average")([x, x * 2, 3 - x])
    x = layers.Maximum()([x, layers.Subtract(name="taken")([x, x / 3])])
    x = layers.Minimum()([x, x + 1.0])
    gate = keras.ops.sigmoid(layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = layers.Multiply(name="gated")([x, gate])
    x = keras.ops.relu6(x) + keras.ops.silu(x) + keras.ops.gelu(x) + keras.ops.leaky_relu(x)
    x = layers.LayerNormalization(name="layer_norm")(x)
    x = layers.ZeroPadding2D(((1, 2), (3, 4)), name="padded")(x)
    x = layers.Cropping2D(((0, 1), (2, 1)), name="cropped")(x)
    x = layers.UpSampling2D((2, 3), name="enlarged")(x)
    x = layers.AveragePooling2D(3, 2, "same", name="mean")(x)
    x = layers.MaxPooling2D((2, 3), padding="same", name="largest")(x)
    x = layers.Conv2D(7, 1, activation="softmax", name="soft")(layers.Dense(7, activation="tanh")(x))
    x = layers.SpatialDropout2D(0.2)(layers.Softmax(name="softmax")(x * 9))
    x = layers.Concatenate(name="joined")([x, keras.ops.square(x), x])
    y = layers.GlobalMaxPooling2D(name="global_max")(x)
    x = layers.Flatten(name="flat")(layers.Reshape((-1, 3), name="reshaped")(x))
    x = layers.BatchNormalization(center=False, scale=False, name="plain_norm")(layers.Concatenate()([y, x]))
    return held(shaken(keras.Model(inputs, layers.Dense(10, activation="softmax", name="top")(x))), 48)


@pytest.fixture(scope="module")
def small() -> VisionModel:
    """A convolution of one 3 x 3 kernel on the red pixels, bias -1, then ReLU and pooling."""
    inputs = keras.Input((4, 4, 3))
    x = layers.Conv2D(1, 3, padding="same", activation="relu", name="conv")(inputs)
    x = layers.MaxPooling2D(2, name="pool")(x)
    network = keras.Model(inputs, layers.Softmax(name="soft")(layers.Flatten(name="flat")(x)))
    kernel = np.zeros((3, 3, 3, 1), np.float32)
    kernel[..., 0, 0] = [[0, 1, 0], [1, 2, 1], [0, 1, 0]]
    network.set_weights([kernel, np.array([-1], np.float32)])
    return held(network, 4)


# --- every layer, random positions -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["efficientnet_lite0", "article_cnn"])
def test_every_layer_of_the_shipped_networks_is_recomputed(name: str, photos: dict[str, Image]) -> None:
    for photo in ("tabby_cat", "bridge"):
        worst, unknown = held_against_tensors(vision_model(name), photos[photo], positions=100)
        assert worst < 1
        assert not unknown


def test_every_kind_of_layer_is_recomputed(every_kind: VisionModel, cat: Image) -> None:
    worst, unknown = held_against_tensors(every_kind, cat, positions=200)
    assert worst < 1
    assert unknown == Counter({"Activation": 1, "Square": 1})  # celu, and an operation


def test_a_wrong_sum_is_found_out(lite0: VisionModel, cat: Image) -> None:
    """Kernels moved by one pixel, as with symmetric padding, are outside the tolerance nearly everywhere."""
    graph = inside.graph(lite0)
    maps = dict(feature_maps(lite0, cat, ["pixels", "stem_conv"]))
    rows, columns, channels = np.random.default_rng(0).integers(1, 32, (3, 100))
    wanted = maps["stem_conv"][rows, columns, channels]
    tolerance = 1e-4 * np.maximum(np.abs(wanted), np.abs(maps["stem_conv"]).mean())
    for shift, agree in ((0, 100), (1, 20)):
        moved = np.roll(maps["pixels"], (shift, shift), (0, 1))
        parts = recompute(graph.node("stem_conv"), [moved], rows, columns, channels)
        assert parts is not None
        close = int((np.abs(parts.value - wanted) <= tolerance).sum())
        assert close == agree if agree == 100 else close < agree


# --- one position ------------------------------------------------------------------------------------


def test_a_convolution_on_paper(small: VisionModel) -> None:
    image = np.full((4, 4, 3), 0, np.uint8)
    image[1, 1] = image[0, 3] = 255  # there the network reads 1, else -1
    found = explain_position(small, image, "conv", (1, 1, 0))
    assert found.kind == "convolution"
    np.testing.assert_allclose(found.patch[..., 0], [[-1, -1, -1], [-1, 1, -1], [-1, -1, -1]], atol=1e-6)
    assert found.kernel is not None
    assert found.products is not None
    np.testing.assert_allclose(found.products[..., 0], [[0, -1, 0], [-1, 2, -1], [0, -1, 0]], atol=1e-6)
    assert (found.total, found.bias, found.before) == pytest.approx((-2, -1, -3), abs=1e-6)
    assert found.activation == "relu"
    assert found.value == 0 == found.network
    assert found.agrees
    edge = explain_position(small, image, "conv", (0, 3, 0))
    assert edge.corner == (-1, 2)
    assert edge.padded.tolist() == [[True, True, True], [False, False, True], [False, False, True]]
    assert edge.total == pytest.approx(2 * 1 - 1 - 1)  # itself, its left, its lower neighbour
    assert edge.seen == (2, 0, 4, 2)


def test_pooling_takes_the_largest(small: VisionModel) -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    image[:2, 2:] = 255
    convolved = dict(feature_maps(small, image))["conv"][..., 0]
    found = explain_position(small, image, "pool", (0, 1, 0))
    np.testing.assert_array_equal(found.patch[..., 0], convolved[:2, 2:])
    assert found.value == convolved[:2, 2:].max() > 0
    assert (found.terms["row"], found.terms["column"]) == (0, 3)
    soft = explain_position(small, image, "soft", (0, 0, 1))
    flat = convolved.reshape(2, 2, 2, 2).max((1, 3)).ravel()
    assert soft.value == pytest.approx(math.exp(flat[1]) / np.exp(flat).sum())
    moved = explain_position(small, image, "flat", (0, 0, 1))
    assert (moved.terms["row"], moved.terms["column"], moved.terms["channel"]) == (0, 1, 0)
    assert moved.seen == (1, 0, 4, 3)


def test_a_number_of_the_shipped_network(lite0: VisionModel, cat: Image) -> None:
    found = explain_position(lite0, cat, "block2_expand_conv", (30, 40, 7))
    assert found.sources == ("block1_project_norm",)
    assert found.patch.shape == (1, 1, 16)
    assert found.agrees
    assert found.difference < found.tolerance
    stem = explain_position("efficientnet_lite0", cat, "stem_conv", (10, 20, 3))
    assert stem.patch.shape == (3, 3, 3)
    assert stem.products is not None
    assert float(stem.products.sum()) == pytest.approx(stem.network, rel=1e-3, abs=1e-4)
    np.testing.assert_array_equal(stem.patch, lite0.prepare(cat)[0, 20:23, 40:43])
    assert stem.seen == (40, 20, 43, 23)
    left, top, right, bottom = efficientnet.PREPARATION.box(cat)
    pixel = (right - left) / 224
    assert stem.box == pytest.approx(
        (left + 40 * pixel, top + 20 * pixel, left + 43 * pixel, top + 23 * pixel)
    )
    assert bottom - top == right - left


def test_what_is_seen_is_what_moves_the_number(lite0: VisionModel, cat: Image) -> None:
    """Pixels outside the box on the photo change nothing; those inside do."""
    layer = "block3_depthwise_conv"
    channel = int(np.abs(dict(feature_maps(lite0, cat, [layer]))[layer][20, 30]).argmax())
    at = (20, 30, channel)
    found = explain_position(lite0, cat, layer, at)
    assert found.box is not None
    left, top, right, bottom = found.box
    rows, columns = np.indices(cat.shape[:2])
    near = 6  # pixels: the resizing of the photo reads some around
    outside = (columns < left - near) | (columns >= right + near)
    outside |= (rows < top - near) | (rows >= bottom + near)
    changed = np.where(outside[..., np.newaxis], 255 - cat, cat)
    assert (changed != cat).mean() > 0.5
    assert explain_position(lite0, changed, layer, at).network == pytest.approx(found.network, rel=1e-4)
    inner = np.where(outside[..., np.newaxis], cat, 255 - cat)
    assert abs(explain_position(lite0, inner, layer, at).network - found.network) > 100 * found.tolerance


def test_what_is_not_there_raises(lite0: VisionModel, cat: Image) -> None:
    with pytest.raises(IndexError, match="112"):
        explain_position(lite0, cat, "stem_conv", (112, 0, 0))
    with pytest.raises(IndexError):
        explain_position(lite0, cat, "stem_conv", (0, -1, 0))
    with pytest.raises(KeyError):
        explain_position(lite0, cat, "no_such_layer", (0, 0, 0))


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_kind_is_told_with_its_numbers(every_kind: VisionModel, cat: Image, language: str) -> None:
    graph = inside.graph(every_kind)
    told: dict[str, str] = {node.kind: node.name for node in graph.nodes}
    for kind, layer in told.items():
        found = explain_position(every_kind, cat, layer, (0, 0, 0))
        assert found.kind == kind
        assert found.agrees or kind in ("input", "other"), kind
        words = i18n.text(language, found.numbers, **found.latex)
        assert words.count("{") == words.count("}"), words
        assert latex(found.network) in words or kind in ("max_pooling", "input", "other"), words
        assert i18n.text(language, found.formula).count("{") == i18n.text(language, found.formula).count("}")
        assert i18n.text(language, f"arithmetic.{kind}")
        assert i18n.text(language, f"arithmetic.{kind}.about")
    assert len(told) > 35


def test_numbers_in_a_formula() -> None:
    assert latex(0.123456) == "0.1235"
    assert latex(-2) == "(-2)"
    assert latex(-1.5e-7) == r"(-1.5 \times 10^{-7})"
    assert latex(math.inf) == r"\infty"


# --- whole maps --------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", ["stem_conv", "block2_depthwise_conv", "block9_project_conv"])
def test_the_own_kernel_gives_the_own_map(lite0: VisionModel, cat: Image, layer: str) -> None:
    kernel, bias = kernel_of(inside.graph(lite0).node(layer), 3)
    own = dict(feature_maps(lite0, cat))[layer][..., 3]
    tolerance = 1e-4 * np.abs(own).mean() + 1e-6
    np.testing.assert_allclose(edited(lite0, cat, layer, 3, kernel), own, rtol=1e-4, atol=tolerance)
    doubled = edited(lite0, cat, layer, 3, 2 * kernel, bias + 1)
    np.testing.assert_allclose(doubled, 2 * own + 1, rtol=1e-3, atol=20 * tolerance)


def test_an_edited_kernel_goes_through_the_layers_own_activation(every_kind: VisionModel, cat: Image) -> None:
    for layer, channel in (("grouped", 6), ("depthwise", 5), ("dilated", 2), ("strided", 1)):
        kernel, _ = kernel_of(inside.graph(every_kind).node(layer), channel)
        own = dict(feature_maps(every_kind, cat))[layer][..., channel]
        np.testing.assert_allclose(
            edited(every_kind, cat, layer, channel, kernel.squeeze(2) if kernel.shape[2] == 1 else kernel),
            own,
            rtol=1e-3,
            atol=1e-4 * np.abs(own).mean(),
        )
    flat = edited(every_kind, cat, "dilated", 2, np.zeros((3, 3, 12)), -1)
    np.testing.assert_allclose(flat, -0.1, rtol=1e-5)


def test_what_cannot_be_edited_raises(lite0: VisionModel, cat: Image) -> None:
    with pytest.raises(ValueError, match="relu6"):
        edited(lite0, cat, "stem_relu", 0, np.zeros((3, 3)))
    with pytest.raises(ValueError, match=r"\(3, 3, 3\)"):
        edited(lite0, cat, "stem_conv", 0, np.zeros((5, 5, 3)))


@pytest.mark.parametrize(
    ("name", "layer", "channel"),
    [
        ("efficientnet_lite0", "block9_expand_conv", 5),
        ("efficientnet_lite0", "block4_depthwise_conv", 100),
        ("efficientnet_lite0", "block4_depthwise_norm", 2),
        ("efficientnet_lite0", "block15_add", 9),
        ("efficientnet_lite0", "logits", 281),
        ("article_cnn", "conv2", 8),
        ("article_cnn", "pool2", 8),
        ("article_cnn", "relu2", 8),
        ("article_cnn", "dense1", 8),
        ("article_cnn", "softmax", 3),
    ],
)
def test_the_parts_of_a_map_sum_to_the_map(name: str, layer: str, channel: int, cat: Image) -> None:
    found = unfold(name, cat, layer, channel)
    total = sum(strand.result.astype(np.float64) for strand in found.strands) + found.rest + found.bias
    scale = np.abs(found.network).mean() + 1e-3
    np.testing.assert_allclose(total, found.before, rtol=1e-4, atol=1e-4 * scale)
    np.testing.assert_allclose(found.map, found.network, rtol=1e-4, atol=1e-4 * scale)
    assert [s.contribution for s in found.strands] == sorted(
        (s.contribution for s in found.strands), reverse=True
    ) or layer == "block15_add"
    maps = dict(feature_maps(name, cat, {strand.layer for strand in found.strands}))
    for strand in found.strands:
        np.testing.assert_array_equal(strand.source, maps[strand.layer][..., strand.channel])
    inputs = sum(len(maps[source][0, 0]) for source in {strand.layer for strand in found.strands})
    if found.kind in ("convolution", "dense"):
        assert len(found.strands) + found.left_out == inputs


def test_every_kind_of_layer_is_taken_apart(every_kind: VisionModel, cat: Image) -> None:
    join: dict[str, Any] = {"sum": np.add, "multiply": np.multiply, "divide": np.divide}
    join |= {"maximum": np.maximum, "minimum": np.minimum}
    for node in inside.graph(every_kind).nodes:
        channel = node.map_shape[2] - 1
        if node.kind in ("input", "other"):
            with pytest.raises(ValueError, match=node.kind):
                unfold(every_kind, cat, node.name, channel)
            continue
        found = unfold(every_kind, cat, node.name, channel, shown=3)
        close = {"rtol": 1e-3, "atol": 1e-4 * np.abs(found.network).mean() + 1e-6}
        np.testing.assert_allclose(found.map, found.network, **close, err_msg=node.name)
        results = [strand.result.astype(np.float64) for strand in found.strands]
        total = results[0]
        for result in results[1:]:
            total = join[found.joined](total, result)
        np.testing.assert_allclose(total + found.rest + found.bias, found.before, **close, err_msg=node.name)


# --- the sandbox -------------------------------------------------------------------------------------


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_output_sizes_are_those_of_keras(padding: str) -> None:
    for size, kernel, stride, dilation in itertools.product((5, 8, 13), (1, 2, 3, 5), (1, 2, 3), (1, 2)):
        if stride > 1 and dilation > 1:  # Keras has no such layer
            continue
        found = output_size(size, kernel, stride, padding, dilation)  # type: ignore[arg-type]
        if not found.fits:
            assert (kernel - 1) * dilation + 1 > size
            continue
        layer = layers.Conv2D(1, kernel, stride, padding, dilation_rate=dilation)
        assert layer.compute_output_shape((1, size, size, 1))[1] == found.size


def test_strides_that_do_not_come_out_even_are_told() -> None:
    assert output_size(7, 3, 2).even
    found = output_size(8, 3, 2)
    assert (found.size, found.unread, found.even, found.exact) == (3, 1, False, 3.5)
    too_large = output_size(3, 3, 1, 0, 2)
    assert (too_large.size, too_large.fits, too_large.even, too_large.reach) == (0, False, False, 5)
    assert output_size(5, 3, 1, 1).size == 5
    for wrong in ((0, 3), (5, 0), (5, 3, 0), (5, 3, 1, -1), (5, 3, 1, 0, 0)):
        with pytest.raises(ValueError, match="start at"):
            output_size(*wrong)


def test_the_formula_of_the_size_is_told() -> None:
    values = {"size": 8, "before": 0, "behind": 0, "dilation": 1, "kernel": 3, "stride": 2, "result": 3}
    assert "= 3" in i18n.text("en", "arithmetic.output_size.numbers.formula", **values)


def test_a_convolution_by_hand() -> None:
    image = np.arange(9, dtype=np.float32).reshape(3, 3)
    kernel = np.array([[1, 0], [0, -1]], np.float32)
    np.testing.assert_array_equal(convolve(image, kernel), [[-4, -4], [-4, -4]])
    np.testing.assert_array_equal(convolve(image, kernel, 1, 1)[0], [0, -1, -2, 0])
    np.testing.assert_array_equal(convolve(image, kernel, 2, 1), [[0, -2], [-6, -4 + 4 - 4]])
    with pytest.raises(ValueError, match="fit"):
        convolve(image, np.ones((4, 4), np.float32))


@settings(max_examples=25, deadline=None)
@given(
    size=st.tuples(st.integers(5, 12), st.integers(5, 12)),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.integers(1, 3),
    padding=st.sampled_from(["same", "valid"]),
    seed=st.integers(0, 99),
)
def test_convolutions_are_those_of_keras(
    size: tuple[int, int], kernel: tuple[int, int], stride: int, padding: Any, seed: int
) -> None:
    random = np.random.default_rng(seed)
    image, weights = random.standard_normal(size), random.standard_normal(kernel)
    wanted = keras.ops.conv(
        image.astype(np.float32)[np.newaxis, ..., np.newaxis],
        weights.astype(np.float32)[..., np.newaxis, np.newaxis],
        stride,
        padding,
    )
    found = convolve(image.astype(np.float32), weights.astype(np.float32), stride, padding)
    np.testing.assert_allclose(found, np.asarray(wanted)[0, ..., 0], atol=1e-5)
