"""Small changes of a text that a writer might make: a word left out, its opposite, "not" put in or taken out.

The words are in assets/language/edits.json: groups of words with one role in a sentence, those of the one
side and those of the other; what is negated how; and the Chinese words that only look negated.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from core import assets
from core.language.tokenizer import shared
from core.language.words import HAN

OPPOSITES = 4  # for one word
NEAR = 2
COMMAS = tuple(",;，、；")
_WORD = re.compile(rf"[^\W\d_{HAN}]+(?:['’][^\W\d_{HAN}]+)*")
_HAN = re.compile(f"[{HAN}]+")


@dataclass(frozen=True)
class Change:
    """One edit: the characters `start:end` of a text, `old`, become `new`."""

    kind: Literal["delete", "replace", "insert"]
    start: int
    end: int
    old: str
    new: str


@dataclass(frozen=True)
class Word:
    """A word of a text, or what the shared tokenizer takes for one in Chinese."""

    text: str
    start: int
    end: int

    @property
    def is_chinese(self) -> bool:
        """Whether it is written in Chinese characters."""
        return bool(_HAN.fullmatch(self.text))


def words(text: str) -> list[Word]:
    """The words and emoji of a text, in order; no punctuation, no numbers."""
    found = [Word(match[0], match.start(), match.end()) for match in _WORD.finditer(text)]
    for run in _HAN.finditer(text):
        for token in shared().encode(run[0]):
            start, end = run.start() + token.start, run.start() + token.end
            found.append(Word(text[start:end], start, end))
    found += [Word(c, i, i + 1) for i, c in enumerate(text) if unicodedata.category(c) == "So"]
    return sorted(found, key=lambda word: word.start)


def apply(text: str, changes: Iterable[Change]) -> str:
    """The text with changes that do not overlap."""
    for change in sorted(changes, key=lambda change: change.start, reverse=True):
        text = text[: change.start] + change.new + text[change.end :]
    return text


class Span(Protocol):
    """Characters of a text."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...


def overlap(first: Span, second: Span) -> bool:
    """Whether two changes or words touch the same characters or the same place."""
    return first.start <= second.end and second.start <= first.end


def rewordings(text: str) -> list[Change]:
    """Changes of one word each, the most promising kinds first: opposites, negation, omission, near words."""
    found = words(text)
    every = itertools.chain(
        _others(text, found, opposite=True),
        _negations(text, found),
        (omission(text, word) for word in found),
        _others(text, found, opposite=False),
    )
    return list(dict.fromkeys(every))


def omission(text: str, word: Word) -> Change:
    """A word left out, with one of the spaces around it, and one of the commas if it stands between two."""
    start, end = word.start, word.end
    if text[end : end + 1] == " " and (start == 0 or text[start - 1].isspace()):
        end += 1
    elif text[start - 1 : start] == " ":
        start -= 1
    if text[end : end + 1] in COMMAS and text[start - 1 : start] == text[end]:
        end += 1
    return Change("delete", start, end, text[start:end], "")


def replacement(word: Word, new: str) -> Change:
    """Another word in the place of a word, with a large letter where that had one."""
    if word.text[:1].isupper():
        new = new[:1].upper() + new[1:]
    return Change("replace", word.start, word.end, word.text, new)


def _others(text: str, found: Sequence[Word], opposite: bool) -> Iterator[Change]:
    """Words of the same groups: of the other side, or of the same one."""
    listed = _listed()
    for word in [*(word for word in found if not word.is_chinese), *_known_chinese(text, found)]:
        for own, other in listed.get(word.text.lower(), ()):
            near = [one for one in own if one != word.text.lower()]
            for new in other[:OPPOSITES] if opposite else near[:NEAR]:
                yield replacement(word, new)


@functools.cache
def _listed() -> dict[str, list[tuple[list[str], list[str]]]]:
    """Each word of the asset with its own side and the other one, for each group that it is in."""
    listed: dict[str, list[tuple[list[str], list[str]]]] = {}
    for language in _asset().values():
        for one, other in language["groups"]:
            for own, away in ((one, other), (other, one)):
                for word in own:
                    listed.setdefault(word, []).append((own, away))
    return listed


def _known_chinese(text: str, found: Sequence[Word]) -> list[Word]:
    """The listed Chinese words in a text, longer ones first where they overlap."""
    known = sorted((word for word in _listed() if _HAN.fullmatch(word)), key=len, reverse=True)
    return list(_chinese(text, found, "|".join(known)))


def _chinese(text: str, found: Sequence[Word], pattern: str) -> Iterator[Word]:
    """Places of a Chinese pattern. A single character must not be a part of another word ("好像")."""
    for match in re.finditer(pattern, text):
        word = Word(match[0], match.start(), match.end())
        around = found[bisect.bisect(found, word.start, key=lambda one: one.start) - 1]
        before, behind = text[around.start : word.start], text[word.end : around.end]
        if len(word.text) > 1 or (not behind and before in ("", *_asset()["zh"]["degrees"])):
            yield word


def _negations(text: str, found: Sequence[Word]) -> Iterator[Change]:
    """ "Not" put in or taken out."""
    english, chinese = _asset()["en"], _asset()["zh"]
    for word, following in itertools.zip_longest(found, found[1:]):
        plain = word.text.lower().replace("’", "'")
        if plain in english["negated"]:
            new = english["negated"][plain]
            yield replacement(word, new) if new else omission(text, word)
        elif plain in english["auxiliaries"]:
            if following is None or following.text.lower() not in ("not", "never"):
                yield Change("insert", word.end, word.end, "", " not")
        elif plain in english["verbs"]:
            yield replacement(word, english["verbs"][plain])

    fixed = "|".join(chinese["fixed"])
    negations = "|".join(sorted(chinese["negations"], key=len, reverse=True))
    for match in re.finditer(f"{fixed}|(?P<no>{negations})(?=[{HAN}])", text):
        if match["no"]:
            yield Change("delete", match.start(), match.end(), match[0], "")
    predicates = "|".join(sorted(chinese["predicates"], key=len, reverse=True))
    degrees = "|".join(chinese["degrees"])
    for word in _chinese(text, found, predicates):
        before = re.search(
            f"({fixed}|{negations})$|(?P<degree>{degrees})$", text[max(0, word.start - 3) : word.start]
        )
        if before is None:
            yield Change("insert", word.start, word.start, "", "不")
        elif before["degree"]:
            start = word.start - len(before["degree"])
            yield Change("replace", start, word.start, before["degree"], "不")


def _asset() -> Any:
    return assets.read_json("language", "edits.json")
