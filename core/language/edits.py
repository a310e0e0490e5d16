"""Two versions of a text beside each other, and the smallest edits that turn a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.language.attribution import Attribution
from core.language.reading import Reading
from core.language.types import TextModel
from core.types import Floats


@dataclass(frozen=True)
class Part:
    """Tokens of the first version and what stands in their place in the second: [start, end) each."""

    kind: Literal["equal", "replace", "delete", "insert"]
    first: tuple[int, int]
    second: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two versions of a text as a model reads them. The parts cover both versions, in order."""

    first: Reading
    second: Reading
    first_attribution: Attribution
    second_attribution: Attribution
    parts: tuple[Part, ...]

    @property
    def change(self) -> float:
        """By how much the probability of "positive" has risen."""
        return self.second.positive - self.first.positive


@dataclass(frozen=True)
class Change:
    """One edit: the characters `start:end` of the first text become `new`."""

    kind: Literal["delete", "replace", "insert"]
    start: int
    end: int
    old: str
    new: str


@dataclass(frozen=True, eq=False)
class Suggestion:
    """A text that a few edits make; `probabilities` are the model's own, of the edited text."""

    text: str
    changes: tuple[Change, ...]  # in the order of the text, places in the first text
    before: Floats  # (2,) of the first text
    probabilities: Floats  # (2,)

    @property
    def flips(self) -> bool:
        """Whether the verdict is the other one now."""
        return bool(self.before.argmax() != self.probabilities.argmax())


def compare(model: str | TextModel, first: str, second: str, method: str = "leave_one_out") -> Comparison:
    """Aligns two versions of a text token by token (`difflib`), each with its attribution.

    Of a text of several windows the first one is compared.

    Raises:
        GlassboxError: there is nothing to read in one of them.
    """
    raise NotImplementedError


def suggest(
    model: str | TextModel, text: str, *, most: int = 5, seconds: float = 1.0
) -> tuple[Suggestion, ...]:
    """Edits that turn the verdict, those with the fewest words first; each was read by the model itself.

    Tried are words left out, near or opposite words in their place, "not" put in or taken out. If none
    turns the verdict in the given time, the one that comes nearest is returned, with `flips` False.

    Raises:
        GlassboxError: there is nothing to read in the text.
    """
    raise NotImplementedError
