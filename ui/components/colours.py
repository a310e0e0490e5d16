"""Numbers to colours: perceptually uniform scales for maps, a diverging one for signed values."""

from __future__ import annotations

import functools
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.types import Floats, Image

Scale: TypeAlias = Literal["viridis", "inferno", "magma", "signed"]

# Blue for below zero, red for above, both growing darker at the same rate from a near-white zero
# (ColorBrewer's RdBu, readable with every common colour blindness).
_SIGNED = (
    "#053061",
    "#2166ac",
    "#4393c3",
    "#92c5de",
    "#d1e5f0",
    "#f7f7f7",
    "#fddbc7",
    "#f4a582",
    "#d6604d",
    "#b2182b",
    "#67001f",
)


def colour(values: Floats, scale: Scale = "viridis") -> Image:
    """The values as colours, uint8 (H, W, 3).

    Args:
        values: (H, W), in 0..1; for "signed" in -1..1. What lies outside is shown as the nearer end,
            and what is not a number as the lowest colour (zero's, for "signed").
    """
    low = -1.0 if scale == "signed" else 0.0
    share = np.nan_to_num((values - low) / (1.0 - low), nan=0.5 if scale == "signed" else 0.0)
    picture: Image = table(scale)[np.rint(np.clip(share, 0.0, 1.0) * 255).astype(np.uint8)]
    return picture


@functools.cache
def table(scale: Scale) -> NDArray[np.uint8]:
    """The 256 colours of a scale from its low to its high end, (256, 3)."""
    if scale == "signed":
        stops = np.array([[int(stop[i : i + 2], 16) for i in (1, 3, 5)] for stop in _SIGNED], np.float64)
        places, steps = np.linspace(0, 1, len(stops)), np.linspace(0, 1, 256)
        blended = np.stack([np.interp(steps, places, stops[:, channel]) for channel in range(3)], axis=1)
        return np.rint(blended).astype(np.uint8)
    import cv2  # it has the tables of matplotlib; imported here, since most pages need no colours at first

    named = {"viridis": cv2.COLORMAP_VIRIDIS, "inferno": cv2.COLORMAP_INFERNO, "magma": cv2.COLORMAP_MAGMA}
    ramp = np.arange(256, dtype=np.uint8)[:, None]
    return np.asarray(cv2.applyColorMap(ramp, named[scale])[:, 0, ::-1], np.uint8)


def stops(scale: Scale, count: int = 17) -> list[str]:
    """Evenly spaced colours of a scale as `#rrggbb`, for a legend or a chart."""
    chosen = table(scale)[np.linspace(0, 255, count).round().astype(int)]
    return ["#{:02x}{:02x}{:02x}".format(*row) for row in chosen.tolist()]
