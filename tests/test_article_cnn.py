"""The article's CNN: its shape to the last number, its arithmetic by hand, the weights that ship."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from core import assets, i18n
from core.vision import article_cnn
from training import article_cnn as training

LEARNING = ("conv1", "conv2", "conv3", "dense1", "dense2")
PARAMETERS = {32: 1_147_466, 64: 4_293_194, 96: 9_536_074, 224: 51_479_114}


@pytest.fixture(scope="module")
def cat() -> np.ndarray:
    with PillowImage.open(assets.path("samples", "tabby_cat.jpg")) as picture:
        return np.asarray(picture.convert("RGB"))


def test_importing_it_does_not_import_tensorflow() -> None:
    code = (
        "import sys; from core.vision import article_cnn; article_cnn.article_card();"
        "print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=assets.ROOT.parent
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("side", [32, 64, 96])
def test_parameters_of_the_network(side: int) -> None:
    assert article_cnn.build(side).count_params() == PARAMETERS[side]


def test_parameters_at_the_articles_size_without_allocating_them() -> None:
    import keras

    with keras.StatelessScope(initialize_variables=False):
        model = article_cnn.build(224)
        shapes = {variable.path: tuple(variable.shape) for variable in model.variables}
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == PARAMETERS[224]
    assert all(variable._value is None for variable in model.variables)


@pytest.mark.parametrize("side", PARAMETERS)
def test_costs_by_arithmetic(side: int) -> None:
    assert sum(row.parameters for row in article_cnn.costs(side)) == PARAMETERS[side]


@pytest.mark.parametrize("side", [8, 45, 64])
def test_costs_agree_with_the_network_layer_by_layer(side: int) -> None:
    model = article_cnn.build(side)
    built = [
        (layer.name, tuple(layer.output.shape[1:]), layer.count_params())
        for layer in model.layers
        if layer.name != "pixels"
    ]
    assert built == [(row.layer, row.shape, row.parameters) for row in article_cnn.costs(side)]
    assert tuple(row.layer for row in article_cnn.costs(side)) == article_cnn.LAYERS


def test_multiply_adds_by_hand() -> None:
    costs = {row.layer: row.multiply_adds for row in article_cnn.costs(64)}
    assert costs["conv1"] == 64 * 64 * 27 * 32
    assert costs["conv3"] == 16 * 16 * 9 * 64 * 128
    assert costs["dense1"] == 8 * 8 * 128 * 512
    assert costs["pool1"] == costs["relu1"] == 0


def test_the_layers_are_the_articles_and_no_more() -> None:
    kinds = [type(layer).__name__ for layer in article_cnn.build().layers]
    block = ["Conv2D", "ReLU", "MaxPooling2D"]
    assert kinds == ["InputLayer", *block, *block, *block, "Flatten", "Dense", "ReLU", "Dense", "Softmax"]


def test_dropout_adds_no_weights_and_changes_no_prediction() -> None:
    plain, dropping = article_cnn.build(16), article_cnn.build(16, dropout=0.5)
    article_cnn.set_weights(dropping, article_cnn.get_weights(plain))
    assert dropping.count_params() == plain.count_params()
    batch = np.random.default_rng(0).normal(size=(2, 16, 16, 3)).astype(np.float32)
    np.testing.assert_allclose(dropping(batch), plain(batch), atol=1e-6)
    assert not np.allclose(dropping(batch, training=True), plain(batch), atol=1e-3)


def test_first_convolution_by_hand() -> None:
    import keras

    model = article_cnn.build(8)
    kernel = np.zeros((3, 3, 3, 32), np.float32)
    kernel[:, :, 0, 0] = [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]  # filter 0 reads red only
    kernel[1, 1, 2, 1] = -1.0  # filter 1 is minus blue
    bias = np.zeros(32, np.float32)
    bias[0] = 0.5
    model.get_layer("conv1").set_weights([kernel, bias])
    image = np.zeros((1, 8, 8, 3), np.float32)
    image[0, :3, :3, 0] = [[1, 2, 3], [4, 5, 6], [7, 8, 10]]
    image[0, 4, 4, 2] = 7.0
    inside = keras.Model(model.input, [model.get_layer(name).output for name in ("conv1", "relu1", "pool1")])
    convolved, activated, pooled = (np.asarray(output)[0] for output in inside(image))
    # (1*1 + 2*2 + 3*1) - (7*1 + 8*2 + 10*1) + 0.5 = 8 - 33 + 0.5
    assert convolved[1, 1, 0] == -24.5
    # the corner: zeros above and to the left; 0 - (4*2 + 5*1) + 0.5
    assert convolved[0, 0, 0] == -12.5
    # below the patch its last row counts positive: 7*1 + 8*2 + 10*1 + 0.5
    assert convolved[3, 1, 0] == 33.5
    assert convolved[4, 4, 1] == -7.0
    assert activated[1, 1, 0] == 0 and activated[3, 1, 0] == 33.5 and activated[4, 4, 1] == 0
    # rows 2 and 3, columns 0 and 1: the largest of the four is the 33.5
    assert pooled[1, 0, 0] == 33.5


def test_shipped_weights_are_plain_small_and_complete() -> None:
    file = assets.path("vision", "article_cnn.npz")
    assert file.stat().st_size <= 4_500_000
    weights = article_cnn.read_weights(file)
    assert sum(values.size for values in weights.values()) == PARAMETERS[64]
    assert all(np.isfinite(values).all() and values.dtype == np.float32 for values in weights.values())


def forward_in_numpy(weights: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """Probabilities of one prepared image, by the article's description and nothing of Keras."""
    for block in (1, 2, 3):
        side = len(x)
        padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
        kernel = weights[f"conv{block}/kernel"]
        x = weights[f"conv{block}/bias"] + sum(
            padded[row : row + side, column : column + side] @ kernel[row, column]
            for row, column in itertools.product(range(3), range(3))
        )
        x = np.maximum(x, 0).reshape(side // 2, 2, side // 2, 2, -1).max(axis=(1, 3))
    hidden = np.maximum(x.ravel() @ weights["dense1/kernel"] + weights["dense1/bias"], 0)
    logits = hidden @ weights["dense2/kernel"] + weights["dense2/bias"]
    exponents = np.exp(logits - logits.max())
    return exponents / exponents.sum()


def test_shipped_network_gives_what_its_description_gives(cat: np.ndarray) -> None:
    prepare = article_cnn.PREPARATION
    numbers = prepare.numbers(np.stack([prepare.pixels(image) for image in (cat, cat[:, ::-1], 255 - cat)]))
    probabilities = np.asarray(article_cnn.load()(numbers))  # (3, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    weights = article_cnn.read_weights(assets.path("vision", "article_cnn.npz"))
    expected = np.stack([forward_in_numpy(weights, image) for image in numbers])
    np.testing.assert_allclose(probabilities, expected, atol=1e-4)


def test_shipped_network_tells_a_dog_and_a_bird() -> None:
    named = {"golden_retriever": "dog", "lorikeet": "bird"}
    prepare, answers = article_cnn.PREPARATION, {}
    for sample in named:
        with PillowImage.open(assets.path("samples", f"{sample}.jpg")) as picture:
            numbers = prepare.numbers(prepare.pixels(np.asarray(picture.convert("RGB"))))
        answers[sample] = article_cnn.labels()[int(np.argmax(article_cnn.load()(numbers[np.newaxis])))]
    assert answers == named


def test_shipped_first_convolution_recomputed_in_numpy(cat: np.ndarray) -> None:
    import keras

    model = article_cnn.load()
    prepare = article_cnn.PREPARATION
    numbers = prepare.numbers(prepare.pixels(cat))
    inside = keras.Model(model.input, model.get_layer("conv1").output)
    tensor = np.asarray(inside(numbers[np.newaxis]))[0]  # (64, 64, 32)
    weights = article_cnn.read_weights(assets.path("vision", "article_cnn.npz"))
    for row, column in [(30, 41), (1, 62), (17, 5)]:
        patch = numbers[row - 1 : row + 2, column - 1 : column + 2]
        by_hand = (patch[..., np.newaxis] * weights["conv1/kernel"]).sum(axis=(0, 1, 2))
        np.testing.assert_allclose(tensor[row, column], by_hand + weights["conv1/bias"], atol=1e-4)


def test_weights_survive_the_file(tmp_path: Path) -> None:
    weights = article_cnn.get_weights(article_cnn.build(16))
    article_cnn.write_weights(tmp_path / "weights.npz", weights)
    again = article_cnn.read_weights(tmp_path / "weights.npz")
    assert list(again) == [f"{layer}/{part}" for layer in LEARNING for part in ("kernel", "bias")]
    for key, values in weights.items():
        step = np.abs(values).max(axis=0) / 127 if key == "dense1/kernel" else np.abs(values) / 1024
        assert (np.abs(again[key] - values) <= 0.6 * step + 1e-6).all(), key
    article_cnn.write_weights(tmp_path / "again.npz", again)
    for key, values in article_cnn.read_weights(tmp_path / "again.npz").items():
        np.testing.assert_array_equal(values, again[key])


def test_cards_tell_the_figures() -> None:
    card = article_cnn.card()
    assert card.figures["test_accuracy"] >= 0.80
    assert card.figures == {
        **card.figures,
        **json.loads(assets.path("vision", "article_cnn.json").read_text()),
    }
    assert (card.parameters, card.input_size) == (PARAMETERS[64], (64, 64, 3))
    article = article_cnn.article_card()
    assert (article.parameters, article.input_size) == (PARAMETERS[224], (224, 224, 3))
    assert article.figures["float32_bytes"] == 205_916_456
    assert article.figures["dense1_parameters"] == (28 * 28 * 128 + 1) * 512
    assert "test_accuracy" not in article.figures


def test_every_class_has_a_name_in_every_language() -> None:
    for language, label in itertools.product(i18n.LANGUAGES, article_cnn.labels()):
        assert i18n.text(language, f"cifar10.{label}")


def test_preparation_takes_the_central_square_and_the_detail_of_a_small_image() -> None:
    image = np.zeros((128, 256, 3), np.uint8)
    image[:, 64:192] = np.indices((128, 128)).sum(axis=0)[..., np.newaxis] % 2 * 255  # finest checks
    image[:, :60] = (255, 0, 0)
    pixels = article_cnn.PREPARATION.pixels(image)
    assert pixels.shape == (64, 64, 3) and pixels.dtype == np.uint8
    assert np.abs(pixels[8:-8, 8:-8].astype(int) - 127).max() <= 2  # grey: nothing of the red, no checks
    numbers = article_cnn.PREPARATION.numbers(np.array([[[0, 127.5, 255]]]))
    np.testing.assert_allclose(numbers, [[[-1, 0, 1]]])


# --- the training script -----------------------------------------------------------------------------------


def some_images(count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    images = np.random.default_rng(1).integers(0, 256, (count, 32, 32, 3), np.uint8)
    return images, np.arange(count) % 10


def test_bicubic_weights_enlarge_as_pillow_does() -> None:
    image = some_images()[0][0] // 3 + 80  # Pillow clips between the two directions: nothing to clip here
    weights = training.bicubic_weights(np.float32((np.arange(64) + 0.5) / 2 - 0.5))
    ours = np.einsum("yr,rcd,xc->yxd", weights, image.astype(np.float32), weights)
    pillow = article_cnn.PREPARATION.pixels(image)
    assert np.abs(ours - pillow).max() <= 1.5  # it rounds between them, too


def test_bicubic_weights_outside_the_line_are_mirrored() -> None:
    weights = training.bicubic_weights(np.float32([-1, 0, 31, 32, 10]))
    np.testing.assert_allclose(weights[0], weights[1])
    np.testing.assert_allclose(weights[2], weights[3])
    np.testing.assert_allclose(weights[4], np.eye(32)[10], atol=1e-7)


def test_data_made_from_the_original_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    colours = np.array([[250, 10, 10], [10, 250, 10], [10, 10, 250]], np.uint8)
    images = np.broadcast_to(colours[:, np.newaxis, np.newaxis], (3, 32, 32, 3))
    labels = np.array([[3], [0], [9]])  # a column, as Keras gives it
    monkeypatch.setattr(
        keras.datasets.cifar10, "load_data", lambda: ((images, labels), (images[:2], labels[:2]))
    )
    training.make_data(tmp_path)
    read, read_labels = training.read(tmp_path, "train")
    assert np.abs(read.astype(int) - images).max() <= 4
    assert read_labels.tolist() == [3, 0, 9]
    assert training.read(tmp_path, "test")[1].tolist() == [3, 0]


def test_held_out_images_are_balanced_and_never_trained_on() -> None:
    labels = some_images(200)[1]
    train, held = training.hold_out(labels, training.Plan(held_out=50))
    assert np.bincount(labels[held]).tolist() == [5] * 10
    assert sorted([*train, *held]) == list(range(200))


def test_batches_without_augmentation_are_the_images_and_an_epoch_repeats() -> None:
    images, labels = some_images()
    plan = training.Plan(batch=20, zoom=0, shift=0, cover=0)
    batches = list(training.batches(images, labels, plan, 1))
    again = list(training.batches(images, labels, plan, 1))
    other = list(training.batches(images, labels, plan, 2))
    assert all(
        np.array_equal(a, b) for x, y in zip(batches, again, strict=True) for a, b in zip(x, y, strict=True)
    )
    assert not np.array_equal(batches[0][0], other[0][0])
    seen = np.concatenate([batch[0] for batch in batches])
    assert {image.tobytes() for image in seen} == {image.tobytes() for image in images}
    mirrored = batches[0][2][:, 0, 0] < 0.5  # the first column is read at the right border
    assert 0 < mirrored.sum() < 20
    np.testing.assert_allclose(batches[0][2][mirrored][0], batches[0][2][~mirrored][0][::-1], atol=1e-6)


def test_a_cover_hides_at_most_its_square() -> None:
    images, labels = some_images()
    images[:] = 7
    batch, *_ = next(training.batches(images, labels, training.Plan(batch=60, cover=8), 1))
    hidden = (batch == 128).all(axis=-1).sum(axis=(1, 2))
    assert hidden.max() == 64 and (hidden >= 16).all()


def test_measure_by_hand() -> None:
    probabilities = np.array([[0.8, 0.2], [0.6, 0.4], [0.1, 0.9], [0.3, 0.7]])
    measured = training.measure(np.log(probabilities), np.array([0, 1, 1, 1]))
    assert measured["accuracy"] == 0.75
    assert measured["nll"] == pytest.approx(-np.log([0.8, 0.4, 0.9, 0.7]).mean())
    # four bins of one image each: |1 - 0.8|, |0 - 0.6|, |1 - 0.9|, |1 - 0.7|, a quarter each
    assert measured["ece"] == pytest.approx((0.2 + 0.6 + 0.1 + 0.3) / 4)


def test_best_temperature_finds_the_one_that_labels_were_drawn_with() -> None:
    random = np.random.default_rng(0)
    honest = training.scaled(random.normal(0, 2, (20_000, 5)), 1.0)
    labels = (random.random((20_000, 1)) > np.exp(honest).cumsum(axis=1)).sum(axis=1).clip(0, 4)
    assert training.best_temperature(honest, labels) == pytest.approx(1, abs=0.05)
    assert training.best_temperature(honest * 2, labels) == pytest.approx(2, abs=0.1)


def test_a_stopped_run_goes_on_and_keeps_its_best_weights(tmp_path: Path) -> None:
    images, labels = some_images()
    plan = training.Plan(epochs=2, held_out=20, batch=20)
    run = training.train(images, labels, plan, tmp_path)
    first = next(run)
    run.close()
    assert first.number == 1 and first.best
    assert [epoch.number for epoch in training.train(images, labels, plan, tmp_path)] == [2]
    assert not list(training.train(images, labels, plan, tmp_path))
    model = article_cnn.build()
    article_cnn.set_weights(model, article_cnn.read_weights(tmp_path / "best.npz"))
    _, held = training.hold_out(labels, plan)
    measured = training.measure(training.predict(model, images[held]), labels[held])
    assert measured["accuracy"] >= first.validation_accuracy


TOGETHER = """
import json, sys
from pathlib import Path
import numpy as np
from training import article_cnn as training
if sys.argv[2]:
    training.join(sys.argv[2], int(sys.argv[3]))
images = np.random.default_rng(1).integers(0, 256, (100, 32, 32, 3), np.uint8)
plan = training.Plan(epochs=2, held_out=20, batch=20, dropout=1e-9, learning_rate=1e-4, average=0.5)
for epoch in training.train(images, np.arange(100) % 10, plan, Path(sys.argv[1])):
    print(json.dumps([epoch.loss, epoch.accuracy, epoch.validation_nll]))
"""


def test_two_workers_learn_what_one_learns(tmp_path: Path) -> None:
    """Each has half of every batch: without the sum of the gradients they would come to other weights."""
    ports = []
    with contextlib.ExitStack() as free:
        for _ in range(2):
            one = free.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            ports.append(f"127.0.0.1:{one.getsockname()[1]}")
    runs = []
    for name, workers, index in (
        ("alone", "", "0"),
        ("a", ",".join(ports), "0"),
        ("b", ",".join(ports), "1"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        command = [sys.executable, "-c", TOGETHER, str(folder), workers, index]
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"}
        runs.append(
            subprocess.Popen(
                command, cwd=assets.ROOT.parent, env=environment, stdout=subprocess.PIPE, text=True
            )
        )
    try:
        told = [run.communicate(timeout=500)[0] for run in runs]
    finally:
        for run in runs:
            run.kill()
    alone, first, second = ([json.loads(line) for line in lines.splitlines()] for lines in told)
    assert len(alone) == 2
    np.testing.assert_allclose(first, alone, rtol=1e-4)
    np.testing.assert_allclose(second, alone, rtol=1e-4)
    weights = article_cnn.read_weights(tmp_path / "a" / "best.npz")
    for key, values in article_cnn.read_weights(tmp_path / "alone" / "best.npz").items():
        np.testing.assert_allclose(weights[key], values, atol=np.abs(values).max() / 60, err_msg=key)
    assert not list((tmp_path / "b").iterdir()), "the first one writes"
