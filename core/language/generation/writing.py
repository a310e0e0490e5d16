"""Writing: a prompt, the choice of the next token, and a text that goes on token by token."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from core.errors import GlassboxError
from core.language.generation.poems import traditional
from core.language.generation.sampling import Candidate, Choice, Sampling, choose, guided
from core.language.generation.types import LanguageModel
from core.language.tokenizer import UNKNOWN
from core.tuning.types import Stop

LONGEST_PROMPT = 4_000  # characters of a prompt that are read: its last ones
LONGEST = 1_000  # tokens that are written at most
BEGIN = "begin"  # special token: here a review begins; it is not in the middle of one
SENTIMENTS = ("negative", "positive")
FORMS = {  # special tokens that lead a text; the first is taken when none is wished
    "reviews": ("en_positive", "en_negative", "zh_positive", "zh_negative"),
    "poems": ("five_4", "five_8", "seven_4", "seven_8"),  # characters of a line, and lines
}
GUIDANCE = 0.5  # of a review, see `sampling.guided`


@dataclass(frozen=True)
class Written:
    """A token that was written."""

    id: int
    piece: str
    text: str  # all that was written so far, the prompt included
    bits: float  # its surprisal under the model itself, whatever the sampling
    probability: float  # with which it was drawn
    alternatives: tuple[Candidate, ...]  # the likeliest, the token itself among them if it is one of these
    seconds: float  # for this token: the pass and the choice
    first: bool = False  # its seconds hold the reading of the prompt


@dataclass(frozen=True)
class Ended:
    """The last event of a text."""

    text: str
    ids: tuple[int, ...]
    prompt: int  # so many of the ids are the prompt
    why: Literal["end", "length", "stopped"]  # its end token, as many as were wished, or stopped
    seconds: float
    tokens_per_second: float  # of the tokens after the first


Event: TypeAlias = Written | Ended


def prompt(model: LanguageModel, text: str = "", form: str | None = None) -> list[int]:
    """The tokens that a text begins with: the special token of the form, then the text's own.

    Args:
        model: for which.
        text: as typed; of a long one the last `LONGEST_PROMPT` characters are read; may be empty.
        form: one of `FORMS[model.training]`; the first of them if not given. A model trained on a visitor's
            text has none.

    Raises:
        GlassboxError: `language_model.error.unknown_script`: no character of the text is known to the model.
        KeyError: no such form; a mistake of ours.
    """
    vocabulary = model.vocabulary
    ids: list[int] = []
    if forms := FORMS.get(model.training):
        ids.append(vocabulary.specials[form or forms[0]])
        if BEGIN in vocabulary.specials:
            ids.append(vocabulary.specials[BEGIN])
    shown = readable(model, text[-LONGEST_PROMPT:])
    own = [token.id for token in vocabulary.encode(shown)]
    if own and all(id == UNKNOWN for id in own):
        raise GlassboxError("language_model.error.unknown_script", text=shown.strip()[:40])
    ids += own
    return ids or [token.id for token in vocabulary.encode("\n")][:1] or [UNKNOWN]


def readable(model: LanguageModel, text: str) -> str:
    """A text without control characters; for poems without spaces, and in traditional characters."""
    shown = "".join(one for one in text if one.isprintable() or one in "\n\t")
    return traditional("".join(shown.split())) if model.training == "poems" else shown


def opposite(model: LanguageModel, ids: Sequence[int]) -> list[int] | None:
    """The same tokens under the opposite sentiment; None where there is none."""
    names = {id: name for name, id in model.vocabulary.specials.items()}
    language, _, sentiment = names.get(ids[0], "").partition("_")
    if sentiment not in SENTIMENTS:
        return None
    other = SENTIMENTS[1 - SENTIMENTS.index(sentiment)]
    return [model.vocabulary.specials[f"{language}_{other}"], *ids[1:]]


class Draft:
    """A text that is being written: what stands there, and the choice of what comes next.

    Not to be shared by two threads.

    Args:
        model: who writes.
        ids: of `prompt`, or of an earlier draft.
        guidance: how far the scores are moved away from those under the opposite sentiment; 0, and where
            there is no sentiment, not at all.
        cached: False computes everything anew with each token: to compare.
    """

    def __init__(
        self, model: LanguageModel, ids: Sequence[int], *, guidance: float = 0.0, cached: bool = True
    ) -> None:
        self.model = model
        self.prompt = len(ids)  # so many tokens were given
        self.guidance = guidance
        self._reader = model.begin(ids, cached=cached)
        other = opposite(model, ids) if guidance else None
        self._other = model.begin(other, cached=cached) if other else None
        self._barred = [
            UNKNOWN,
            *(id for id in model.vocabulary.specials.values() if id != model.vocabulary.end),
        ]

    @property
    def ids(self) -> tuple[int, ...]:
        """All tokens, special ones included."""
        return tuple(self._reader.ids)

    @property
    def text(self) -> str:
        """What stands there."""
        return self.model.vocabulary.decode(self._reader.ids)

    @property
    def over(self) -> bool:
        """Whether the end token has been written."""
        return len(self._reader.ids) > self.prompt and self._reader.ids[-1] == self.model.vocabulary.end

    def choice(self, sampling: Sampling) -> Choice:
        """The distribution of the next token, with each step's numbers.

        Unknown and special tokens, the end apart, are never written: their scores are -inf.
        """
        own = self._reader.logits
        scores = guided(own, self._other.logits, self.guidance) if self._other else own.copy()
        scores[self._barred] = -np.inf
        before = self._reader.ids[-sampling.penalty_window :]
        return choose(scores, sampling, (id for id in before if id not in self._barred), own)

    def candidates(self, choice: Choice, count: int = 10) -> tuple[Candidate, ...]:
        """The likeliest tokens of a choice, with their numbers."""
        return tuple(self.candidate(choice, int(id)) for id in choice.likeliest(count))

    def candidate(self, choice: Choice, id: int) -> Candidate:
        """One token of a choice, with its numbers."""
        return Candidate(
            id=id,
            piece=self.model.vocabulary.piece(id),
            score=float(choice.scores[id]),
            penalised=float(choice.penalised[id]),
            scaled=float(choice.scaled[id]),
            softmax=float(choice.softmax[id]),
            in_top_k=bool(choice.in_top_k[id]),
            in_top_p=bool(choice.in_top_p[id]),
            probability=float(choice.probabilities[id]),
        )

    def take(self, id: int) -> None:
        """Write a token: one that was drawn, or one that somebody chose."""
        self._reader.read(id)
        if self._other:
            self._other.read(id)

    def undo(self, count: int = 1) -> None:
        """Take back the last tokens, the prompt's too; at least one stays.

        Raises:
            ValueError: more than there are.
        """
        self._reader.back(count)
        if self._other:
            self._other.back(count)
        self.prompt = min(self.prompt, len(self._reader.ids))


def next_token(
    model: LanguageModel, ids: Sequence[int], sampling: Sampling | None = None, *, guidance: float = 0.0
) -> Choice:
    """The distribution of the token after these, with each step's numbers."""
    return Draft(model, ids, guidance=guidance).choice(sampling or Sampling())


