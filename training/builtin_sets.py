"""Rebuilds the small picture sets in `assets/tuning` from the packages that carry their sources.

    python -m training.builtin_sets [--packages FOLDER]

The scikit-image and scikit-learn packages are fetched with pip and not installed; package files that are
in FOLDER already are taken from there. Each set is a zip file such as a visitor could upload, with
folders `train` and `test` and in each a folder a class. The sentences in `assets/tuning/*.tsv` were
written for this project by hand; the script counts them. It prints what it wrote, and how many near-copies
there are across the split (none).
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.tuning.images import picture
from core.tuning.likeness import near_pictures
from core.tuning.shipped import BUILTIN, builtin
from training.samples import SKIMAGE, SKLEARN, from_packages

FOLDER = Path(__file__).resolve().parent.parent / "assets" / "tuning"
PHOTO = 512  # pixels, the side of the texture photos
TEXTURE = 85  # pixels: 36 patches of a photo, none of which shares a pixel with another
SURFACE = 64  # pixels: 64 patches
DEFECTS = ("intact", "scratch", "stain")
DIGIT = 96  # pixels
DIGITS_TRAINING, DIGITS_TESTING = 20, 8  # a class
LAST_WRITERS = 1400  # the rows of the digits from here on are of writers that none before is of
TESTED = 2 / 3  # left of it a photo is for training, right of it for testing

Member = tuple[str, NDArray[np.uint8]]  # path in the zip file, (height, width) grey


def patches(photo: NDArray[np.uint8], side: int) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """The photo in a grid of squares, column by column, and which side of the split each is on."""
    count = PHOTO // side
    for column in range(count):
        split = "train" if column < round(count * TESTED) else "test"
        for row in range(count):
            yield split, photo[row * side : (row + 1) * side, column * side : (column + 1) * side]


def textures(photos: dict[str, NDArray[np.uint8]]) -> Iterator[Member]:
    """Patches of three photos: the photo is the class."""
    for label, photo in photos.items():
        for number, (split, patch) in enumerate(patches(photo, TEXTURE)):
            yield f"{split}/{label}/{number:02}.jpg", patch


def surfaces(photo: NDArray[np.uint8]) -> Iterator[Member]:
    """Patches of the paved floor, a third of them scratched and a third stained by us."""
    random = np.random.default_rng(0)
    for number, (split, patch) in enumerate(patches(photo, SURFACE)):
        label = DEFECTS[number % len(DEFECTS)]
        damage = {"intact": untouched, "scratch": scratched, "stain": stained}[label]
        yield f"{split}/{label}/{number:02}.jpg", damage(patch, random)


def untouched(patch: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """The patch as it is."""
    return patch


def scratched(patch: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """The patch with one or two thin bright lines, a little bent, drawn at four times the size."""
    layer = np.zeros((SURFACE * 4, SURFACE * 4), np.uint8)
    for _ in range(random.integers(1, 3)):
        start, angle = random.uniform(0.25, 0.75, 2) * SURFACE, random.uniform(0, np.pi)
        along = np.linspace(-1, 1, 12)[:, None] * random.uniform(0.3, 0.5) * SURFACE
        bend = np.linspace(-1, 1, 12)[:, None] ** 2 * random.uniform(-5, 5)
        direction = np.array([np.cos(angle), np.sin(angle)])
        points = start + along * direction + bend * direction[::-1] * (-1, 1)
        points += random.normal(0, 0.4, points.shape)
        cv2.polylines(
            layer, [np.rint(points * 4).astype(np.int32)], False, 255, int(random.integers(3, 7)), cv2.LINE_AA
        )
    mask = cv2.resize(layer, (SURFACE, SURFACE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return blended(patch, mask * random.uniform(0.6, 0.85), 225.0)


def stained(patch: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """The patch with a dark spot of an irregular, soft outline."""
    centre, radius = random.uniform(0.3, 0.7, 2) * SURFACE, random.uniform(0.12, 0.24) * SURFACE
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    radii = radius * (1 + 0.25 * np.sin(2 * angles + random.uniform(0, 6)) + random.normal(0, 0.08, 24))
    points = centre + np.stack([np.cos(angles), np.sin(angles)], 1) * radii[:, None]
    layer = np.zeros((SURFACE, SURFACE), np.uint8)
    cv2.fillPoly(layer, [np.rint(points * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    mask = cv2.GaussianBlur(layer, (0, 0), 1.5).astype(np.float32) / 255
    return blended(patch, mask * random.uniform(0.55, 0.8), 25.0)


def blended(patch: NDArray[np.uint8], mask: NDArray[np.float32], tone: float) -> NDArray[np.uint8]:
    """The patch with a grey tone over it, as much as the mask (0 to 1) says."""
    return np.rint(patch * (1 - mask) + tone * mask).astype(np.uint8)


def digits(rows: NDArray[np.float64]) -> Iterator[Member]:
    """Handwritten digits, dark on white, enlarged from 8 x 8 cells; the test has writers of its own.

    A digit that would count as a near-copy of one to learn from is not used for testing.
    """
    for label in range(10):
        known = [enlarged(row) for row in rows[:LAST_WRITERS] if row[-1] == label]
        known = [known[place] for place in np.linspace(0, len(known) - 1, DIGITS_TRAINING).astype(int)]
        other = [enlarged(row) for row in rows[LAST_WRITERS:] if row[-1] == label]
        examples = [picture(encoded(grey)) for grey in known + other]
        copies = {two - len(known) for one, two in near_pictures(examples) if one < len(known) <= two}
        other = [grey for place, grey in enumerate(other) if place not in copies]
        other = [other[place] for place in np.linspace(0, len(other) - 1, DIGITS_TESTING).astype(int)]
        for number, grey in enumerate(known + other):
            yield f"{'train' if number < len(known) else 'test'}/{label}/{number:02}.jpg", grey


def enlarged(row: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A row of the table, 64 numbers of 0 to 16 and the label, as a picture."""
    cells = np.pad(255 - row[:64].reshape(8, 8) * (255 / 16), 1, constant_values=255)
    large = cv2.resize(cells.astype(np.float32), (DIGIT, DIGIT), interpolation=cv2.INTER_CUBIC)
    return np.clip(np.rint(large), 0, 255).astype(np.uint8)


