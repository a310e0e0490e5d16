"""What the small text models share: their files, the way from a text to calibrated probabilities."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core import assets, checksums
from core.errors import GlassboxError
from core.language import windows
from core.language.calibration import softmax
from core.language.cleaning import clean, is_foreign
from core.language.narrow import Layers
from core.language.threads import one_thread
from core.language.tokenizer import PairTokenizer, shared
from core.language.types import LABELS, Ids, Inside, Tokenizer
from core.types import Floats, ModelCard

_SCALE = "/scale"


class Shipped(ABC):
    """A model out of two files in assets/language: NAME.npz (weights) and NAME.json (card).

    The subclass says how a padded batch goes through; the rest is the same for all: windows, averages,
    calibration, the Keras twin made once.
    """

    labels: tuple[str, ...] = LABELS
    budget = windows.BUDGET

    def __init__(self, name: str, weights: Mapping[str, Floats], card: ModelCard, temperature: float) -> None:
        if not isinstance(weights, Layers):  # which sees to that itself
            for array in weights.values():
                array.setflags(write=False)
        self.name = name
        self.card = card
        self.length = card.input_size[0]
        self.temperature = temperature
        self._weights = weights
        self._network: Any = None
        self._lock = threading.Lock()

    @property
    def tokenizer(self) -> Tokenizer:
        return self._pairs

    @property
    def _pairs(self) -> PairTokenizer:
        return shared()

    @property
    def weights(self) -> Mapping[str, Floats]:
        return self._weights

    def predict(self, batch: Sequence[str]) -> Floats:
        """Calibrated probabilities of whole texts, of any length: (n, 2) float32, rows sum to 1.

        Raises:
            GlassboxError: a text holds nothing to read, or is in a script that the model has never seen.
        """
        if not batch:
            return np.zeros((0, len(LABELS)), np.float32)
        texts = [self.readable(text) for text in batch]
        return softmax(windows.averaged(self.logits, texts, self.length) / self.temperature)

    def readable(self, text: str) -> Ids:
        """The ids of a text's tokens, at least one.

        Raises:
            GlassboxError: as `predict`.
        """
        tokens = self.tokenizer.encode(text)
        if not tokens:
            raise GlassboxError("language.error.nothing_to_read")
        if is_foreign(clean(text)[0]):
            raise GlassboxError("language.error.unknown_script")
        return np.array([token.id for token in tokens], np.int32)

    def logits(self, batch: Sequence[Ids]) -> Floats:
        """Uncalibrated logits (n, 2) of token sequences, each at most `length` long and not empty."""
        with one_thread():
            return windows.in_batches(self.forward, batch, self.budget)

    @abstractmethod
    def forward(self, ids: Ids, mask: Floats) -> Floats:
        """Logits (n, 2) of ids (n, T), whose row i counts where mask (n, T) is 1: at its beginning."""

    @abstractmethod
    def inside(self, ids: Ids) -> Inside:
        """Everything that one pass over at most `length` tokens leaves behind."""

    def network(self) -> Any:
        """The Keras twin, made once: (embeddings (n, T, width), mask (n, T)) -> logits (n, 2)."""
        with self._lock:
            if self._network is None:
                network = self._build()
                set_weights(network, self._weights)
                network.trainable = False
                self._network = network
        return self._network

    def _build(self) -> Any:
        raise NotImplementedError(f"{self.name} is not a network")


def read(name: str) -> tuple[dict[str, Floats], ModelCard, float]:
    """Weights, card and temperature of a shipped model by its name."""
    return read_weights(checksums.whole("language", f"{name}.npz")), *read_card(name)


def read_card(name: str) -> tuple[ModelCard, float]:
    """Card and temperature of a shipped model by its name."""
    stored = assets.read_json("language", f"{name}.json")
    card = ModelCard(
        name=name,
        input_size=(stored["length"],),
        parameters=stored["parameters"],
        source=stored["source"],
        licence=stored["licence"],
        made_by=stored["made_by"],
        layers=tuple(stored["layers"]),
        figures=stored["figures"],
    )
    return card, stored["temperature"]


def write_card(card: ModelCard, temperature: float) -> None:
    """Write what `read` reads beside the weights."""
    stored = {
        "length": card.input_size[0],
        "parameters": card.parameters,
        "temperature": temperature,
        "source": card.source,
        "licence": card.licence,
        "made_by": card.made_by,
        "layers": card.layers,
        "figures": dict(card.figures),
    }
    file = assets.path("language", f"{card.name}.json")
    file.write_text(json.dumps(stored, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_weights(
    file: Path, weights: Mapping[str, Floats], small: Sequence[str] = ("embedding",), steps: int = 127
) -> None:
    """Write weights as a compressed npz: float16; those named in `small` int8, with a scale a row.

    Fewer `steps` from 0 to a row's largest number make a smaller file.
    """
    stored: dict[str, Any] = {}
    for key, values in weights.items():
        if key in small:
            scale = (np.maximum(np.abs(values).max(axis=1, keepdims=True), 1e-5) / steps).astype(np.float16)
            stored[key] = np.clip(np.rint(values / scale.astype(np.float32)), -steps, steps).astype(np.int8)
            stored[key + _SCALE] = scale
        else:
            stored[key] = values.astype(np.float16) if values.dtype == np.float32 else values
    np.savez_compressed(file, **stored)


def read_weights(file: Path) -> dict[str, Any]:
    """The weights of a file that `write_weights` wrote, float32; whole numbers stay what they are."""
    with np.load(file, allow_pickle=False) as stored:
        found = {key: stored[key] for key in stored.files}
    weights: dict[str, Any] = {}
    for key, values in found.items():
        if key + _SCALE in found:
            weights[key] = values.astype(np.float32) * found[key + _SCALE].astype(np.float32)
        elif not (
            key.endswith(_SCALE) and key.removesuffix(_SCALE) in found
        ):  # a norm's own scale is a weight
            weights[key] = values.astype(np.float32) if values.dtype == np.float16 else values
    return weights


def set_weights(network: Any, weights: Mapping[str, Floats]) -> None:
    """Copy weights, keyed "layer/variable", into the layers of those names."""
    for layer in network.layers:
        for variable in layer.weights:
            if "seed" not in variable.name:
                variable.assign(weights[f"{layer.name}/{variable.name}"])


def get_weights(network: Any) -> dict[str, Floats]:
    """The weights of a network, keyed "layer/variable"."""
    return {
        f"{layer.name}/{variable.name}": variable.numpy()
        for layer in network.layers
        for variable in layer.weights
        if "seed" not in variable.name
    }


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), written so that nothing overflows."""
    return np.asarray(0.5 * np.tanh(0.5 * x) + 0.5, np.float32)
