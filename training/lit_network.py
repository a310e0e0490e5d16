"""The text tower in training: MiniLM's layers, a projection, the losses, AdamW, a moving average, checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.language import pretrained, shipped
from core.types import Floats

FADE, SQUARED_FADE = 0.9, 0.98  # of Adam's moments
GUESS_SCALE = 16.0  # of the softmax over the rows by which a guess is learned
BUCKETS = (5, 9, 14, 20)  # tokens
EMBEDDING, KERNEL, BIAS = "embedding", "projection/kernel", "projection/bias"
BESIDE, BESIDE_BIAS, ACROSS = "beside/kernel", "beside/bias", "across/kernel"


@dataclass(frozen=True)
class Plan:
    """Everything that makes one run what it is."""

    seed: int = 7
    steps: int = 1600
    warm_up: float = 0.08  # share of the steps over which the rate rises; then it falls as a cosine
    rate: float = 1.2e-4  # of the uppermost layer
    layer_decay: float = 0.88  # each layer below learns this much slower
    word_rate: float = 1.5e-4  # of MiniLM's own word vectors
    new_rate: float = 1e-3  # of the Chinese ones
    projection_rate: float = 6e-4
    beside_rate: float = 1e-3  # of the layer beside the projection
    units: int = 640  # of that layer
    weight_decay: float = 0.02
    dropout: float = 0.1
    average: float = 0.995  # decay of the moving average
    names: int = 144  # names of classes in a batch
    others: int = 64  # other nouns in a batch
    photos: int = 80  # photos in a batch, with a caption in each language
    caption_weight: float = 0.35
    other_weight: float = 0.5  # of a noun against a class's name
    cosine_weight: float = 5.0  # at 1 the names find their rows, and stay far from them
    smooth: float = 0.15  # share of the target that goes to classes whose rows are alike


def rate_at(step: int, plan: Plan) -> float:
    """The share of the full learning rate at a step: up to one and down to nothing (Smith & Topin 2018)."""
    done = step / plan.steps
    if done < plan.warm_up:
        return (step + 1) / (plan.warm_up * plan.steps + 1)
    return 0.5 * (1 + np.cos(np.pi * (done - plan.warm_up) / (1 - plan.warm_up)))


def padded(sequences: Sequence[np.ndarray], width: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Ids (n, T) int32 and mask (n, T) float32, T at least `width`."""
    longest = max(width, *(len(sequence) for sequence in sequences)) if sequences else max(width, 1)
    ids = np.zeros((len(sequences), longest), np.int32)
    mask = np.zeros(ids.shape, np.float32)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return ids, mask


