"""The shipped language models by name, and their files."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from core import assets, checksums, memory
from core.language.generation import decoder, gru, ngram
from core.language.generation.types import KINDS, Kind, LanguageModel, Vocabulary
from core.language.generation.vocabulary import from_json
from core.language.shipped import read_weights
from core.language.tokenizer import shared
from core.types import Floats, ModelCard

Training: TypeAlias = Literal["reviews", "poems"]
TRAININGS: tuple[Training, ...] = ("reviews", "poems")
FOLDER = "generation"


def available() -> dict[Training, tuple[Kind, ...]]:
    """The trainings whose weights are there, and which kinds of model each has; a training without any is not."""
    found = {
        training: tuple(kind for kind in KINDS if assets.path(FOLDER, f"{training}_{kind}.npz").exists())
        for training in TRAININGS
    }
    return {training: kinds for training, kinds in found.items() if kinds}


@memory.WhileUsed
def language_model(training: str, kind: str) -> LanguageModel:
    """A shipped language model: one of `TRAININGS`, one of `KINDS`. Kept while it is used; no TensorFlow.

    Raises:
        KeyError: no such model.
    """
    if training not in TRAININGS or kind not in KINDS:
        raise KeyError(f"{training} {kind}")
    weights = read_weights(checksums.whole(FOLDER, f"{training}_{kind}.npz"))
    return make(training, kind, vocabulary(training), read_card(training, kind), weights)


def make(
    training: str, kind: Kind, words: Vocabulary, card: ModelCard, weights: Mapping[str, Any]
) -> LanguageModel:
    """A model out of its weights."""
    if kind == "ngram":
        return ngram.NGram(training, words, card, ngram.from_arrays(weights))
    networks = {"gru": gru.Recurrent, "transformer": decoder.Decoder}
    floats: Mapping[str, Floats] = weights
    return networks[kind](training, words, card, floats)


@functools.cache
def vocabulary(training: str) -> Vocabulary:
    """The vocabulary that the models of a training share."""
    stored = json.loads(assets.path(FOLDER, f"{training}.vocabulary.json").read_text(encoding="utf-8"))
    return from_json(stored, shared() if "pieces" in stored else None)


def read_card(training: str, kind: str) -> ModelCard:
    """The card of a shipped model."""
    stored = json.loads(assets.path(FOLDER, f"{training}_{kind}.json").read_text(encoding="utf-8"))
    return ModelCard(
        name=f"{training}_{kind}",
        input_size=(stored["context"],),
        parameters=stored["parameters"],
        source=stored["source"],
        licence=stored["licence"],
        made_by=stored["made_by"],
        layers=tuple(stored["layers"]),
        figures=stored["figures"],
    )


def write_card(training: str, kind: str, card: ModelCard) -> None:
    """Write what `read_card` reads."""
    stored = {
        "context": card.input_size[0],
        "parameters": card.parameters,
        "source": card.source,
        "licence": card.licence,
        "made_by": card.made_by,
        "layers": card.layers,
        "figures": dict(card.figures),
    }
    file = assets.path(FOLDER, f"{training}_{kind}.json")
    file.write_text(json.dumps(stored, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
