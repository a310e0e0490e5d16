"""Each way to explain, on networks whose gradients are known by hand and on real photos."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import i18n, vision
from core.types import Floats, Image, ModelCard
from core.vision import explain, explanations, inside, models
from core.vision import faithfulness as faithful
from core.vision.explanations import METHODS, Attributions, Progress, explanation
from core.vision.faithfulness import Curve
from core.vision.models import VisionModel
from core.vision.preparation import Preparation

ROOT = Path(__file__).resolve().parent.parent
SIDE = 8


def visitors(network: Any, labels: int = 2, side: int = SIDE, channels: int = 3) -> VisionModel:
    card = ModelCard("tiny", (side, side, channels), 0, "", "", "", layers=(network.layers[-1].name,))
    preparation = Preparation(side, 1.0, 0.0, 255.0, channels=channels)
    return VisionModel("tiny", tuple(map(str, range(labels))), preparation, card, lambda: network)


def linear(weights: Floats) -> VisionModel:
    """logits = (0, sum of weights * input): every gradient is `weights` itself."""
    import keras

    network = keras.Sequential(
        [keras.Input(weights.shape), keras.layers.Flatten(), keras.layers.Dense(2, use_bias=False)]
    )
    network.set_weights([np.stack([np.zeros(weights.size), weights.ravel()], axis=1)])
    return visitors(network)


def squares() -> VisionModel:
    """logits = (0, sum of relu(x - 0.5)): the gradient jumps where a pixel passes 0.5."""
    import keras

    inputs = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Conv2D(3, 1, activation="relu", name="conv")(inputs)
    x = keras.layers.Flatten()(x)
    network = keras.Model(inputs, keras.layers.Dense(2, use_bias=False)(x))
    ones = np.ones(SIDE * SIDE * 3)
    network.set_weights([np.eye(3)[np.newaxis, np.newaxis], np.full(3, -0.5), np.stack([0 * ones, ones], 1)])
    return visitors(network)


def noise(side: int = SIDE) -> Image:
    return np.random.default_rng(4).integers(0, 256, (side, side, 3), np.uint8)


def last(method: str, model: str | VisionModel, image: Image, label: int) -> Floats:
    *progress, found = explanation(method, model, image, label)
    assert progress, "a page has nothing to show"
    assert all(isinstance(step, Progress) for step in progress)
    shares = [step.share for step in progress if isinstance(step, Progress)]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] <= 1
    assert isinstance(found, np.ndarray)
    return found


# --- what every method must do ----------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_a_map_lies_over_the_photo(method: str, cat: Image) -> None:
    image = cat[:120, :200]
    found = last(method, "article_cnn", image, 3)
    assert found.shape == image.shape[:2]
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert found.min() >= 0
    assert 0.5 < found.max() <= 1
    left, top, right, bottom = models.vision_model("article_cnn").preparation.box(image)
    outside = np.ones(found.shape, bool)
    outside[top:bottom, left:right] = False
    assert outside.any()
    assert not found[outside].any()


@pytest.mark.parametrize("method", METHODS)
def test_a_network_that_sees_nothing_gives_zeros(method: str) -> None:
    import keras

    inputs = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Conv2D(2, 3, kernel_initializer="zeros", name="conv")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    blind = visitors(keras.Model(inputs, keras.layers.Dense(2)(x)))
    assert not last(method, blind, noise(20), 1).any()


@pytest.mark.parametrize("method", METHODS)
def test_the_same_question_has_the_same_answer(method: str) -> None:
    model = squares()
    np.testing.assert_array_equal(last(method, model, noise(), 1), last(method, model, noise(), 1))


@pytest.mark.parametrize("method", METHODS)
def test_grey_and_open_sides_and_nesting_are_no_obstacle(method: str, cat: Image) -> None:
    import keras
    from keras import layers

    inner = keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(4, 3, activation="relu")])
    inputs = keras.Input((None, None, 1))
    x = layers.GlobalAveragePooling2D()(inner(inputs))
    network = keras.Model(inputs, [layers.Dense(3, activation="softmax")(x), inner(inputs)])
    found = last(method, visitors(network, 3, side=24, channels=1), cat, 2)
    assert found.shape == cat.shape[:2]
    assert np.isfinite(found).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_visitor_may_leave_in_the_middle(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, image = squares(), noise()
    walk = explanation(method, model, image, 1)
    assert next(walk) == Progress(0.0)
    walk.close()  # type: ignore[attr-defined]
    assert last(method, model, image, 1).shape == image.shape[:2]


def test_all_methods_have_their_words() -> None:
    assert tuple(METHODS) == (
        "grad_cam",
        "grad_cam_plus_plus",
        "integrated_gradients",
        "smooth_grad",
        "occlusion",
    )
    for name, method in METHODS.items():
        assert method.name == name
        for language in i18n.LANGUAGES:
            for part in ("", ".about", ".formula", ".citation"):
                assert i18n.text(language, f"explanation.{name}{part}")
    with pytest.raises(KeyError):
        explanation("tea_leaves", "article_cnn", noise(), 0)


# --- Grad-CAM and Grad-CAM++ ------------------------------------------------------------------------


def test_grad_cam_is_the_one_of_the_page(cat: Image) -> None:
    wanted = vision.grad_cam("efficientnet_lite0", cat, 281)
    np.testing.assert_array_equal(last("grad_cam", "efficientnet_lite0", cat, 281), wanted)


def test_grad_cam_plus_plus_by_hand() -> None:
    """One map, one place with g = 2 and A = 3, one with g = -1 and A = 1, by the paper's equations."""
    maps = np.array([[[3.0], [1.0]]], np.float32)
    gradients = np.array([[[2.0], [-1.0]]], np.float32)
    share = 4 / (2 * 4 + 8 * 4)  # g^2 / (2 g^2 + g^3 * sum of A)
    weight = share * 2  # the second place has a negative gradient
    wanted = [[weight * 3, weight * 1]]
    np.testing.assert_allclose(explanations.grad_cam_plus_plus(maps, gradients), wanted, rtol=1e-6)


