"""What is done to a text before it is cut into tokens, with the way back to the text as it was typed."""

from __future__ import annotations

import functools
import re
import unicodedata

LONGEST = 100_000  # characters; what is beyond is not read, and the page says so
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")
_KNOWN_LETTER = re.compile("[a-z\u00df-\u00f6\u00f8-\u024f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_QUOTES = str.maketrans(
    "’‘‛ʼ“”„", "''''\"\"\""
)  # telephones type curly ones; to the models they are the same


@functools.lru_cache(16_384)
def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cc":
        return " " if character in "\n\t\r\v\f" else ""
    if category in ("Cf", "Cs", "Co", "Cn"):
        return "\u200d" if character == "\u200d" else ""  # the joiner holds an emoji together
    return unicodedata.normalize("NFKC", character).translate(_QUOTES).lower()


def clean(text: str) -> tuple[str, list[int]]:
    """The text that is read, and for each of its characters the place where it stood in `text`.

    Line-break tags of scraped reviews, control and format characters become a space or nothing;
    full-width Latin letters and ligatures become the plain ones (NFKC, character by character, so that
    every character keeps its place); curly quotation marks become straight ones and letters small.
    Nothing else of the visitor is changed.
    """
    text = _BREAK.sub(lambda match: "\n" + "\0" * (len(match[0]) - 1), text[:LONGEST])
    plain = [_plain(character) for character in text]
    cleaned = "".join(plain)
    if len(cleaned) == len(text) and all(plain):  # one for one: every place is its own
        return cleaned, list(range(len(text)))
    return cleaned, [place for place, characters in enumerate(plain) for _ in characters]


def is_foreign(cleaned: str) -> bool:
    """Whether a cleaned text has letters, and none of them is Latin or Chinese."""
    return not _KNOWN_LETTER.search(cleaned) and bool(_LETTER.search(cleaned))
