"""Fine-tuning with a locked tower: our seconds and accuracy beside plain Keras on the same pictures.

    python -m benchmarks.fine_tune --data FOLDER [--seeds 5] [--plain-seeds 1]

FOLDER holds flowers5_227.tar and cats_dogs_200.tar: `train|test/CLASS/x.jpg`. From `train` so many pictures a
class are drawn, another draw for each seed, and go through `image_dataset` as a zip would; the accuracy is
that of the network that one takes away, on all pictures of `test`, which nothing has seen.

Plain Keras is what one would write: `image_dataset_from_directory`, the frozen backbone with its weights in
the graph, dropout and a dense layer, Adam, `fit`. It is given as many epochs as it needs to come within half a
point of our accuracy on `test` (which favours it: it is stopped at the right moment), at most `PLAIN_EPOCHS`;
how long it took to come within three points is told, too.
Its clock starts with the data as files and with Keras imported and the backbone built; ours with the zip
uploaded and read, and stops after the evaluation.
"""

from __future__ import annotations

import argparse
import io
import itertools
import os
import random
import statistics
import tarfile
import tempfile
import time
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import tell
from core import tuning, vision
from core.imaging import decode
from core.tuning import evaluation, training
from core.tuning.queue import queue, start
from core.tuning.tuned import tuned_model
from core.tuning.types import Dataset, Finished, Split
from core.types import Image

SETS = (("flowers5_227", 10), ("flowers5_227", 20), ("flowers5_227", 200), ("cats_dogs_200", 20))
PLAIN_EPOCHS = 30
PLAIN_RATE = 3e-3  # sooner there than the usual 1e-3, and better in the end than 1e-2
FOLDS = 5
NEAR, CLOSE = 0.005, 0.03  # of our accuracy
PLAIN = ("flowers5_227", 20)

Files = dict[str, dict[str, list[bytes]]]  # side -> class -> files


def read(folder: Path, name: str) -> Files:
    """The pictures of an archive, as they are."""
    found: Files = {}
    with tarfile.open(folder / f"{name}.tar") as tar:
        for member in sorted(tar.getmembers(), key=lambda one: one.name):
            file = (
                tar.extractfile(member) if member.isfile() and member.name.lower().endswith("jpg") else None
            )
            if file is not None:
                side, label = member.name.split("/")[-3:-1]
                found.setdefault(side, {}).setdefault(label, []).append(file.read())
    return found


def drawn(files: Files, count: int, seed: int) -> dict[str, list[bytes]]:
    """So many training pictures of each class."""
    chance = random.Random(seed)
    return {label: chance.sample(every, count) for label, every in files["train"].items()}


