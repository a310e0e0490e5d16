"""What a locked tower makes of examples: computed once, so that a head is learned in a moment.

Pictures go through the int8 EfficientNet-Lite0 on LiteRT, 2 ms each and without TensorFlow. A head learned
on its features is as good as one learned on the float32 network's (`benchmarks/fine_tune.py` shows both).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.errors import GlassboxError
from core.tuning import augment
from core.tuning.types import Augmentation, Dataset, Example
from core.types import Floats, Image
from core.vision import efficientnet, models

TOGETHER = {"images": 4, "texts": 16}  # examples between two looks at whether to stop
MOST_VIEWS = 8  # of a picture
ENOUGH_PICTURES = 1000  # views of all pictures together; more do not make a head better


def prepared(example: Example) -> Image:
    """A picture as EfficientNet-Lite0 reads it: (224, 224, 3) uint8."""
    from core.tuning.images import pixels

    return efficientnet.PREPARATION.pixels(pixels(example))


def views(count: int, augmentation: Augmentation | None) -> int:
    """How many augmented views of each of `count` training pictures are made beside the picture itself."""
    return 0 if augmentation is None else int(np.clip(ENOUGH_PICTURES // max(count, 1), 1, MOST_VIEWS))


def view(example: Example, number: int, augmentation: Augmentation | None, seed: int) -> Image:
    """View `number` of a picture, as EfficientNet-Lite0 reads it; 0 is the picture itself.

    The same whatever was made before it: its randomness comes from the seed, the picture and the number.
    """
    pixels = prepared(example)
    if number == 0 or augmentation is None:
        return pixels
    return augment.augmented(pixels, augmentation, randomness(example, number, seed))


def randomness(example: Example, number: int, seed: int) -> np.random.Generator:
    """The randomness of one view of one example."""
    return np.random.default_rng([seed, number, int.from_bytes(example.digest.encode()[:8])])


def of_picture(pixels: Image) -> Floats:
    """The 1,600 pooled features of a prepared picture: means of the last maps and of those before them."""
    return np.asarray(models.lite().joined_maps(pixels).mean(axis=(0, 1)))


def of_examples(kind: str, examples: Sequence[Example]) -> Floats:
    """The features of a few pictures or texts as they are, (n, width).

    Of a text, the means of the locked encoder's token vectors at each depth (`core.tuning.sentences`).

    Raises:
        GlassboxError: `tuning.error.unreadable`: a text holds nothing to read.
    """
    if kind == "images":
        return np.stack([of_picture(prepared(example)) for example in examples])
    from core.language import pretrained
    from core.tuning import sentences

    encoder = pretrained.load()
    ids = []
    for example in examples:
        try:
            ids.append(sentences.readable(encoder, example.text))
        except GlassboxError as problem:
            raise GlassboxError("tuning.error.unreadable", name=example.name) from problem
    return sentences.vectors(encoder, ids)


def split(dataset: Dataset) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """The examples to learn from and those to test with."""
    training = tuple(example for example in dataset.examples if example.split == "train")
    return training, tuple(example for example in dataset.examples if example.split == "validation")
