"""A rectangle drawn on a picture."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from core.types import Image
from ui.components._declare import declare
from ui.components.choice import settle
from ui.components.picture import data_uri

Rectangle: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom; fractions of the picture

_mount = declare("pick_rectangle")


def pick_rectangle(
    image: Image,
    *,
    key: str,
    alt: str,
    rectangle: Rectangle | None = None,
    hint: str = "",
    digest: str | None = None,
) -> Rectangle | None:
    """A picture on which a rectangle is drawn, moved, and pulled at its corners and sides.

    Returns `(left, top, right, bottom)` as fractions of the picture, 0 <= left < right <= 1 and
    0 <= top < bottom <= 1, or None where there is none. It is reported when it is let go, and stays
    until it is changed or `rectangle` changes. A click beside it takes it away.

    Keys: Enter draws one, the arrows move it, with Shift they pull its lower right corner, Delete
    takes it away.

    Args:
        image: uint8 (H, W, 3).
        alt: what the picture shows and what the rectangle is for, for those who cannot see it.
        rectangle: the one that the page itself says: from a link, by a reset.
        hint: a sentence below the picture on how to draw.
        digest: names the pixels of `image`, where the caller has such a name already.
    """
    height, width = image.shape[:2]
    choice = settle(key, rectangle, _read)
    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "width": width,
            "height": height,
            "source": data_uri(image, digest=digest),
            "value": choice.shown,
            "revision": choice.revision,
            "hint": hint,
        },
    )
    return choice.value


def _read(value: Any) -> Rectangle | None:
    try:
        left, top, right, bottom = (float(number) for number in value)
    except (TypeError, ValueError, OverflowError):
        return None
    sides = (left, top, right, bottom)
    whole = all(math.isfinite(side) and 0 <= side <= 1 for side in sides)
    return sides if whole and left < right and top < bottom else None
