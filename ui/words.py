"""Words in the visitor's language."""

from __future__ import annotations

from core import i18n
from core.errors import GlassboxError
from ui import state


def t(key: str, **values: object) -> str:
    """The message `key` in the visitor's language."""
    return i18n.text(state.visit().language, key, **values)


def other(key: str) -> str:
    """The same message in the next language of the app, for names that are shown in both."""
    languages = i18n.LANGUAGES
    index = languages.index(state.visit().language)
    return i18n.text(languages[(index + 1) % len(languages)], key)


def sentence(error: GlassboxError) -> str:
    """What went wrong and what to do about it, for the visitor."""
    return t(error.key, **error.values)


def label(model: str, label_id: str) -> str:
    """The name of a class of a shipped model."""
    return t(label_key(model, label_id))


def label_key(model: str, label_id: str) -> str:
    """The message key of a class name."""
    return f"{'cifar10' if model == 'article_cnn' else 'imagenet'}.{label_id}"


def percent(share: float, digits: int = 1) -> str:
    """A probability as a percentage: 0.7241 -> "72.4%"; what would be rounded to nothing is "<0.1%"."""
    smallest = 10.0**-digits
    if 0 < share * 100 < smallest:
        return f"<{smallest:g}%"
    return f"{share * 100:.{digits}f}%"


def plain(text: str) -> str:
    """A visitor's text inside a markdown sentence: every sign that could mean something is escaped."""
    return "".join(
        f"\\{sign}" if sign in "\\`*_{}[]()<>#+-.!|~$:&" else sign for sign in " ".join(text.split())
    )
