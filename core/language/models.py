"""The text models by name."""

from __future__ import annotations

import functools

from core.language.types import TextModel
from core.types import Classifier

NAMES = ("bag_of_words", "rnn", "gru", "transformer", "pretrained")


@functools.cache
def sentiment(name: str) -> TextModel:
    """A shipped sentiment model, one of `NAMES`; also a `Classifier[str]`, labels ("negative", "positive").

    Made once a process, when first asked for; it may be used by several threads. A verdict imports no
    TensorFlow.

    Raises:
        KeyError: no such model.
    """
    if name == "bag_of_words":
        from core.language import bag_of_words

        return bag_of_words.load()
    if name in ("rnn", "gru"):
        from core.language import recurrent

        return recurrent.load(name)
    if name == "transformer":
        from core.language import transformer

        return transformer.load()
    if name == "pretrained":
        from core.language import pretrained

        return pretrained.load()
    raise KeyError(name)


def _is_a_classifier(value: TextModel) -> Classifier[str]:
    return value  # held by the type checker
