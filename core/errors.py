"""The one exception that a visitor can cause, told in the visitor's language."""

from __future__ import annotations

from core import i18n


class GlassboxError(Exception):
    """Something a visitor gave cannot be used: what was got, what was wanted, what to do.

    `key` names a message of the catalogue and `values` fill its placeholders, so that a page tells
    it in the visitor's language; `str()` is the plain English sentence.
    """

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key, values)
        self.key = key
        self.values = values

    def __str__(self) -> str:
        return i18n.text("en", self.key, **self.values)

    def __reduce__(self) -> tuple[object, ...]:  # crosses the border of a worker process
        return _rebuild, (self.key, self.values)


def _rebuild(key: str, values: dict[str, object]) -> GlassboxError:
    return GlassboxError(key, **values)
