"""A picture taken from the clipboard."""

from __future__ import annotations

import base64
import binascii

from ui.components._declare import declare

_mount = declare("paste_image")


def paste_image(*, key: str, label: str, error_text: str, max_bytes: int = 8_000_000) -> bytes | None:
    """Ctrl+V anywhere on the page, or a click on this button, gives the picture in the clipboard.

    The browser draws it anew first: at most 1,600 pixels on its longer side, as a JPEG, or as a PNG
    where it is small or partly transparent, and without its metadata.

    Returns the file's bytes once, in the run after the pasting; otherwise None. They come from a
    visitor: `core.imaging.decode` reads them like an upload.

    Args:
        label: the words on the button; the keys of the visitor's system are put beside them.
        error_text: told, with those keys in the place of "Ctrl+V", below it when the clipboard held no
            picture, when the browser does not let a click read it, or when it is over `max_bytes`.
        max_bytes: the largest file sent and accepted.
    """
    result = _mount(
        key=key,
        data={"key": key, "label": label, "error": error_text, "max": max_bytes},
        on_paste_change=lambda: None,
    )
    text = result.get("paste")
    if not isinstance(text, str) or len(text) > (max_bytes + 2) // 3 * 4:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