def test_grad_cam_plus_plus_never_divides_by_zero() -> None:
    zeros = np.zeros((2, 2, 3), np.float32)
    assert not explanations.grad_cam_plus_plus(zeros, zeros).any()
    maps, gradients = np.full((1, 1, 1), 2.0, np.float32), np.full((1, 1, 1), -1.0, np.float32)  # 2 - 2 = 0
    assert not explanations.grad_cam_plus_plus(maps, gradients).any()


def test_small_things_weigh_more_in_grad_cam_plus_plus() -> None:
    """Two channels, one sees 9 places, one sees 1; Grad-CAM's weights differ by 9, these by 4.8."""
    maps = np.zeros((4, 4, 2), np.float32)
    maps[:3, :3, 0] = 1
    maps[3, 3, 1] = 1
    gradients = maps / 4
    plain = (gradients.mean(axis=(0, 1)) * maps).sum(axis=-1)
    better = explanations.grad_cam_plus_plus(maps, gradients)
    assert plain[3, 3] / plain[0, 0] == pytest.approx(1 / 9)
    assert better[0, 0] / better[3, 3] == pytest.approx(4.765, abs=1e-3)


def test_the_last_maps_are_those_before_the_last_pooling() -> None:
    for name, wanted in (("efficientnet_lite0", "head_relu"), ("article_cnn", "relu3")):
        graph = inside.graph(models.vision_model(name))
        assert graph.nodes[explanations.last_maps(graph)].name == wanted


def test_maps_and_gradients_are_those_of_the_network() -> None:
    model, image = squares(), noise()
    maps, gradients = explanations._last_maps(model, inside.network_input(model, image), 1)
    np.testing.assert_allclose(maps, np.maximum(image / 255 - 0.5, 0), atol=1e-6)
    np.testing.assert_allclose(gradients, np.ones_like(maps))


# --- gradients of the input -------------------------------------------------------------------------


def test_gradients_of_a_batch_are_each_images_own() -> None:
    weights = np.random.default_rng(0).normal(size=(SIDE, SIDE, 3)).astype(np.float32)
    numbers = np.random.default_rng(1).random((5, SIDE, SIDE, 3), np.float32)
    found, logits = explanations.gradients(linear(weights), numbers, 1)
    np.testing.assert_allclose(found, np.broadcast_to(weights, found.shape), rtol=1e-6)
    np.testing.assert_allclose(logits, (numbers * weights).sum(axis=(1, 2, 3)), rtol=1e-4)
    none, _ = explanations.gradients(linear(weights), numbers, 0)
    assert not none.any()


