"""What happened inside a text model while it read: tokens, states or attention, the running verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.language.types import Inside, TextModel, Token
from core.types import Floats


@dataclass(frozen=True, eq=False)
class Reading:
    """One text as one model read it. Of a text longer than the model reads at once, one window is shown.

    `running` is of the window alone: its last number is the window's own verdict, which is
    `probabilities[1]` if there is only one window. Where a prefix was not read by itself (a long text in
    a Transformer), the value lies on the line between its neighbours in `measured`.
    """

    name: str
    text: str  # as typed
    tokens: tuple[Token, ...]  # of the window shown; their spans are places in `text`
    probabilities: Floats  # (2,) calibrated, of the whole text
    running: Floats  # (T,) calibrated P(positive) after each token
    measured: tuple[int, ...]  # the places of `running` that were computed, ascending; the last is T - 1
    inside: Inside  # of the pass over the window
    window: int  # which one is shown
    windows: int  # how many there are
    total: int  # tokens of the whole text
    truncated: bool  # the text is longer than a model reads (`cleaning.LONGEST` characters)
    seconds: float

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """(start, end) of each token in `text`."""
        return tuple(token.span for token in self.tokens)

    @property
    def pieces(self) -> tuple[str, ...]:
        """The tokens as they are shown."""
        return tuple(token.piece for token in self.tokens)

    @property
    def positive(self) -> float:
        """Calibrated probability that the whole text is positive."""
        return float(self.probabilities[1])

    @property
    def states(self) -> Mapping[str, Floats]:
        """(T, units) each: "hidden", and of a GRU "update", "reset" and "candidate"; else empty."""
        return self.inside.states

    @property
    def attention(self) -> Floats | None:
        """(layers, heads, T, T), rows sum to 1; None if the model has no attention."""
        return self.inside.attention


def chosen(model: str | TextModel) -> TextModel:
    """The model itself, or the shipped one of that name.

    Raises:
        KeyError: no such model.
    """
    raise NotImplementedError


def read(model: str | TextModel, text: str, window: int = 0) -> Reading:
    """What happens inside a model while it reads a text.

    Args:
        model: a shipped model's name or a `TextModel`.
        text: as the visitor typed it.
        window: which window of a long text is shown; the last one if there are fewer.

    Raises:
        KeyError: no such model.
        GlassboxError: there is nothing to read in the text.
    """
    raise NotImplementedError
