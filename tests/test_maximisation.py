"""What a channel looks for: made, found among photos, and passed on to the classes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from core.types import Image
from core.vision import VisionModel, efficientnet, feature_maps, inside, vision_model
from core.vision.maximisation import (
    HELD_LAYERS,
    PART,
    SHOW_EVERY,
    Step,
    feeds,
    last_layer,
    maximise,
    strongest_patches,
)
from tests.networks import held, plain


@pytest.fixture(scope="module")
def red() -> VisionModel:
    """Channel 0 is excited by red, channel 1 by the lack of it, channel 2 by nothing."""
    inputs = keras.Input((24, 24, 3))
    x = layers.Conv2D(3, 3, padding="same", name="conv")(inputs)
    x = layers.ReLU(name="relu")(x)
    network = keras.Model(inputs, layers.Dense(2, name="logits")(layers.GlobalAveragePooling2D()(x)))
    kernel = np.zeros((3, 3, 3, 3), np.float32)
    kernel[:, :, 0, :2] = (1 / 9, -1 / 9)
    dense = np.array([[3, -1], [0, 2], [1, 1]], np.float32)
    network.set_weights([kernel, np.array([-0.5, -0.5, -1], np.float32), dense, np.zeros(2, np.float32)])
    return held(network, 24)


def last(steps: Any) -> Step:
    *_, found = steps
    assert isinstance(found, Step)
    return found


# --- a picture by gradient ascent --------------------------------------------------------------------


def test_the_picture_becomes_what_the_channel_looks_for(red: VisionModel) -> None:
    for channel, turn in ((0, 1), (1, -1)):
        found = list(maximise(red, "relu", channel, steps=60))
        assert [step.step for step in found] == [*range(0, 60, SHOW_EVERY), 60]
        assert all(step.steps == 60 for step in found)
        picture = found[-1].picture
        assert (picture.dtype, picture.shape) == (np.uint8, (24, 24, 3))
        assert turn * (picture[..., 0].mean() - 127.5) > 40
        assert 90 < found[0].picture.mean() < 165  # grey noise
        assert found[-1].value > found[1].value > found[0].value


def test_the_value_is_the_networks_own(red: VisionModel) -> None:
    """Before the ReLU, so that a channel that is silent on grey can wake up."""
    start = next(iter(maximise(red, "relu", 0)))
    assert start.value == pytest.approx(-0.5, abs=0.05)
    maps = dict(feature_maps(red, start.picture, ["conv", "relu"]))
    assert maps["conv"][..., 0].mean() == pytest.approx(start.value, abs=0.02)
    assert not maps["relu"].any()


def test_the_seed_decides(red: VisionModel) -> None:
    first, again, other = (last(maximise(red, "conv", 0, steps=8, seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.picture, again.picture)
    assert first.value == again.value
    assert (first.picture != other.picture).mean() > 0.5


def test_who_takes_no_more_steps_has_stopped_it(red: VisionModel) -> None:
    run = maximise(red, "conv", 0, steps=10**9)
    taken = [next(run) for _ in range(3)]
    assert taken[-1].step == 2 * SHOW_EVERY
    run.close()  # type: ignore[attr-defined]
    with pytest.raises(StopIteration):
        next(run)


def test_a_channel_of_the_shipped_network_is_excited_more_than_by_photos(photos: dict[str, Image]) -> None:
    model, layer, channel = vision_model("efficientnet_lite0"), "block3_add", 11
    before = plain(model.load())
    found = last(maximise(model, layer, channel, steps=40))
    assert found.picture.shape == (128, 128, 3)
    means = [
        dict(feature_maps(model, image, [layer]))[layer][..., channel].mean() for image in photos.values()
    ]
    assert found.value > max(means)
    np.testing.assert_array_equal(plain(model.load()), before)


def test_a_class_of_the_articles_network_is_maximised_at_its_logit() -> None:
    model = vision_model("article_cnn")
    found = last(maximise(model, "softmax", 3, steps=60))
    assert found.picture.shape == (64, 64, 3)
    assert found.value > 5  # a logit; a probability ends at 1
    assert int(inside.probabilities(model, model.preparation.numbers(found.picture)[None]).argmax()) == 3


def test_a_grey_network_and_a_picture_of_another_size() -> None:
    network = keras.Sequential([keras.Input((20, 20, 1)), layers.Conv2D(1, 3, name="conv")])
    network.set_weights([np.full((3, 3, 1, 1), 1 / 9, np.float32), np.zeros(1, np.float32)])
    found = last(maximise(held(network, 20), "conv", 0, steps=60, side=32))
    assert found.picture.shape == (32, 32, 3)
    assert found.picture.mean() > 155


def test_one_step_is_compiled_for_a_layer_and_few_are_held(red: VisionModel) -> None:
    next(maximise(red, "conv", 0))
    compiled = dict(red.compiled["maximise"])
    next(maximise(red, "conv", 1))
    assert red.compiled["maximise"] == compiled
    for side in range(20, 20 + HELD_LAYERS):
        next(maximise(red, "conv", 0, side=side))
    assert len(red.compiled["maximise"]) == HELD_LAYERS
    assert not any(key in red.compiled["maximise"] for key in compiled)


def test_what_is_not_there_raises(red: VisionModel) -> None:
    with pytest.raises(KeyError):
        maximise(red, "no_such_layer", 0)
    with pytest.raises(IndexError, match="3 channels"):
        maximise(red, "conv", 3)
    with pytest.raises(IndexError, match="3 channels"):
        feeds(red, 3)


# --- the photos that excite it -----------------------------------------------------------------------


def test_the_strongest_patches_are_found_where_they_are(red: VisionModel) -> None:
    def spot(red_value: int, row: int, column: int) -> Image:
        image = np.zeros((240, 320, 3), np.uint8)
        image[row : row + 60, column : column + 60, 0] = red_value
        return image

    photos = {
        "weak": spot(210, 20, 60),
        "strong": spot(255, 150, 180),
        "none": np.zeros((50, 50, 3), np.uint8),
    }
    found = strongest_patches(red, "relu", 0, photos)
    assert [patch.photo for patch in found] == ["strong", "weak"]  # the third one is silent
    assert found[0].value == pytest.approx(0.5, abs=1e-4)
    for patch, (row, column) in zip(found, ((150, 180), (20, 60)), strict=True):
        left, top, right, bottom = patch.box
        assert right - left == bottom - top == pytest.approx(30)  # 3 of 24 pixels of a crop of 240
        assert column - 10 <= left < right <= column + 70
        assert row - 10 <= top < bottom <= row + 70
        assert patch.shown == patch.box
        assert patch.crop[..., 0].mean() > 200 * int(photos[patch.photo].max()) / 255
    assert len(strongest_patches(red, "relu", 0, photos, most=1)) == 1
    assert strongest_patches(red, "relu", 2, photos) == []


def test_of_a_deep_layer_the_middle_is_shown(photos: dict[str, Image]) -> None:
    some = {name: photos[name] for name in ("tabby_cat", "bridge")}
    for patch in strongest_patches("efficientnet_lite0", "block15_add", 104, some):
        left, top, right, bottom = efficientnet.PREPARATION.box(some[patch.photo])
        assert patch.shown[2] - patch.shown[0] == pytest.approx((right - left) / PART)
        assert left <= patch.shown[0] < patch.shown[2] <= right
        assert top <= patch.shown[1] < patch.shown[3] <= bottom
        assert abs(patch.crop.shape[0] - (bottom - top) / PART) <= 2


# --- the classes that it feeds -----------------------------------------------------------------------


def test_a_channel_feeds_the_logits_by_its_weights(red: VisionModel) -> None:
    found = feeds(red, 0)
    assert found.layer == last_layer(red) == "relu"
    assert found.strongest(1) == ((0, 3.0),)
    assert found.weakest(1) == ((1, -1.0),)
    kernel, _ = efficientnet.head()
    shipped = feeds("efficientnet_lite0", 1133)
    assert shipped.layer == "head_relu"
    np.testing.assert_array_equal(shipped.weights, kernel[1133])
    assert [weight for _, weight in shipped.strongest()] == sorted(kernel[1133], reverse=True)[:5]
    assert feeds("article_cnn", 3).layer == "relu4"


def test_a_network_without_a_last_dense_layer_feeds_nothing() -> None:
    network = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D()])
    assert last_layer(held(network, 8)) is None
    with pytest.raises(ValueError, match="dense"):
        feeds(held(network, 8), 0)
