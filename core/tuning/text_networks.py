"""The text networks that are tuned beyond their head, and what answers when they are.

"last" and "all" tune MiniLM's last two or all six layers; its table of word vectors stays. "scratch" is the
article's network: an embedding, a SimpleRNN and a dense layer, with new random weights and a vocabulary of
the tokens that occur in the training texts. All answer in numpy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import GlassboxError
from core.language import tokenizer, windows
from core.language.types import Ids
from core.tuning import features, image_networks, locked, sentences, steps
from core.tuning.networks import Network
from core.tuning.types import Dataset, Example, Plan, Progress, Tuned
from core.types import Floats
from core.vision.lite import softmax

LAST = 2  # layers that learn in the plan "last"
WIDTH, UNITS = 64, 64  # of the article's network: an embedding's vector, the hidden state
LONGEST = 100  # tokens that the article's network reads
UNKNOWN = 1  # the row of a token that is not in the vocabulary; row 0 is where there is no token
MOST_TOKENS = 8_000  # of the vocabulary
EMBEDDING, TOKENS = "embedding/embeddings", "tokens"


def make(dataset: Dataset, plan: Plan, known: dict[str, Floats]) -> Iterator[Progress | Network]:
    """The network of a plan, ready to learn."""
    if plan.unlocked == "scratch":
        yield _scratch(dataset, plan)
    else:
        yield from _encoder(dataset, plan, known)


# --- the pretrained encoder ---------------------------------------------------------------------------


def _encoder(dataset: Dataset, plan: Plan, known: dict[str, Floats]) -> Iterator[Progress | Network]:
    import keras
    import tensorflow as tf

    from core.language import pretrained, shipped
    from core.language.threads import one_thread

    base = pretrained.load()
    first_layer = pretrained.LAYERS - LAST if plan.unlocked == "last" else 0
    model = pretrained.build(classes=0)
    shipped.set_weights(model, base.weights)
    head = keras.layers.Dense(len(dataset.labels), name="logits")
    head.build((None, sentences.WIDTH))
    start = locked.first_head(dataset, known, plan.seed)
    head.set_weights([start.kernel, start.bias])
    words, mask = model.input
    source = words if first_layer == 0 else model.get_layer(f"norm_b{first_layer - 1}").output
    opened = [f"norm_b{layer}" for layer in range(first_layer, pretrained.LAYERS)]
    opened = opened if first_layer else ["norm", *opened]
    trunk = keras.Model([source, mask], [model.get_layer(name).output for name in opened])

    kept: dict[str, tuple[Floats, Floats]] = {}  # digest -> (T, width), what the first layer that learns
    size = features.TOGETHER["texts"]  # reads, and the means of the depths below
    for first in range(0, len(dataset.examples), size):
        yield Progress("tuning.stage.locked", first, len(dataset.examples))
        some = dataset.examples[first : first + size]
        ids, there = windows.padded([sentences.readable(base, example.text) for example in some])
        if first_layer:
            with one_thread():
                x, below = sentences.through(base, ids, there, first_layer)
        else:
            x, below = base.embed(ids), np.zeros((len(some), 0), np.float32)
        for example, row, means, mask_row in zip(some, x, below, there, strict=True):
            kept[example.digest] = row[: int(mask_row.sum())].copy(), means

    def prepare(examples: Sequence[Example], epoch: int | None) -> list[Floats]:
        rows = [kept[example.digest][0] for example in examples]
        longest = max(map(len, rows))
        inputs = np.zeros((len(rows), longest, pretrained.WIDTH), np.float32)
        there = np.zeros((len(rows), longest), np.float32)
        for place, row in enumerate(rows):
            inputs[place, : len(row)], there[place, : len(row)] = row, 1
        return [inputs, there, np.stack([kept[example.digest][1] for example in examples])]

    def vectors(inputs: Any) -> Any:
        x, there, below = inputs
        return sentences.joined(trunk([x, there], training=False), there, below)

    def forward(inputs: Any, step: Any) -> Any:
        return head(steps.dropped(vectors(inputs), plan.dropout, plan.seed, step))

    yield Network(
        prepare=prepare,
        signature=[
            tf.TensorSpec((None, None, pretrained.WIDTH), tf.float32),
            tf.TensorSpec((None, None), tf.float32),
            tf.TensorSpec((None, (1 + first_layer) * pretrained.WIDTH if first_layer else 0), tf.float32),
        ],
        forward=forward,
        features=vectors,
        variables=[*trunk.trainable_variables, *head.trainable_variables],
        weights=lambda: {
            **shipped.get_weights(model),
            locked.KERNEL: head.kernel.numpy().copy(),
            locked.BIAS: head.bias.numpy().copy(),
        },
        maps=lambda example: None,
        always={},
    )


# --- the article's network ----------------------------------------------------------------------------


def vocabulary(texts: Sequence[str]) -> NDArray[np.int32]:
    """The tokens of the texts, the most frequent first."""
    counts = Counter(id for ids in tokenizer.shared().ids(texts) for id in ids)
    ranked = sorted(counts, key=lambda id: (-counts[id], id))[:MOST_TOKENS]
    return np.array(ranked, np.int32)


def rows_of(text: str, tokens: NDArray[np.int32]) -> Ids:
    """A text as rows of the embedding, at least one: token i of the vocabulary is row i + 2."""
    places = {int(token): place + 2 for place, token in enumerate(tokens)}
    (ids,) = tokenizer.shared().ids([text])
    rows = [places.get(id, UNKNOWN) for id in ids[:LONGEST]]
    return np.array(rows or [UNKNOWN], np.int32)


def build(rows: int, classes: int) -> Any:
    """The article's network with new weights: rows of the embedding (n, T) -> logits (n, classes).

    A row 0 stands where a text is over: the state is kept there.
    """
    import keras
    from keras import layers

    ids = keras.Input((None,), dtype="int32", name="ids")
    x = layers.Embedding(rows, WIDTH, mask_zero=True, name="embedding")(ids)
    x = layers.SimpleRNN(UNITS, recurrent_initializer="orthogonal", name="rnn")(x)
    return keras.Model(ids, layers.Dense(classes, name="logits")(x), name="article_rnn")


def _scratch(dataset: Dataset, plan: Plan) -> Network:
    import keras
    import tensorflow as tf

    training, _ = features.split(dataset)
    tokens = vocabulary([example.text for example in training])
    model = build(len(tokens) + 2, len(dataset.labels))
    hidden = keras.Model(model.input, model.get_layer("rnn").output)
    logits = model.get_layer("logits")
    kept = {example.digest: rows_of(example.text, tokens) for example in dataset.examples}

    def forward(ids: Any, step: Any) -> Any:
        return logits(steps.dropped(hidden(ids), plan.dropout, plan.seed, step))

    return Network(
        prepare=lambda examples, epoch: windows.padded([kept[example.digest] for example in examples])[0],
        signature=tf.TensorSpec((None, None), tf.int32),
        forward=forward,
        features=hidden,
        variables=model.trainable_variables,
        weights=lambda: image_networks.weights_of(model),
        maps=lambda example: None,
        always={TOKENS: tokens},
    )


# --- what answers -------------------------------------------------------------------------------------


class TunedTexts:
    """A network tuned on texts, as plain arrays: it answers without TensorFlow."""

    def __init__(self, tuned: Tuned) -> None:
        self.labels = tuned.labels
        self._tuned = tuned
        self._weights: Mapping[str, Any] = tuned.weights
        self._encoder = None if tuned.plan.unlocked == "scratch" else _tuned_encoder(tuned)

    def predict(self, batch: Sequence[str]) -> Floats:
        """Probabilities (n, classes) of texts; of a long one the beginning is read.

        Raises:
            GlassboxError: a text holds nothing to read.
        """
        if not batch:
            return np.zeros((0, len(self.labels)), np.float32)
        return softmax(self.features(batch) @ self._weights[locked.KERNEL] + self._weights[locked.BIAS])

    def features(self, batch: Sequence[str]) -> Floats:
        """What the last layer reads of texts, (n, width)."""
        if self._encoder is not None:
            rows = [sentences.readable(self._encoder, text) for text in batch]
            return np.concatenate([sentences.vectors(self._encoder, [ids]) for ids in rows])
        return np.stack([self._last_state(text) for text in batch])

    def _last_state(self, text: str) -> Floats:
        """h_t = tanh(W x_t + U h_{t-1} + b), from a state of zeros to the last token."""
        if not text.strip():
            raise GlassboxError("language.error.nothing_to_read")
        weights = self._weights
        state = np.zeros(UNITS, np.float32)
        for x in weights[EMBEDDING][rows_of(text, weights[TOKENS])]:
            state = np.tanh(
                x @ weights["rnn/kernel"] + state @ weights["rnn/recurrent_kernel"] + weights["rnn/bias"]
            )
        return state


def _tuned_encoder(tuned: Tuned) -> Any:
    """The shipped encoder, or another one with the layers that were tuned."""
    from core.language import pretrained

    base = pretrained.load()
    weights: Mapping[str, Any] = tuned.weights
    own = {name: array for name, array in weights.items() if not name.startswith("logits/")}
    return base.with_layers(own) if own else base
