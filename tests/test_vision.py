"""EfficientNet-Lite0 on both engines, and where it looked."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from core import vision
from core.types import Image
from core.vision import efficientnet, explain, inside, models
from core.vision.faithfulness import STEPS, Curve, comparison, faithfulness
from core.vision.lite import softmax
from core.vision.models import lite
from core.vision.preparation import Preparation

ROOT = Path(__file__).resolve().parent.parent
PREPARATION = efficientnet.PREPARATION


@pytest.fixture(scope="module")
def classifier() -> models.LiteClassifier:
    found = vision.classifier("efficientnet_lite0")
    assert isinstance(found, models.LiteClassifier)
    return found


@pytest.fixture(scope="module")
def twin() -> vision.VisionModel:
    return vision.vision_model("efficientnet_lite0")


def test_probabilities_have_the_right_shape_and_sum(classifier: models.LiteClassifier, cat: Image) -> None:
    found = classifier.predict([cat, cat[:, ::-1]])
    assert found.shape == (2, 1000) == (2, len(classifier.labels))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert classifier.predict([]).shape == (0, 1000)


def test_the_cat_is_a_tabby(classifier: models.LiteClassifier, cat: Image) -> None:
    assert classifier.labels[int(classifier.predict([cat])[0].argmax())] == "n02123045"


def test_both_engines_agree(
    classifier: models.LiteClassifier, twin: vision.VisionModel, photos: dict[str, Image]
) -> None:
    images = list(photos.values())
    int8 = classifier.predict(images)
    float32 = models.KerasClassifier(twin).predict(images)
    sure = float32.max(axis=1) > 0.3
    assert sure.sum() >= 10
    assert (int8.argmax(axis=1) == float32.argmax(axis=1))[sure].all()
    assert np.abs(int8 - float32).max() < 0.2
    assert np.abs(int8 - float32).mean() < 2e-4


def test_the_card_tells_the_truth(twin: vision.VisionModel) -> None:
    network = twin.load()
    assert network.count_params() - sum(
        int(np.prod(w.shape)) for w in network.non_trainable_weights if False
    ) == (twin.card.parameters + 2 * 21_008)
    assert tuple(network.input_shape[1:]) == twin.card.input_size
    kinds = [layer.name for layer in network.layers if type(layer).__name__.endswith("Conv2D")]
    assert tuple(kinds) == efficientnet.convolutions()
    assert len(kinds) == 49
    assert all(network.get_layer(name) for name in twin.card.layers)


def test_the_stem_in_numpy_is_the_stem_of_the_network(twin: vision.VisionModel, cat: Image) -> None:
    import keras

    network = twin.load()
    stem = keras.Model(network.input, network.get_layer("stem_relu").output)
    wanted = np.asarray(stem(twin.prepare(cat)))[0]
    np.testing.assert_allclose(efficientnet.first_maps(PREPARATION.pixels(cat)), wanted, atol=1e-4)


def test_classifying_imports_no_tensorflow_and_stays_small() -> None:
    code = """
import sys, psutil
from core import vision
from core.imaging import decode
from core.imaging.samples import samples
image = decode(samples()["tabby_cat"].read())
vision.classifier("efficientnet_lite0").predict([image])
vision.grad_cam("efficientnet_lite0", image)
assert not {"tensorflow", "keras"} & set(sys.modules), "TensorFlow was imported"
print(psutil.Process().memory_info().rss / 2**20)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 300


def test_many_threads_get_their_own_answers(
    classifier: models.LiteClassifier, photos: dict[str, Image]
) -> None:
    images = list(photos.values())
    wanted = classifier.predict(images).argmax(axis=1)
    barrier = threading.Barrier(4)

    def ask(shift: int) -> bool:
        barrier.wait()
        order = np.roll(np.arange(len(images)), shift)
        return all(int(classifier.predict([images[i]])[0].argmax()) == wanted[i] for i in order)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, range(4)))


# --- preparation ------------------------------------------------------------------------------------


def test_the_crop_is_the_middle_of_the_short_side() -> None:
    image = np.zeros((100, 300, 3), np.uint8)
    assert Preparation(8, 0.5, 0, 1).box(image) == (125, 25, 175, 75)


def test_pixels_that_fit_are_passed_on_unchanged() -> None:
    image = np.random.default_rng(1).integers(0, 256, (8, 8, 3), np.uint8)
    np.testing.assert_array_equal(Preparation(8, 1.0, 0, 1).pixels(image), image)


