"""The same vectors the other way round: words look for pictures, a picture for its like or for a caption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.lit import towers
from core.lit.answers import filled
from core.types import Floats


@dataclass(frozen=True)
class Found:
    """One of what was searched: its place in the list and its cosine with what was asked."""

    place: int
    similarity: float


def nearest(asked: Floats, among: Floats, most: int = 12) -> list[Found]:
    """Those of unit rows `among` (n, d) that are nearest to a unit vector (d,), the nearest first."""
    cosines = among @ asked
    order = np.argsort(-cosines, kind="stable")[:most]
    return [Found(int(place), float(cosines[place])) for place in order]


def pictures_of(prompt: str, images: Floats, template: str | None = None, most: int = 12) -> list[Found]:
    """The pictures that words fit best; `images` are rows of `embed_images`.

    Raises:
        GlassboxError: the prompt or the template cannot be used.
    """
    (text,) = towers.embed_texts(filled([prompt], template))
    return nearest(text, images, most)


def pictures_like(place: int, images: Floats, most: int = 12) -> list[Found]:
    """The pictures that are most like one of them, itself left out."""
    found = nearest(images[place], images, most + 1)
    return [one for one in found if one.place != place][:most]


def captions_for(image: Floats, captions: Sequence[str], most: int = 5) -> list[Found]:
    """The captions of a list that fit a picture best; `image` is a row of `embed_images`.

    Raises:
        GlassboxError: the list is empty, too long, or holds a caption that cannot be read.
    """
    return nearest(image, towers.embed_texts(filled(captions)), most)
