"""Poems: the forms, whether a poem keeps them, and simplified characters for the screen.

The models read and write traditional characters, as the poems are handed down. OpenCC turns what is typed
into them, and what was written into simplified ones, character for character.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any, Literal

_ENDS = re.compile("[，。？！；：、\n]+")
LINE = {"five": 5, "seven": 7}


@dataclass(frozen=True)
class Kept:
    """Whether a poem is as its form wishes."""

    lines: tuple[int, ...]  # characters of each line
    wished: int  # of a line
    count: int  # lines wished

    @property
    def line_length(self) -> bool:
        """Whether every line has as many characters as wished."""
        return bool(self.lines) and all(length == self.wished for length in self.lines)

    @property
    def all(self) -> bool:
        """Whether there are as many lines as wished, too."""
        return self.line_length and len(self.lines) == self.count


def kept(text: str, form: str) -> Kept:
    """The lines of a poem against its form ("five_4": lines of five characters, four of them)."""
    name, _, count = form.partition("_")
    return Kept(tuple(map(len, lines(text))), LINE[name], int(count))


def lines(text: str) -> list[str]:
    """The lines of a poem, without their marks."""
    return [line for line in _ENDS.split(text) if line]


def verses(text: str) -> list[str]:
    """A poem as it is set: two lines a row, with their marks."""
    return [row for row in re.split("(?<=[。？！；])", text) if row.strip()]


@functools.cache
def _converter(way: Literal["s2t", "t2s"]) -> Any:
    import opencc

    return opencc.OpenCC(way)


def traditional(text: str) -> str:
    """A text with its simplified characters as traditional ones, character for character."""
    return _converted("s2t", text)


def simplified(text: str) -> str:
    """A text with its traditional characters as simplified ones, character for character."""
    return _converted("t2s", text)


def _converted(way: Literal["s2t", "t2s"], text: str) -> str:
    converter = _converter(way)
    found = str(converter.convert(text))
    if len(found) == len(text):  # phrase by phrase
        return found
    return "".join(str(converter.convert(one))[:1] or one for one in text)
