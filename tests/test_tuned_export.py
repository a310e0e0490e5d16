"""Taking a tuned network away, and bringing it back."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from core import tuning, vision
from core.errors import GlassboxError
from core.language import pretrained, tokenizer
from core.tuning import export, features, saved, training
from core.tuning.images import pixels
from core.tuning.tuned import tuned_model, tuned_text_classifier
from core.tuning.types import Augmentation, Dataset, Finished, Plan, Progress, Tuned, Unlocked
from core.vision import efficientnet
from core.vision.lite import softmax
from tests.test_fine_tune import few, finished

pytestmark = [
    pytest.mark.filterwarnings(  # of Keras, when it saves a model or hands out its weights
        "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
    ),
    pytest.mark.filterwarnings(  # of TensorFlow's converter, whatever one does
        "ignore:Statistics for quantized inputs were expected:UserWarning"
    ),
]

HOSTILE = "<b>grass</b> | [x](http://y)"


@pytest.fixture(scope="module")
def textures() -> Dataset:
    dataset = few(tuning.builtin("textures"), 6, 2)
    return replace(dataset, labels=("砖墙 🧱", HOSTILE, "gravel"))


@pytest.fixture(scope="module")
def run(textures: Dataset) -> Finished:
    plan = replace(training.default_plan(textures), augmentation=Augmentation(), epochs=5)
    return finished(tuning.fine_tune(textures, plan))


@pytest.fixture(scope="module")
def taken(run: Finished, textures: Dataset) -> bytes:
    *progress, data = export.export(run, textures)
    assert progress and all(isinstance(event, Progress) for event in progress)
    assert isinstance(data, bytes)
    return data


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_everything_is_there(taken: bytes) -> None:
    assert set(members(taken)) == {
        *("labels.txt", "MODEL_CARD.zh.md", "MODEL_CARD.en.md", "glassbox.zip"),
        *("classify.py", "model.keras", "model.tflite"),
    }
    assert members(taken)["labels.txt"].decode().split("\n") == ["砖墙 🧱", HOSTILE, "gravel"]


def test_the_script_classifies_a_picture_as_the_app_does(
    taken: bytes, run: Finished, textures: Dataset, tmp_path: Path
) -> None:
    with zipfile.ZipFile(io.BytesIO(taken)) as archive:
        archive.extractall(tmp_path)
    model = tuned_model(run.tuned)
    agree = 0
    examples = textures.examples[::8]
    for number, example in enumerate(examples):
        picture = tmp_path / f"photo {number}.png"
        PillowImage.fromarray(pixels(example)).save(picture)
        done = subprocess.run(
            [sys.executable, "classify.py", str(picture)],
            cwd=tmp_path,
            env={"PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
        )
        share, label = done.stdout.splitlines()[0].split("%  ")
        answer = vision.classifier(model).predict([pixels(example)])[0]
        agree += label == run.tuned.labels[int(answer.argmax())]
        assert float(share) == pytest.approx(100 * answer.max(), abs=25)
        assert len(done.stdout.splitlines()) == 3
    assert agree == len(examples)


def test_plain_keras_opens_the_network(
    taken: bytes, run: Finished, textures: Dataset, tmp_path: Path
) -> None:
    import keras

    file = tmp_path / "model.keras"
    file.write_bytes(members(taken)["model.keras"])
    network = keras.saving.load_model(file, safe_mode=True, compile=False)
    picture = features.prepared(textures.examples[0])
    answer = np.asarray(network(picture[np.newaxis].astype(np.float32)))[0]
    assert answer.sum() == pytest.approx(1, abs=1e-5)
    quick = vision.classifier(tuned_model(run.tuned)).predict_prepared([picture])[0]
    assert answer == pytest.approx(quick, abs=0.15)
    assert answer.argmax() == quick.argmax()


def test_the_model_card_tells_counts_plan_and_figures(run: Finished, textures: Dataset) -> None:
    for language in ("en", "zh"):
        card = export.model_card(run, textures, language)
        assert "<b>" not in card.replace("\\<", "").replace("\\>", "")
        assert "](http" not in card
        assert "| gravel | 6 | 2 |" in card
        assert f"{100 * run.evaluation.accuracy:.1f} %" in card
        assert f"{run.tuned.plan.seed}" in card and run.tuned.made in card
        assert "tuning.card" not in card


def test_a_saved_network_comes_back_as_it_was(taken: bytes, run: Finished) -> None:
    for data in (taken, saved.save(run.tuned)):
        assert equal(saved.load_saved(data), run.tuned)


def equal(one: Tuned, other: Tuned) -> bool:
    plain = ("kind", "labels", "plan", "feature_digests", "none_threshold", "figures", "made")
    arrays = [(one.features, other.features), (one.feature_labels, other.feature_labels)]
    arrays += [(one.weights[name], other.weights[name]) for name in other.weights]
    return (
        all(getattr(one, name) == getattr(other, name) for name in plain)
        and set(one.weights) == set(other.weights)
        and all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in arrays)
    )


@pytest.mark.parametrize("unlocked", ["head", "scratch"])
def test_a_text_network_comes_back_too(unlocked: Unlocked) -> None:
    dataset = few(tuning.builtin("feelings", "en"), 4, 2)
    run = finished(tuning.fine_tune(dataset, Plan(unlocked, epochs=2)))
    *_, data = export.export(run, dataset)
    assert isinstance(data, bytes)
    assert equal(saved.load_saved(data), run.tuned)


@pytest.mark.parametrize("unlocked", ["head", "last", "scratch"])
def test_plain_keras_opens_a_text_network(unlocked: Unlocked, tmp_path: Path) -> None:
    import keras

    dataset = few(tuning.builtin("feelings", "en"), 4, 2)
    run = finished(tuning.fine_tune(dataset, Plan(unlocked, epochs=2)))
    *_, data = export.export(run, dataset)
    assert isinstance(data, bytes)
    parts = members(data)
    assert {"vocabulary.json", "labels.txt", "classify.py", "glassbox.zip"} < set(parts)
    file = tmp_path / "model.keras"
    file.write_bytes(parts["model.keras"])
    network = keras.saving.load_model(file, safe_mode=True, compile=False)
    words = json.loads(parts["vocabulary.json"])
    text = next(e.text for e in dataset.examples if e.split == "train")
    if unlocked == "scratch":
        pieces = tokenizer.shared()
        (ids,) = pieces.ids([text])
        numbers, padding = [words.get(pieces.piece(id), 1) for id in ids], 0
    else:
        numbers, padding = [words[token] for token in wordpieces(text)], 1
    answer = np.asarray(network(np.array([numbers + 3 * [padding]], np.int32)))[0]
    expected = tuned_text_classifier(run.tuned).predict([text])[0]
    assert np.abs(answer - expected).max() < 1e-3


def wordpieces(text: str) -> list[str]:
    """The pieces of an English text as the vocabulary has them."""
    encoder: Any = pretrained.load().tokenizer
    return [encoder.pieces[id] for id in encoder.encode_ids(text)]


# --- hostile files ------------------------------------------------------------------------------------


def rewritten(data: bytes, change: Callable[[dict[str, Any], dict[str, np.ndarray]], None]) -> bytes:
    """A saved network with its description or its arrays changed."""
    parts = members(data)
    meta = json.loads(parts[saved.META])
    with np.load(io.BytesIO(parts[saved.ARRAYS])) as stored:
        arrays = {name: stored[name] for name in stored.files}
    change(meta, arrays)
    packed, file = io.BytesIO(), io.BytesIO()
    np.savez(packed, **arrays)  # type: ignore[arg-type]
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(saved.META, json.dumps(meta))
        archive.writestr(saved.ARRAYS, packed.getvalue())
    return file.getvalue()


KERNEL = "weights/logits/kernel"
CHANGES: dict[str, Callable[[dict[str, Any], dict[str, Any]], Any]] = {
    "another format": lambda meta, arrays: meta.update(format=2),
    "another kind": lambda meta, arrays: meta.update(kind="sounds"),
    "texts with an image head": lambda meta, arrays: meta.update(kind="texts"),
    "one class": lambda meta, arrays: meta.update(labels=["a"]),
    "a class twice": lambda meta, arrays: meta.update(labels=["a", "a", "b"]),
    "a class too many": lambda meta, arrays: meta.update(labels=["a", "b", "c", "d"]),
    "a long name": lambda meta, arrays: meta.update(labels=["a" * 500, "b", "c"]),
    "a name of control characters": lambda meta, arrays: meta.update(labels=["a\u202eb", "b", "c"]),
    "a number as a name": lambda meta, arrays: meta.update(labels=[1, "b", "c"]),
    "an unknown plan": lambda meta, arrays: meta["plan"].update(unlocked="everything"),
    "too many epochs": lambda meta, arrays: meta["plan"].update(epochs=10**9),
    "half an epoch": lambda meta, arrays: meta["plan"].update(epochs=1.5),
    "a rate that is no number": lambda meta, arrays: meta["plan"].update(learning_rate=float("nan")),
    "a field that is not there": lambda meta, arrays: meta["plan"].update(command="x"),
    "a figure that is a list": lambda meta, arrays: meta["figures"].update(accuracy=[1]),
    "a figure with a strange name": lambda meta, arrays: meta["figures"].update({"<b>": 1}),
    "a date with markup": lambda meta, arrays: meta.update(made="<b>2026</b>"),
    "digests that are paths": lambda meta, arrays: meta.update(
        feature_digests=["../x"] * len(meta["feature_digests"])
    ),
    "a threshold that is no number": lambda meta, arrays: meta.update(none_threshold="x"),
    "a missing bias": lambda meta, arrays: arrays.pop("weights/logits/bias"),
    "a strange array": lambda meta, arrays: arrays.update(evil=np.zeros(3, np.float32)),
    "a strange weight": lambda meta, arrays: arrays.update(
        {"weights/stem_conv/evil": np.zeros(3, np.float32)}
    ),
    "another shape": lambda meta, arrays: arrays.update({KERNEL: np.zeros((1280, 4), np.float32)}),
    "rows too many": lambda meta, arrays: arrays.update({KERNEL: np.zeros((1601, 3), np.float32)}),
    "not finite": lambda meta, arrays: arrays[KERNEL].fill(np.nan),
    "words": lambda meta, arrays: arrays.update({KERNEL: np.array(["x"])}),
    "doubles": lambda meta, arrays: arrays.update({KERNEL: arrays[KERNEL].astype(np.float64)}),
    "a label that is not there": lambda meta, arrays: arrays["feature_labels"].fill(7),
    "features of another width": lambda meta, arrays: arrays.update(features=arrays["features"][:, :5]),
}


def test_a_network_that_was_saved_before_heads_read_joined_maps_still_answers(run: Finished) -> None:
    def older(arrays: dict[str, Any]) -> None:
        arrays[KERNEL] = arrays[KERNEL][: efficientnet.HEAD]
        arrays["features"] = arrays["features"][:, : efficientnet.HEAD]

    found = saved.load_saved(rewritten(saved.save(run.tuned), lambda meta, arrays: older(arrays)))
    model = tuned_model(found)
    assert model.card.layers == efficientnet.outputs()
    picture = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    quick = vision.classifier(model)
    assert isinstance(quick, vision.models.PreparedClassifier)
    numbers = model.preparation.numbers(picture)[np.newaxis]
    whole = softmax(np.asarray(model.load()(numbers)))
    assert quick.predict_prepared([picture]).shape == whole.shape == (1, 3)
    assert np.abs(quick.predict_prepared([picture]) - whole).max() < 0.1  # int8 beside float32


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_file_is_refused_with_a_sentence(name: str, run: Finished) -> None:
    data = rewritten(saved.save(run.tuned), CHANGES[name])
    with pytest.raises(GlassboxError) as refused:
        saved.load_saved(data)
    assert refused.value.key == "tuning.error.saved_broken"


def test_a_file_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("other.txt", "x")
    for data in (b"", b"PK", b"hello", empty.getvalue()):
        with pytest.raises(GlassboxError) as refused:
            saved.load_saved(data)
        assert refused.value.key == "tuning.error.saved_not_ours"


def test_nothing_is_unpickled(run: Finished) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (pytest.fail, ("unpickled",))

    packed = io.BytesIO()
    array = np.empty(1, object)
    array[0] = Evil()
    np.savez(packed, evil=array, allow_pickle=True)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(saved.META, members(saved.save(run.tuned))[saved.META])
        archive.writestr(saved.ARRAYS, packed.getvalue())
    with pytest.raises(GlassboxError):
        saved.load_saved(file.getvalue())


def test_bombs_are_refused_before_they_are_unpacked(run: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in ((saved.META, 2 * 2**20), (saved.ARRAYS, 200 * 2**20)):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for other, content in members(saved.save(run.tuned)).items():
                archive.writestr(other, b"0" * size if other == name else content)
        with pytest.raises(GlassboxError) as refused:
            saved.load_saved(file.getvalue())
        assert refused.value.key == "tuning.error.saved_broken"
    monkeypatch.setattr(saved, "LARGEST_FILE", 100)
    with pytest.raises(GlassboxError) as refused:
        saved.load_saved(saved.save(run.tuned))
    assert refused.value.key == "tuning.error.saved_too_big"


def test_a_header_that_promises_more_than_there_is_is_refused(run: Finished) -> None:
    packed, file = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        array = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            array, {"descr": "<f4", "fortran_order": False, "shape": (10**9, 10**3)}
        )
        archive.writestr("weights/logits/kernel.npy", array.getvalue())
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(saved.META, members(saved.save(run.tuned))[saved.META])
        archive.writestr(saved.ARRAYS, packed.getvalue())
    with pytest.raises(GlassboxError):
        saved.load_saved(file.getvalue())


def test_damaged_bytes_never_end_in_a_traceback(run: Finished) -> None:
    data = saved.save(run.tuned)
    chance = np.random.default_rng(0)
    for _ in range(60):
        broken = bytearray(data)
        for place in chance.integers(0, len(data), 8):
            broken[place] = chance.integers(0, 256)
        try:
            saved.load_saved(bytes(broken))
        except GlassboxError as refused:
            assert refused.key.startswith("tuning.error.saved")
    for end in (0, 10, 100, len(data) // 2, len(data) - 1):
        with pytest.raises(GlassboxError):
            saved.load_saved(data[:end])
