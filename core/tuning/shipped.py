"""The small data sets that ship with the app: ready to tune on, and what the applications begin with."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Literal

from core import assets, checksums
from core.tuning import review
from core.tuning.images import image_dataset
from core.tuning.texts import text_example
from core.tuning.types import Dataset, Example, Split

_OWN = "Apache-2.0"
_CC0 = "CC0 1.0"


@dataclass(frozen=True)
class BuiltinSet:
    """A set that ships.

    Its words are the messages `tuning_set.NAME`, `.about`, and `.LABEL` for each class; `label_key` gives
    the last. How it was made: `training/builtin_sets.py`.
    """

    name: str
    kind: Literal["images", "texts"]
    labels: tuple[str, ...]  # ids
    licence: str
    credit: str
    source: str


_SKIMAGE = "scikit-image 0.26.0 (PyPI), skimage/data/{}.png"

BUILTIN: dict[str, BuiltinSet] = {
    one.name: one
    for one in (
        BuiltinSet(
            "textures",
            "images",
            ("brick", "grass", "gravel"),
            _CC0,
            "CC0Textures (brick, gravel); linolafett, DeviantArt (grass)",
            _SKIMAGE.format("{brick,grass,gravel}"),
        ),
        BuiltinSet(
            "surfaces",
            "images",
            ("intact", "scratch", "stain"),
            _CC0,
            "CC0Textures; scratches and stains drawn by training/builtin_sets.py",
            _SKIMAGE.format("brick"),
        ),
        BuiltinSet(
            "digits",
            "images",
            tuple("0123456789"),
            "CC BY 4.0",
            "E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI (1998);"
            " a part of it, enlarged",
            "scikit-learn 1.9.1 (PyPI, BSD-3-Clause), sklearn/datasets/data/digits.csv.gz",
        ),
        BuiltinSet("spam", "texts", ("ham", "spam"), _OWN, "Glassbox", "assets/tuning/spam.tsv"),
        BuiltinSet(
            "news",
            "texts",
            ("business", "culture", "science", "sport"),
            _OWN,
            "Glassbox",
            "assets/tuning/news.tsv",
        ),
        BuiltinSet(
            "feelings",
            "texts",
            ("anger", "joy", "sadness"),
            _OWN,
            "Glassbox",
            "assets/tuning/feelings.tsv",
        ),
    )
}


def builtin(name: str, language: str | None = None, *, seed: int = 0, validation: float = 0.2) -> Dataset:
    """A data set that ships.

    Pictures come with their split: textures and surfaces are tested on another part of the photo, digits
    on other writers' hands. Of texts, a sentence and its counterpart in the other language are on one side.

    Args:
        name: one of `BUILTIN`.
        language: of the texts, "en" or "zh"; both if not given.
        seed: of the split of texts.
        validation: the part of each class to test with, of texts.

    Raises:
        KeyError: no such set.
    """
    known = BUILTIN[name]
    if known.kind == "images":
        dataset = image_dataset(checksums.whole("tuning", f"{name}.zip").read_bytes())
    else:
        dataset = _texts(known, language, seed, validation)
    if dataset.labels != known.labels:
        raise AssertionError(f"{name} has the classes {dataset.labels}")
    return replace(dataset, builtin=name)


def label_key(dataset: Dataset, label: int) -> str | None:
    """The key of a class's word, or None if its label is the visitor's own word."""
    known = BUILTIN.get(dataset.builtin or "")
    word = dataset.labels[label]
    return f"tuning_set.{known.name}.{word}" if known and word in known.labels else None


def _texts(known: BuiltinSet, language: str | None, seed: int, validation: float) -> Dataset:
    """The sentences; the split of the first language decides that of the other."""
    found: dict[str, list[Example]] = defaultdict(list)
    with assets.path("tuning", f"{known.name}.tsv").open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE), 2):
            example = text_example(row["text"], known.labels.index(row["label"]), str(line))
            if language in (None, row["language"]):
                found[row["language"]].append(example)
    sides: dict[str, Split] = {}
    first: Dataset | None = None
    for examples in found.values():
        if first is None:
            first = Dataset("texts", known.labels, tuple(examples))
            first = review.settled(first, seed=seed, validation=validation)
        pairs = zip(first.examples, examples, strict=True)
        sides |= {other.digest: one.split for one, other in pairs}
    everything = tuple(example for examples in found.values() for example in examples)
    dataset = Dataset("texts", known.labels, everything)
    return review.settled(dataset, seed=seed, validation=validation, keep=sides)
