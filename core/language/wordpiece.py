"""The pretrained model's tokenizer: WordPiece for what is written in letters, words for Chinese.

A text is cleaned, then cut into runs. A run of Chinese characters is cut into the words that are together
the most probable (a unigram model, Kudo 2018); an emoji stands alone; everything else is cut as MiniLM was
taught: at spaces and punctuation, and then into the longest known pieces, a piece that goes on inside a
word being marked "##" (Devlin et al. 2019). Each token keeps its place in the text as it was typed.
"""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer as Cutter
from tokenizers import models, pre_tokenizers

from core.language.cleaning import clean
from core.language.types import Ids, Token

SPECIAL = UNKNOWN, *_ = ("[UNK]", "[PAD]", "[CLS]", "[SEP]", "[MASK]")
CHINESE = "\u3400-\u4dbf\u4e00-\u9fff"
EMOJI = "\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
_LOOKS = frozenset(("\u200d", *map(chr, range(0x1F3FB, 0x1F400))))  # the joiner of emoji, skin tones
_RUNS = re.compile(f"(?P<chinese>[{CHINESE}]+)|(?P<emoji>[{EMOJI}])|(?P<letters>[^{CHINESE}{EMOJI}]+)")


class WordPieces:
    """Cuts English and Chinese texts into tokens of one vocabulary.

    Args:
        pieces: every piece by its id; the first five are `SPECIAL` (the unknown one is 0, as in all our
            tokenizers), "##" marks the inside of a word.
        scores: the log-probability of each Chinese piece: the unigram model that cuts Chinese.
        traditional: traditional characters by the simplified ones that they are read as.
    """

    def __init__(self, pieces: Sequence[str], scores: dict[str, float], traditional: dict[str, str]) -> None:
        self.pieces = tuple(pieces)
        self.ids = {piece: id for id, piece in enumerate(self.pieces)}
        self._traditional = str.maketrans(traditional)
        self._letters = Cutter(
            models.WordPiece(vocab=self.ids, unk_token=UNKNOWN, max_input_chars_per_word=100)
        )
        self._letters.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        self._chinese = Cutter(models.Unigram(vocab=[(UNKNOWN, -100.0), *scores.items()], unk_id=0))
        self._chinese_ids = [self.ids[UNKNOWN], *(self.ids[piece] for piece in scores)]

    @classmethod
    def read(cls, file: Path) -> WordPieces:
        """The tokenizer that a JSON file holds."""
        table = json.loads(file.read_text(encoding="utf-8"))
        return cls(table["pieces"], table["scores"], table["traditional"])

    @property
    def size(self) -> int:
        """How many ids there are."""
        return len(self.pieces)

    def piece(self, id: int) -> str:
        """How a token is shown: a piece from the inside of a word begins with a hyphen."""
        piece = self.pieces[id]
        return "-" + piece[2:] if piece.startswith("##") and len(piece) > 2 else piece

    def encode(self, text: str) -> list[Token]:
        """The tokens of a text as it was typed, in order; [] for a text without anything to read."""
        ids, starts, ends = self._cut(text)
        return [
            Token(id, text[start:end] if id == 0 else self.piece(id), start, end)
            for id, start, end in zip(ids, starts, ends, strict=True)
        ]

    def encode_ids(self, text: str) -> Ids:
        """Only the ids, (T,) int32: many times faster on many texts."""
        return np.array(self._cut(text)[0], np.int32)

    def _cut(self, text: str) -> tuple[list[int], list[int], list[int]]:
        """Ids, starts and ends of the tokens of a text."""
        cleaned, places = clean(text)
        plain, kept = _without_accents(cleaned)
        plain = plain.translate(self._traditional)
        ids: list[int] = []
        starts: list[int] = []
        ends: list[int] = []
        for run in _RUNS.finditer(plain):
            base = run.start()
            if run.lastgroup == "emoji":
                cut = [(self.ids.get(run[0], self.ids[UNKNOWN]), (0, 1))]
            else:
                cutter = self._chinese if run.lastgroup == "chinese" else self._letters
                encoding = cutter.encode(run[0], add_special_tokens=False)
                known = encoding.ids
                if run.lastgroup == "chinese":
                    known = [self._chinese_ids[id] for id in known]
                cut = list(zip(known, encoding.offsets, strict=True))
            for id, (start, end) in cut:
                ids.append(id)
                starts.append(places[kept[base + start]])
                ends.append(places[kept[base + end - 1]] + 1)
        return ids, starts, ends


@functools.lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    """A character without its accents; nothing for what only changes the look of its neighbour."""
    return "".join(
        part
        for part in unicodedata.normalize("NFD", character)
        if unicodedata.category(part) != "Mn" and part not in _LOOKS
    )


def _without_accents(text: str) -> tuple[str, list[int]]:
    """The text without accents, and for each of its characters the place where it stood in `text`."""
    if text.isascii():
        return text, list(range(len(text)))
    characters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for part in _plain(character):
            characters.append(part)
            places.append(place)
    return "".join(characters), places
