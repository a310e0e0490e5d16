"""Where the models fail: accuracy by length, language, source, negation and kind, for the page.

Run by `python -m training.sentiment --data data --failures --pretrained build/pretrained/answers.npz` (what
`training.pretrained --evaluate` left: it reads for twenty minutes); writes `assets/language/failures.json`:

    {"groups": {group: {part: {"texts": n, "accuracy": {model: share right}}}},
     "worst": {model: [{"text", "label", "positive"}]}}     only our own sentences, no text of the data

Groups: `language` (en, zh), `source` (imdb, sst2, ...), `length` (characters, by language), `negation` (texts
with and without a negator, by language), `sure` (how sure the model was), `other_kind` (our own sentences).
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from core import assets
from core.language.cleaning import clean
from training import texts

NEGATION = {
    "en": re.compile(r"n't\b|\b(?:not|no|never|nothing|nobody|none|neither|nor|without|hardly|cannot)\b"),
    "zh": re.compile("不|没|沒|无|無|别|非|未|勿"),
}
LENGTHS = {"en": (60, 120, 500, 1000, 2000), "zh": (10, 20, 40, 100, 300)}  # characters
SURE = (0.5, 0.6, 0.7, 0.8, 0.9)
WORST = 4  # sentences a model


class Answers(Protocol):
    """What is needed of a model here."""

    def predict(self, batch: list[str]) -> np.ndarray: ...


class _Recorded:
    """Answers that were given before, by text."""

    def __init__(self, answers: Mapping[str, np.ndarray]) -> None:
        self._answers = answers

    def predict(self, batch: list[str]) -> np.ndarray:
        return np.stack([self._answers[text] for text in batch])


def recorded(file: Path, sets: Mapping[str, texts.Texts]) -> Answers:
    """A model whose answers to the texts of the sets stand in a file: name of the set -> (n, 2)."""
    with np.load(file, allow_pickle=False) as stored:
        found = {
            text: row
            for name, some in sets.items()
            for text, row in zip(some.texts, stored[name], strict=True)
        }
    return _Recorded(found)


def groups_of(some: texts.Texts, language: str) -> dict[str, dict[str, np.ndarray]]:
    """group -> part -> mask (n,) of the texts of one language."""
    lengths = np.array(list(map(len, some.texts)))
    borders = (0, *LENGTHS[language], 10**9)
    negated = np.array([bool(NEGATION[language].search(clean(text)[0])) for text in some.texts])
    found: dict[str, dict[str, np.ndarray]] = {
        "language": {language: np.ones(len(some), bool)},
        "source": {
            name: np.array([source == name for source in some.sources]) for name in sorted({*some.sources})
        },
        "length": {},
        "negation": {f"{language}_with": negated, f"{language}_without": ~negated},
    }
    for low, high in itertools.pairwise(borders):
        part = (lengths > low) & (lengths <= high)
        if part.sum() >= 50:
            found["length"][f"{language}_{low + 1}" + (f"_{high}" if high < 10**9 else "")] = part
    return found


def measure(data: Path, models: Mapping[str, Answers]) -> dict[str, Any]:
    """All groups, over the test texts and our own sentences."""
    from training.sentiment import own_sentences

    groups: dict[str, dict[str, dict[str, Any]]] = {}

    def note(group: str, part: str, mask: np.ndarray, hits: Mapping[str, np.ndarray]) -> None:
        groups.setdefault(group, {})[part] = {
            "texts": int(mask.sum()),
            "accuracy": {name: round(float(hit[mask].mean()), 4) for name, hit in hits.items()},
        }

    test = {
        "en": texts.imdb(data, "test") + texts.english(data, "test"),
        "zh": texts.chinese(data, "test"),
    }
    sure: dict[str, dict[str, list[np.ndarray]]] = {}
    for language, some in test.items():
        said = {name: model.predict(list(some.texts)) for name, model in models.items()}
        hits = {name: answer.argmax(axis=1) == some.labels for name, answer in said.items()}
        for group, parts in groups_of(some, language).items():
            for part, mask in parts.items():
                note(group, part, mask, hits)
        for name, answer in said.items():
            kept = sure.setdefault(name, {"confidence": [], "hit": []})
            kept["confidence"].append(answer.max(axis=1))
            kept["hit"].append(hits[name])
    for low, high in zip(SURE, (*SURE[1:], 1.01), strict=True):
        part: dict[str, Any] = {"texts": {}, "accuracy": {}}
        for name, kept in sure.items():
            confidence = np.concatenate(kept["confidence"])
            mask = (confidence >= low) & (confidence < high)
            part["texts"][name] = int(mask.sum())
            part["accuracy"][name] = round(float(np.concatenate(kept["hit"])[mask].mean()), 4)
        groups.setdefault("sure", {})[f"{low:.1f}"] = part
    own = own_sentences()
    worst: dict[str, list[dict[str, Any]]] = {name: [] for name in models}
    for key, some in own.items():
        language = key.rpartition("_")[2]
        said = {name: model.predict(list(some.texts)) for name, model in models.items()}
        hits = {name: answer.argmax(axis=1) == some.labels for name, answer in said.items()}
        note("other_kind", language, np.ones(len(some), bool), hits)
        for kind in sorted({*some.sources}):
            note("other_kind", f"{language}_{kind}", np.array([s == kind for s in some.sources]), hits)
        for name, answer in said.items():
            right = answer[np.arange(len(some)), some.labels]
            for place in np.argsort(right)[: WORST // 2]:
                if right[place] < 0.5:
                    worst[name].append(
                        {
                            "text": some.texts[place],
                            "label": int(some.labels[place]),
                            "positive": round(float(answer[place, 1]), 3),
                        }
                    )
    return {"groups": groups, "worst": worst}


def write_failures(data: Path, models: Mapping[str, Answers]) -> None:
    """Measure, print the table and write the file."""
    found = measure(data, models)
    for group, parts in found["groups"].items():
        for part, row in parts.items():
            shares = "  ".join(f"{name} {share:.3f}" for name, share in row["accuracy"].items())
            print(f"{group:10s} {part:16s} {row['texts'] if group != 'sure' else '':>6}  {shares}")
    file = assets.path("language", "failures.json")
    file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
