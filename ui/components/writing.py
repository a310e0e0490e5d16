"""A field to write in: what is typed is sent with Enter, on leaving the field, and after a pause."""

from __future__ import annotations

from typing import Any

from ui.components._declare import declare
from ui.components.choice import settle

_mount = declare("writing")
MOST = 200_000  # characters that the field takes


def writing(
    text: str,
    *,
    key: str,
    label: str,
    placeholder: str = "",
    hint: str = "",
    clear: str,
    lines: int = 5,
    strong: bool = False,
) -> str:
    """A field as high as its text, up to `lines` lines; returns what stands in it.

    Shift and Enter begins a new line. While the visitor types nothing that the page says disturbs
    them: a new `text` takes the place of theirs only if it is not the one of the last run.

    Args:
        text: what the page says stands in it; it may feed back what it was returned.
        label: read out as the field's name.
        placeholder: shown in the empty field.
        hint: a few words below the field on how to send.
        clear: what the button that empties the field is called.
        strong: larger letters, for the field that a page is about.
    """

    def read(value: Any) -> str | None:
        return value[:MOST] if isinstance(value, str) else None

    choice = settle(key, text, read)
    _mount(
        key=key,
        data={
            "key": key,
            "label": label,
            "placeholder": placeholder,
            "hint": hint,
            "clear": clear,
            "lines": lines,
            "strong": strong,
            "most": MOST,
            "value": choice.shown,
            "revision": choice.revision,
        },
    )
    return choice.value or ""
