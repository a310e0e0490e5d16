"""What the text models have in common: tokens, what one reading leaves behind, the model itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.types import Floats, ModelCard

Ids = NDArray[np.int32]
LABELS = ("negative", "positive")


@dataclass(frozen=True)
class Token:
    """A piece of the visitor's own text: `text[start:end]`, never broken bytes."""

    id: int  # the row of the embedding
    piece: str  # as it is shown
    start: int
    end: int

    @property
    def span(self) -> tuple[int, int]:
        """(start, end) in the text as it was typed."""
        return self.start, self.end


class Tokenizer(Protocol):
    """Cuts a text into tokens; the ids are the rows of the model's embedding."""

    @property
    def size(self) -> int:
        """How many ids there are."""
        ...

    def encode(self, text: str) -> list[Token]:
        """The tokens of a text as it was typed, in order; [] for a text without anything to read."""
        ...

    def piece(self, id: int) -> str:
        """How the token `id` is shown."""
        ...


@dataclass(frozen=True)
class Inside:
    """What one pass over T tokens leaves behind, float32, from the same pass that gave the logits.

    `states` holds, for a recurrent network, (T, units) each: "hidden" (h_t), and for a GRU also
    "update", "reset" and "candidate". `attention`, `queries`, `keys`, `values` are a Transformer's:
    (layers, heads, T, T), rows sum to 1, and (layers, heads, T, width of a head). `layers` are the
    token vectors after the embedding and after each layer: (1 + layers, T, width).
    """

    logits: Floats  # (2,)
    embeddings: Floats  # (T, width)
    states: Mapping[str, Floats] = field(default_factory=dict)
    layers: Floats | None = None
    attention: Floats | None = None
    queries: Floats | None = None
    keys: Floats | None = None
    values: Floats | None = None


class TextModel(Protocol):
    """A sentiment model: its weights are numpy arrays, read-only, and so is the pass that answers.

    It is also a `Classifier[str]`. The Keras twin (`network`) is what was trained; it gives gradients,
    and the tests hold that both agree to 1e-4.
    """

    name: str
    labels: tuple[str, ...]
    card: ModelCard
    length: int  # tokens read at once; a longer text is read in windows whose logits are averaged
    temperature: float  # the logits are divided by it: the shipped probabilities are calibrated

    @property
    def tokenizer(self) -> Tokenizer: ...

    @property
    def weights(self) -> Mapping[str, Floats]:
        """Named arrays, float32, dequantised once a process."""
        ...

    def predict(self, batch: Sequence[str]) -> Floats:
        """Calibrated probabilities of whole texts, of any length: (n, 2) float32, rows sum to 1."""
        ...

    def logits(self, batch: Sequence[Ids]) -> Floats:
        """Uncalibrated logits (n, 2) of token sequences, each at most `length` long."""
        ...

    def inside(self, ids: Ids) -> Inside:
        """Everything that one pass over at most `length` tokens leaves behind."""
        ...

    def network(self) -> Any:
        """The Keras twin, loaded once a process: (embeddings (n, T, width), mask (n, T)) -> logits (n, 2)."""
        ...
