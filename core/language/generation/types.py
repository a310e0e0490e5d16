"""What the language models have in common: a vocabulary, a model, a reader that goes along with a text."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, TypeAlias

import numpy as np

from core.language.types import Ids, Token
from core.types import Floats, ModelCard

Kind: TypeAlias = Literal["ngram", "gru", "transformer"]
KINDS: tuple[Kind, ...] = ("ngram", "gru", "transformer")


class Vocabulary(Protocol):
    """The tokens of a language model. Special tokens have ids, and no text encodes to them."""

    @property
    def size(self) -> int:
        """How many ids there are."""
        ...

    @property
    def specials(self) -> Mapping[str, int]:
        """Special tokens by name ("end", "zh_positive", "five_8", ...): never met in a text."""
        ...

    @property
    def end(self) -> int | None:
        """The token after which a text is over, if the model knows one."""
        ...

    def encode(self, text: str) -> list[Token]:
        """The tokens of a text as it was typed, in order, with their spans; [] if there is nothing to read."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text that tokens spell; special tokens spell nothing."""
        ...

    def piece(self, id: int) -> str:
        """How a token is shown: its characters; "<name>" for a special one; "⁇" for the unknown."""
        ...

    def is_special(self, id: int) -> bool:
        """Whether an id is a special token (the unknown is none)."""
        ...


@dataclass(frozen=True)
class Inside:
    """What one pass over T tokens leaves behind, float32, from the same pass that gave the logits.

    `layers` and `attention` are a Transformer's: the token vectors after the embedding and after each layer,
    and what each token read, in each layer and head: row i is token i's, sums to 1, and is 0 behind i.
    `states` are a GRU's: "hidden", "update", "reset", "candidate".
    """

    logits: Floats  # (T, tokens): the scores of what comes after each token
    layers: Floats | None = None  # (1 + layers, T, width)
    attention: Floats | None = None  # (layers, heads, T, T)
    states: Mapping[str, Floats] = field(default_factory=dict)  # (T, units) each


class Reader(ABC):
    """A model that reads along: what it has read, and its scores of the token that comes next.

    Made by `LanguageModel.begin`. Not to be shared by two threads.
    """

    ids: list[int]  # all that was read
    logits: Floats  # (tokens,): scores of the next token; softmax of them is the model's distribution

    @abstractmethod
    def read(self, id: int) -> None:
        """Read one more token."""

    @abstractmethod
    def back(self, count: int = 1) -> None:
        """Forget the last tokens again; at least one is kept.

        Raises:
            ValueError: more than there are.
        """


class LanguageModel(ABC):
    """A model that gives a probability to every token as the next one. May be used by several threads."""

    kind: ClassVar[Kind]

    def __init__(self, training: str, vocabulary: Vocabulary, card: ModelCard) -> None:
        self.training = training  # what it has learned from: "reviews", "poems", or "own"
        self.vocabulary = vocabulary
        self.card = card
        self.context = card.input_size[0]  # tokens that it looks back at most; 0: all

    @abstractmethod
    def blocks(self, ids: Ids) -> Iterator[Floats]:
        """Scores (t, tokens) of what comes after each of T tokens, some at a time, t of them; T at least 1.

        softmax of a row is a distribution; the n-gram's rows are log-probabilities already.
        """

    def logits(self, ids: Ids) -> Floats:
        """The scores of `blocks` together: (T, tokens)."""
        return np.concatenate(list(self.blocks(ids)))

    @abstractmethod
    def begin(self, ids: Sequence[int], *, cached: bool = True) -> Reader:
        """A reader that has read these tokens, at least one.

        Args:
            ids: special tokens first, if any.
            cached: False computes everything anew with each token, to the same logits: for comparison.
        """

    def leading(self, ids: Sequence[int] | Ids) -> int:
        """How many of the first tokens stay in sight however long the text grows: a special token's one."""
        return int(len(ids) > 0 and self.vocabulary.is_special(int(ids[0])))


class NetworkModel(LanguageModel):
    """A language model that is a network: its weights are numpy arrays, read-only, float32.

    `network` is the Keras twin that was trained; the tests hold that both agree to 1e-4.
    """

    def __init__(
        self, training: str, vocabulary: Vocabulary, card: ModelCard, weights: Mapping[str, Floats]
    ) -> None:
        super().__init__(training, vocabulary, card)
        for array in weights.values():
            array.setflags(write=False)
        self._weights = weights
        self._network: Any = None
        self._lock = threading.Lock()

    @property
    def weights(self) -> Mapping[str, Floats]:
        """Named arrays, "layer/variable"."""
        return self._weights

    @abstractmethod
    def inside(self, ids: Ids) -> Inside:
        """Everything that one pass over T tokens leaves behind, T at most `context` (if that is not 0)."""

    def network(self) -> Any:
        """The Keras twin, made once: ids (n, T) int32 -> logits (n, T, tokens)."""
        from core.language.shipped import set_weights

        with self._lock:
            if self._network is None:
                network = self._build()
                set_weights(network, self._weights)
                network.trainable = False
                self._network = network
        return self._network

    @abstractmethod
    def _build(self) -> Any:
        """The Keras twin with new weights."""