def attributions(model: VisionModel, image: Image, label: int) -> Attributions:
    *_, found = explanations.attributions(model, image, label)
    assert isinstance(found, Attributions)
    return found


def test_integrated_gradients_of_a_linear_network_are_weights_times_differences() -> None:
    import cv2

    weights = np.random.default_rng(0).normal(size=(SIDE, SIDE, 3)).astype(np.float32)
    image = noise()
    blurred = cv2.GaussianBlur(image, (0, 0), SIDE / 20)
    found = attributions(linear(weights), image, 1)
    wanted = (weights * (image.astype(np.float32) - blurred) / 255).sum(axis=-1)
    np.testing.assert_allclose(found.values, wanted, atol=1e-5)
    assert found.steps == explanations.FIRST_STEPS
    assert found.gap == pytest.approx(0, abs=1e-4)


def test_integrated_gradients_put_more_steps_where_the_gradient_jumps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One pixel passes the ReLU's 0.5 on the way: the steps close in on that place."""
    monkeypatch.setattr(explanations, "GAP", 1e-4)
    monkeypatch.setattr(explanations, "ERROR", 1e-4)
    monkeypatch.setattr(explanations, "BLUR", 0.5)
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    image[3, 4] = 255
    found = attributions(squares(), image, 1)
    assert explanations.FIRST_STEPS < found.steps < 60  # equal steps would need thousands
    assert abs(found.gap) <= explanations.GAP * abs(found.logit - found.baseline)
    assert np.unravel_index(found.values.argmax(), found.values.shape) == (3, 4)


@pytest.mark.parametrize("name", ["tabby_cat", "espresso"])
def test_attributions_add_up_to_the_logit(name: str, photos: dict[str, Image]) -> None:
    """Completeness, proposition 1 of the paper: within 2 percent of the difference."""
    model = models.vision_model("efficientnet_lite0")
    label = int(vision.classifier("efficientnet_lite0").predict([photos[name]])[0].argmax())
    found = attributions(model, photos[name], label)
    total, difference = float(found.values.sum(dtype=np.float64)), found.logit - found.baseline
    assert difference > 1
    assert total == pytest.approx(difference, rel=0.02)
    assert found.steps <= explanations.MOST_STEPS