def zipped(pictures: dict[str, list[bytes]]) -> bytes:
    """As a visitor would upload them."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for label, every in pictures.items():
            for number, data in enumerate(every):
                archive.writestr(f"{label}/{number}.jpg", data)
    return file.getvalue()


def tune(dataset: Dataset, seed: int) -> tuple[Finished, float]:
    """A run through the queue and the seconds from the call to its end, as a visitor waits."""
    plan = replace(training.default_plan(dataset), seed=seed)
    begun = time.perf_counter()
    run = start("benchmark", dataset, plan)
    run.wait()
    seconds = time.perf_counter() - begun
    if run.error:
        raise run.error
    return run.result, seconds


def accuracy(found: Finished, tests: dict[str, list[Image]]) -> float:
    """On the test pictures, of the network that is taken away."""
    classifier = vision.classifier(tuned_model(found.tuned))
    right = 0
    for label, pictures in tests.items():
        named = classifier.predict(pictures).argmax(axis=1)
        right += int((named == found.tuned.labels.index(label)).sum())
    return right / sum(map(len, tests.values()))


def ours(files: Files, count: int, seeds: int) -> tuple[list[float], float]:
    """The accuracy of each draw and the median seconds; printed."""
    tests = {label: [decode(data) for data in every] for label, every in files["test"].items()}
    rows = []
    for seed in range(seeds):
        dataset = tuning.image_dataset(zipped(drawn(files, count, seed)))
        found, seconds = tune(dataset, seed)
        rows.append((accuracy(found, tests), seconds, found.evaluation.accuracy))
    every = [row[0] for row in rows]
    spread = statistics.stdev(every) if len(every) > 1 else 0.0
    tests_count = sum(map(len, tests.values()))
    low, high = evaluation.wilson(round(np.mean(every) * tests_count), tests_count)
    print(
        f"  ours: {100 * np.mean(every):5.1f} % of {tests_count} test pictures (mean of {seeds} draws, sd "
        f"{100 * spread:.1f}; Wilson of one draw {100 * low:.1f} to {100 * high:.1f});"
        f" validation said {100 * np.mean([row[2] for row in rows]):.1f} %;"
        f" seconds {statistics.median(row[1] for row in rows):.1f} (slowest, with the worker's start, "
        f"{max(row[1] for row in rows):.1f})",
        flush=True,
    )
    return every, statistics.median(row[1] for row in rows)


def plain_keras(files: Files, count: int, seed: int, goal: float) -> list[tuple[float, float]]:
    """Seconds so far and accuracy after each epoch of plain Keras on the same pictures, until it is near `goal`."""
    import keras
    import tensorflow as tf

    from core.vision import efficientnet

    keras.utils.set_random_seed(seed)
    backbone = efficientnet.load()
    features = keras.Model(backbone.input, backbone.get_layer("pool").output, trainable=False)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pictures = {"train": drawn(files, count, seed), "test": files["test"]}
        for side, labels in pictures.items():
            for label, every in labels.items():
                (folder / side / label).mkdir(parents=True)
                for number, data in enumerate(every):
                    (folder / side / label / f"{number}.jpg").write_bytes(data)
        begun = time.perf_counter()
        reading: dict[str, Any] = {"image_size": (256, 256), "crop_to_aspect_ratio": True, "verbose": False}
        train = keras.utils.image_dataset_from_directory(
            folder / "train", batch_size=32, seed=seed, **reading
        )
        inputs = keras.Input((256, 256, 3))
        x = keras.layers.CenterCrop(224, 224)(inputs)
        x = keras.layers.Rescaling(1 / 128, -127 / 128)(x)
        x = keras.layers.Dropout(0.2)(features(x, training=False))
        model = keras.Model(inputs, keras.layers.Dense(len(pictures["train"]))(x))
        model.compile(
            optimizer=keras.optimizers.Adam(PLAIN_RATE),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        test = keras.utils.image_dataset_from_directory(
            folder / "test", batch_size=32, shuffle=False, **reading
        )
        train = train.prefetch(tf.data.AUTOTUNE)
        seconds = time.perf_counter() - begun
        course: list[tuple[float, float]] = []
        while len(course) < PLAIN_EPOCHS and not (course and course[-1][1] >= goal - NEAR):
            begun = time.perf_counter()
            model.fit(train, epochs=1, verbose=0)
            seconds += time.perf_counter() - begun
            reached = float(model.evaluate(test, verbose=0)[1])  # not counted: the test is for us to know
            course.append((seconds, reached))
        return course


def beside(course: list[tuple[float, float]], goal: float, ours: float) -> str:
    """How long plain Keras took, in words, beside our accuracy and seconds."""
    best = max(reached for _, reached in course)
    total = course[-1][0]
    close = next((seconds for seconds, reached in course if reached >= goal - CLOSE), None)
    lines = [f"  plain Keras: {100 * best:5.1f} % at best in {len(course)} epochs, {total:.1f} s:"]
    if best >= goal - NEAR:
        lines.append(f"    as good as ours (within half a point) after {total / ours:.1f} times our seconds")
    else:
        lines.append(f"    never as good as ours (within half a point): more than {total / ours:.1f} times")
    if close is not None:
        lines.append(f"    within three points after {close:.1f} s: {close / ours:.1f} times our seconds")
    return "\n".join(lines)


def int8_and_float(files: Files, count: int, seeds: int) -> None:
    """Heads learned on the int8 tower's features beside those on the float32 network's."""
    import tensorflow as tf

    from core.tuning import head
    from core.tuning.types import Plan
    from core.vision import efficientnet, models

    network = efficientnet.load()
    import keras

    twin = keras.Model(network.input, network.get_layer("pool").output)
    run = tf.function(lambda x: twin(x, training=False))
    rows: dict[str, list[Any]] = {"int8": [], "float32": []}
    labels, sides = [], []
    seconds = {"int8": 0.0, "float32": 0.0}
    for side in ("train", "test"):
        for number, every in enumerate(files[side].values()):
            for data in every:
                pixels = efficientnet.PREPARATION.pixels(decode(data))
                begun = time.perf_counter()
                rows["int8"].append(models.lite().features(pixels))
                between = time.perf_counter()
                rows["float32"].append(
                    np.asarray(run(efficientnet.PREPARATION.numbers(pixels)[np.newaxis]))[0]
                )
                seconds["float32"] += time.perf_counter() - between
                seconds["int8"] += between - begun
                labels.append(number)
                sides.append(side)
    y, test = np.array(labels), np.array(sides) == "test"
    for name, features in rows.items():
        x = np.stack(features)
        found = []
        for seed in range(seeds):
            chance = np.random.default_rng(seed)
            places = [np.flatnonzero(~test & (y == label)) for label in range(y.max() + 1)]
            chosen = np.concatenate([chance.choice(every, count, replace=False) for every in places])
            plan = Plan(seed=seed, batch=8, learning_rate=1e-3)
            learned = head.after(40, x[chosen][:, np.newaxis], y[chosen], y.max() + 1, plan)
            found.append((learned.logits(x[test]).argmax(axis=1) == y[test]).mean())
        print(
            f"  head on {name:7s} features: {100 * np.mean(found):5.1f} % (mean of {seeds} draws);"
            f" {1000 * seconds[name] / len(y):.1f} ms a picture"
        )


def texts(folds: int) -> None:
    """Twenty sentences a class and five to test with, in turn, of each set that ships, in both languages."""
    for name, language in itertools.product(("feelings", "news", "spam"), ("en", "zh")):
        whole = tuning.builtin(name, language)
        right = count = 0
        slowest = 0.0
        for fold in range(folds):
            found, seconds = tune(turned(whole, fold), fold)
            right += round(found.evaluation.accuracy * len(found.evaluation.labels))
            count += len(found.evaluation.labels)
            slowest = max(slowest, seconds)
        low, high = evaluation.wilson(right, count)
        print(
            f"  {name}, {language}: {len(whole.labels)} classes, {right} of {count} new sentences right,"
            f" {100 * right / count:.0f} % ({100 * low:.0f} to {100 * high:.0f}); slowest {slowest:.1f} s",
            flush=True,
        )
        tell("fine_tune_texts", **{f"{name}_{language}": f"{100 * right / count:.0f}"})


def turned(dataset: Dataset, fold: int) -> Dataset:
    """The data set with every fifth sentence of a class to test with, another fifth for each fold."""
    places: Counter[int] = Counter()
    examples = []
    for example in dataset.examples:
        side: Split = "validation" if places[example.label] % FOLDS == fold else "train"
        places[example.label] += 1
        examples.append(replace(example, split=side))
    return replace(dataset, examples=tuple(examples))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--plain-seeds", type=int, default=1, help="runs of plain Keras; a minute each")
    parser.add_argument("--only", choices=("pictures", "plain", "texts"), help="one part")
    parser.add_argument("--engines", action="store_true", help="int8 beside float32 features, too")
    options = parser.parse_args()
    print(f"load of the machine (1 minute): {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    archives: dict[str, Files] = {}
    for name, count in SETS if options.only != "texts" else ():
        if options.only == "plain" and (name, count) != PLAIN:
            continue
        files = archives.setdefault(name, read(options.data, name))
        print(f"{name}, {count} a class")
        reached, seconds = ours(files, count, options.seeds)
        about = f"fine_tune_{name.split('_')[0].rstrip('5')}_{count}"
        spread = statistics.stdev(reached) if len(reached) > 1 else 0.0
        tell(
            about,
            right=f"{100 * np.mean(reached):.1f}",
            spread=f"{100 * spread:.1f}",
            seconds=f"{seconds:.1f}",
        )
        if (name, count) == PLAIN and options.only != "pictures":
            for seed in range(options.plain_seeds):
                goal = reached[seed % len(reached)]
                course = plain_keras(files, count, seed, goal)
                print(beside(course, goal, seconds), flush=True)
                best = max(accuracy for _, accuracy in course)
                tell("fine_tune_plain", right=f"{100 * best:.1f}", seconds=f"{course[-1][0]:.1f}")
    if options.only in (None, "texts"):
        print("texts")
        texts(FOLDS)
    if options.engines and archives:
        print("flowers5_227, 20 a class, two engines")
        int8_and_float(archives["flowers5_227"], 20, 40)
    queue().close()


if __name__ == "__main__":
    main()
