"""Train the article's CNN at 64 x 64 on CIFAR-10, or measure the weights that ship.

    python -m training.article_cnn --data data            # train, write the weights, measure them
    python -m training.article_cnn --data data --evaluate # measure the weights that ship

On several machines, or several times on one, the same command with all addresses and each one's place among
them; each takes its share of every batch, and the gradients are summed (`tf.distribute`). The first one writes:

    python -m training.article_cnn --data data --workers one:7000,two:7000 --index 0
    python -m training.article_cnn --data data --workers one:7000,two:7000 --index 1

The folder must hold `cifar10_jpeg.npz`: `jpg_train`, `off_train`, `y_train` (and `_test`), image i being
the JPEG at bytes `off[i]:off[i + 1]`, and `classes`. Anyone can make it from the original
(https://www.cs.toronto.edu/~kriz/cifar.html, or `keras.datasets.cifar10.load_data()`) with
`--make-data`.

The architecture is the article's, unchanged. What helps it generalise: mirrored, shifted, zoomed and
partly covered images, dropout, weight decay, label smoothing, an average over the last weights, and
early stopping on 2,500 training images that are held out. The test images choose nothing.

Must reach 0.80 on the 10,000 test images.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core import assets
from core.vision import article_cnn

MUST_REACH = 0.80


@dataclass(frozen=True)
class Plan:
    """How a run trains."""

    epochs: int = 18
    seed: int = 0
    held_out: int = 2_500  # training images that validate, the same number of each class
    batch: int = 128
    learning_rate: float = 1e-3  # at its highest, after `warm_up` epochs; then a cosine down to zero
    warm_up: float = 0.5
    weight_decay: float = 0.05
    dropout: float = 0.3
    label_smoothing: float = 0.05
    average: float = 0.998  # of the moving average of the weights, a step
    patience: int = 5  # epochs without a better validation accuracy before a run stops
    zoom: float = 0.15
    shift: float = 3.0  # pixels of the 32
    cover: int = 8  # side of the square that is covered, pixels of the 32


@dataclass(frozen=True)
class Epoch:
    """What a run has come to after an epoch; `best` when its averaged weights are the best so far."""

    number: int
    loss: float
    accuracy: float  # on the batches as they were trained on, augmented
    validation_accuracy: float
    validation_nll: float
    best: bool
    seconds: float


def read(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 32, 32, 3) uint8 and labels (n,) of a split, "train" or "test"."""
    with np.load(folder / "cifar10_jpeg.npz", allow_pickle=False) as data:
        assert tuple(data["classes"]) == article_cnn.labels()
        stream, offsets, labels = data[f"jpg_{split}"], data[f"off_{split}"], data[f"y_{split}"]
    images = [
        cv2.imdecode(stream[start:end], cv2.IMREAD_COLOR_RGB) for start, end in itertools.pairwise(offsets)
    ]
    return np.stack(images), labels.astype(np.int64)


def make_data(folder: Path) -> None:
    """Download CIFAR-10 through Keras and write `cifar10_jpeg.npz`."""
    import keras

    arrays: dict[str, np.ndarray] = {"classes": np.array(article_cnn.labels())}
    for split, (images, labels) in zip(("train", "test"), keras.datasets.cifar10.load_data(), strict=True):
        files = [
            cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1] for image in images
        ]
        arrays[f"jpg_{split}"] = np.concatenate(files)
        arrays[f"off_{split}"] = np.concatenate([[0], np.cumsum([len(file) for file in files])])
        arrays[f"y_{split}"] = labels.ravel().astype(np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "cifar10_jpeg.npz", **arrays)


def hold_out(labels: np.ndarray, plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """Indices to train on and indices to validate on, the same number of each class."""
    random = np.random.default_rng(plan.seed)
    each = plan.held_out // article_cnn.CLASSES
    held = np.concatenate(
        [random.permutation(np.flatnonzero(labels == c))[:each] for c in range(article_cnn.CLASSES)]
    )
    return np.setdiff1d(np.arange(len(labels)), held), held


def bicubic_weights(positions: np.ndarray) -> np.ndarray:
    """How much each of the 32 pixels of a line counts at `positions`, (..., n) -> (..., n, 32), sums 1.

    Position 0 is the centre of the first pixel; positions outside the line are mirrored into it.

    References:
        Keys, "Cubic convolution interpolation for digital image processing", 1981, with a = -0.5;
        cut off and normalised at the borders as Pillow does it.
    """
    last = article_cnn.CIFAR_SIDE - 1
    inside = np.abs(positions + 0.5) - 0.5
    inside = last - (np.abs(last - inside + 0.5) - 0.5)
    distance = np.abs(inside[..., None] - np.arange(last + 1, dtype=np.float32))
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    weights = np.where(distance <= 1, near, np.where(distance < 2, far, 0))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True), np.float32)


