"""A visitor's own model: good ones are opened, whatever they are; bad ones are refused with a sentence."""

from __future__ import annotations

import contextlib
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from core import i18n, vision
from core.errors import GlassboxError
from core.types import Image
from core.vision import inside, models, uploaded
from tests import hostile_keras as hostile

Case = tuple[str, Callable[[], bytes]]
pytestmark = pytest.mark.filterwarnings(  # of Keras, when it saves a model or hands out its weights
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
ROOT = Path(__file__).resolve().parent.parent


def rehearsals() -> list[psutil.Process]:
    """The children of this process that try a visitor's model; a browser's tests have others."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if "core.vision.uploaded" in child.cmdline():
                found.append(child)
    return found


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary files go; afterwards none is left, no child lives, nothing was written elsewhere."""
    folder = tmp_path / "deep" / "private"
    folder.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    before = {path.name for path in ROOT.iterdir()}
    yield folder
    assert not list(folder.iterdir())
    assert [path.name for path in tmp_path.rglob("*")] == ["deep", "private"]
    assert {path.name for path in ROOT.iterdir()} <= before | {".pytest_cache", ".mypy_cache", ".ruff_cache"}
    assert not rehearsals()


def refused(data: bytes) -> GlassboxError:
    with pytest.raises(GlassboxError) as caught:
        uploaded.read_model(data, "hostile.keras")
    error = caught.value
    for language in i18n.LANGUAGES:
        sentence = i18n.text(language, error.key, **error.values)
        assert sentence.rstrip(".。") != sentence, "a sentence"
        assert len(sentence) < 500
        assert not set(sentence) & set("<>\n\r[]`"), "nothing of the file's own markup"
    return error


@pytest.mark.parametrize("case", hostile.ARCHIVES.values(), ids=hostile.ARCHIVES)
def test_a_hostile_archive_is_refused_before_anything_is_started(
    case: Case, private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploaded, "_rehearse", lambda folder: pytest.fail("a child was started"))
    key, make = case
    assert refused(make()).key == f"uploaded.error.{key}"


def test_a_file_that_is_too_big_is_not_even_looked_at(private: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploaded, "LARGEST_FILE", 100)
    assert refused(hostile.good()).key == "uploaded.error.too_big"
    monkeypatch.setattr(uploaded, "LARGEST_FILE", 10**6)
    monkeypatch.setattr(uploaded, "LARGEST_UNPACKED", 100)
    assert refused(hostile.good()).key == "uploaded.error.unpacked"


def test_a_refusal_names_the_layer() -> None:
    error = refused(hostile.ARCHIVES["a Lambda"][1]())
    assert error.values == {"layer": "sneaky"}
    error = refused(hostile.ARCHIVES["a custom layer"][1]())
    assert error.values == {"layer": "conv", "kind": "Conv2D"}


def test_a_name_cannot_bring_markup_into_a_sentence() -> None:
    name = "x](https://example.org) <b>`" + "y" * 500
    error = refused(
        hostile.with_layers(hostile.image_input(8, 8, 3), hostile.layer("Lambda", name, "pixels"))
    )
    assert len(error.values["layer"]) <= 60


@pytest.mark.parametrize("case", hostile.WEIGHTS.values(), ids=hostile.WEIGHTS)
def test_weights_that_lie_are_refused_by_their_headers(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploaded, "MOST_OBJECTS", 1500)
    key, make = case
    file = tmp_path / "model.weights.h5"
    file.write_bytes(make())
    started = time.monotonic()
    with pytest.raises(GlassboxError) as caught:
        uploaded.check_weights(file)
    assert caught.value.key == f"uploaded.error.{key}"
    assert time.monotonic() - started < 20


def test_weights_of_too_many_numbers_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "model.weights.h5"
    file.write_bytes(hostile.weights())
    uploaded.check_weights(file)
    monkeypatch.setattr(uploaded, "MOST_PARAMETERS", 61)  # 54 + 2 + 4 + 2 = 62
    with pytest.raises(GlassboxError, match="62 parameters"):
        uploaded.check_weights(file)


@pytest.mark.parametrize("name", ["an array of 10 GB", "an array from another file"])
def test_the_child_tells_what_it_found_in_the_weights(name: str, private: Path) -> None:
    key, make = hostile.WEIGHTS[name]
    assert refused(hostile.archive(hostile.members(stored=make()))).key == f"uploaded.error.{key}"


def test_changed_bytes_in_the_weights_never_reach_this_process(private: Path) -> None:
    data = bytearray(hostile.weights())
    random = np.random.default_rng(3)
    for at in random.integers(8, len(data), 40):
        data[at] = random.integers(256)
    file = hostile.archive(hostile.members(stored=bytes(data)))
    assert refused(file).key.startswith("uploaded.error.")


@pytest.mark.parametrize("case", hostile.OPENED.values(), ids=hostile.OPENED)
def test_what_keras_cannot_run_is_told(case: Case, tmp_path: Path) -> None:
    """The child's own work, called here to spare the start of TensorFlow."""
    key, make = case
    uploaded._unpack(make(), tmp_path)
    uploaded._try(tmp_path)
    answer = json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))
    assert answer["key"] == f"uploaded.error.{key}"
    assert i18n.text("en", answer["key"], **answer["values"])


