"""Maps as pictures: which scale they are shown in, how far it goes, small PNGs with its colours."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from PIL import Image as Pillow

from core.types import Floats, Image
from ui.components import Scale, colour
from ui.components.colours import table
from ui.components.products import Grid
from ui.components.unfolded import Cell

MOST = 99.5  # percentile at which a scale shared by several maps ends


def scale_of(*maps: Floats) -> Scale:
    """Diverging around zero where there is something below zero, else viridis."""
    return "signed" if any(float(values.min(initial=0)) < 0 for values in maps) else "viridis"


def limit_of(*maps: Floats, share: float = 100.0) -> float:
    """Where the scale ends: the largest magnitude, or the percentile `share` of all; never 0."""
    if share >= 100:
        largest = max((float(np.abs(values).max(initial=0)) for values in maps), default=0.0)
    else:
        gathered = np.concatenate([np.abs(values).ravel() for values in maps])
        largest = float(np.percentile(gathered, share)) or float(gathered.max(initial=0))
    return largest if largest > 0 and np.isfinite(largest) else 1.0


def coloured(values: Floats, scale: Scale, limit: float) -> Image:
    """A map (h, w) in the colours of the scale, 0 ... limit or -limit ... limit."""
    return colour(values / limit, scale)


def picture(values: Floats, scale: Scale, limit: float, side: int = 128) -> str:
    """A map (h, w) as a data URI, at most `side` pixels on its longer side."""
    return _uri(_small(values, side), scale, limit)


def sprite(maps: Sequence[Floats], scale: Scale, limit: float, side: int = 64) -> str:
    """Maps of one size below each other in one data URI."""
    return _uri(np.concatenate([_small(values, side) for values in maps]), scale, limit)


def _small(values: Floats, side: int) -> Floats:
    height, width = values.shape
    shrink = side / max(height, width)
    if shrink >= 1:
        return values
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    return np.asarray(cv2.resize(np.ascontiguousarray(values), size, interpolation=cv2.INTER_AREA))


def _uri(values: Floats, scale: Scale, limit: float) -> str:
    """A PNG that carries the scale's 256 colours as its palette."""
    share = values / limit if scale == "viridis" else (values / limit + 1) / 2
    share = np.nan_to_num(share, nan=0.0 if scale == "viridis" else 0.5)
    indexed = Pillow.fromarray(np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)).convert("P")
    indexed.putpalette(table(scale).tobytes())
    file = io.BytesIO()
    indexed.save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def photo(image: Image, side: int = 0) -> str:
    """An image as a data URI, enlarged smoothly to `side` if given; kept nowhere."""
    large = cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC) if side else image
    file = io.BytesIO()
    Pillow.fromarray(large).save(file, "JPEG", quality=88, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def hexes(values: Floats, scale: Scale, limit: float) -> list[list[str]]:
    """The colours of numbers (h, w) as "#rrggbb"."""
    return [
        ["#{:02x}{:02x}{:02x}".format(*one) for one in row] for row in coloured(values, scale, limit).tolist()
    ]


def cells(values: Floats, scale: Scale, limit: float, padded: Iterable[Iterable[bool]] = ()) -> Grid:
    """Numbers (h, w) as cells; what is only padding has no colour."""
    empty = [list(row) for row in padded] or [[False] * values.shape[1]] * values.shape[0]
    colours = hexes(values, scale, limit)
    return tuple(
        tuple(
            Cell("" if empty[row][column] else colours[row][column], number(float(value)))
            for column, value in enumerate(line)
        )
        for row, line in enumerate(values)
    )


def number(value: float) -> str:
    """A number that fits into a cell: about three digits that count, a real minus sign."""
    size = abs(value)
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞" if value < 0 else "?"
    if size == 0:
        return "0"
    if size < 0.001 or size >= 1e6:
        return tiny(value)
    text = f"{value:,.0f}" if size >= 999.5 else f"{value:.3g}"
    return text.replace("-", "−")


def tiny(value: float) -> str:
    """A difference, or another number of which only the size matters: "4.2e−9", never broken over lines."""
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")
