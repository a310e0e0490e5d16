"""Whole words, Chinese characters and punctuation: what the bag of words counts.

A tokenizer like the shared one, but it never cuts a word and never joins characters: an n-gram is a run of
neighbouring units, so Chinese words are found as pairs and triples of characters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.language.cleaning import clean
from core.language.tokenizer import UNKNOWN, UNKNOWN_PIECE
from core.language.types import Token

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_UNIT = re.compile(
    rf"[{HAN}]"
    rf"|[^\W\d_{HAN}]+?(?=n't(?!\w))|n't(?!\w)|'(?:s|re|ve|d|ll|m)(?!\w)"
    rf"|[^\W\d_{HAN}]+|\d+"
    r"|([^\w\s])\1*|_+"
)


def cut(cleaned: str) -> list[tuple[str, int, int]]:
    """The units of a cleaned text with their places in it; a run of one mark ("!!!") counts as two at most."""
    found = []
    for match in _UNIT.finditer(cleaned):
        unit = match[0]
        found.append((unit[:2] if match[1] else unit, match.start(), match.end()))
    return found


class WordTokenizer:
    """A tokenizer whose ids are rows of a list of units; row 0 is everything else."""

    def __init__(self, units: Sequence[str]) -> None:
        self.units = (UNKNOWN_PIECE, *units)
        self._rows = {unit: row for row, unit in enumerate(self.units)}

    @property
    def size(self) -> int:
        """How many ids there are."""
        return len(self.units)

    def piece(self, id: int) -> str:
        """How the token `id` is shown."""
        return self.units[id]

    def encode(self, text: str) -> list[Token]:
        """The tokens of a text as it was typed, in order; [] for a text without anything to read."""
        cleaned, places = clean(text)
        tokens = []
        for unit, start, end in cut(cleaned):
            id = self._rows.get(unit, UNKNOWN)
            first, last = places[start], places[end - 1] + 1
            tokens.append(Token(id, text[first:last] if id == UNKNOWN else cleaned[start:end], first, last))
        return tokens

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids alone, of many texts."""
        return [[self._rows.get(unit, UNKNOWN) for unit, _, _ in cut(clean(text)[0])] for text in texts]
