"""What every network that is tuned beyond its head has in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.tuning.types import Example, Progress
from core.types import Floats

AT_ONCE = 8  # examples answered in one pass; more need more memory

Arrays: TypeAlias = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Network:
    """A network of its own for one run. `inputs` are whatever its `prepare` makes of examples.

    Its functions are traced by TensorFlow, but for `prepare`, `maps` and `weights`.
    """

    prepare: Callable[[Sequence[Example], int | None], Any]  # of an epoch, augmented; of None, as they are
    signature: Any  # of the inputs: tf.TensorSpec, or a list of them
    forward: Callable[[Any, Any], Any]  # (inputs, step or None) -> logits (n, classes)
    features: Callable[[Any], Any]  # inputs -> (n, width), what the last layer reads
    variables: Sequence[Any]  # that learn
    weights: Callable[[], dict[str, NDArray[np.float32]]]  # all of them by name, copies
    maps: Callable[[Example], Floats | None]  # (h, w, c) of the watched layer for one example
    always: Arrays  # goes with the weights, though it does not learn


Making: TypeAlias = Iterator[Progress | Network]
