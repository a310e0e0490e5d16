"""How the language models are trained: steps, averaged weights, checkpoints, early stopping.

Muon turns the gradient of a matrix into a step that moves all its directions equally fast (Jordan et al.,
"Muon: an optimizer for hidden layers in neural networks", 2024); vectors and the embedding learn by AdamW.
The matrix products are done in bfloat16, which a recent processor does several times faster.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.language.shipped import get_weights
from core.types import Floats

BFLOAT16 = "mixed_bfloat16"


@dataclass(frozen=True)
class Plan:
    """How long and how fast a network learns."""

    steps: int
    learning_rate: float = 2e-3  # reached after the warm-up, then down as a cosine to a twentieth
    warm_up: int = 100  # steps
    weight_decay: float = 0.1
    dropout: float = 0.2
    average: float = 0.998  # share of the old in the averaged weights, at a step
    every: int = 100  # steps between two looks at the held-out texts, and between two checkpoints
    patience: int = 5  # looks without a better one, after which the run ends
    smoothing: float = 0.0  # of the labels
    seed: int = 0


@dataclass(frozen=True)
class Look:
    """A look at the held-out texts: losses in nats a token, of the averaged weights."""

    step: int
    loss: float  # mean of the training steps since the last look
    held_out: float
    best: bool
    seconds: float  # a step, all told


@dataclass(frozen=True)
class Batch:
    """Token sequences side by side: `goal` is what comes after `ids`, and counts where `weight` is 1."""

    ids: np.ndarray  # (n, T) int32
    goal: np.ndarray  # (n, T) int32
    weight: np.ndarray  # (n, T) float32


def begin(seed: int, threads: int) -> None:
    """Set seeds, threads and the number format, before a network is built."""
    import keras
    import tensorflow as tf

    os.environ["RAYON_NUM_THREADS"] = str(threads)  # the tokenizer's
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(BFLOAT16)


def learn(
    network: Any, batches: Callable[[int], Batch], held_out: list[Batch], plan: Plan, folder: Path
) -> Iterator[Look]:
    """Train; `folder/best.npz` holds the averaged weights that did best on the held-out texts.

    A run that was stopped goes on after its last checkpoint when it is given the same folder.

    Args:
        network: ids (n, T) -> logits (n, T, tokens).
        batches: the batch of a step, by its number from 1: the same batch for the same number.
        held_out: what is looked at, in batches.
    """
    import keras
    import tensorflow as tf

    variables = network.trainable_variables
    optimizer = keras.optimizers.Muon(
        plan.learning_rate,
        weight_decay=plan.weight_decay,
        adam_weight_decay=plan.weight_decay,
        adam_beta_2=0.99,
        global_clipnorm=1.0,
    )
    optimizer.build(variables)
    averages = [tf.Variable(v.value, trainable=False) for v in variables]

    def losses(ids: Any, goal: Any, weight: Any, training: bool) -> tuple[Any, Any]:
        logits = network(ids, training=training)
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(goal, logits)
        if training and plan.smoothing:
            flat = tf.reduce_logsumexp(logits, axis=-1) - tf.reduce_mean(logits, axis=-1)
            each = (1 - plan.smoothing) * each + plan.smoothing * flat
        return tf.reduce_sum(each * weight), tf.reduce_sum(weight)

    @tf.function(reduce_retracing=True)
    def step(ids: Any, goal: Any, weight: Any, keep: Any) -> Any:
        with tf.GradientTape() as tape:
            total, count = losses(ids, goal, weight, training=True)
            loss = total / count
        optimizer.apply(tape.gradient(loss, variables), variables)
        for average, variable in zip(averages, variables, strict=True):
            average.assign(keep * average + (1 - keep) * variable.value)
        return loss

    look = tf.function(lambda ids, goal, weight: losses(ids, goal, weight, False), reduce_retracing=True)
    done, best, stale = tf.Variable(0), tf.Variable(np.float32(np.inf)), tf.Variable(0)
    state = tf.train.Checkpoint(
        network=[v.value for v in network.variables],
        optimizer=[v.value for v in optimizer.variables],
        averages=averages,
        done=done,
        best=best,
        stale=stale,
    )
    manager = tf.train.CheckpointManager(state, str(folder / "state"), max_to_keep=1)
    state.restore(manager.latest_checkpoint)
    recent: list[Any] = []
    begun = time.monotonic()
    while int(done) < plan.steps and int(stale) < plan.patience:
        number = int(done) + 1
        optimizer.learning_rate = plan.learning_rate * share(number, plan)
        batch = batches(number)
        keep = min(plan.average, (1 + number) / (10 + number))
        recent.append(step(batch.ids, batch.goal, batch.weight, tf.constant(keep, tf.float32)))
        done.assign(number)
        if number % plan.every and number < plan.steps:
            continue
        seconds = (time.monotonic() - begun) / len(recent)
        loss = float(np.mean([float(one) for one in recent]))
        if not np.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss} at step {number}")
        learned = [v.numpy() for v in variables]
        for variable, average in zip(variables, averages, strict=True):
            variable.assign(average)
        sums = [look(one.ids, one.goal, one.weight) for one in held_out]
        found = float(sum(float(total) for total, _ in sums) / sum(float(count) for _, count in sums))
        better = found < float(best)
        if better:
            best.assign(found)
            write_best(folder / "best.npz", get_weights(network))
        for variable, value in zip(variables, learned, strict=True):
            variable.assign(value)
        stale.assign(0 if better else int(stale) + 1)
        manager.save()
        yield Look(number, loss, found, better, seconds)
        recent, begun = [], time.monotonic()


def share(number: int, plan: Plan) -> float:
    """The share of the learning rate at a step: up over the warm-up, then down as a cosine."""
    if number <= plan.warm_up:
        return number / plan.warm_up
    gone = (number - plan.warm_up) / max(1, plan.steps - plan.warm_up)
    return 0.05 + 0.95 * 0.5 * (1 + float(np.cos(np.pi * min(1.0, gone))))


def write_best(file: Path, weights: dict[str, Floats]) -> None:
    """Put the weights in the place of those before, float32, whole or not at all."""
    fresh = file.with_name("fresh.npz")
    np.savez(fresh, **{key: values.astype(np.float32) for key, values in weights.items()})
    fresh.replace(file)
