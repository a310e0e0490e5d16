"""The image networks that are tuned beyond their head.

Batch normalisation is frozen: it goes by the means and variances of ImageNet, which a few pictures a batch
could only make worse; and a layer that does not learn need not keep what it read, a third of the memory. In "last" everything below the last blocks is computed
once. "scratch" is the article's network at 64 x 64 with new random weights.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.tuning import augment, features, locked, steps
from core.tuning.networks import AT_ONCE, Making, Network
from core.tuning.types import Dataset, Example, Plan, Progress
from core.types import Floats, Image
from core.vision import article_cnn, efficientnet
from core.vision.preparation import Preparation

BORDER = "block14_add"  # the last layer that stays locked in the plan "last"
OPENED = ("block15", "block16", "head", "logits")  # layers by the beginnings of their names
SCRATCH = Preparation(side=article_cnn.SIDE, crop=1.0, offset=127.5, scale=127.5)
MOST_VIEWS = 4  # of a picture below the border; one costs 12 ms
KEPT_PICTURES = 1000  # of `SCRATCH`, 12 kB each


def watchable(plan: Plan) -> tuple[str, ...]:
    """The layers whose maps can change, in network order."""
    if plan.unlocked == "scratch":
        return tuple(name for name in article_cnn.LAYERS if name.startswith(("conv", "relu", "pool")))
    names = efficientnet.outputs()
    return tuple(name for name in names if name.startswith(OPENED)) if plan.unlocked == "last" else names


def make(dataset: Dataset, plan: Plan, watched: str | None, known: dict[str, Floats]) -> Making:
    """The network of a plan, ready to learn."""
    if plan.unlocked == "scratch":
        yield _scratch(dataset, plan, watched)
        return
    network = efficientnet.build(len(dataset.labels), joined=True)
    efficientnet.set_weights(network)
    first = locked.first_head(dataset, known, plan.seed)
    network.get_layer("logits").set_weights([first.kernel, first.bias])
    for layer in network.layers:
        layer.trainable = not layer.name.endswith("_norm")
    if plan.unlocked == "all":
        yield _all(network, plan, watched)
    else:
        yield from _last(network, dataset, plan, watched)


def weights_of(model: Any) -> dict[str, NDArray[np.float32]]:
    """All arrays of a network, by "layer/name"."""
    return {
        f"{layer.name}/{variable.name}": variable.numpy().copy()
        for layer in model.layers
        for variable in layer.weights
        if "seed" not in variable.name
    }


def set_weights(model: Any, weights: Mapping[str, NDArray[np.generic]]) -> None:
    """Put arrays, keyed as `weights_of` gives them, into a network; what is not named stays."""
    for layer in model.layers:
        for variable in layer.weights:
            name = f"{layer.name}/{variable.name}"
            if name in weights:
                variable.assign(weights[name])


class _Pictures:
    """Training pictures as numbers, each epoch in another view."""

    def __init__(self, preparation: Preparation, plan: Plan) -> None:
        self._preparation, self._plan = preparation, plan
        keep = KEPT_PICTURES if preparation is SCRATCH else 0
        self._pixels = functools.lru_cache(maxsize=keep)(self._prepared)

    def _prepared(self, example: Example) -> Image:
        from core.tuning.images import pixels

        return self._preparation.pixels(pixels(example))

    def __call__(self, examples: Sequence[Example], epoch: int | None) -> Floats:
        pictures = [self._view(example, epoch) for example in examples]
        return self._preparation.numbers(np.stack(pictures))

    def _view(self, example: Example, epoch: int | None) -> Image:
        if epoch is None or self._plan.augmentation is None:
            return self._pixels(example)
        random = features.randomness(example, epoch, self._plan.seed)
        return augment.augmented(self._pixels(example), self._plan.augmentation, random)


def _maps(
    inputs: Any, model: Any, watched: str | None, prepare: Callable[[Sequence[Example], int | None], Any]
) -> Callable[[Example], Floats | None]:
    """What gives the maps of the watched layer for an example, as the network is then."""
    import keras
    import tensorflow as tf

    if watched is None:
        return lambda example: None
    twin = keras.Model(inputs, model.get_layer(watched).output)
    run = tf.function(lambda x: twin(x, training=False), autograph=False)
    return lambda example: np.asarray(run(tf.constant(prepare([example], None)))[0])


def _scratch(dataset: Dataset, plan: Plan, watched: str | None) -> Network:
    import keras
    import tensorflow as tf

    model = article_cnn.build(SCRATCH.side, classes=len(dataset.labels))
    below = keras.Model(model.input, model.get_layer("flatten").output)
    dense = [model.get_layer(name) for name in ("dense1", "relu4", "dense2")]
    prepare = _Pictures(SCRATCH, plan)

    def hidden(x: Any, step: Any) -> Any:
        flat = steps.dropped(below(x), plan.dropout, 2 * plan.seed, step)
        return dense[1](dense[0](flat))

    def forward(x: Any, step: Any) -> Any:
        return dense[2](steps.dropped(hidden(x, step), plan.dropout, 2 * plan.seed + 1, step))

    return Network(
        prepare=prepare,
        signature=tf.TensorSpec((None, SCRATCH.side, SCRATCH.side, 3), tf.float32),
        forward=forward,
        features=lambda x: hidden(x, None),
        variables=model.trainable_variables,
        weights=lambda: weights_of(model),
        maps=_maps(model.input, model, watched, prepare),
        always={},
    )


def _all(network: Any, plan: Plan, watched: str | None) -> Network:
    side = efficientnet.PREPARATION.side
    prepare = _Pictures(efficientnet.PREPARATION, plan)
    return _from(network, network.input, (side, side, 3), network.trainable_variables, prepare, plan, watched)


def _from(
    network: Any,
    inputs: Any,
    shape: tuple[int, ...],
    variables: Sequence[Any],
    prepare: Callable[[Sequence[Example], int | None], Any],
    plan: Plan,
    watched: str | None,
) -> Network:
    """EfficientNet-Lite0 from one of its tensors on."""
    import keras
    import tensorflow as tf

    trunk = keras.Model(inputs, network.get_layer("pool").output)
    logits = network.get_layer("logits")

    def forward(x: Any, step: Any) -> Any:
        # training=False all the time: batch normalisation keeps to what it knows
        return logits(steps.dropped(trunk(x, training=False), plan.dropout, plan.seed, step))

    return Network(
        prepare=prepare,
        signature=tf.TensorSpec((None, *shape), tf.float32),
        forward=forward,
        features=lambda x: trunk(x, training=False),
        variables=variables,
        weights=lambda: weights_of(network),
        maps=_maps(inputs, network, watched, prepare),
        always={},
    )


def _last(network: Any, dataset: Dataset, plan: Plan, watched: str | None) -> Making:
    """The last blocks alone, over what the locked ones make of each picture in some views."""
    border = network.get_layer(BORDER).output  # (n, 7, 7, 192)
    training, validation = features.split(dataset)
    count = min(features.views(len(training), plan.augmentation), MOST_VIEWS)
    kept: dict[str, NDArray[np.float16]] = {}  # digest -> (1 + views, 7, 7, 192)
    yield from _below(network, border, training, validation, plan, count, kept)

    def prepare(examples: Sequence[Example], epoch: int | None) -> Floats:
        rows = []
        for example in examples:
            found = kept[example.digest]
            some = epoch is not None and len(found) > 1
            number = (
                features.randomness(example, epoch or 0, plan.seed).integers(1, len(found)) if some else 0
            )
            rows.append(found[number])
        return np.asarray(rows, np.float32)

    opened = [layer for layer in network.layers if layer.name.startswith(OPENED)]
    variables = [variable for layer in opened for variable in layer.trainable_variables]
    yield _from(network, border, tuple(border.shape[1:]), variables, prepare, plan, watched)


def _below(
    network: Any,
    border: Any,
    training: Sequence[Example],
    validation: Sequence[Example],
    plan: Plan,
    count: int,
    kept: dict[str, NDArray[np.float16]],
) -> Iterator[Progress]:
    """Fill `kept` with the tensor at the border, of all pictures and of the views of those of training."""
    import keras
    import tensorflow as tf

    locked_part = keras.Model(network.input, border)
    run = tf.function(lambda x: locked_part(x, training=False), reduce_retracing=True, autograph=False)
    wanted = [(example, number) for example in training for number in range(1 + count)]
    wanted += [(example, 0) for example in validation]
    found: dict[str, list[NDArray[np.float16]]] = {}
    begun = time.perf_counter()
    for first in range(0, len(wanted), AT_ONCE):
        left = (time.perf_counter() - begun) / first * (len(wanted) - first) if first else None
        yield Progress("tuning.stage.locked", first, len(wanted), left)
        some = wanted[first : first + AT_ONCE]
        pictures = [features.view(example, number, plan.augmentation, plan.seed) for example, number in some]
        tensors = np.asarray(
            run(tf.constant(efficientnet.PREPARATION.numbers(np.stack(pictures)))), np.float16
        )
        for (example, _), tensor in zip(some, tensors, strict=True):
            found.setdefault(example.digest, []).append(tensor)
    kept.update((digest, np.stack(tensors)) for digest, tensors in found.items())
