"""A tuned network as files to take away."""

from __future__ import annotations

import io
import json
import string
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from core import disk, i18n
from core.tuning import features, image_networks, saved, tuned
from core.tuning.saved import load_saved
from core.tuning.types import Dataset, Example, Finished, Plan, Progress, Tuned
from core.vision import efficientnet
from core.vision.preparation import Preparation

__all__ = ["export", "load_saved", "model_card"]

CALIBRATION = 100  # training pictures that set the scales of the int8 network

_CLASSIFY = string.Template(
    '''"""Names a picture:  python classify.py photo.jpg      (pip install ai-edge-litert pillow numpy)"""
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageOps

here = Path(__file__).parent
labels = (here / "labels.txt").read_text(encoding="utf-8").split("\\n")
photo = ImageOps.exif_transpose(Image.open(sys.argv[1])).convert("RGB")
side = max(1, round($crop * min(photo.size)))  # of the middle square that the network looks at
left, top = (photo.width - side) // 2, (photo.height - side) // 2
square = photo.resize(($side, $side), Image.Resampling.BICUBIC, (left, top, left + side, top + side))
network = Interpreter(str(here / "model.tflite"))
network.allocate_tensors()
network.set_tensor(network.get_input_details()[0]["index"], np.asarray(square)[np.newaxis])
network.invoke()
logits = network.get_tensor(network.get_output_details()[0]["index"])[0]
probabilities = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
for index in np.argsort(-probabilities)[:5]:
    print(f"{probabilities[index]:6.1%}  {labels[index]}")
'''
)
_CLASSIFY_TEXT = '''"""Names a text, with Glassbox's own code:  python classify.py "a sentence"   (beside this repository)"""
import sys
from pathlib import Path

from core.tuning.saved import load_saved
from core.tuning.tuned import tuned_text_classifier

tuned = load_saved(Path(__file__).with_name("glassbox.zip").read_bytes())
probabilities = tuned_text_classifier(tuned).predict([sys.argv[1]])[0]
for index in (-probabilities).argsort()[:5]:
    print(f"{probabilities[index]:6.1%}  {tuned.labels[index]}")
'''


def export(finished: Finished, dataset: Dataset) -> Iterator[Progress | bytes]:
    """A zip with everything of a tuned network; yields `Progress` and last the bytes.

    Of a network for pictures: `model.keras`, int8 `model.tflite`, `labels.txt`, `classify.py`, the model card
    in each language, and `glassbox.zip`, which `saved.load_saved` reads. Of one for texts there is
    `vocabulary.json` in place of the int8 network. Takes half a minute: put it into the queue,
    `queue().submit(owner, "core.tuning.export:export", finished, dataset, seconds=30)`.
    """
    found = finished.tuned
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        yield Progress("tuning.stage.exporting", 0, 4)
        archive.writestr("labels.txt", "\n".join(" ".join(label.split()) for label in found.labels))
        for language in i18n.LANGUAGES:
            archive.writestr(f"MODEL_CARD.{language}.md", model_card(finished, dataset, language))
        archive.writestr("glassbox.zip", saved.save(found))
        archive.writestr("classify.py", classify_script(found))
        yield Progress("tuning.stage.exporting", 1, 4)
        if found.kind == "texts":
            from core.tuning import text_export

            words = json.dumps(text_export.vocabulary(found), ensure_ascii=False)
            archive.writestr("vocabulary.json", words)
            archive.writestr("model.keras", _keras_file(text_export.network(found)))
        else:
            archive.writestr("model.keras", _keras_file(_whole(found)))
            yield Progress("tuning.stage.converting", 2, 4)
            training, _ = features.split(dataset)
            archive.writestr("model.tflite", to_int8(_logits(found), preparation(found.plan), training))
    yield file.getvalue()


def preparation(plan: Plan) -> Preparation:
    """How a picture is prepared for the plan's network."""
    return image_networks.SCRATCH if plan.unlocked == "scratch" else efficientnet.PREPARATION


