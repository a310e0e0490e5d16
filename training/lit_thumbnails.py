"""Where very small pictures lie on average in the image tower's features: writes `assets/lit/thumbnails.npy`.

    python -m training.lit_thumbnails --data FOLDER

Photos of four sets (`lit_features.py` says where anyone gets them; the parts that are trained with) are cut to a
square at random, shrunk to 32 pixels, stored as JPEG and decoded again, and read by the tower as the app reads
them. The point is the mean of the four sets' means. No picture of CIFAR-10 is among them.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from core import assets
from core.lit import thumbnails
from core.types import Image
from training import checksums
from training.lit_features import decoded, jpegs, members

SIDE = 32
MOST = 750  # photos of a set


def shrunk(image: Image, random: np.random.Generator) -> Image:
    """A square of the photo in 32 x 32 pixels, as a JPEG file gives it back."""
    height, width = image.shape[:2]
    side = round(min(height, width) * random.uniform(0.5, 1))
    left, top = random.integers(width - side + 1), random.integers(height - side + 1)
    square = PillowImage.fromarray(image).crop((left, top, left + side, top + side))
    file = io.BytesIO()
    square.resize((SIDE, SIDE), PillowImage.Resampling.BOX).save(
        file, "JPEG", quality=int(random.integers(75, 97))
    )
    return decoded(file.getvalue())


def photos(data: Path) -> Iterator[list[bytes]]:
    """The files of each set."""
    table = json.loads((data / "flickr8k_captions.json").read_text(encoding="utf-8"))
    yield [content for name, content in members(data / "flickr8k_256.tar") if table[name]["split"] == "train"]
    for name in ("cats_dogs_200.tar", "flowers5_227.tar"):
        yield [content for path, content in members(data / name) if path.startswith("train/")]
    yield [content for _, content in jpegs(data / "tinyimagenet10_64_jpeg.npz", "train")]


def main() -> None:
    """Read the command line, measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of lit_features.py")
    options = parser.parse_args()
    random, means = np.random.default_rng(0), []
    for files in photos(options.data):
        chosen = random.permutation(len(files))[:MOST]
        seen = [thumbnails.maps(shrunk(decoded(files[one]), random)).mean(axis=(0, 1)) for one in chosen]
        means.append(np.mean(seen, axis=0))
        print(f"{len(seen)} photos", flush=True)
    np.save(assets.path("lit", "thumbnails.npy"), np.mean(means, axis=0).astype(np.float32))
    checksums.main()


if __name__ == "__main__":
    main()
