"""One tokenizer for Chinese and English: byte-pair encoding over characters, never over bytes.

A text is cut at spaces, between scripts and around punctuation; within such a stretch the pairs of
neighbouring pieces that were frequent in the training texts are joined, the most frequent first
(Sennrich, Haddow and Birch, "Neural machine translation of rare words with subword units", 2016).
Frequent words stay whole ("wonderful", "电影"), rare ones fall into pieces, down to single characters.
"n't" is a piece of its own ("do" + "n't"), so that a negation looks the same after every verb.

The file holds the alphabet and the joins; `training/tokenizer.py` makes it. A character that is not in
the alphabet becomes the unknown token, with its span: nothing is ever shown as broken bytes.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Regex, pre_tokenizers
from tokenizers import Tokenizer as Pairs
from tokenizers.models import BPE

from core import assets
from core.language.cleaning import clean
from core.language.types import Token

UNKNOWN = 0  # the row of everything that is not in the alphabet
UNKNOWN_PIECE = "⁇"
STRETCHES = (
    r"\p{Latin}+?(?=n't(?!\p{Latin}))"  # the verb before its "n't"
    r"|n't(?!\p{Latin})"
    r"|'(?:s|re|ve|d|ll|m)(?!\p{Latin})"
    r"|\p{Latin}+|\p{N}+|\p{Han}+"
    r"|([^\p{L}\p{N}\s])\1*"  # "!!!" and "......" are one stretch
    r"|\p{L}"  # a letter of another script stands alone
)


def cutter() -> Any:
    """What cuts a cleaned text into the stretches within which pieces are joined."""
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\s+"), "removed"),
            pre_tokenizers.Split(Regex(STRETCHES), "isolated"),
        ]
    )


class PairTokenizer:
    """A tokenizer out of an alphabet and joins; its ids are the unknown, the alphabet, then the joins."""

    def __init__(self, alphabet: Sequence[str], joins: Sequence[tuple[str, str]]) -> None:
        self.pieces = tuple(dict.fromkeys([UNKNOWN_PIECE, *alphabet, *(a + b for a, b in joins)]))
        self.joins = tuple(joins)
        self._pairs: Any = Pairs(
            BPE(
                vocab={piece: id for id, piece in enumerate(self.pieces)},
                merges=list(joins),
                unk_token=UNKNOWN_PIECE,
                fuse_unk=True,
            )
        )
        self._pairs.pre_tokenizer = cutter()

    @classmethod
    def read(cls, file: Path) -> PairTokenizer:
        """The tokenizer of a file: `{"alphabet": "abc", "joins": ["a b", "ab c"]}`."""
        stored = json.loads(file.read_text(encoding="utf-8"))
        joins = [(left, right) for left, _, right in (join.partition(" ") for join in stored["joins"])]
        return cls(tuple(stored["alphabet"]), joins)

    @property
    def size(self) -> int:
        """How many ids there are."""
        return len(self.pieces)

    def piece(self, id: int) -> str:
        """How the token `id` is shown."""
        return self.pieces[id]

    def encode(self, text: str) -> list[Token]:
        """The tokens of a text as it was typed, in order; [] for a text without anything to read."""
        cleaned, places = clean(text)
        found = self._pairs.encode(cleaned)
        tokens = []
        for id, (start, end) in zip(found.ids, found.offsets, strict=True):
            first, last = places[start], places[end - 1] + 1
            tokens.append(Token(id, text[first:last] if id == UNKNOWN else self.pieces[id], first, last))
        return tokens

    def ids(self, texts: Sequence[str], dropout: float = 0.0) -> list[list[int]]:
        """The ids alone, of many texts at once.

        Args:
            texts: as typed.
            dropout: the share of the joins that is left out at random (Provilkov et al., "BPE-dropout",
                2020): in training a network so sees a word in other pieces too.
        """
        self._pairs.model.dropout = dropout or None
        try:
            return [found.ids for found in self._pairs.encode_batch_fast([clean(text)[0] for text in texts])]
        finally:
            self._pairs.model.dropout = None

    def offsets(self, texts: Sequence[str]) -> Iterator[tuple[list[int], list[tuple[int, int]]]]:
        """The ids of many texts, and where each token stands in the cleaned text."""
        for begin in range(0, len(texts), 1_000):
            cleaned = [clean(text)[0] for text in texts[begin : begin + 1_000]]
            for found in self._pairs.encode_batch(cleaned):
                yield found.ids, found.offsets


@functools.cache
def shared() -> PairTokenizer:
    """The tokenizer that the recurrent networks and our own Transformer share, one a process."""
    return PairTokenizer.read(assets.path("language", "tokenizer.json"))
