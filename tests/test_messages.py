"""The two catalogues are equal, and every key that the code asks for exists."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path

import pytest

from core import i18n
from core.errors import GlassboxError

ROOT = Path(__file__).resolve().parent.parent
FIRST, *OTHERS = i18n.LANGUAGES


def placeholders(message: str) -> set[str]:
    try:
        return {name for _, name, _, _ in string.Formatter().parse(message) if name}
    except ValueError:  # a formula
        return set()


@pytest.mark.parametrize("language", OTHERS)
def test_catalogues_have_the_same_keys_and_placeholders(language: str) -> None:
    first, other = i18n.catalogue(FIRST), i18n.catalogue(language)
    assert set(first) == set(other)
    for key, message in first.items():
        if not key.endswith(".formula"):
            assert placeholders(message) == placeholders(other[key]), key


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_no_message_is_empty_and_no_key_stands_twice(language: str) -> None:
    assert all(message.strip() for message in i18n.catalogue(language).values())
    seen: list[str] = []
    for file in (ROOT / "assets/messages" / language).glob("*.json"):
        seen += [key for key, _ in json.loads(file.read_text("utf-8"), object_pairs_hook=list)]
    assert len(seen) == len(set(seen))


def test_chinese_is_chinese() -> None:
    """Every message with a word in it has a Chinese one; names, units and code apart."""
    apart = re.compile(
        r"\{\w*\}|:\w+\[|`[^`]*`|https?://\S+|\b[A-Z]\w*|[A-Za-z]+-[A-Z]\w*|\bdB\b|\{.*\}|\[.*\]"
    )
    neutral = re.compile(r"\.(formula|citation)$|^language\.|^model\.|^explanation\.\w+$")
    for key, message in i18n.catalogue("zh").items():
        if not neutral.search(key):
            words = re.search(r"[A-Za-z]{4}", apart.sub("", message))
            assert re.search(r"[\u4e00-\u9fff]", message) or not words, key
            assert not re.search(r"[\u4e00-\u9fff][,;:!?]", message), f"half-width punctuation in {key}"


def test_every_key_in_the_code_exists() -> None:
    asked = re.compile(r"""(?:\bt|\bother|GlassboxError)\(\s*"([a-z0-9_.]+)\"""")
    for folder in ("core", "ui", "pages"):
        for path in (ROOT / folder).rglob("*.py"):
            for key in asked.findall(path.read_text(encoding="utf-8")):
                assert key in i18n.catalogue(FIRST), f"{key} in {path.name}"


def test_an_error_speaks_both_languages() -> None:
    error = GlassboxError("error.parameter", name="size", got="4", wanted="3 … 15")
    assert str(error) == "“size” cannot be 4. Choose: 3 … 15."
    assert "不能是" in i18n.text("zh", error.key, **error.values)


def test_a_message_without_values_keeps_its_braces() -> None:
    key = next(iter(i18n.catalogue("en")))
    assert i18n.text("en", key) == i18n.catalogue("en")[key]
    with pytest.raises(KeyError):
        i18n.text("en", "no.such.message")
