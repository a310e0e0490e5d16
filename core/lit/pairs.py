"""What the lesson learns from: captioned pictures, and classes with their rows and names. It ships."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from core import assets, i18n
from core.errors import GlassboxError
from core.imaging.samples import samples
from core.language import pretrained
from core.lit import towers
from core.types import Floats
from core.vision import efficientnet

LEFT_OUT, SPLIT_SEED = 100, 5
MOST_PAIRS = 64
LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Pair:
    """A picture with its captions: `captions` are learned, `shown` stands in the matrix and is not."""

    name: str
    image: bytes = field(repr=False)  # a picture file that `core.imaging.decode` reads
    captions: tuple[str, ...]
    shown: str


def sample_pairs(language: str = "en") -> tuple[Pair, ...]:
    """The sample photos with our own captions in both languages; those shown are in `language`."""
    written = assets.read_json("lit", "captions.json")
    found = []
    for id, sample in samples().items():
        captions = written[id]
        learned = [caption for each in LANGUAGES for caption in captions[each][:-1]]
        found.append(Pair(id, sample.read(), tuple(learned), captions[language][-1]))
    return tuple(found)


def own_pair(name: str, image: bytes, captions: Sequence[str]) -> Pair:
    """A visitor's picture with captions of their own; of several, the last is the one that is shown.

    Raises:
        GlassboxError: no caption, or one without anything to read.
    """
    kept = [caption.strip() for caption in captions if caption.strip()]
    if not kept:
        raise GlassboxError("lit.error.no_caption", name=towers.shortened(name))
    for caption in kept:
        pretrained.load().readable(caption)
    return Pair(name, image, tuple(kept[:-1] or kept), kept[-1])


@functools.cache
def rows() -> Floats:
    """The classifier's rows as pictures of their classes: (1000, 1280), what they share taken away, length 1."""
    kernel, _ = efficientnet.head()
    return towers.unit((kernel - kernel.mean(axis=1, keepdims=True)).T)


def class_name(label: str, language: str) -> str:
    """A class's name without the remark in brackets."""
    return re.sub(r"\s*[(（].*[)）]", "", i18n.text(language, f"imagenet.{label}"))


@functools.cache
def split() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The places of the classes that the lesson learns, and of the 100 that it is asked for at the end."""
    order = np.random.default_rng(SPLIT_SEED).permutation(efficientnet.CLASSES)
    return tuple(sorted(order[LEFT_OUT:].tolist())), tuple(sorted(order[:LEFT_OUT].tolist()))