def test_the_numbers_are_those_that_the_network_was_trained_with() -> None:
    np.testing.assert_allclose(PREPARATION.numbers(np.array([0, 127, 255], np.uint8)), [-127 / 128, 0, 1])


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 900, 3), (900, 1, 3), (2, 3, 3)])
def test_any_shape_is_answered(classifier: models.LiteClassifier, shape: tuple[int, int, int]) -> None:
    image = np.full(shape, 90, np.uint8)
    assert classifier.predict([image]).shape == (1, 1000)
    assert vision.grad_cam("efficientnet_lite0", image, 3).shape == shape[:2]


# --- Grad-CAM ---------------------------------------------------------------------------------------


def test_grad_cam_is_a_map_over_the_photo(cat: Image) -> None:
    found = vision.grad_cam("efficientnet_lite0", cat)
    assert found.shape == cat.shape[:2]
    assert found.dtype == np.float32
    assert found.min() == 0
    assert found.max() == pytest.approx(1, abs=0.02)
    left, top, right, bottom = PREPARATION.box(cat)
    outside = np.ones(found.shape, bool)
    outside[top:bottom, left:right] = False
    assert (found[outside] == 0).all()


def test_both_engines_draw_the_same_map_at_the_last_layer(
    twin: vision.VisionModel, photos: dict[str, Image]
) -> None:
    for name in ("tabby_cat", "espresso", "red_panda"):
        image = photos[name]
        label = int(vision.classifier("efficientnet_lite0").predict([image])[0].argmax())
        lite = explain.class_activation_map(PREPARATION.pixels(image), label)
        keras = explain.all_layers(twin, image, label)[twin.card.layers[-1]]
        assert np.corrcoef(lite.ravel(), keras.ravel())[0, 1] > 0.97, name
        np.testing.assert_allclose(lite, keras, atol=0.15 * keras.max())


def test_grad_cam_at_the_last_layer_is_the_class_activation_map(twin: vision.VisionModel, cat: Image) -> None:
    import keras

    network = twin.load()
    maps = np.asarray(keras.Model(network.input, network.get_layer("head_relu").output)(twin.prepare(cat)))[0]
    kernel, _ = efficientnet.head()
    wanted = np.maximum(maps @ kernel[:, 281], 0) / 49
    np.testing.assert_allclose(
        explain.all_layers(twin, cat, 281)[twin.card.layers[-1]], wanted, rtol=1e-3, atol=1e-5
    )


def test_joined_maps_are_the_last_ones_and_those_before_the_last_convolution(
    photos: dict[str, Image],
) -> None:
    import keras

    network = efficientnet.build(5, joined=True)
    efficientnet.set_weights(network)
    joined = keras.Model(network.input, network.get_layer("joined").output)
    for name in ("tabby_cat", "espresso", "red_panda"):
        pixels = PREPARATION.pixels(photos[name])
        found = lite().joined_maps(pixels)
        assert found.shape == (7, 7, efficientnet.JOINED)
        np.testing.assert_array_equal(found[..., : efficientnet.HEAD], lite().maps(pixels))
        wanted = np.asarray(joined(PREPARATION.numbers(pixels)[np.newaxis]))[0]
        for part in (slice(None, efficientnet.HEAD), slice(efficientnet.HEAD, None)):
            own, other = found[..., part], wanted[..., part]  # int8 beside float32
            assert np.corrcoef(own.ravel(), other.ravel())[0, 1] > 0.95, name
            assert np.linalg.norm(own) == pytest.approx(np.linalg.norm(other), rel=0.05), name


def test_a_heatmap_of_the_crop_has_the_curves_of_one_over_the_photo(cat: Image) -> None:
    model = vision.classifier("efficientnet_lite0")
    assert isinstance(model, vision.models.PreparedClassifier)
    found = explain.class_activation_map(PREPARATION.pixels(cat), 281)
    crop, whole = explain.to_crop(found, PREPARATION.side), explain.to_photo(found, cat, PREPARATION)
    left, top, right, bottom = PREPARATION.box(cat)
    assert crop.max() == pytest.approx(1, abs=0.02) and crop.min() >= 0
    assert (
        np.corrcoef(crop.ravel(), cv2.resize(whole[top:bottom, left:right], crop.shape[::-1]).ravel())[0, 1]
        > 0.999
    )
    beside = comparison(model, cat)
    one = faithfulness(model, cat, crop, 281, beside=beside, cropped=True)
    other = faithfulness(model, cat, whole, 281)
    np.testing.assert_array_equal(one.random.insertion, other.random.insertion)
    np.testing.assert_array_equal(one.centre.deletion, other.centre.deletion)
    assert one.heatmap.insertion_area == pytest.approx(other.heatmap.insertion_area, abs=0.03)
    assert one.heatmap.deletion_area == pytest.approx(other.heatmap.deletion_area, abs=0.03)
    assert not explain.to_crop(np.zeros((7, 7), np.float32), 224).any()


