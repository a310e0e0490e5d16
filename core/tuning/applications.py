"""What such networks are used for: four tunings that begin with sets that ship, and what came of each.

The results are recorded by `training/applications.py` with the plan that the page opens with; the first of the
splits is the page's, so that anyone who presses the button gets that part of the result.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass

from core import assets
from core.tuning.shipped import BUILTIN

FILE = assets.path("tuning", "applications.json")
SETS = ("surfaces", "digits", "spam", "news")  # of `BUILTIN`; the plan of each is the usual one


@dataclass(frozen=True)
class Result:
    """What a recorded run came to on the examples that it had not seen."""

    set: str
    language: str  # of the texts; "" for pictures
    accuracy: float
    interval: tuple[float, float]  # Wilson, 95 %
    baseline_accuracy: float  # nearest class mean of the locked features
    training: int  # examples
    tests: int  # over all splits
    splits: int  # of the set into what is learned from and what is tested with; their seeds are 0, 1, ...
    made: str  # ISO date, UTC


def languages(name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """In which languages a set exists: ("",) for pictures."""
    return known if BUILTIN[name].kind == "texts" else ("",)


@functools.cache
def results() -> Mapping[tuple[str, str], Result]:
    """The recorded results by set and language."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))["rows"]
    found = [Result(**{**row, "interval": tuple(row["interval"])}) for row in rows]
    return {(one.set, one.language): one for one in found}
