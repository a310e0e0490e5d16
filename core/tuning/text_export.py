"""A network tuned on texts as a Keras network of its own: token numbers in, probabilities out."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.language import shipped, tokenizer
from core.language.pretrained import EMBEDDING, LAYERS, build, load
from core.tuning import image_networks, locked, sentences, text_networks
from core.tuning.types import Tuned

PADDING = 1  # the encoder's token that fills a text up
ROWS = 2  # of the article's network before its vocabulary: where a text is over, and what is not known


def vocabulary(found: Tuned) -> dict[str, int]:
    """The number of each token; 0 is the unknown one of the encoder, 1 that of the article's network."""
    if found.plan.unlocked != "scratch":
        encoder: Any = load().tokenizer
        return {piece: number for number, piece in enumerate(encoder.pieces)}
    pieces, weights = tokenizer.shared(), dict(found.weights)
    return {pieces.piece(int(id)): row + ROWS for row, id in enumerate(weights[text_networks.TOKENS])}


def network(found: Tuned) -> Any:
    """Token numbers (n, T) int32 -> probabilities (n, classes), of plain Keras layers alone.

    A shorter text is filled up with `PADDING`, in the article's network with 0.
    """
    return _scratch(found) if found.plan.unlocked == "scratch" else _encoder(found)


def _scratch(found: Tuned) -> Any:
    import keras

    rows = len(found.weights[text_networks.TOKENS]) + ROWS
    model = text_networks.build(rows, len(found.labels))
    image_networks.set_weights(model, found.weights)
    return keras.Model(model.input, keras.layers.Softmax(name="probabilities")(model.output), name="tuned")


def _encoder(found: Tuned) -> Any:
    import keras
    from keras import layers, ops

    base = load()
    inner = build(classes=0)
    shipped.set_weights(inner, {**base.weights, **found.weights})  # type: ignore[dict-item]
    table = base.weights[EMBEDDING]
    ids = keras.Input((None,), dtype="int32", name="tokens")
    there = ops.cast(ops.not_equal(ids, PADDING), "float32")
    embedding = layers.Embedding(*table.shape, name=EMBEDDING)
    words = embedding(ids)
    embedding.set_weights([table])
    embedding.quantize("int8")  # as it is stored: a quarter of the size
    depths = ["norm", *(f"norm_b{layer}" for layer in range(LAYERS))]
    trunk = keras.Model(inner.input, [inner.get_layer(name).output for name in depths], name="encoder")
    head = layers.Dense(len(found.labels), activation="softmax", name="probabilities")
    model = keras.Model(ids, head(sentences.joined(trunk([words, there]), there)), name="tuned")
    head.set_weights([np.asarray(found.weights[name]) for name in (locked.KERNEL, locked.BIAS)])
    return model
