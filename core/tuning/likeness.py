"""Which pictures, and which texts, are near-copies of one another.

A picture counts as a near-copy if it may come of another by saving it anew, scaling it, changing its
brightness, cutting a narrow edge off, or mirroring it. A text does if it says the same in the same words,
but for case, punctuation, and a word here and there.

References:
    Pictures: the differences of neighbouring cells of a coarse grey grid, as in dHash (N. Krawetz, "Kind of
    like that", 2013), but kept as numbers and compared by their cosine: dHash with its bits takes
    handwritten digits for copies of one another. What must and must not count as a copy is in the tests.
    Texts: A. Broder, "On the resemblance and containment of documents", 1997 (character 3-grams, Jaccard,
    MinHash); the candidates of the MinHash bands are then compared exactly.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from core.tuning.types import Example
from core.types import Image

CELLS = 16
SAME_PICTURE = 0.95  # cosine
SAME_TEXT = 0.7  # Jaccard
_BANDS, _ROWS = 16, 4  # of the MinHash: two texts of Jaccard 0.7 meet in a band with 99 %
_CROWD = 10  # texts in one band are compared with their neighbours at most this far away


def likeness(image: Image) -> bytes:
    """What near-copies of a picture share: the differences of the cells of a grid, an int8 each.

    The grid has `CELLS` + 1 cells a side; first all differences to the right, then all down.
    """
    grid = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    grid = cv2.resize(grid, (CELLS + 1, CELLS + 1), interpolation=cv2.INTER_AREA).astype(np.float32)
    differences = np.concatenate([np.diff(grid, axis=1).ravel(), np.diff(grid, axis=0).ravel()])
    largest = np.abs(differences).max()
    numbers: NDArray[np.int8] = np.rint(differences * (127 / max(largest, 1.0))).astype(np.int8)
    return numbers.tobytes()


def near_pictures(examples: Sequence[Example]) -> Iterator[tuple[int, int]]:
    """All pairs of pictures, as their places, of which one is a near-copy of the other."""
    if not examples:
        return
    rows = np.stack([np.frombuffer(example.likeness, np.int8) for example in examples]).astype(np.float32)
    right, down = np.split(rows, [(CELLS + 1) * CELLS], axis=1)
    right, down = right.reshape(-1, CELLS + 1, CELLS), down.reshape(-1, CELLS, CELLS + 1)
    flipped = np.concatenate(
        [-right[..., ::-1].reshape(len(rows), -1), down[..., ::-1].reshape(len(rows), -1)], 1
    )
    norms = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    rows, flipped = rows / norms, flipped / norms  # a mirrored row has the same length
    near = np.maximum(rows @ rows.T, rows @ flipped.T) >= SAME_PICTURE
    for first, second in zip(*np.nonzero(np.triu(near, 1)), strict=True):
        yield int(first), int(second)


def near_texts(examples: Sequence[Example]) -> Iterator[tuple[int, int]]:
    """All pairs of texts, as their places, of which one is a near-copy of the other."""
    plain = [plainly(example.text) for example in examples]
    shingles = [_shingles(text) for text in plain]
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for place, found in enumerate(shingles):
        for band, key in enumerate(_bands(found)):
            buckets[band, key].append(place)
    candidates = {
        (one, other)
        for places in buckets.values()
        for at, one in enumerate(places)
        for other in places[at + 1 : at + 1 + _CROWD]
    }
    for one, other in sorted(candidates):
        common = len(np.intersect1d(shingles[one], shingles[other], assume_unique=True))
        if common >= SAME_TEXT * (len(shingles[one]) + len(shingles[other]) - common):
            yield one, other


def plainly(text: str) -> str:
    """A text without case, width, punctuation and superfluous spaces; itself if nothing else is in it."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(letter if unicodedata.category(letter)[0] in "LNMS" else " " for letter in folded)
    return " ".join(kept.split()) or folded.strip()


def groups(count: int, pairs: Iterator[tuple[int, int]]) -> list[list[int]]:
    """The places 0 … count - 1 in groups that the pairs connect, in the order of their first members."""
    parent = list(range(count))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for one, other in pairs:
        first, second = sorted((root(one), root(other)))
        parent[second] = first
    members: dict[int, list[int]] = defaultdict(list)
    for place in range(count):
        members[root(place)].append(place)
    return list(members.values())


def _shingles(text: str) -> NDArray[np.uint64]:
    """The different 3-grams of a text's characters, as numbers; a shorter text is filled up with zeros."""
    codes = np.array([ord(letter) for letter in text] + [0] * max(0, 3 - len(text)), np.uint64)
    return np.unique(codes[:-2] << np.uint64(42) | codes[1:-1] << np.uint64(21) | codes[2:])


def _bands(shingles: NDArray[np.uint64]) -> list[bytes]:
    """The MinHash of a set in bands: sets that are alike have one of them in common."""
    multipliers = np.random.default_rng(0).integers(1, 2**63, _BANDS * _ROWS, np.uint64) | np.uint64(1)
    mixed = shingles ^ (shingles >> np.uint64(29))
    smallest = np.full(len(multipliers), np.iinfo(np.uint64).max, np.uint64)
    for part in np.array_split(mixed, max(1, len(mixed) // 256)):
        smallest = np.minimum(smallest, (multipliers[:, None] * part >> np.uint64(20)).min(axis=1))
    return [band.tobytes() for band in smallest.reshape(_BANDS, _ROWS)]
