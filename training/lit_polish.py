"""The last part of the tuning: the encoder stays, and what follows it learns on, from all texts at once.

A step of the whole tower costs a second, so the names of the classes are seen too seldom to come close to their
rows. What the encoder says of a text can be kept, and then a step of the projection and of the layer beside it
costs milliseconds. It learns from the encoder as it ships, in int8.

The scale of the captions' loss is not learned here but low: a learned one grows until the few hundred photos are
told apart by heart, and the words of other photos are found less often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.language import windows
from core.lit.towers import HEAD, TextTower
from core.types import Floats
from training.lit_measure import unit

LONGEST = 20  # tokens of a text


@dataclass(frozen=True)
class Polish:
    """Everything that makes one run what it is."""

    seed: int = 3
    steps: int = 500
    rate: float = 1e-3  # at first; it falls to nothing as a cosine
    weight_decay: float = 1e-3
    names: int = 400  # texts of classes in a batch
    others: int = 200  # texts of other nouns
    photos: int = 160  # photos, each with a caption in one of the languages
    name_scale: float = 22.0
    cosine_weight: float = 5.0
    other_weight: float = 0.05  # of a noun against a class's name
    guess_scale: float = 16.0
    caption_weight: float = 0.25
    caption_scale: float = 14.0


@dataclass(frozen=True)
class Lessons:
    """What is learned from: texts, and where they are to point.

    Attributes:
        names, places: texts, and the rows that they name.
        others, guesses: texts, and unit prototypes (n, 1280) of each.
        captions: of each language, five texts a photo.
        views: features (photos, views, 1280).
        centre: (1280,).
        rows: (classes, 1280) unit rows.
    """

    names: list[str]
    places: np.ndarray
    others: list[str]
    guesses: Floats
    captions: Sequence[Sequence[str]]
    views: Floats
    centre: Floats
    rows: Floats


def pooled(tower: TextTower, texts: Sequence[str], batch: int = 128) -> Floats:
    """What the encoder says of texts: (n, 384)."""
    encode = tower.encoder.tokenizer.encode_ids
    ids = [encode(text)[:LONGEST] for text in texts]
    ids = [one if len(one) else np.zeros(1, np.int32) for one in ids]
    order = np.argsort([len(one) for one in ids], kind="stable")
    found = np.zeros((len(ids), len(tower.kernel)), np.float32)
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        found[chosen] = tower.encoder.pooled(*windows.padded([ids[place] for place in chosen]))
    return found


def polish(tower: TextTower, lessons: Lessons, plan: Polish) -> dict[str, Floats]:
    """The arrays `HEAD` of the tower, tuned on. Prints the losses of names, cosines, nouns and captions."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(plan.seed)
    random = np.random.default_rng(plan.seed)
    names, others = pooled(tower, lessons.names), pooled(tower, lessons.others)
    captions = np.stack(
        [pooled(tower, texts).reshape(len(lessons.views), 5, -1) for texts in lessons.captions]
    )
    first = (tower.kernel, tower.bias, tower.beside, tower.beside_bias, tower.across)
    head = [tf.Variable(array) for array in first]
    rates = keras.optimizers.schedules.CosineDecay(plan.rate, plan.steps)
    optimizer = keras.optimizers.AdamW(rates, weight_decay=plan.weight_decay)
    rows = tf.constant(lessons.rows)

    def project(mean: tf.Tensor) -> tf.Tensor:
        kernel, bias, beside, beside_bias, across = head
        steady = mean * tf.math.rsqrt(tf.reduce_mean(mean * mean, axis=1, keepdims=True))
        units = tf.nn.relu(steady @ beside + beside_bias)
        return tf.math.l2_normalize(mean @ kernel + bias + units @ across, axis=1)

    @tf.function(autograph=False)
    def learn(
        named: tf.Tensor,
        place: tf.Tensor,
        noun: tf.Tensor,
        guess: tf.Tensor,
        caption: tf.Tensor,
        shown: tf.Tensor,
        photos: tf.Tensor,
    ) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            texts, nouns, words = project(named), project(noun), project(caption)
            cosines = tf.matmul(texts, rows, transpose_b=True)
            of_names = tf.nn.sparse_softmax_cross_entropy_with_logits(place, plan.name_scale * cosines)
            away = 1 - tf.reduce_sum(texts * tf.gather(rows, place), axis=1)
            alike = tf.nn.softmax(plan.guess_scale * tf.matmul(guess, rows, transpose_b=True))
            said = plan.guess_scale * tf.matmul(nouns, rows, transpose_b=True)
            of_nouns = tf.nn.softmax_cross_entropy_with_logits(alike, said)
            nouns_away = 1 - tf.reduce_sum(nouns * guess, axis=1)
            to_photos = plan.caption_scale * tf.matmul(words, photos, transpose_b=True)
            images = tf.gather(photos, shown)
            to_words = plan.caption_scale * tf.matmul(images, words, transpose_b=True)
            own = tf.range(tf.shape(shown)[0])
            of_captions = tf.nn.sparse_softmax_cross_entropy_with_logits(shown, to_photos)
            of_captions += tf.nn.sparse_softmax_cross_entropy_with_logits(own, to_words)
            parts = [
                tf.reduce_mean(each) for each in (of_names, away, of_nouns + plan.cosine_weight * nouns_away)
            ]
            parts.append(tf.reduce_mean(of_captions) / 2)
            weights = (1.0, plan.cosine_weight, plan.other_weight, plan.caption_weight)
            loss = tf.add_n([weight * part for weight, part in zip(weights, parts, strict=True)])
        optimizer.apply_gradients(zip(tape.gradient(loss, head), head, strict=True))
        return parts

    count, views = lessons.views.shape[:2]
    for step in range(plan.steps):
        chosen = random.integers(len(names), size=plan.names)
        beside = random.integers(len(others), size=plan.others)
        shown = random.choice(count, plan.photos, replace=False).astype(np.int32)
        language = random.integers(len(captions), size=plan.photos)
        words = captions[language, shown, random.integers(5, size=plan.photos)]
        photos = unit(lessons.views[np.arange(count), random.integers(views, size=count)] - lessons.centre)
        places = lessons.places[chosen].astype(np.int32)
        parts = learn(names[chosen], places, others[beside], lessons.guesses[beside], words, shown, photos)
        if step % 100 == 99:
            print("polish", step + 1, [round(float(part), 3) for part in parts], flush=True)
    return {name: variable.numpy() for name, variable in zip(HEAD, head, strict=True)}
