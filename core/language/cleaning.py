"""What is done to a text before it is cut into tokens, with the way back to the text as it was typed."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 100_000  # characters; what is beyond is not read, and the page says so
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def clean(text: str) -> tuple[str, list[int]]:
    """The text that is read, and for each of its characters the place where it stood in `text`.

    Line-break tags of scraped reviews, control and format characters become a space or nothing;
    full-width Latin letters and ligatures become the plain ones (NFKC, character by character, so that
    every character keeps its place); letters are made small. Nothing else of the visitor is changed.
    """
    text = _BREAK.sub(lambda match: "\n" + "\0" * (len(match[0]) - 1), text[:LONGEST])
    characters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        category = unicodedata.category(character)
        if category == "Cc":
            plain = " " if character in "\n\t\r\v\f" else ""
        elif category in ("Cf", "Cs", "Co", "Cn"):
            plain = "\u200d" if character == "\u200d" else ""  # the joiner holds an emoji together
        else:
            plain = unicodedata.normalize("NFKC", character).lower()
        characters.extend(plain)
        places.extend([place] * len(plain))
    return "".join(characters), places
