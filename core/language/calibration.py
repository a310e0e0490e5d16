"""From logits to honest probabilities, and to a verdict that may be "neither"."""

from __future__ import annotations

import numpy as np

from core.language.types import LABELS
from core.types import Floats

# Calibrated probability of "positive" between which a verdict would be a guess. Where the four small models
# are 65 to 70 % sure, 68 to 72 % of their verdicts on the dev texts hold, and fewer where they are less sure
# (`dev_accuracy_where_...` in their cards, which `training.sentiment` writes).
NEITHER = (0.3, 0.7)


def softmax(logits: Floats) -> Floats:
    """Probabilities (n, classes), rows sum to 1."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


def verdict(positive: float) -> str:
    """What is said of a calibrated probability of "positive": a label, or "neither"."""
    low, high = NEITHER
    return "neither" if low < positive < high else LABELS[int(positive >= high)]
