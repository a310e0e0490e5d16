"""The two towers: pictures and words become vectors of one space, 1,280 numbers of length 1.

    picture: EfficientNet-Lite0's pooled features f, as they are          (locked: it never learned from words)
             (f - centre) / |f - centre|
    words:   MiniLM's mean token vector h, tuned until it points where its pictures lie
             t / |t|,  t = h K + b + relu(h/rms(h) A + a) B

How alike a picture and a text are is the cosine of their vectors, a plain product. The direction of a text is
what a row of a classifier is: naming pictures by typed words is classification with rows that are written.
The layer beside the projection K is there for its rank: the rows of a thousand classes fill more than the 384
directions that a projection of h alone can reach.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core import assets, checksums
from core.errors import GlassboxError
from core.language import pretrained, windows
from core.language.pretrained import Pretrained
from core.language.threads import one_thread
from core.language.types import Ids, Token
from core.language.wordpiece import EMOJI, WordPieces
from core.lit import thumbnails
from core.types import Floats, Image, ModelCard
from core.vision import efficientnet

WIDTH = efficientnet.HEAD
HEAD = (
    "projection/kernel",
    "projection/bias",
    "beside/kernel",
    "beside/bias",
    "across/kernel",
)  # in the file
READ = 64  # tokens of a text that are read
LONGEST = 10_000  # characters of a text that are looked at
BUDGET = 2048  # tokens, padding included, that go through the text tower together
_FIRST_EMOJI = "\u203c"


def unit(x: Floats) -> Floats:
    """Vectors (..., d) of length 1; one without length stays."""
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12), np.float32)


@dataclass(frozen=True, eq=False)
class TextTower:
    """MiniLM with a projection into the space of the image tower."""

    encoder: Pretrained
    kernel: Floats  # (384, 1280)
    bias: Floats  # (1280,)
    beside: Floats  # A (384, units)
    beside_bias: Floats  # a (units,)
    across: Floats  # B (units, 1280)

    def project(self, pooled: Floats) -> Floats:
        """Vectors (n, 1280), of any length, of mean token vectors (n, 384)."""
        steady = pooled / np.sqrt((pooled * pooled).mean(axis=1, keepdims=True))
        units = np.maximum(steady @ self.beside + self.beside_bias, 0)
        found: Floats = pooled @ self.kernel + self.bias + units @ self.across
        return found

    @one_thread()
    def embed(self, batch: Sequence[Ids]) -> Floats:
        """Unit rows (n, 1280) of token sequences, none of them empty."""
        found = np.zeros((len(batch), WIDTH), np.float32)
        order = sorted(range(len(batch)), key=lambda row: len(batch[row]))
        start = 0
        while start < len(order):
            end = start + 1
            while end < len(order) and (end + 1 - start) * len(batch[order[end]]) <= BUDGET:
                end += 1
            rows = order[start:end]
            pooled = self.encoder.pooled(*windows.padded([batch[row] for row in rows]))
            found[rows] = self.project(pooled)
            start = end
        return unit(found)


@functools.cache
def card() -> ModelCard:
    """What is told of the text tower; the figures are those that `training/lit.py` printed."""
    stored = assets.read_json("lit", "card.json")
    return ModelCard(
        name="lit",
        input_size=(READ,),
        parameters=stored["parameters"],
        source=stored["source"],
        licence=stored["licence"],
        made_by=stored["made_by"],
        figures=stored["figures"],
    )


@functools.cache
def text_tower() -> TextTower:
    """The shipped text tower, one a process."""
    return read_tower(checksums.whole("lit", "text_tower.npz"), assets.path("lit", "vocabulary.json"), card())


def read_tower(file: Path, vocabulary: Path, told: ModelCard) -> TextTower:
    """The tower of a file that `training/lit.py` wrote."""
    weights, table = pretrained.read_weights(file)
    head = [weights[name] for name in HEAD]
    encoder = Pretrained("lit", weights.without(*HEAD), table, WordPieces.read(vocabulary), told, 1.0)
    for array in head:
        array.setflags(write=False)
    return TextTower(encoder, *head)


@functools.cache
def centre() -> Floats:
    """What the image tower's features are told from: (1280,), see `centre_of` in `training/lit.py`."""
    found: Floats = np.load(checksums.whole("lit", "centre.npy"), allow_pickle=False)
    found.setflags(write=False)
    return found


def spelled(text: str) -> str:
    """The text with each emoji spelled by its Unicode name: the tower has read words only."""
    text = text[:LONGEST]
    if all(character < _FIRST_EMOJI for character in text):
        return text
    return "".join(
        f" {unicodedata.name(character, '').lower()} " if _is_emoji(character) else character
        for character in text
    )


@functools.cache
def _emoji_ranges() -> tuple[tuple[int, int], ...]:
    """The ranges of `wordpiece.EMOJI`, a regular expression's class."""
    parts = EMOJI.replace("\\", "")
    found, place = [], 0
    while place < len(parts):
        last = place + 2 if parts[place + 1 : place + 2] == "-" else place
        found.append((ord(parts[place]), ord(parts[last])))
        place = last + 1
    return tuple(found)


def _is_emoji(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in _emoji_ranges())


def tokens(text: str) -> list[Token]:
    """The tokens of a text that the tower reads, of an emoji those of its name. Places are in `spelled(text)`.

    Raises:
        GlassboxError: there is nothing to read, or nothing that was in the vocabulary.
    """
    found = text_tower().encoder.tokenizer.encode(spelled(text))[:READ]
    if not found:
        raise GlassboxError("lit.error.nothing_to_read", text=shortened(text))
    if all(token.id == 0 for token in found):
        raise GlassboxError("lit.error.unknown_script", text=shortened(text))
    return found


def shortened(text: str) -> str:
    """What of a visitor's text is repeated in a sentence."""
    plain = " ".join(text.split())
    return plain if len(plain) <= 40 else plain[:39] + "…"


def embed_texts(texts: Sequence[str]) -> Floats:
    """Unit rows (n, 1280), one a text in Chinese, English or both; the first 64 tokens of each are read.

    Raises:
        GlassboxError: `lit.error.nothing_to_read`, `lit.error.unknown_script`.
    """
    different = list(dict.fromkeys(texts))
    if not different:
        return np.zeros((0, WIDTH), np.float32)
    ids = [np.array([token.id for token in tokens(text)], np.int32) for text in different]
    rows = text_tower().embed(ids)
    place = {text: row for row, text in enumerate(different)}
    return rows[[place[text] for text in texts]]


def maps(image: Image) -> Floats:
    """The image tower's last maps of a picture of any size: (7, 7, 1280); their mean is the features.

    Those of a thumbnail are moved to where photos lie: `core.lit.thumbnails`.
    """
    found = thumbnails.maps(image)
    return found + (centre() - thumbnails.centre()) if thumbnails.is_thumbnail(image) else found


def features(images: Sequence[Image]) -> Floats:
    """The image tower's pooled features (n, 1280) of pictures of any size, as the classifier reads photos."""
    if not images:
        return np.zeros((0, WIDTH), np.float32)
    return np.stack([maps(image).mean(axis=(0, 1)) for image in images])


def placed(features: Floats) -> Floats:
    """Features (n, 1280) as unit rows of the common space."""
    return unit(features - centre())


def embed_images(images: Sequence[Image]) -> Floats:
    """Unit rows (n, 1280), one a picture (h, w, 3) uint8 of any size."""
    return placed(features(images))
