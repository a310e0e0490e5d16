"""The message catalogues: every sentence, label and class name, one folder a language.

`assets/messages/LANGUAGE/*.json` are flat objects `{"key": "words with {placeholders}"}`; the files of
a language together are its catalogue. Every key exists in every language with the same
placeholders: `tests/test_messages.py` holds it.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping

from core import assets

LANGUAGES: tuple[str, ...] = ("zh", "en")
TEXTS = ("zh", "en")  # in which sentences for the models to read ship: data sets, captions, examples


@functools.cache
def catalogue(language: str) -> Mapping[str, str]:
    """All messages of a language, key to words."""
    messages: dict[str, str] = {}
    for file in sorted(assets.path("messages", language).glob("*.json")):
        messages.update(json.loads(file.read_text(encoding="utf-8")))
    return messages


def text(language: str, key: str, **values: object) -> str:
    """The message `key` in `language`, its `{placeholders}` filled from `values`.

    Without values the message is returned as it stands, so that a LaTeX formula may hold braces.

    Raises:
        KeyError: no such message; a mistake of ours, found by the tests.
    """
    message = catalogue(language)[key]
    return message.format(**values) if values else message