def test_every_layer_of_the_card_has_its_map(twin: vision.VisionModel, cat: Image) -> None:
    found = explain.all_layers(twin, cat, 281)
    assert tuple(found) == twin.card.layers
    assert found["stem_relu"].shape == (112, 112)
    assert all((values >= 0).all() and np.isfinite(values).all() for values in found.values())
    early = vision.grad_cam("efficientnet_lite0", cat, 281, layer="block2_expand_relu")
    assert early.shape == cat.shape[:2]
    with pytest.raises(KeyError):
        vision.grad_cam("efficientnet_lite0", cat, 281, layer="no_such_layer")


def test_an_empty_map_is_zeros(cat: Image) -> None:
    for empty in (np.zeros((7, 7), np.float32), np.full((7, 7), np.nan, np.float32)):
        assert not explain.to_photo(empty, cat, PREPARATION).any()


def test_looking_changes_nothing(twin: vision.VisionModel, cat: Image) -> None:
    network = twin.load()
    before = [weight.copy() for weight in network.get_weights()]
    copy = cat.copy()
    explain.all_layers(twin, cat, 5)
    vision.grad_cam("efficientnet_lite0", cat, 5)
    assert all(np.array_equal(a, b) for a, b in zip(before, network.get_weights(), strict=True))
    assert not network.trainable
    assert not getattr(network, "compiled", False)
    np.testing.assert_array_equal(cat, copy)


def test_a_logit_is_the_sum_of_its_parts(cat: Image) -> None:
    found = explain.logit(cat, 281)
    assert found.recomputed == pytest.approx(found.logit, abs=1e-4)
    products = [weight * mean for _, weight, mean in found.strongest]
    assert products == sorted(products, reverse=True)


# --- what an explanation is worth -------------------------------------------------------------------


class Spot(models.PreparedClassifier):
    """Sees one thing: how much of a bright spot is left."""

    def __init__(self) -> None:
        super().__init__(("no", "yes"), Preparation(32, 1.0, 0, 1))

    def predict_prepared(self, pictures: list[Image]) -> np.ndarray:  # type: ignore[override]
        share = np.array([(picture[4:8, 20:24] > 200).mean() for picture in pictures], np.float32)
        return np.stack([1 - share, share], axis=1)


def test_a_map_that_knows_beats_the_centre_and_chance() -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    image[4:8, 20:24] = 255
    heatmap = (image[..., 0] / 255).astype(np.float32)
    found = faithfulness(Spot(), image, heatmap, 1)
    assert found.fractions.shape == found.heatmap.deletion.shape == (STEPS + 1,)
    assert found.heatmap.deletion[0] == 1
    assert found.heatmap.deletion[1] == 0  # the spot is 16 of 1,024 pixels, the first step takes 64
    assert found.heatmap.insertion[1] == 1
    assert found.heatmap.deletion_area < min(found.centre.deletion_area, found.random.deletion_area)
    assert found.heatmap.insertion_area > max(found.centre.insertion_area, found.random.insertion_area)
    turned = faithfulness(Spot(), image, 1 - heatmap, 1)
    assert turned.heatmap.deletion_area > found.centre.deletion_area


def test_the_area_is_the_trapezium_rule() -> None:
    curve = Curve(np.array([1, 0.5, 0], np.float32), np.array([0, 1, 1], np.float32))
    assert curve.deletion_area == pytest.approx(0.5)
    assert curve.insertion_area == pytest.approx(0.75)


def test_scores_are_repeatable(cat: Image) -> None:
    model = vision.classifier("efficientnet_lite0")
    heatmap = vision.grad_cam("efficientnet_lite0", cat, 281)
    first, second = (faithfulness(model, cat, heatmap, 281) for _ in range(2))
    np.testing.assert_array_equal(first.heatmap.insertion, second.heatmap.insertion)
    np.testing.assert_array_equal(first.random.deletion, second.random.deletion)
    own = first.heatmap.insertion_area - first.heatmap.deletion_area
    assert own > first.random.insertion_area - first.random.deletion_area


def test_softmax_is_stable_and_right() -> None:
    np.testing.assert_allclose(
        softmax(np.log(np.array([1, 2, 5], np.float32))), [0.125, 0.25, 0.625], rtol=1e-6
    )
    assert np.isfinite(softmax(np.array([1000, 0], np.float32))).all()


def test_probabilities_of_the_compiled_network_are_those_of_the_network(
    twin: vision.VisionModel, cat: Image
) -> None:
    numbers = twin.prepare(cat)
    wanted = softmax(np.asarray(twin.load()(numbers)))
    np.testing.assert_allclose(inside.probabilities(twin, numbers), wanted, atol=1e-5)