def encoded(grey: NDArray[np.uint8]) -> bytes:
    """A grey picture as a JPEG file."""
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "JPEG", quality=90, optimize=True)
    return file.getvalue()


def write(name: str, members: Iterator[Member]) -> None:
    """One set as a zip file; the dates in it are always the same, so that the file is."""
    with zipfile.ZipFile(FOLDER / f"{name}.zip", "w", zipfile.ZIP_STORED) as archive:
        for path, grey in members:
            archive.writestr(zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0)), encoded(grey))


def build(packages: Path) -> None:
    """Writes the picture sets."""
    photos = {
        name: np.asarray(
            Image.open(io.BytesIO(SKIMAGE.read(packages, f"skimage/data/{name}.png"))).convert("L")
        )
        for name in ("brick", "grass", "gravel")
    }
    table = gzip.decompress(SKLEARN.read(packages, "sklearn/datasets/data/digits.csv.gz"))
    FOLDER.mkdir(parents=True, exist_ok=True)
    write("textures", textures(photos))
    write("surfaces", surfaces(photos["brick"]))
    write("digits", digits(np.loadtxt(io.BytesIO(table), delimiter=",")))
    (FOLDER / "LICENSES.md").write_text(licences(), encoding="utf-8")


def licences() -> str:
    """What `LICENSES.md` holds: one row a set."""
    rows = [
        "# The small data sets and their licences",
        "",
        "Written by `training/builtin_sets.py`. The licence is that of the pictures or sentences themselves.",
        "",
        "| set | licence | of | source |",
        "|---|---|---|---|",
        *(f"| {one.name} | {one.licence} | {one.credit} | {one.source} |" for one in BUILTIN.values()),
    ]
    return "\n".join(rows) + "\n"


def report() -> None:
    """Prints what is in each set, and the near-copies across its split."""
    for name, one in BUILTIN.items():
        dataset = builtin(name)
        counts = Counter((example.split, dataset.labels[example.label]) for example in dataset.examples)
        size = sum(path.stat().st_size for path in FOLDER.glob(f"{name}.*"))
        moved = sum("moved" in problem.key for problem in dataset.problems)
        print(f"{name:9} {one.kind:6} {size:8,} bytes, near-copies across the split: {moved}", dict(counts))


if __name__ == "__main__":
    from_packages(__doc__, build)
    report()
