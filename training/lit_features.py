"""What the locked image tower says of the photos that are trained and measured with: computed once, kept.

The tower is the int8 EfficientNet-Lite0 that the app runs (`core.vision.lite`): the words are tuned to the very
features that a visitor's picture will have.

Where anyone gets the photos:
- `flickr8k_256.tar`, `flickr8k_captions.json`: photos of Flickr8k (Hodosh et al. 2013), longest side 256, with its
  English captions and the Chinese ones of flickr8k-cn (Li et al. 2016); `split` is "train" or "val".
- `cifar10_jpeg.npz`: CIFAR-10 (Krizhevsky 2009), `tinyimagenet10_64_jpeg.npz`: ten classes of Tiny ImageNet
  (Stanford CS231N); JPEG files end to end, `jpg_test[off_test[i]:off_test[i + 1]]` is picture i.
- `flowers5_227.tar`, `cats_dogs_200.tar`: `train|test/CLASS/NAME.jpg`.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from core.lit import thumbnails
from core.types import Floats, Image
from core.vision import efficientnet
from core.vision.models import lite

VIEWS = 16  # of a training photo: its centre, and others cut out at random
TINY_IMAGENET = {
    "goldfish": "n01443537",
    "king_penguin": "n02056570",
    "golden_retriever": "n02099601",
    "tabby_cat": "n02123045",
    "monarch_butterfly": "n02279972",
    "African_elephant": "n02504458",
    "school_bus": "n04146614",
    "sports_car": "n04285008",
    "teapot": "n04398044",
    "pizza": "n07873807",
}


@dataclass(frozen=True)
class Captioned:
    """Photos with their captions: features (n, views, 1280), captions by language."""

    names: tuple[str, ...]
    features: Floats
    captions: dict[str, tuple[tuple[str, ...], ...]]


@dataclass(frozen=True)
class Labelled:
    """Pictures with classes: features (n, 1280), labels index `classes`."""

    classes: tuple[str, ...]
    features: Floats
    labels: np.ndarray


def decoded(data: bytes) -> Image:
    """A picture file as RGB."""
    return np.asarray(PillowImage.open(io.BytesIO(data)).convert("RGB"))


def centre(image: Image) -> Floats:
    """The tower's features of a picture as the app computes them, not yet told from any centre: (1280,)."""
    return np.asarray(thumbnails.maps(image).mean(axis=(0, 1)))


def views(image: Image, count: int, random: np.random.Generator) -> Floats:
    """The centre and other cuts at random places, some of them mirrored: (count, 1280)."""
    side = efficientnet.PREPARATION.side
    picture = PillowImage.fromarray(image)
    found = [centre(image)]
    while len(found) < count:
        share = random.uniform(0.45, 1.0)
        shape = np.exp(random.uniform(-0.29, 0.29))  # from 3:4 to 4:3
        width = min(picture.width, share * min(picture.size) * shape)
        height = min(picture.height, share * min(picture.size) / shape)
        left = random.uniform(0, picture.width - width)
        top = random.uniform(0, picture.height - height)
        box = (left, top, left + width, top + height)
        cut = np.asarray(picture.resize((side, side), PillowImage.Resampling.BICUBIC, box))
        found.append(lite().features(cut[:, ::-1] if random.random() < 0.5 else cut))
    return np.stack(found)


def members(file: Path) -> Iterator[tuple[str, bytes]]:
    """The files of an archive: name and content."""
    with tarfile.open(file) as archive:
        for member in archive:
            stream = archive.extractfile(member)
            if member.isfile() and stream is not None:
                yield member.name, stream.read()


def _kept(file: Path, make: Iterable[tuple[str, Floats]]) -> tuple[list[str], Floats]:
    """Names and features, from the working folder or made now."""
    if not file.exists():
        names, features = zip(*make, strict=True)
        np.savez(file, names=np.array(names), features=np.stack(features))
    with np.load(file, allow_pickle=False) as stored:
        return [str(name) for name in stored["names"]], stored["features"]


def captioned(data: Path, split: str, work: Path) -> Captioned:
    """The photos of a split of Flickr8k: "train" in many views, "val" as the app sees them."""
    table = json.loads((data / "flickr8k_captions.json").read_text(encoding="utf-8"))
    random = np.random.default_rng(8)
    count = VIEWS if split == "train" else 1
    names, features = _kept(
        work / f"flickr8k_{split}.npz",
        (
            (name, views(decoded(content), count, random))
            for name, content in members(data / "flickr8k_256.tar")
            if table[name]["split"] == split
        ),
    )
    captions = {language: tuple(tuple(table[name][language]) for name in names) for language in ("en", "zh")}
    return Captioned(tuple(names), features, captions)


def jpegs(file: Path, split: str) -> Iterator[tuple[str, bytes]]:
    """The pictures of a split: class and JPEG file."""
    with np.load(file, allow_pickle=False) as stored:
        content, ends, labels = stored[f"jpg_{split}"], stored[f"off_{split}"], stored[f"y_{split}"]
        classes = stored["classes"]
        for place, label in enumerate(labels):
            yield str(classes[label]), content[ends[place] : ends[place + 1]].tobytes()


def _jpegs(file: Path, split: str) -> Iterator[tuple[str, Floats]]:
    for label, content in jpegs(file, split):
        yield label, centre(decoded(content))


def _folders(file: Path, split: str) -> Iterator[tuple[str, Floats]]:
    for name, content in members(file):
        if name.startswith(f"{split}/"):
            yield name.split("/")[1], centre(decoded(content))


def labelled(data: Path, name: str, split: str, work: Path) -> Labelled:
    """A set of labelled pictures: "cifar10", "tinyimagenet10", "flowers5" or "cats_dogs"."""
    files = {
        "cifar10": (_jpegs, "cifar10_jpeg.npz"),
        "tinyimagenet10": (_jpegs, "tinyimagenet10_64_jpeg.npz"),
        "flowers5": (_folders, "flowers5_227.tar"),
        "cats_dogs": (_folders, "cats_dogs_200.tar"),
    }
    read, file = files[name]
    found, features = _kept(work / f"{name}_{split}.npz", read(data / file, split))
    classes = tuple(dict.fromkeys(found))
    return Labelled(classes, features, np.array([classes.index(one) for one in found]))
