"""How fast a network learns, step by step."""

from __future__ import annotations

import math

WARM_UP = 0.1  # of all steps


def learning_rate(step: int, steps: int, peak: float) -> float:
    """The rate at a step (from 0) of `steps`: up in a straight line, then down along half a cosine.

    References:
        Goyal et al., "Accurate, large minibatch SGD", 2017 (warm-up); Loshchilov & Hutter, "SGDR", 2017
        (cosine).
    """
    rising = max(1, round(WARM_UP * steps))
    if step < rising:
        return peak * (step + 1) / rising
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))
