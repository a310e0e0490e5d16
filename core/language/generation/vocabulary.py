"""The two vocabularies: single characters (poems, any text), and pieces of words (reviews).

Id 0 is the unknown token; the special tokens follow, then what occurs in texts. No text that anyone types
encodes to a special token: their names are not among the pieces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from core.language.cleaning import clean
from core.language.tokenizer import UNKNOWN, UNKNOWN_PIECE, PairTokenizer
from core.language.types import Token

END = "end"
GOES_ON = "##"  # before a piece in the middle of a word, in a list of pieces
_WORD = re.compile(r"[^\W_]", re.UNICODE)
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3000-\u303f\uff00-\uffef]")
_CLOSES = set(".,!?;:)]}%…") | {"n't", "'s", "'re", "'ve", "'d", "'ll", "'m"}
_OPENS = set("([{$#")


class _Vocabulary:
    """What both have in common: ids by piece, special tokens by name."""

    def __init__(self, pieces: Sequence[str], specials: Sequence[str] = ()) -> None:
        self.pieces = tuple(pieces)
        self._first = 1 + len(specials)
        self._specials = {name: 1 + place for place, name in enumerate(specials)}
        self._names = (UNKNOWN_PIECE, *(f"<{name}>" for name in specials))
        self._ids = {piece: self._first + place for place, piece in enumerate(self.pieces)}

    @property
    def size(self) -> int:
        """How many ids there are."""
        return self._first + len(self.pieces)

    @property
    def specials(self) -> Mapping[str, int]:
        """Special tokens by name: never met in a text."""
        return self._specials

    @property
    def end(self) -> int | None:
        """The token after which a text is over, if the model knows one."""
        return self._specials.get(END)

    def is_special(self, id: int) -> bool:
        """Whether an id is a special token (the unknown is none)."""
        return 0 < id < self._first

    def stored(self, id: int) -> str:
        """A token as the list of pieces has it."""
        return self._names[id] if id < self._first else self.pieces[id - self._first]


class Characters(_Vocabulary):
    """Every character is a token."""

    def encode(self, text: str) -> list[Token]:
        """The characters as tokens; a character that is not in the vocabulary is the unknown one."""
        return [
            Token(self._ids.get(character, UNKNOWN), character, place, place + 1)
            for place, character in enumerate(text)
        ]

    def decode(self, ids: Sequence[int]) -> str:
        """The text that tokens spell; special tokens spell nothing."""
        return "".join(self.piece(id) for id in ids if not self.is_special(id))

    def piece(self, id: int) -> str:
        """How a token is shown."""
        return self.stored(id)


class Pieces(_Vocabulary):
    """The sentiment models' tokenizer for texts that are written, too: it tells where a word goes on.

    That tokenizer drops the spaces, and cuts "superbly" into "super" and "bly"; here the second one is
    "##bly", another token than a "bly" that begins a word. A piece that is too rare to be in this vocabulary
    is undone into those that it was joined of.
    """

    def __init__(self, pairs: PairTokenizer, pieces: Sequence[str], specials: Sequence[str]) -> None:
        super().__init__(pieces, specials)
        self._pairs = pairs
        self._lettered = [id != UNKNOWN and is_letters(pairs.piece(id)) for id in range(pairs.size)]
        self._halves = {left + right: (left, right) for left, right in reversed(pairs.joins)}

    def encode(self, text: str) -> list[Token]:
        """The tokens of a text as it was typed, in order, with their spans."""
        tokens: list[Token] = []
        end, letters = -1, False
        for token in self._pairs.encode(text):
            goes_on = letters and token.start == end and is_letters(self._pairs.piece(token.id))
            end, letters = token.end, is_letters(self._pairs.piece(token.id))
            tokens += self._cut(token, text, goes_on)
        return tokens

    def _cut(self, token: Token, text: str, goes_on: bool) -> list[Token]:
        """A token of the tokenizer as one of ours; or as several, if it is too rare."""
        if token.id == UNKNOWN:
            return [Token(UNKNOWN, text[token.start : token.end], token.start, token.end)]
        cut, room, done = [], token.end - token.start, 0
        for part in self._parts(token.piece, goes_on):
            start = token.start + min(done, room - 1)
            inside = is_letters(part) and (goes_on or done > 0)
            done += len(part)
            end = token.end if done == len(token.piece) else min(token.end, token.start + done)
            cut.append(Token(self._ids.get(GOES_ON * inside + part, UNKNOWN), part, start, end))
        return cut

    def _parts(self, piece: str, goes_on: bool) -> list[str]:
        """A piece, or the two that the tokenizer joined to it, or theirs, as long as they are too rare."""
        if GOES_ON * (goes_on and is_letters(piece)) + piece in self._ids or piece not in self._halves:
            return [piece]
        left, right = self._halves[piece]
        return self._parts(left, goes_on) + self._parts(right, is_letters(left))

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids alone, of many texts: as `encode` has them, faster."""
        known: dict[tuple[int, bool], list[int]] = {}
        rows = []
        for pairs, offsets in self._pairs.offsets(texts):
            row: list[int] = []
            before, word = -1, False
            for id, (start, end) in zip(pairs, offsets, strict=True):
                letters = self._lettered[id]
                key = id, word and letters and start == before
                before, word = end, letters
                if key not in known:
                    piece = self._pairs.piece(id)
                    token = Token(id, piece, 0, len(piece))
                    known[key] = [one.id for one in self._cut(token, piece, key[1])]
                row += known[key]
            rows.append(row)
        return rows

    def piece(self, id: int) -> str:
        """How a token is shown: without the sign that it goes on."""
        stored = self.stored(id)
        return stored[len(GOES_ON) :] if self.goes_on(id) else stored

    def goes_on(self, id: int) -> bool:
        """Whether a token goes on with the word of the one before it."""
        stored = self.stored(id)
        return id >= self._first and stored.startswith(GOES_ON) and is_letters(stored[len(GOES_ON) :])

    def decode(self, ids: Sequence[int]) -> str:
        """The text that tokens spell, with spaces where English has them; special tokens spell nothing."""
        text, open_quote = "", False
        for id in ids:
            if self.is_special(id):
                continue
            piece = self.piece(id)
            glued = not text or self.goes_on(id) or piece in _CLOSES or set(piece) <= _CLOSES
            glued = glued or bool(_HAN.match(piece) or _HAN.match(text[-1])) or text[-1] in _OPENS
            if piece == '"':
                glued, open_quote = glued or open_quote, not open_quote
            elif text[-1:] == '"' and open_quote:
                glued = True
            glued = glued or piece in "-/'" or text[-1] in "-/'"
            text += piece if glued else " " + piece
        return text


def is_letters(piece: str) -> bool:
    """Whether a piece is of letters or digits that words are made of with spaces between: not Chinese."""
    return bool(_WORD.match(piece)) and not _HAN.match(piece)


def cleaned(text: str) -> str:
    """The characters that `Pieces` reads, for bits a character: cleaned, without the spaces."""
    return "".join(clean(text)[0].split())


def to_json(vocabulary: Characters | Pieces) -> dict[str, Any]:
    """What `from_json` reads."""
    stored: dict[str, Any] = {"specials": list(vocabulary.specials)}
    if isinstance(vocabulary, Characters):
        return stored | {"characters": "".join(vocabulary.pieces)}
    return stored | {"pieces": list(vocabulary.pieces)}


def from_json(stored: Mapping[str, Any], pairs: PairTokenizer | None = None) -> Characters | Pieces:
    """A vocabulary as it was stored."""
    if "characters" in stored:
        return Characters(stored["characters"], stored["specials"])
    if pairs is None:
        raise ValueError("pieces need the tokenizer that cuts them")
    return Pieces(pairs, stored["pieces"], stored["specials"])
