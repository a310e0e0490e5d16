"""The names of classes: a visitor's own words, kept as text and never used as anything else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from core.tuning.types import Problem

LONGEST = 40  # characters
NAMELESS = "?"
JOINERS = "\u200c\u200d\ufe0e\ufe0f"  # within an emoji, and between letters of some scripts


def clean(name: str) -> str:
    """A name without control characters, marks of direction and spaces around it.

    Returns:
        `NAMELESS` if nothing is left.
    """
    composed = unicodedata.normalize("NFC", name)
    kept = (letter for letter in composed if letter in JOINERS or unicodedata.category(letter)[0] != "C")
    plain = " ".join("".join(letter if not letter.isspace() else " " for letter in kept).split())
    return plain if plain.strip(JOINERS) else NAMELESS


def short(name: str) -> str:
    """A clean name of at most `LONGEST` characters."""
    if len(name) <= LONGEST:
        return name
    end = LONGEST - 1
    while end > 1 and (name[end] in JOINERS or name[end - 1] in JOINERS or unicodedata.combining(name[end])):
        end -= 1  # what belongs together is left out together
    return name[:end].rstrip() + "…"


def same(name: str) -> str:
    """Equal for names that a reader takes for one: case and the spaces around do not count."""
    return unicodedata.normalize("NFKC", clean(name)).casefold()


def order(name: str) -> list[tuple[int, int, str]]:
    """Sorts names as a reader does: "class 2" before "class 10"."""
    pieces = re.split(r"(\d{1,18})", name.casefold())
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in pieces if p]


def labels_of(names: Iterable[str]) -> tuple[dict[str, str], list[Problem]]:
    """The label of each raw name, in the labels' order, and what there is to say of it.

    Names that differ only in case or in spaces around them are one class. Two long names that begin alike
    stay two.
    """
    spelled: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        spelled.setdefault(same(name), []).append(name)
    labels: dict[str, str] = {}
    problems: list[Problem] = []
    taken: set[str] = set()
    for _, spellings in sorted(spelled.items(), key=lambda pair: (order(pair[0]), pair[0])):
        full = clean(spellings[0])
        label, number = short(full), 2
        while label in taken:
            label, number = f"{short(full)} ({number})", number + 1
        taken.add(label)
        labels |= dict.fromkeys(spellings, label)
        if len(full) > LONGEST:
            problems.append(Problem("tuning_data.upload.shortened", {"label": label, "length": len(full)}))
        if len(spellings) > 1:
            problems.append(Problem("tuning_data.upload.merged", {"label": label, "count": len(spellings)}))
    return labels, problems