def test_smooth_grad_of_a_linear_network_is_its_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise changes nothing where the gradient is the same everywhere."""
    monkeypatch.setattr(explanations, "places", lambda pixels: pixels)
    weights = np.zeros((SIDE, SIDE, 3), np.float32)
    weights[2, 5] = (1, -2, 1)
    weights[6, 1] = (0, 1, 0)
    found = last("smooth_grad", linear(weights), noise(), 1)
    assert np.unravel_index(found.argmax(), found.shape) == (2, 5)
    assert found[6, 1] / found[2, 5] == pytest.approx(1 / 4, rel=0.01)  # absolute values, summed
    assert np.count_nonzero(found) == 2


def test_smooth_grad_is_a_mean_over_noise() -> None:
    """At the corner of a ReLU the gradient of noisy copies is 1 half of the time."""
    image = np.full((SIDE, SIDE, 3), 128, np.uint8)
    model, seen = squares(), []

    def watch(*asked: Any) -> tuple[Floats, Floats]:
        found = real(*asked)
        seen.append((np.asarray(asked[1]), found[0]))
        return found

    real = explanations.gradients
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explanations, "gradients", watch)
        last("smooth_grad", model, image, 1)
    numbers, gradients = (np.concatenate(part) for part in zip(*seen, strict=True))
    assert len(numbers) == explanations.SAMPLES
    assert (numbers - 128 / 255).std() == pytest.approx(explanations.NOISE, rel=0.05)
    assert gradients.mean() == pytest.approx(0.5, abs=0.05)


def test_a_batch_is_never_larger_than_memory_allows() -> None:
    small, large = squares(), models.vision_model("efficientnet_lite0")
    assert explanations.batch_size(small) == explanations.LARGEST_BATCH == 16
    numbers = sum(int(np.prod(node.shape)) for node in inside.graph(large).nodes)
    assert 1 <= explanations.batch_size(large) <= explanations.MOST_NUMBERS / numbers


def test_single_pixels_are_cut_and_never_lost() -> None:
    values = np.zeros((64, 64), np.float32)
    values[10, 10] = 5  # fewer than one percent
    found = explanations.places(values)
    assert np.unravel_index(found.argmax(), found.shape) == (10, 10)
    values = np.ones((64, 64), np.float32)
    values[0, 0] = 1000
    assert explanations.places(values).max() == pytest.approx(1, rel=1e-3)
    assert not explanations.places(np.full((8, 8), np.nan, np.float32)).any()


# --- occlusion --------------------------------------------------------------------------------------


class Spot(models.PreparedClassifier):
    """Sees one thing: how much of a bright spot is left."""

    def __init__(self) -> None:
        super().__init__(("no", "yes"), Preparation(56, 1.0, 0, 1))
        self.largest = 0

    def predict_prepared(self, pictures: list[Image]) -> Floats:  # type: ignore[override]
        self.largest = max(self.largest, len(pictures))
        share = np.array([(picture[40:44, 20:24] > 200).mean() for picture in pictures], np.float32)
        return np.stack([1 - share, share], axis=1)


def test_occlusion_finds_the_one_bright_spot(monkeypatch: pytest.MonkeyPatch) -> None:
    spot = Spot()
    monkeypatch.setattr(models, "classifier", lambda model: spot)
    image = np.zeros((56, 56, 3), np.uint8)
    image[40:44, 20:24] = 255
    found = last("occlusion", "spot", image, 1)
    assert found[41, 21] == 1
    patch = 56 // explanations.PATCHES  # 8: only squares that touch the spot matter
    assert not found[: 40 - patch].any()
    assert not found[:, 24 + patch :].any()
    assert not found[44 + patch :].any()
    assert spot.largest <= explanations.LARGEST_BATCH
    assert not last("occlusion", "spot", image, 0).any(), "covering the spot only helps “no”"


def test_occlusion_reaches_every_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    class Corner(Spot):
        def predict_prepared(self, pictures: list[Image]) -> Floats:  # type: ignore[override]
            share = np.array([float(picture[-1, -1, 0] > 200) for picture in pictures], np.float32)
            return np.stack([1 - share, share], axis=1)

    monkeypatch.setattr(models, "classifier", lambda model: Corner())
    found = last("occlusion", "corner", np.full((30, 30, 3), 255, np.uint8), 1)
    assert found[-1, -1] == found.max() > 0


def test_occlusion_and_grad_cam_need_no_tensorflow() -> None:
    code = """
import sys
from core.imaging import decode
from core.imaging.samples import samples
from core.vision.explanations import explanation
image = decode(samples()["tabby_cat"].read())
for method in ("occlusion", "grad_cam"):
    *_, found = explanation(method, "efficientnet_lite0", image, 281)
    assert found.max() > 0.5
assert not {"tensorflow", "keras"} & set(sys.modules), "TensorFlow was imported"
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# --- what they are worth ----------------------------------------------------------------------------


def score(curve: Curve) -> float:
    return curve.insertion_area - curve.deletion_area


@pytest.mark.parametrize("method", METHODS)
def test_a_method_beats_a_random_map(
    method: str, photos: dict[str, Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faithful, "STEPS", 8)  # half as many as the page takes
    model = vision.classifier("efficientnet_lite0")
    better = 0
    for name in ("tabby_cat", "espresso", "golden_retriever"):
        image = photos[name]
        label = int(model.predict([image])[0].argmax())
        heatmap = last(method, "efficientnet_lite0", image, label)
        found = faithful.faithfulness(model, image, heatmap, label)
        better += score(found.heatmap) > score(found.random)
    assert better >= 2


def test_explaining_changes_nothing(cat: Image) -> None:
    model = models.vision_model("article_cnn")
    before = [weight.numpy().copy() for weight in model.load().weights]
    copy = cat.copy()
    for method in METHODS:
        last(method, "article_cnn", cat, 0)
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(before, model.load().weights, strict=True))
    np.testing.assert_array_equal(cat, copy)
    assert explain.grad_cam("article_cnn", cat, 0).shape == cat.shape[:2]
