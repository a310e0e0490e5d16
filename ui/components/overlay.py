"""A photo under a heatmap, and how much of the heatmap is seen."""

from __future__ import annotations

import numpy as np
from PIL import Image as Pillow

from core.types import Floats, Image
from ui.components._declare import declare
from ui.components.colours import Scale, colour, stops
from ui.components.picture import data_uri

_mount = declare("overlay")
_SIDE = 384  # pixels of the map on its way to the browser, which stretches it over the photo


def overlay(
    image: Image,
    heatmap: Floats,
    *,
    key: str,
    alt: str,
    label: str,
    legend_low: str,
    legend_high: str,
    photo_only: str,
    opacity: float = 0.5,
    scale: Scale = "viridis",
    smooth: bool = True,
    seen: tuple[int, int, int, int] | None = None,
    image_digest: str | None = None,
) -> None:
    """A heatmap over a photo with an opacity slider that works in the browser at once: no rerun.

    The photo alone is seen while the picture is held down, or with the button. What a visitor set
    stays when the picture or the map changes.

    Args:
        image: uint8 (H, W, 3).
        heatmap: float32 (h, w) in 0..1 over the part `seen`, of any size (-1..1 for the scale "signed").
        alt: what the picture shows, for those who cannot see it.
        label: the words beside the slider.
        legend_low: the words at the low end of the colour bar.
        legend_high: the words at its high end.
        photo_only: the words of the button that hides the map.
        opacity: how much of the map is seen at first, 0 to 1.
        smooth: a small map is interpolated before it is coloured, so that no colour appears which stands
            for no value; without it its cells stay squares.
        seen: the part of the photo that the map speaks of, (left, top, right, bottom) in pixels; the rest
            stands back. The whole photo if not given.
        image_digest: names the pixels of `image`, where the caller has such a name already.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = seen or (0, 0, width, height)
    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "width": width,
            "height": height,
            "photo": data_uri(image, digest=image_digest),
            "heat": data_uri(colour(_resized(heatmap, smooth), scale), max_side=_SIDE),
            "seen": [left / width, top / height, right / width, bottom / height],
            "colours": stops(scale),
            "low": legend_low,
            "high": legend_high,
            "label": label,
            "alone": photo_only,
            "opacity": opacity,
        },
    )


def _resized(heatmap: Floats, smooth: bool) -> Floats:
    height, width = heatmap.shape
    scale = _SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = Pillow.Resampling.BICUBIC if smooth else Pillow.Resampling.NEAREST
    return np.asarray(Pillow.fromarray(np.asarray(heatmap, np.float32)).resize(size, how))
