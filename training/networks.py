"""How the small text networks are trained: windows in batches of like lengths, averages, checkpoints.

A text is read as the app reads it: cut into windows, the logits averaged; the loss is taken after the
average, so that a review of ten windows counts once. Its target is partly its label and partly what a
teacher says that has not seen it (the bag of words, fitted on the other folds of the training texts).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.language import recurrent, transformer
from core.language.shipped import Shipped, write_weights
from core.language.tokenizer import UNKNOWN, PairTokenizer
from core.language.windows import averaged, cut
from core.types import Floats, ModelCard

WIDTHS = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)  # tokens to which windows are filled up


JOINS_DROPOUTS = (0.0, 0.1, 0.1, 0.15)  # of the tokenizer, see `PairTokenizer.ids`


@dataclass(frozen=True)
class Plan:
    """How a network is shaped and trained."""

    name: str
    length: int  # tokens of a window
    width: int  # of the embedding
    units: int = 0  # of the recurrent layer
    layers: int = 0  # of the Transformer
    epochs: int = 12
    batch: int = 256  # windows
    tokens: int = 32_768  # of a batch at most, padding included
    learning_rate: float = 2e-3
    warm_up: int = 200  # steps
    weight_decay: float = 0.01
    embedding_dropout: float = 0.3
    dropout: float = 0.3
    forget: float = 0.05  # share of the tokens that a batch shows as unknown
    most_windows: int = 12  # of one text in training
    embedding_from: str = ""  # the network whose trained embedding is begun with; else word vectors
    teacher: float = 0.5  # weight of the teacher against the label
    average: float = 0.999
    patience: int = 4
    seed: int = 0


PLANS = {
    "rnn": Plan("rnn", length=64, width=64, units=128, epochs=6, embedding_from="gru"),
    "gru": Plan("gru", length=128, width=64, units=128, epochs=8),
    "transformer": Plan(
        "transformer",
        length=128,
        width=64,
        layers=2,
        epochs=8,
        learning_rate=1.5e-3,
        dropout=0.1,
        tokens=16_384,
        most_windows=3,
    ),
}


@dataclass(frozen=True)
class Epoch:
    """What a run has come to: accuracies of the averaged weights on the held-out sets."""

    number: int
    loss: float
    accuracy: dict[str, float]
    best: bool
    seconds: float


@dataclass(frozen=True)
class Batch:
    """Windows side by side; window w belongs to text owner[w] of the batch."""

    ids: np.ndarray  # (windows, T) int32
    lengths: np.ndarray  # (windows,) int32
    owner: np.ndarray  # (windows,) int32
    target: np.ndarray  # (windows,) probability of "positive" of each text, then zeros
    weight: np.ndarray  # (windows,) 1 where there is a text


def use_threads(count: int) -> None:
    """Leave the other processors to others; before TensorFlow has computed anything."""
    import tensorflow as tf

    os.environ["RAYON_NUM_THREADS"] = str(count)  # the tokenizer's
    tf.config.threading.set_intra_op_parallelism_threads(count)
    tf.config.threading.set_inter_op_parallelism_threads(count)


def model_of(plan: Plan, weights: dict[str, Floats]) -> Shipped:
    """The model as the app has it, with these weights."""
    card = ModelCard(plan.name, (plan.length,), 0, "", "", "")
    kinds: dict[str, Any] = {
        "rnn": recurrent.SimpleRecurrent,
        "gru": recurrent.Gated,
        "transformer": transformer.Transformer,
    }
    return kinds[plan.name](plan.name, weights, card, 1.0)  # type: ignore[no-any-return]


def build(plan: Plan) -> Any:
    """The Keras network of a plan."""
    if plan.name == "transformer":
        shape = transformer.Shape(plan.length, plan.width, layers=plan.layers, inner=2 * plan.width)
        return transformer.build(shape, plan.dropout)
    return recurrent.build(plan.name, plan.width, plan.units, plan.dropout)


def batches(
    texts: Sequence[np.ndarray], target: np.ndarray, plan: Plan, random: np.random.Generator
) -> list[Batch]:
    """All texts once, in batches of windows of like lengths, in random order."""
    waiting: dict[int, list[tuple[int, list[np.ndarray]]]] = {width: [] for width in WIDTHS}
    filled = dict.fromkeys(WIDTHS, 0)
    made: list[Batch] = []

    def flush(width: int) -> None:
        room = min(plan.batch, plan.tokens // width)
        ids, lengths = np.zeros((room, width), np.int32), np.ones(room, np.int32)
        owner, goal, weight = (
            np.full(room, room - 1, np.int32),
            np.zeros(room, np.float32),
            np.zeros(room, np.float32),
        )
        row = 0
        for number, (text, windows) in enumerate(waiting[width]):
            goal[number], weight[number] = target[text], 1
            for window in windows:
                ids[row, : len(window)], lengths[row], owner[row] = window, len(window), number
                row += 1
        made.append(Batch(ids, lengths, owner, goal, weight))
        waiting[width], filled[width] = [], 0

    for text in random.permutation(len(texts)):
        if not len(texts[text]):
            continue
        windows = cut(texts[text], plan.length)
        if len(windows) > plan.most_windows:
            windows = [windows[i] for i in np.sort(random.permutation(len(windows))[: plan.most_windows])]
        width = next(w for w in WIDTHS if w >= len(windows[0]))
        if (
            filled[width] + len(windows) > min(plan.batch, plan.tokens // width) - 1
        ):  # the last row is for nobody
            flush(width)
        waiting[width].append((int(text), windows))
        filled[width] += len(windows)
    for width in WIDTHS:
        if waiting[width]:
            flush(width)
    random.shuffle(made)  # type: ignore[arg-type]
    return made


def encodings(texts: Sequence[str], tokenizer: PairTokenizer, folder: Path) -> list[list[np.ndarray]]:
    """The ids of all texts, cut in several ways: an epoch takes the next one. Made once a folder."""
    ways = []
    for number, dropout in enumerate(JOINS_DROPOUTS):
        file = folder / f"encoded{number}.npz"
        if not file.exists():
            rows = tokenizer.ids(texts, dropout)
            flat = np.fromiter((id for row in rows for id in row), np.uint16)
            np.savez(file, ids=flat, ends=np.cumsum([len(row) for row in rows]))
        with np.load(file, allow_pickle=False) as stored:
            ways.append(np.split(stored["ids"].astype(np.int32), stored["ends"][:-1]))
    return ways


def train(
    ways: Sequence[Sequence[np.ndarray]],
    target: np.ndarray,
    held_out: dict[str, tuple[Sequence[str], np.ndarray]],
    plan: Plan,
    folder: Path,
    tokenizer: PairTokenizer,
    begin: Callable[[], np.ndarray],
) -> Iterator[Epoch]:
    """Train, an epoch at a time; `folder/best.npz` holds the averaged weights that did best held out.

    A run that was stopped goes on after its last whole epoch when it is given the same folder.

    Args:
        ways: of `encodings`.
        target: (n,) probability of "positive" of each text, already mixed with the teacher's.
        held_out: name -> texts and labels that choose the best epoch.
        begin: gives the embedding to begin with, (pieces, width).
    """
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(plan.seed)
    network = build(plan)
    embedding = tf.Variable(begin(), name="embedding")
    variables = [embedding, *network.trainable_variables]
    held = {
        name: ([np.array(ids, np.int32) for ids in tokenizer.ids(some)], labels)
        for name, (some, labels) in held_out.items()
    }
    steps = len(batches(ways[0], target, plan, np.random.default_rng(0)))
    schedule = keras.optimizers.schedules.CosineDecay(
        plan.learning_rate / 50,
        decay_steps=max(1, int(1.05 * steps * plan.epochs) - plan.warm_up),
        warmup_target=plan.learning_rate,
        warmup_steps=plan.warm_up,
    )
    averages = [tf.Variable(tf.convert_to_tensor(v), trainable=False) for v in variables]
    moments = [(tf.Variable(tf.zeros_like(a)), tf.Variable(tf.zeros_like(a))) for a in averages]
    decays = [0.0 if len(v.shape) < 2 else plan.weight_decay for v in variables]

    def read(ids: Any, lengths: Any, owner: Any, training: bool) -> Any:
        mask = tf.sequence_mask(lengths, tf.shape(ids)[1])
        if training:
            forgotten = tf.random.uniform(tf.shape(ids)) < plan.forget
            ids = tf.where(forgotten, UNKNOWN, ids)
        x = tf.gather(embedding, ids)
        if training:
            x = tf.nn.dropout(x, plan.embedding_dropout)
        logits = network([x, tf.cast(mask, network.inputs[1].dtype)], training=training)
        room = tf.shape(ids)[0]
        count = tf.math.unsorted_segment_sum(tf.ones_like(logits[:, :1]), owner, room)
        return tf.math.unsorted_segment_sum(logits, owner, room) / tf.maximum(count, 1)

    @tf.function(jit_compile=True, reduce_retracing=False)
    def step(ids: Any, lengths: Any, owner: Any, goal: Any, weight: Any, number: Any, rate: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = read(ids, lengths, owner, training=True)
            losses = tf.nn.sigmoid_cross_entropy_with_logits(goal, logits[:, 1] - logits[:, 0])
            loss = tf.reduce_sum(losses * weight) / tf.reduce_sum(weight)
        gradients = [tf.convert_to_tensor(g) for g in tape.gradient(loss, variables)]
        size = tf.sqrt(tf.add_n([tf.reduce_sum(g * g) for g in gradients]))
        shrink = 1 / tf.maximum(1.0, size)
        average = tf.minimum(plan.average, (1 + number) / (10 + number))
        for variable, gradient, (first, second), mean, decay in zip(
            variables, gradients, moments, averages, decays, strict=True
        ):  # AdamW
            gradient *= shrink
            first.assign(0.9 * first + 0.1 * gradient)
            second.assign(0.999 * second + 0.001 * gradient * gradient)
            change = (
                first / (1 - tf.pow(0.9, number)) / (tf.sqrt(second / (1 - tf.pow(0.999, number))) + 1e-7)
            )
            variable.assign_sub(rate * (change + decay * tf.convert_to_tensor(variable)))
            mean.assign(average * mean + (1 - average) * tf.convert_to_tensor(variable))
        return loss

    epoch, best, stale = tf.Variable(0), tf.Variable(0.0), tf.Variable(0)
    state = tf.train.Checkpoint(
        network=network,
        embedding=embedding,
        moments=moments,
        averages=averages,
        epoch=epoch,
        best=best,
        stale=stale,
    )
    manager = tf.train.CheckpointManager(state, str(folder / "state"), max_to_keep=1)
    state.restore(manager.latest_checkpoint)
    names = [
        "embedding",
        *(f"{layer.name}/{v.name}" for layer in network.layers for v in layer.trainable_variables),
    ]
    while int(epoch) < plan.epochs and int(stale) < plan.patience:
        started, number = time.monotonic(), int(epoch) + 1
        random = np.random.default_rng([plan.seed, number])
        losses = []
        done = (number - 1) * steps
        for batch in batches(ways[number % len(ways)], target, plan, random):
            done += 1
            loss = step(
                batch.ids,
                batch.lengths,
                batch.owner,
                batch.target,
                batch.weight,
                tf.constant(float(done)),
                tf.cast(schedule(done), tf.float32),
            )
            losses.append(loss)
        mean_loss = float(np.mean([float(loss) for loss in losses]))
        if not np.isfinite(mean_loss):
            raise FloatingPointError(f"the loss is {mean_loss} in epoch {number}")
        weights = {name: average.numpy() for name, average in zip(names, averages, strict=True)}
        model = model_of(plan, weights)
        accuracy = {name: measured(model, ids, labels) for name, (ids, labels) in held.items()}
        mean_accuracy = float(np.mean(list(accuracy.values())))
        better = mean_accuracy > float(best)
        if better:
            write_weights(folder / "best.npz", weights)
            best.assign(mean_accuracy)
        stale.assign(0 if better else int(stale) + 1)
        epoch.assign(number)
        manager.save()
        yield Epoch(number, mean_loss, accuracy, better, time.monotonic() - started)


def measured(model: Shipped, texts: Sequence[np.ndarray], labels: np.ndarray) -> float:
    """The accuracy of a model on texts of tokens."""
    logits = averaged(model.logits, texts, model.length)
    return round(float(np.mean(logits.argmax(axis=1) == labels)), 4)