def generate(
    model: LanguageModel,
    ids: Sequence[int],
    sampling: Sampling | None = None,
    *,
    most: int = 200,
    seed: int = 0,
    guidance: float = 0.0,
    cached: bool = True,
    alternatives: int = 5,
) -> Iterator[Event]:
    """Write on after a prompt: yields `Written`s, last `Ended`.

    Every event is a place to stop: a `core.tuning.types.Stop` thrown in ends it, and it yields `Ended`; so is
    just not asking for more. The same arguments give the same text.

    Args:
        model: who writes.
        ids: of `prompt`.
        sampling: how each token is chosen.
        most: tokens at most, up to `LONGEST`.
        seed: of what is drawn.
        guidance: see `Draft`.
        cached: see `Draft`.
        alternatives: how many a `Written` tells of.
    """
    begun = time.perf_counter()
    draft = Draft(model, ids, guidance=guidance, cached=cached)
    return _written(draft, sampling or Sampling(), min(most, LONGEST), seed, alternatives, begun)


def go_on(
    draft: Draft, sampling: Sampling | None = None, *, most: int = 200, seed: int = 0, alternatives: int = 5
) -> Iterator[Event]:
    """Write on in a draft, as `generate`; the draft goes along, and may be stopped and gone on with."""
    begun = time.perf_counter()
    return _written(draft, sampling or Sampling(), min(most, LONGEST), seed, alternatives, begun)


def _written(
    draft: Draft, sampling: Sampling, most: int, seed: int, alternatives: int, begun: float
) -> Iterator[Event]:
    random = np.random.default_rng([seed, len(draft.ids)])
    started = begun
    why: Literal["end", "length", "stopped"] = "length"
    count, after_first = 0, begun
    try:
        while count < most and not draft.over:
            choice = draft.choice(sampling)
            id = choice.draw(random)
            draft.take(id)
            now = time.perf_counter()
            count += 1
            event = Written(
                id=id,
                piece=draft.model.vocabulary.piece(id),
                text=draft.text,
                bits=float(-np.log2(max(float(choice.model[id]), 1e-30))),
                probability=float(choice.probabilities[id]),
                alternatives=draft.candidates(choice, alternatives),
                seconds=now - begun,
                first=count == 1,
            )
            if count == 1:
                after_first = now
            yield event
            begun = time.perf_counter()
        if draft.over:
            why = "end"
    except Stop:
        why = "stopped"
    ended = time.perf_counter()
    yield Ended(
        text=draft.text,
        ids=draft.ids,
        prompt=draft.prompt,
        why=why,
        seconds=ended - started,
        tokens_per_second=(count - 1) / max(ended - after_first, 1e-9) if count > 1 else 0.0,
    )