def test_a_model_that_eats_memory_is_ended(private: Path) -> None:
    started = time.monotonic()
    error = refused(hostile.hungry())
    assert error.key == "uploaded.error.memory"
    assert time.monotonic() - started < uploaded.SECONDS
    assert psutil.Process().memory_info().rss < 4 * 2**30


def test_a_model_that_takes_too_long_is_ended(private: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploaded, "SECONDS", 0.3)
    assert refused(hostile.good()).key == "uploaded.error.time"


def test_a_child_that_dies_is_told(private: Path) -> None:
    def kill() -> None:
        while not (children := rehearsals()):
            time.sleep(0.01)
        children[0].kill()

    thread = threading.Thread(target=kill)
    thread.start()
    assert refused(hostile.good()).key == "uploaded.error.crashed"
    thread.join()


def test_a_visitor_who_leaves_ends_the_child(private: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(child: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(uploaded, "_watch", leave)
    with pytest.raises(KeyboardInterrupt):
        uploaded.read_model(hostile.good(), "good.keras")


# --- good models ------------------------------------------------------------------------------------


def saved(network: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        network.save(file)
        return file.read_bytes()


def mobilenet() -> Any:
    import keras

    return keras.applications.MobileNetV2(weights=None, input_shape=(64, 64, 3), classes=7)


def resnet() -> Any:
    import keras

    return keras.applications.ResNet50(weights=None, input_shape=(64, 64, 3), classes=5)


def densenet() -> Any:
    import keras

    return keras.applications.DenseNet121(weights=None, input_shape=(64, 64, 3), classes=4)


def transfer() -> Any:
    """A backbone of any size inside a compiled model in half precision, as a tutorial builds it."""
    import keras
    from keras import layers

    backbone = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            layers.Conv2D(8, 3, strides=2, padding="same", name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
        ],
        name="backbone",
    )
    inner = keras.Input((None, None, 3))
    backbone = keras.Model(inner, backbone(inner), name="wrapped")
    inputs = keras.Input((None, None, 3), dtype="uint8")
    x = keras.layers.RandomFlip("horizontal")(inputs)
    x = keras.applications.mobilenet_v2.preprocess_input(keras.ops.cast(x, "float32"))
    x = backbone(x, training=False)
    x = layers.Conv2D(6, 3, activation="relu", name="conv", dtype="mixed_float16")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.2)(x)
    network = keras.Model(inputs, layers.Dense(5, activation="softmax", name="flowers")(x), name="transfer")
    network.compile("adam", "categorical_crossentropy")
    return network


def grey_with_two_outputs() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((28, 20, 1), batch_size=4)
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Normalization(mean=[0.5], variance=[0.25])(x)
    maps = layers.Conv2D(4, 3, activation="relu", name="seen")(x)
    flat = layers.Flatten()(maps)
    mask = layers.Conv2D(1, 1, activation="sigmoid", name="mask")(maps)
    return keras.Model(inputs, [mask, layers.Dense(1, activation="sigmoid", name="is_seven")(flat)])


def plain_sequential() -> Any:
    import keras
    from keras import layers

    network = keras.Sequential([layers.Conv2D(3, 3, name="only"), layers.ReLU(), layers.MaxPooling2D()])
    network.build((None, 16, 16, 3))
    return network


MAKERS = (mobilenet, resnet, densenet, transfer, grey_with_two_outputs, plain_sequential)


@pytest.fixture(scope="module")
def originals() -> dict[str, Any]:
    return {make.__name__: make() for make in MAKERS}


@pytest.fixture(scope="module")
def opened(originals: dict[str, Any]) -> dict[str, uploaded.Uploaded]:
    """All of them, read; the start of a child, some seconds of TensorFlow, is spared for four of six."""

    def here(folder: Path) -> None:
        uploaded._try(folder)
        assert json.loads((folder / "answer.json").read_text(encoding="utf-8")) == {}

    found = {}
    for name, original in originals.items():
        with pytest.MonkeyPatch.context() as patch:
            if name not in ("resnet", "transfer"):
                patch.setattr(uploaded, "_rehearse", here)
            found[name] = uploaded.read_model(saved(original), f"C:\\models\\{name}.keras")
    return found


def test_a_good_model_is_opened_as_it_is(
    originals: dict[str, Any], opened: dict[str, uploaded.Uploaded], cat: Image
) -> None:
    for name, found in opened.items():
        original, network = originals[name], found.load()
        assert found.name == found.card.name == name
        assert found.card.source == "visitor"
        assert found.card.parameters == original.count_params()
        assert not network.trainable
        for mine, its in zip(network.get_weights(), original.get_weights(), strict=True):
            np.testing.assert_array_equal(mine, its)


def test_it_answers_as_the_original_does(
    originals: dict[str, Any], opened: dict[str, uploaded.Uploaded], cat: Image
) -> None:
    for name in ("mobilenet", "resnet", "densenet", "transfer"):
        found = opened[name]
        numbers = found.prepare(cat)
        wanted = np.asarray(originals[name](numbers.astype("uint8") if name == "transfer" else numbers))
        tolerance = 0.02 if name == "transfer" else 1e-4  # the original computes in half precision
        got = vision.classifier(found).predict([cat])
        np.testing.assert_allclose(got, wanted, atol=tolerance)
        assert found.labels == tuple(str(index) for index in range(wanted.shape[1]))


def test_a_good_model_can_be_looked_into(opened: dict[str, uploaded.Uploaded], cat: Image) -> None:
    for name in ("mobilenet", "transfer", "grey_with_two_outputs"):
        heatmap = vision.grad_cam(opened[name], cat, 0)
        assert heatmap.shape == cat.shape[:2]
        assert np.isfinite(heatmap).all()
    for name in ("plain_sequential", "transfer"):
        found = opened[name]
        maps = inside.tensors(found, found.prepare(cat), found.card.layers)
        assert tuple(maps) == found.card.layers
        assert len(maps) >= 1
    assert all(len(found.card.layers) >= 40 for found in list(opened.values())[:3])


def test_a_nested_backbone_shows_its_layers(opened: dict[str, uploaded.Uploaded]) -> None:
    found = opened["transfer"]
    assert any("backbone" in name and name.endswith("relu") for name in found.card.layers)
    assert found.card.layers[-1] == "conv"
    assert found.card.input_size == (224, 224, 3)
    assert {note.key for note in found.notes} == {
        "uploaded.note.side",
        "uploaded.note.scaling_known",
    }
    assert found.scaling == "0..255"


def test_grey_and_several_outputs(
    originals: dict[str, Any], opened: dict[str, uploaded.Uploaded], cat: Image
) -> None:
    found = opened["grey_with_two_outputs"]
    assert found.card.input_size == (28, 20, 1)
    assert found.labels == ("0", "1")
    keys = {note.key.removeprefix("uploaded.note.") for note in found.notes}
    assert keys == {"squeezed", "grey", "outputs", "one_sigmoid", "scaling_known"}
    numbers = inside.fitted(found, found.prepare(cat))
    assert numbers.shape == (1, 28, 20, 1)
    wanted = float(np.asarray(originals["grey_with_two_outputs"](np.repeat(numbers, 4, axis=0))[1])[0, 0])
    np.testing.assert_allclose(vision.classifier(found).predict([cat])[0], [1 - wanted, wanted], atol=1e-4)


def test_a_model_without_classes_has_no_labels(opened: dict[str, uploaded.Uploaded]) -> None:
    found = opened["plain_sequential"]
    assert found.labels == ()
    (note,) = (note for note in found.notes if note.key == "uploaded.note.no_classes")
    assert note.values == {"shape": "7 × 7 × 3"}
    assert found.scaling == "0..1"


def test_everything_told_has_its_words(opened: dict[str, uploaded.Uploaded]) -> None:
    for found in opened.values():
        for note in found.notes:
            for language in i18n.LANGUAGES:
                assert i18n.text(language, note.key, **note.values)
    assert i18n.text("en", "uploaded.label", index="7") == "class 7"
    kinds = {key for key in i18n.catalogue("en") if key.startswith("uploaded.")}
    source = (ROOT / "core/vision/uploaded.py").read_text(encoding="utf-8")
    assert {key for key in kinds if f'"{key}"' not in source} == {"uploaded.label"}


def test_another_scaling_feeds_other_numbers(opened: dict[str, uploaded.Uploaded], cat: Image) -> None:
    found = opened["mobilenet"]
    assert (found.prepare(cat).min(), found.prepare(cat).max()) == pytest.approx((0, 1), abs=0.1)
    other = uploaded.with_scaling(found, "-1..1")
    assert other.scaling == "-1..1"
    np.testing.assert_allclose(other.prepare(cat), found.prepare(cat) * 2 - 1, atol=1e-6)
    assert other.load() is found.load()
    assert other.compiled is found.compiled
    assert not any("scaling" in note.key for note in other.notes)
    assert vision.classifier(other).predict([cat]).shape == (1, 7)


def test_luminance_is_that_of_bt601() -> None:
    from core.vision.preparation import Preparation

    grey = Preparation(8, 1.0, 0.0, 255.0, channels=1)
    pixels = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    np.testing.assert_allclose(grey.numbers(pixels)[..., 0], [[0.299, 0.587, 0.114, 1.0]], atol=1e-6)


def test_the_file_by_hand_is_a_good_one(tmp_path: Path) -> None:
    """Else the hostile files, which differ from it by one thing each, would prove nothing."""
    size, notes = uploaded._unpack(hostile.good(), tmp_path)
    assert size == (8, 8, 3)
    assert not notes
    uploaded._try(tmp_path)
    assert json.loads((tmp_path / "answer.json").read_text(encoding="utf-8")) == {}


def test_keras_sees_only_what_was_checked(tmp_path: Path) -> None:
    """A second object under the same key of the JSON, a compiled loss: none of it is passed on."""
    import zipfile

    config = hostile.model(*hostile.good_layers())
    config["compile_config"] = {"loss": {"class_name": "Evil", "module": "evil", "config": {}}}
    raw = json.dumps(config).encode().replace(b'"units": 2', b'"units": {"class_name": "Evil"}, "units": 2')
    uploaded._unpack(hostile.archive(hostile.members(raw)), tmp_path)
    with zipfile.ZipFile(tmp_path / "model.keras") as written:
        assert written.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        passed = written.read("config.json")
        assert written.read("model.weights.h5") == hostile.weights()
    assert b"Evil" not in passed
    assert passed.count(b'"units"') == 1


def test_probabilities_sum_to_one(opened: dict[str, uploaded.Uploaded], cat: Image) -> None:
    for found in opened.values():
        if found.labels:
            got = models.classifier(found).predict([cat, cat[:50]])
            np.testing.assert_allclose(got.sum(axis=1), 1, atol=1e-5)
