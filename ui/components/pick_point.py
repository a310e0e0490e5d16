"""A pixel chosen on a picture."""

from __future__ import annotations

from typing import Any

from core.types import Image
from ui.components._declare import declare
from ui.components.choice import settle
from ui.components.picture import data_uri

_mount = declare("pick_point")


def pick_point(
    image: Image,
    *,
    key: str,
    alt: str,
    marker: tuple[int, int] | None = None,
    grid: tuple[int, int] | None = None,
    pixelated: bool = False,
    coordinates: str = "x {x}, y {y}",
    hint: str = "",
    digest: str | None = None,
) -> tuple[int, int] | None:
    """A picture on which a click, a tap, or the arrow keys with Enter choose one pixel.

    Returns `(x, y)`, counted from the top left pixel of `image` in its own size, or None while
    nothing is chosen. The choice stays until another one, until `marker` changes, or until the
    picture has another size and the pixel is no longer in it.

    Args:
        image: uint8 (H, W, 3).
        alt: what the picture shows and what is chosen on it, for those who cannot see it.
        marker: the pixel chosen by the page: from a link, by a reset.
        grid: (columns, rows) of cells drawn over the picture; a click then gives the cell's middle pixel.
        pixelated: show single pixels as squares; for feature maps and other small pictures.
        coordinates: how a place is told on the picture and read out, with {x} and {y}.
        hint: a sentence below the picture on how to choose.
        digest: names the pixels of `image`, where the caller has such a name already.
    """
    height, width = image.shape[:2]

    def read(value: Any) -> tuple[int, int] | None:
        try:
            x, y = (int(number) for number in value)
        except (TypeError, ValueError, OverflowError):
            return None
        return (x, y) if 0 <= x < width and 0 <= y < height else None

    choice = settle(key, marker, read)
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
            "grid": grid,
            "pixelated": pixelated,
            "coordinates": coordinates,
            "hint": hint,
        },
    )
    return choice.value