def bucketed(sequences: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """Texts in batches of like lengths, so that little is computed for padding: ids and mask of each, and last
    the places (n,) that bring the rows of all batches, one after the other, into the order of `sequences`.
    """
    lengths = np.array([len(sequence) for sequence in sequences])
    bucket = np.searchsorted(BUCKETS[:-1], lengths)
    order = np.argsort(bucket, kind="stable")
    found: list[np.ndarray] = []
    for number, width in enumerate(BUCKETS):
        found += padded([sequences[place] for place in order if bucket[place] == number], width)
    return *found, np.argsort(order).astype(np.int32)


class Tower:
    """The text tower as it learns.

    Args:
        weights: MiniLM's layers by name.
        embedding: first word vectors (pieces, 384), of which the first `old` are MiniLM's own.
        projection: first kernel (384, width) and bias (width,).
        rows: unit prototypes (classes, width) that names are to find.
    """

    def __init__(
        self,
        plan: Plan,
        weights: dict[str, Floats],
        embedding: Floats,
        old: int,
        projection: tuple[Floats, Floats],
        rows: Floats,
    ) -> None:
        import keras
        import tensorflow as tf

        self.plan, self.step = plan, 0
        keras.utils.set_random_seed(plan.seed)
        keras.config.set_dtype_policy("mixed_bfloat16")
        self.network = pretrained.build(dropout=plan.dropout, classes=0, approximate=True)
        keras.config.set_dtype_policy("float32")
        shipped.set_weights(self.network, weights)
        self.names = list(shipped.get_weights(self.network))
        layers = [
            variable.value
            for layer in self.network.layers
            for variable in layer.weights
            if "seed" not in variable.name
        ]
        self.table = tf.Variable(embedding)
        self.kernel, self.bias = tf.Variable(projection[0]), tf.Variable(projection[1])
        self.scales = tf.Variable([np.log(20.0), np.log(20.0)], dtype=tf.float32)  # of names, of captions
        width = pretrained.WIDTH
        into = np.random.default_rng(plan.seed).normal(0, width**-0.5, (width, plan.units))
        self.beside, self.beside_bias = (
            tf.Variable(into.astype(np.float32)),
            tf.Variable(tf.zeros(plan.units)),
        )
        self.across = tf.Variable(tf.zeros((plan.units, rows.shape[1])))
        head = [self.kernel, self.bias, self.beside, self.beside_bias, self.across]
        self.variables = [*layers, self.table, *head, self.scales]
        self.names += [EMBEDDING, KERNEL, BIAS, BESIDE, BESIDE_BIAS, ACROSS, "scales"]
        row_rates = np.full((len(embedding), 1), plan.word_rate, np.float32)
        row_rates[old:] = plan.new_rate
        self.rates = [self._rate(name, row_rates) for name in self.names]
        self.first = [tf.Variable(tf.zeros_like(variable)) for variable in self.variables]
        self.second = [tf.Variable(tf.zeros_like(variable)) for variable in self.variables]
        self.means = [tf.Variable(tf.convert_to_tensor(variable)) for variable in self.variables]
        self.rows = tf.constant(rows)
        alike = rows @ rows.T
        alike[np.arange(len(rows)), np.arange(len(rows))] = -1
        alike = np.exp(12 * alike)
        self.alike = tf.constant(alike / alike.sum(axis=1, keepdims=True))
        text = [tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None, None), tf.float32)]
        vectors = tf.TensorSpec((None, rows.shape[1]), tf.float32)
        places = tf.TensorSpec((None,), tf.int32)
        number = tf.TensorSpec((), tf.float32)
        self._learn = tf.function(
            self._update,
            input_signature=[
                *(text * len(BUCKETS)),
                places,
                places,
                vectors,
                places,
                vectors,
                number,
                number,
            ],
            autograph=False,
        )
        self._forward = tf.function(
            lambda ids, mask: self._embedded(ids, mask, False), input_signature=text, autograph=False
        )

    def _rate(self, name: str, row_rates: Floats) -> Any:
        """A layer's own learning rate: the lower, the slower."""
        if name == EMBEDDING:
            return row_rates
        if name in (KERNEL, BIAS):
            return self.plan.projection_rate
        if name in (BESIDE, BESIDE_BIAS, ACROSS):
            return self.plan.beside_rate
        if name == "scales":
            return 1e-3
        digits = "".join(character for character in name.split("/")[0] if character.isdigit())
        depth = int(digits) + 1 if digits else 0
        return self.plan.rate * self.plan.layer_decay ** (pretrained.LAYERS - depth)

    def _embedded(self, ids: Any, mask: Any, training: bool) -> Any:
        """Unit text embeddings: ids (n, T), mask (n, T) -> (n, width)."""
        import tensorflow as tf

        pooled = self.network([tf.gather(self.table, ids), mask], training=training)
        steady = pooled * tf.math.rsqrt(tf.reduce_mean(pooled * pooled, axis=1, keepdims=True))
        units = tf.nn.relu(tf.matmul(steady, self.beside) + self.beside_bias)
        found = tf.matmul(pooled, self.kernel) + self.bias + tf.matmul(units, self.across)
        return tf.math.l2_normalize(found, axis=1)

    def _update(self, *batch: Any) -> Any:
        """One step of AdamW.

        The texts are names of `classes`, then other nouns; `wanted` are the prototypes of both; then English and
        Chinese captions of the photos `shown` among `photos`.
        """
        import tensorflow as tf

        *texts, back, classes, wanted, shown, photos, share, step = batch
        names, both, captions = tf.shape(classes)[0], tf.shape(wanted)[0], tf.shape(shown)[0]
        with tf.GradientTape() as tape:
            name_scale = tf.exp(tf.minimum(self.scales[0], np.log(60.0)))
            caption_scale = tf.exp(tf.minimum(self.scales[1], np.log(60.0)))
            parts = [
                self._embedded(ids, mask, True) for ids, mask in zip(texts[::2], texts[1::2], strict=True)
            ]
            every = tf.gather(tf.concat(parts, 0), back)
            named = every[:both]
            cosines = tf.matmul(named, self.rows, transpose_b=True)
            hard = tf.one_hot(classes, self.rows.shape[0])
            soft = (1 - self.plan.smooth) * hard + self.plan.smooth * tf.gather(self.alike, classes)
            of_names = tf.nn.softmax_cross_entropy_with_logits(soft, name_scale * cosines[:names])
            guessed = tf.nn.softmax(GUESS_SCALE * tf.matmul(wanted[names:], self.rows, transpose_b=True))
            of_others = tf.nn.softmax_cross_entropy_with_logits(guessed, GUESS_SCALE * cosines[names:])
            weight = tf.concat([tf.ones_like(of_names), self.plan.other_weight * tf.ones_like(of_others)], 0)
            away = self.plan.cosine_weight * (1 - tf.reduce_sum(named * wanted, axis=1))
            loss = tf.reduce_mean(weight * (tf.concat([of_names, of_others], 0) + away))
            images = tf.gather(photos, shown)
            losses = []
            for words in (every[both : both + captions], every[both + captions :]):
                to_photos = caption_scale * tf.matmul(words, photos, transpose_b=True)
                losses.append(tf.nn.sparse_softmax_cross_entropy_with_logits(shown, to_photos))
                to_words = caption_scale * tf.matmul(images, words, transpose_b=True)
                losses.append(tf.nn.sparse_softmax_cross_entropy_with_logits(tf.range(captions), to_words))
            caption_loss = tf.reduce_mean(tf.stack(losses))
            total = loss + self.plan.caption_weight * caption_loss
        for variable, gradient, first, second, mean, rate in zip(
            self.variables,
            tape.gradient(total, self.variables),
            self.first,
            self.second,
            self.means,
            self.rates,
            strict=True,
        ):
            gradient = tf.clip_by_norm(tf.convert_to_tensor(gradient), 1.0)
            first.assign(FADE * first + (1 - FADE) * gradient)
            second.assign(SQUARED_FADE * second + (1 - SQUARED_FADE) * gradient * gradient)
            change = first / (1 - FADE**step) / (tf.sqrt(second / (1 - SQUARED_FADE**step)) + 1e-8)
            if len(variable.shape) > 1:
                change += self.plan.weight_decay * tf.convert_to_tensor(variable)
            variable.assign_sub(share * rate * change)
            decay = tf.minimum(self.plan.average, step / (step + 30))
            mean.assign(decay * mean + (1 - decay) * variable)
        return loss, caption_loss

    def learn(self, *batch: Any) -> tuple[float, float]:
        """One step; the losses of names and of captions."""
        share, step = np.float32(rate_at(self.step, self.plan)), np.float32(self.step + 1)
        names, captions = self._learn(*batch, share, step)
        self.step += 1
        if not np.isfinite(float(names) + float(captions)):
            raise FloatingPointError(f"the losses are {names} and {captions} at step {self.step}")
        return float(names), float(captions)

    def averaged(self) -> dict[str, Floats]:
        """The moving average of every array, by name."""
        return {name: mean.numpy() for name, mean in zip(self.names, self.means, strict=True)}

    def embed(self, sequences: Sequence[np.ndarray], tokens: int = 4096) -> Floats:
        """Unit embeddings (n, width) by the averaged weights."""
        kept = [variable.numpy() for variable in self.variables]
        for variable, mean in zip(self.variables, self.means, strict=True):
            variable.assign(mean)
        found = np.zeros((len(sequences), self.rows.shape[1]), np.float32)
        order = np.argsort([len(ids) for ids in sequences], kind="stable")
        start = 0
        while start < len(order):
            end = min(len(order), start + max(8, tokens // (len(sequences[order[start]]) + 4)))
            chosen = order[start:end]
            found[chosen] = self._forward(*padded([sequences[place] for place in chosen])).numpy()
            start = end
        for variable, value in zip(self.variables, kept, strict=True):
            variable.assign(value)
        return found

    def save(self, folder: Path) -> None:
        """A checkpoint that takes the place of the one before it when it is whole."""
        arrays = {"step": np.array(self.step)}
        for place, group in enumerate(zip(self.variables, self.first, self.second, self.means, strict=True)):
            for kind, variable in zip(("value", "first", "second", "mean"), group, strict=True):
                arrays[f"{place}/{kind}"] = variable.numpy()
        np.savez(folder / "new.npz", **arrays)  # type: ignore[arg-type]
        (folder / "new.npz").replace(folder / "checkpoint.npz")

    def restore(self, folder: Path) -> None:
        """Go on from the checkpoint, if there is one."""
        if not (folder / "checkpoint.npz").exists():
            return
        with np.load(folder / "checkpoint.npz", allow_pickle=False) as arrays:
            for place, group in enumerate(
                zip(self.variables, self.first, self.second, self.means, strict=True)
            ):
                for kind, variable in zip(("value", "first", "second", "mean"), group, strict=True):
                    variable.assign(arrays[f"{place}/{kind}"])
            self.step = int(arrays["step"])