def batches(
    images: np.ndarray, labels: np.ndarray, plan: Plan, epoch: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Augmented batches of an epoch: images (n, 32, 32, 3) uint8, rows and columns (n, 64, 32), labels.

    A shift, a zoom and a mirror are only other places to read each image at, so they cost nothing:
    they are in the bicubic weights that enlarge its rows and columns.
    """
    random = np.random.default_rng([plan.seed, epoch])
    order = random.permutation(len(images))
    side, source = article_cnn.SIDE, article_cnn.CIFAR_SIDE
    unit = ((np.arange(side, dtype=np.float32) + 0.5) / side - 0.5) * source  # -16 .. 16
    pixel = np.arange(source)
    for start in range(0, len(order) - plan.batch + 1, plan.batch):
        chosen = order[start : start + plan.batch]
        count = len(chosen)
        batch = images[chosen]
        corner = random.integers(-plan.cover // 2, source - plan.cover // 2, (2, count, 1))
        rows_covered, columns_covered = (pixel >= corner) & (pixel < corner + plan.cover)
        batch[rows_covered[:, :, None] & columns_covered[:, None, :]] = 128
        zoom = np.exp(random.uniform(-plan.zoom, plan.zoom, (2, count, 1)))
        shift = random.uniform(-plan.shift, plan.shift, (2, count, 1))
        mirror = np.where(random.random((count, 1)) < 0.5, -1, 1)
        centre = source / 2 - 0.5
        rows = bicubic_weights(np.float32(unit * zoom[0] + centre + shift[0]))
        columns = bicubic_weights(np.float32(unit * zoom[1] * mirror + centre + shift[1]))
        yield batch, rows, columns, labels[chosen]


def join(workers: str, index: int) -> None:
    """Tell TensorFlow, before its first use, who trains together: "host:port,host:port", and which one this is."""
    cluster = {"worker": workers.split(",")}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})


def train(images: np.ndarray, labels: np.ndarray, plan: Plan, folder: Path) -> Iterator[Epoch]:
    """Train, an epoch at a time; `folder/best.npz` holds the weights with the best validation accuracy.

    A run that was stopped goes on after its last whole epoch when it is given the same folder. With others
    (`join`) each yields the same epochs, and the first alone reads and writes the folder.

    Raises:
        ValueError: the workers cannot share a batch evenly, or one of them has several devices.
    """
    import keras
    import tensorflow as tf

    together = "TF_CONFIG" in os.environ
    strategy = tf.distribute.MultiWorkerMirroredStrategy() if together else tf.distribute.get_strategy()
    workers = strategy.num_replicas_in_sync
    index = strategy.cluster_resolver.task_id if together else 0
    if plan.batch % workers or (
        together and workers != len(strategy.cluster_resolver.cluster_spec().as_dict()["worker"])
    ):
        raise ValueError(
            f"{workers} devices cannot share batches of {plan.batch}: one a worker, equal shares"
        )
    keras.utils.set_random_seed(plan.seed)
    train_index, held_index = hold_out(labels, plan)
    held = images[held_index]
    steps = len(train_index) // plan.batch
    model = article_cnn.build(dropout=plan.dropout)
    layer = model.get_layer
    schedule = keras.optimizers.schedules.CosineDecay(
        plan.learning_rate / 50,
        decay_steps=max(1, int(steps * (plan.epochs - plan.warm_up))),
        warmup_target=plan.learning_rate,
        warmup_steps=int(steps * plan.warm_up),
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=plan.weight_decay, global_clipnorm=1.0)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    variables = model.trainable_variables
    optimizer.build(variables)
    averages = [tf.Variable(variable.value, trainable=False) for variable in variables]

    def logits(pixels: Any) -> Any:
        # Pooling before the ReLU gives the same numbers as after it, for a quarter of its work.
        x = pixels
        for block in (1, 2, 3):
            x = layer(f"relu{block}")(layer(f"pool{block}")(layer(f"conv{block}")(x)))
        x = layer("flatten")(x)
        x = layer("relu4")(layer("dense1")(layer("dropout1")(x, training=True)))
        return layer("dense2")(layer("dropout2")(x, training=True))

    def summed(values: Any) -> Any:
        here = tf.nest.map_structure(tf.identity, values)  # a value must know on which device it is
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, here)

    @tf.function
    def of_the_first(values: list[Any]) -> list[Any]:
        """The values that the first worker has."""
        mine = [tf.cast(value, tf.float64) * float(index == 0) for value in values]
        told = strategy.run(summed, (mine,))
        return [tf.cast(number, value.dtype) for number, value in zip(told, values, strict=True)]

    def share_of_step(batch: Any, rows: Any, columns: Any, target: Any) -> Any:
        """Loss, accuracy and gradients of the whole batch, of which each worker has a part."""
        pixels = tf.einsum("nyr,nrcd->nycd", rows, tf.cast(batch, tf.float32))
        pixels = tf.einsum("nxc,nycd->nyxd", columns, pixels) / 127.5 - 1
        smooth = tf.one_hot(target, article_cnn.CLASSES) * (1 - plan.label_smoothing)
        smooth += plan.label_smoothing / article_cnn.CLASSES
        with tf.GradientTape() as tape:
            scores = logits(pixels)  # (n, classes)
            loss = tf.reduce_sum(tf.nn.softmax_cross_entropy_with_logits(smooth, scores)) / plan.batch
        hit = tf.reduce_sum(tf.cast(tf.argmax(scores, 1) == target, tf.float32)) / plan.batch
        return summed([loss, hit, *tape.gradient(loss, variables)])

    @tf.function(reduce_retracing=True)
    def step(batch: Any, rows: Any, columns: Any, target: Any, decay: Any) -> tuple[Any, Any]:
        loss, hit, *gradients = strategy.run(share_of_step, (batch, rows, columns, target))
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        for average, variable in zip(averages, variables, strict=True):
            average.assign_sub((1 - decay) * (average - variable))
        return loss, hit

    epoch, best, stale = tf.Variable(0), tf.Variable(0.0), tf.Variable(0)
    state = tf.train.Checkpoint(
        model=model, optimizer=optimizer, averages=averages, epoch=epoch, best=best, stale=stale
    )
    manager = tf.train.CheckpointManager(state, str(folder / "state"), max_to_keep=2)
    if index == 0:
        state.restore(manager.latest_checkpoint)
    if together:
        everything = [*model.variables, *optimizer.variables, *averages, epoch, best, stale]
        told = of_the_first([tf.convert_to_tensor(variable) for variable in everything])
        for variable, value in zip(everything, told, strict=True):
            variable.assign(value)
    averaged = article_cnn.build()
    share = plan.batch // workers
    shape = (share, article_cnn.SIDE, article_cnn.CIFAR_SIDE)
    signature = (
        tf.TensorSpec((share, *images.shape[1:]), tf.uint8),
        tf.TensorSpec(shape, tf.float32),
        tf.TensorSpec(shape, tf.float32),
        tf.TensorSpec((share,), tf.int64),
    )

    def shares(number: int) -> Iterator[tuple[np.ndarray, ...]]:
        for whole in batches(images[train_index], labels[train_index], plan, number):
            yield tuple(part[index * share : (index + 1) * share] for part in whole)

    while int(epoch) < plan.epochs and int(stale) < plan.patience:
        started, number = time.monotonic(), int(epoch) + 1
        losses, hits = [], []
        data = tf.data.Dataset.from_generator(
            lambda number=number: shares(number), output_signature=signature
        ).prefetch(4)
        for place, batch in enumerate(data):
            done = (number - 1) * steps + place
            loss, hit = step(*batch, tf.constant(min(plan.average, (1 + done) / (10 + done))))
            losses.append(float(loss))
            hits.append(float(hit))
            if not math.isfinite(losses[-1]):
                raise FloatingPointError(f"the loss is {losses[-1]} in epoch {number}, step {place}")
        averaged.set_weights([average.numpy() for average in averages])
        measured = measure(predict(averaged, held), labels[held_index])
        accuracy = tf.constant(measured["accuracy"], tf.float32)
        if together:  # else one might stop and the others wait for it
            (accuracy,) = of_the_first([accuracy])
        better = float(accuracy) > float(best)
        if better:
            best.assign(accuracy)
        if better and index == 0:
            article_cnn.write_weights(folder / "best.npz", article_cnn.get_weights(averaged))
        stale.assign(0 if better else int(stale) + 1)
        epoch.assign(number)
        if index == 0:
            manager.save()
        yield Epoch(
            number,
            float(np.mean(losses)),
            float(np.mean(hits)),
            measured["accuracy"],
            measured["nll"],
            better,
            time.monotonic() - started,
        )


def predict(model: Any, images: np.ndarray) -> np.ndarray:
    """Log-probabilities (n, classes) of images, prepared as the app prepares them."""
    import tensorflow as tf

    forward = tf.function(model, reduce_retracing=True)
    prepare = article_cnn.PREPARATION
    parts = [
        forward(prepare.numbers(np.stack([prepare.pixels(image) for image in images[start : start + 250]])))
        for start in range(0, len(images), 250)
    ]
    return np.log(np.maximum(np.concatenate(parts), 1e-12))


def scaled(log_probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Log-probabilities after their logits are divided by `temperature`."""
    scores = log_probabilities / temperature
    scores = scores - scores.max(axis=1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


def measure(log_probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Accuracy, negative log-likelihood (nats) and expected calibration error (15 bins, Guo et al. 2017)."""
    confidence = np.exp(log_probabilities.max(axis=1))
    hit = log_probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * 15).astype(int), 14)
    gaps = [
        abs(hit[bins == b].mean() - confidence[bins == b].mean()) * np.mean(bins == b)
        for b in np.unique(bins)
    ]
    return {
        "accuracy": float(hit.mean()),
        "nll": float(-log_probabilities[np.arange(len(labels)), labels].mean()),
        "ece": float(np.sum(gaps)),
    }


def best_temperature(log_probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature with the lowest negative log-likelihood (Guo et al. 2017)."""
    grid = np.exp(np.linspace(np.log(0.4), np.log(2.5), 185))
    scores = [measure(scaled(log_probabilities, value), labels)["nll"] for value in grid]
    return float(grid[int(np.argmin(scores))])


def finish(images: np.ndarray, labels: np.ndarray, plan: Plan, folder: Path) -> None:
    """Write the best weights of a run into assets, calibrated.

    The temperature that fits the held-out images best (Guo et al. 2017) is divided into the last layer:
    the classes stay the same, the probabilities become honest.
    """
    _, held = hold_out(labels, plan)
    weights = article_cnn.read_weights(folder / "best.npz")
    model = article_cnn.build()
    article_cnn.set_weights(model, weights)
    temperature = best_temperature(predict(model, images[held]), labels[held])
    print(f"temperature {temperature:.3f}, divided into dense2")
    for part in ("kernel", "bias"):
        weights[f"dense2/{part}"] /= np.float32(temperature)
    article_cnn.write_weights(assets.path("vision", "article_cnn.npz"), weights)


def evaluate(folder: Path, plan: Plan) -> dict[str, float]:
    """The figures of the weights that ship: on the test images, and on the held-out ones."""
    model = article_cnn.load()
    images, labels = read(folder, "test")
    figures = {f"test_{key}": value for key, value in measure(predict(model, images), labels).items()}
    images, labels = read(folder, "train")
    _, held = hold_out(labels, plan)
    predicted = predict(model, images[held])
    figures["validation_accuracy"] = measure(predicted, labels[held])["accuracy"]
    figures["validation_temperature"] = best_temperature(predicted, labels[held])
    return {key: round(value, 4) for key, value in figures.items()}


def main() -> None:
    """Read the command line; train unless told to evaluate; print and write the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder with cifar10_jpeg.npz")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--epochs", type=int, default=Plan.epochs)
    parser.add_argument(
        "--checkpoint", type=Path, default=Path("build/article_cnn"), help="folder of the run"
    )
    parser.add_argument("--make-data", action="store_true", help="download CIFAR-10 into --data and stop")
    parser.add_argument("--evaluate", action="store_true", help="measure the weights that ship and stop")
    parser.add_argument("--finish", action="store_true", help="ship the best weights of --checkpoint so far")
    parser.add_argument("--workers", help="host:port of all who train together, with commas between")
    parser.add_argument("--index", type=int, default=0, help="which of --workers this one is, from 0")
    options = parser.parse_args()
    if options.workers:
        join(options.workers, options.index)
    plan = Plan(epochs=options.epochs, seed=options.seed)
    if options.make_data:
        make_data(options.data)
        return
    if not options.evaluate:
        images, labels = read(options.data, "train")
        options.checkpoint.mkdir(parents=True, exist_ok=True)
        if not options.finish:
            print(json.dumps(asdict(plan)), flush=True)
            for epoch in train(images, labels, plan, options.checkpoint):
                print(json.dumps(asdict(epoch)), flush=True)
        if options.index:  # the first one writes
            return
        finish(images, labels, plan, options.checkpoint)
    figures = evaluate(options.data, plan)
    print(json.dumps(figures, indent=2))
    assets.path("vision", "article_cnn.json").write_text(
        json.dumps(figures, indent=2) + "\n", encoding="utf-8"
    )
    if figures["test_accuracy"] < MUST_REACH:
        raise SystemExit(f"test accuracy {figures['test_accuracy']:.4f} is below {MUST_REACH}")


if __name__ == "__main__":
    main()
