"""What it costs to look inside EfficientNet-Lite0: feature maps against a plain forward pass, and memory.

    python benchmarks/feature_maps.py

All are measured in turn in one run, so that a busy machine slows all of them: the ratios hold, the
milliseconds drift. The figures to reach: all 49 convolution outputs at most 2 times a plain
`tf.function` forward pass; the process grows by less than 150 MB over a hundred photos.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import sys

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import psutil

from benchmarks.figures import tell
from core.imaging import decode
from core.imaging.samples import samples
from core.vision import efficientnet, feature_maps, inside, vision_model
from core.vision.arithmetic import explain_position, unfold
from core.vision.feature_maps import overview
from core.vision.maximisation import maximise
from core.vision.statistics import by_depth

ROUNDS = 40
PHOTOS = 100
ASCENT = 40  # steps


def main() -> None:
    """Print the table."""
    import tensorflow as tf

    model = vision_model("efficientnet_lite0")
    network = model.load()
    image = decode(samples()["tabby_cat"].read())
    numbers = model.prepare(image)
    tensor = tf.constant(numbers)
    plain = tf.function(lambda x: network(x, training=False))
    convolutions = efficientnet.convolutions()
    everything = [node.name for node in inside.graph(model).nodes]

    ways: dict[str, Callable[[], Any]] = {
        "plain tf.function forward pass": lambda: np.asarray(plain(tensor)),
        "49 convolution outputs": lambda: inside.tensors(model, numbers, convolutions),
        "default (convolutions, activations, pools)": lambda: inside.tensors(model, numbers),
        "every layer": lambda: inside.tensors(model, numbers, everything),
        "photo to 49 convolution outputs": lambda: feature_maps(model, image, convolutions),
        "photo to default maps": lambda: feature_maps(model, image),
        "photo prepared": lambda: model.prepare(image),
        "influence of every channel": lambda: inside.influences(model, numbers, 281),
        "arithmetic of one position": lambda: explain_position(model, image, "block9_expand_conv", (3, 4, 5)),
        "one map taken apart": lambda: unfold(model, image, "block9_expand_conv", 5),
        "the network on one screen": lambda: overview(model, image, 281),
        "statistics by depth": lambda: by_depth(model, [image]),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(3):
        for way in ways.values():
            way()
    for _ in range(ROUNDS):
        for name, way in ways.items():
            begun = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - begun)
    base = seconds["plain tf.function forward pass"]
    print(f"{'median of ' + str(ROUNDS):44} {'ms':>8} {'least':>8} {'ratio':>7} {'ratio of least':>15}")
    for name, values in seconds.items():
        ratio = np.median(values) / np.median(base)
        least = min(values) / min(base)
        print(f"{name:44} {np.median(values) * 1e3:8.1f} {min(values) * 1e3:8.1f} {ratio:7.2f} {least:15.2f}")

    maps = next(values for name, values in seconds.items() if "49" in name)
    ratios = sorted((float(np.median(maps) / np.median(base)), min(maps) / min(base)))
    tell("feature_maps", least=f"{ratios[0]:.2f}", most=f"{ratios[1]:.2f}")
    for layer in ("stem_relu", "block5_add", "block11_add", "head_relu", "logits"):
        begun = time.perf_counter()
        run = maximise(model, layer, 7, steps=ASCENT)
        next(run)
        started = time.perf_counter()
        last = list(run)[-1]
        each = (time.perf_counter() - started) / ASCENT * 1e3
        print(
            f"activation maximisation, {layer}: {each:.0f} ms a step ({len(last.picture)} pixels),", end=" "
        )
        print(f"{started - begun:.1f} s to compile")

    process = psutil.Process()
    random = np.random.default_rng(0)
    before = process.memory_info().rss
    for _ in range(PHOTOS):
        feature_maps(model, random.integers(0, 256, (600, 800, 3), np.uint8))
    grown = (process.memory_info().rss - before) / 2**20
    print(f"memory after {PHOTOS} photos: {grown:+.0f} MB (now {process.memory_info().rss / 2**20:.0f} MB)")


if __name__ == "__main__":
    main()
