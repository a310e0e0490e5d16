"""Two versions of a text beside each other, and the smallest edits that turn a verdict."""

from __future__ import annotations

import difflib
import itertools
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.errors import GlassboxError
from core.language import embedding_space
from core.language.attribution import Attribution, attribute
from core.language.calibration import verdict
from core.language.reading import Reading, chosen, read
from core.language.rewording import Change, apply, overlap, replacement, rewordings, words
from core.language.types import TextModel
from core.types import Floats

NEIGHBOURS = 4  # of a word in the embedding that are tried in its place
TELLING = 4  # words with the largest effect, in whose place neighbours are tried
PAIRS_OF = 10  # the best single changes, of which all pairs are tried
MOST_CHANGES = 8
SAME_PLACE = 2  # suggestions that change the same place


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


@dataclass(frozen=True, eq=False)
class Suggestion:
    """A text that a few edits make; `probabilities` are the model's own, of the edited text."""

    text: str
    changes: tuple[Change, ...]  # in the order of the text, places in the first text
    before: Floats  # (2,) of the first text
    probabilities: Floats  # (2,)

    @property
    def flips(self) -> bool:
        """Whether the verdict is the other one now, and clearly so: not "neither"."""
        return bool(verdict(float(self.probabilities[1])) == ("positive", "negative")[self.before.argmax()])


def compare(model: str | TextModel, first: str, second: str, method: str = "leave_one_out") -> Comparison:
    """Aligns two versions of a text token by token (`difflib`), each with its attribution.

    Of a text of several windows the first one is compared.

    Raises:
        KeyError: no such method, or not for this model.
        GlassboxError: there is nothing to read in one of them.
    """
    found = chosen(model)
    before, after = read(found, first), read(found, second)
    ids = [[token.id for token in reading.tokens] for reading in (before, after)]
    steps = difflib.SequenceMatcher(None, ids[0], ids[1], autojunk=False).get_opcodes()
    return Comparison(
        first=before,
        second=after,
        first_attribution=attribute(method, found, first),
        second_attribution=attribute(method, found, second),
        parts=tuple(Part(kind, (a, b), (c, d)) for kind, a, b, c, d in steps),
    )


def suggest(
    model: str | TextModel, text: str, *, most: int = 5, seconds: float = 1.0
) -> tuple[Suggestion, ...]:
    """Edits that turn the verdict, those with the fewest words first; each was read by the model itself.

    Tried are single changes (opposite words, "not" put in or taken out, words left out, near words of a
    list and of the embedding), then pairs of the best, then the best ones together, as many as it takes. If
    none turns the verdict in the given time, the nearest one is returned, with `flips` False.

    Args:
        model: a shipped model's name or a `TextModel`.
        text: as the visitor typed it.
        most: how many suggestions.
        seconds: after which no new one is tried.

    Raises:
        GlassboxError: there is nothing to read in the text.
    """
    search = _Search(chosen(model), text, seconds)
    single = search.try_all([(change,) for change in rewordings(text)])
    single += search.try_all([(change,) for change in search.neighbours(single)])
    tried = single
    if not any(one.flips for one in tried):
        best = [one.changes[0] for one in search.apart(single)]
        pairs = [pair for pair in itertools.combinations(best[:PAIRS_OF], 2) if not overlap(*pair)]
        tried = tried + search.try_all(pairs)
        if not any(one.flips for one in tried):
            together = [tuple(best[:count]) for count in range(3, min(len(best), MOST_CHANGES) + 1)]
            tried = tried + search.try_all(together)
    turned = [one for one in tried if one.flips]
    if not turned:
        return tuple(search.nearest(tried)[:1])
    fewest = min(len(one.changes) for one in turned)
    shown: list[Suggestion] = []
    for one in search.nearest(one for one in turned if len(one.changes) == fewest):
        at_place = sum(any(overlap(a, b) for a in one.changes for b in two.changes) for two in shown)
        if at_place < SAME_PLACE:
            shown.append(one)
    return tuple(shown[:most])


class _Search:
    """The texts tried for one visitor's text within a time."""

    def __init__(self, model: TextModel, text: str, seconds: float) -> None:
        begun = time.perf_counter()
        self.model = model
        self.text = text
        [self.before] = model.predict([text])
        self.target = 1 - int(self.before.argmax())
        self.deadline = begun + seconds
        one = time.perf_counter() - begun
        self.at_once = int(np.clip(seconds / 8 / max(one, 1e-6), 1, 32))

    def try_all(self, edits: Sequence[tuple[Change, ...]]) -> list[Suggestion]:
        """The edits as the model reads them, as many as there is time for."""
        tried: list[Suggestion] = []
        for first in range(0, len(edits), self.at_once):
            if time.perf_counter() > self.deadline:
                break
            together = edits[first : first + self.at_once]
            texts = [apply(self.text, changes) for changes in together]
            for changes, new, probabilities in zip(together, texts, self.predict(texts), strict=True):
                if probabilities is not None:
                    inside = tuple(sorted(changes, key=lambda change: change.start))
                    tried.append(Suggestion(new, inside, self.before, probabilities))
        return tried

    def predict(self, texts: Sequence[str]) -> list[Floats | None]:
        """Probabilities (2,) of each text; None where nothing is left to read."""
        try:
            return list(self.model.predict(texts))
        except GlassboxError:
            if len(texts) == 1:
                return [None]
            return [answer for text in texts for answer in self.predict([text])]

    def nearest(self, tried: Iterable[Suggestion]) -> list[Suggestion]:
        """The most probable for the other verdict first."""
        return sorted(tried, key=lambda one: -float(one.probabilities[self.target]))

    def apart(self, tried: Sequence[Suggestion]) -> list[Suggestion]:
        """The best single change at each place that moves the verdict the right way, the best first."""
        found: list[Suggestion] = []
        for one in self.nearest(tried):
            helps = one.probabilities[self.target] > self.before[self.target]
            if helps and not any(overlap(one.changes[0], other.changes[0]) for other in found):
                found.append(one)
        return found

    def neighbours(self, single: Sequence[Suggestion]) -> list[Change]:
        """Neighbours in the embedding, in the place of the words without which the verdict moves most."""
        if not embedding_space.has_embedding(self.model):
            return []
        omitted = [one.changes[0] for one in self.nearest(single) if one.changes[0].kind == "delete"]
        found: list[Change] = []
        for word in words(self.text):
            tokens = self.model.tokenizer.encode(word.text)
            if len(tokens) == 1 and any(overlap(word, change) for change in omitted[:TELLING]):
                near = embedding_space.neighbours(self.model, tokens[0].id, NEIGHBOURS)
                found += [replacement(word, neighbour.piece) for neighbour in near]
        return found