def classify_script(found: Tuned) -> str:
    """A script that names a picture with the exported files, and needs nothing of Glassbox; of a text, that does."""
    if found.kind == "texts":
        return _CLASSIFY_TEXT
    prepared = preparation(found.plan)
    return _CLASSIFY.substitute(crop=prepared.crop, side=prepared.side)


def _logits(found: Tuned) -> Any:
    """The tuned network from prepared numbers to logits."""
    import keras

    network = tuned.network(found)
    if found.plan.unlocked == "scratch":
        return keras.Model(network.input, network.get_layer("dense2").output)
    return network


def _whole(found: Tuned) -> Any:
    """The tuned network from pixels of 0..255 to probabilities, of plain Keras layers alone."""
    import keras
    from keras import layers

    prepared = preparation(found.plan)
    pixels = keras.Input((prepared.side, prepared.side, 3), name="picture")
    numbers = layers.Rescaling(1 / prepared.scale, -prepared.offset / prepared.scale, name="scaling")(pixels)
    return keras.Model(pixels, layers.Softmax(name="probabilities")(_logits(found)(numbers)), name="tuned")


def _keras_file(network: Any) -> bytes:
    with disk.private_folder() as folder:
        path = folder / "model.keras"
        network.save(path)
        return path.read_bytes()


def to_int8(network: Any, prepared: Preparation, training: Sequence[Example]) -> bytes:
    """Full-integer LiteRT of a network: uint8 pixels in, float32 logits out.

    Some training pictures set the scales. A black and a white pixel in each make the input's scale that of
    the pixels, so that no rescaling is needed.
    """
    import tensorflow as tf

    from core.tuning.images import pixels

    step = max(1, len(training) // CALIBRATION)

    def calibration() -> Iterator[list[Any]]:
        for example in training[::step]:
            picture = prepared.pixels(pixels(example)).copy()
            picture[0, :2] = [[0, 0, 0], [255, 255, 255]]
            yield [prepared.numbers(picture)[np.newaxis]]

    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = calibration
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    return bytes(converter.convert())


# --- the model card -----------------------------------------------------------------------------------


def model_card(finished: Finished, dataset: Dataset, language: str) -> str:
    """What the network is, what it learned from, how, and what it is worth, in Markdown."""

    def say(key: str, **values: object) -> str:
        return i18n.text(language, f"tuning.card.{key}", **values)

    found, plan, figures = finished.tuned, finished.tuned.plan, finished.tuned.figures
    training, validation = features.split(dataset)
    lines = [f"# {say('title')}", "", say(f"base.{found.kind}.{plan.unlocked}"), "", f"## {say('data')}", ""]
    lines += [f"| {say('class')} | {say('training')} | {say('validation')} |", "|---|---|---|"]
    for number, label in enumerate(found.labels):
        counts = [sum(example.label == number for example in side) for side in (training, validation)]
        lines.append(f"| {_plain(label)} | {counts[0]} | {counts[1]} |")
    lines += ["", f"## {say('plan')}", ""]
    lines += [f"- `{name}`: {_told(value)}" for name, value in saved.plan_to_json(plan).items()]
    lines += ["", f"## {say('figures')}", ""]
    values = {key: f"{100 * figures[key]:.1f}" for key in ("accuracy", "interval_low", "interval_high")}
    lines.append(say("accuracy", count=len(finished.evaluation.labels), **values))
    lines.append("")
    lines.append(say("baseline", baseline=f"{100 * figures['baseline_accuracy']:.1f}"))
    lines += ["", say("refit") if plan.refit else say("kept", epoch=finished.best_epoch), ""]
    lines += [f"- `{name}`: {value:.4g}" for name, value in figures.items()]
    lines += [
        "",
        say("none", threshold=f"{found.none_threshold:.3f}"),
        "",
        f"## {say('limits')}",
        "",
        say("limits_text"),
    ]
    lines += ["", say("made", made=found.made, seed=plan.seed), "", say(f"licence.{found.kind}"), ""]
    return "\n".join(lines)


def _plain(label: str) -> str:
    """A visitor's word as it may stand in Markdown."""
    return "".join("\\" + letter if letter in "\\`*_{}[]<>()#+-.!|&~" else letter for letter in label)


def _told(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
