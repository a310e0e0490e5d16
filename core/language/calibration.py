"""From logits to honest probabilities, and to a verdict that may be "neither"."""

from __future__ import annotations

import numpy as np

from core.language.types import LABELS
from core.types import Floats

# Calibrated probability of "positive" between which a verdict would be a guess: where the models are less than
# 70 % sure, fewer than 70 % of their verdicts on the dev texts hold (`training.sentiment` prints it).
NEITHER = (0.3, 0.7)


def softmax(logits: Floats) -> Floats:
    """Probabilities (n, classes), rows sum to 1."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


def verdict(positive: float) -> str:
    """What is said of a calibrated probability of "positive": a label, or "neither"."""
    low, high = NEITHER
    return "neither" if low < positive < high else LABELS[int(positive >= high)]
