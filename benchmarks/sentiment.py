"""One sentence of about 30 tokens through every text model, verdicts only: ours beside `keras.Model.predict`.

    python -m benchmarks.sentiment

Both start from the same text and cut it with the same tokenizer, and they take turns, so that a drifting
machine drifts for both. Medians of 60 rounds, and ratios of the medians. To reach: all models together
under 60 ms on 2 cores.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from benchmarks.figures import tell
from core import assets
from core.language import NAMES, sentiment
from core.language.calibration import softmax

SENTENCE = (
    "I did not expect much, but the story is warm and funny, the actors are wonderful, "
    "and the ending made me cry a little on the train"
)
ROUNDS = 60
BLOCK = 5  # calls in a row, as one visitor's sentences come
TARGET = 0.060  # seconds, all models


def keras_way(name: str) -> Callable[[], object] | None:
    """The same network as most people would ask it, or None for a model without one."""
    model = sentiment(name)
    try:
        network = model.network()
    except NotImplementedError:
        return None
    embedding = model.weights.get("embedding")
    if embedding is None:
        return None

    def run() -> object:
        ids = np.array([token.id for token in model.tokenizer.encode(SENTENCE)], np.int32)
        inputs = [embedding[ids][np.newaxis], np.ones((1, len(ids)), np.float32)]
        return softmax(network.predict(inputs, verbose=0) / model.temperature)

    return run


def main() -> None:
    """Print the table."""
    names = [name for name in NAMES if assets.path("language", f"{name}.json").exists()]
    begun = time.perf_counter()
    for name in names:
        sentiment(name).predict([SENTENCE])
    cold = time.perf_counter() - begun
    ways: dict[tuple[str, str], Callable[[], object]] = {}
    for name in names:
        ways[name, "ours"] = lambda name=name: sentiment(name).predict([SENTENCE])
        keras = keras_way(name)
        if keras is not None:
            ways[name, "keras"] = keras
    for run in ways.values():
        run()
    times: dict[tuple[str, str], list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS // BLOCK):
        for way, run in ways.items():
            run()  # not counted: the threads of the way before may still be spinning
            for _ in range(BLOCK):
                started = time.perf_counter()
                run()
                times[way].append(time.perf_counter() - started)
    medians = {way: statistics.median(values) for way, values in times.items()}
    tokens = len(sentiment("rnn").tokenizer.encode(SENTENCE))
    print(f"one sentence of {tokens} tokens, a verdict; median of {ROUNDS} rounds, milliseconds")
    print(f"{'model':14s} {'ours':>8s} {'predict':>8s} {'ratio':>7s}")
    for name in names:
        ours, other = medians[name, "ours"], medians.get((name, "keras"))
        told = f"{other * 1000:8.1f} {other / ours:6.0f} x" if other else ""
        print(f"{name:14s} {ours * 1000:8.2f} {told}")
    total = sum(medians[name, "ours"] for name in names)
    print(f"{'together':14s} {total * 1000:8.2f}   (to reach: under {TARGET * 1000:.0f})")
    ratios = [medians[way] / medians[way[0], "ours"] for way in medians if way[1] == "keras"]
    tell("sentiment", all=f"{1000 * total:.1f}", least=f"{min(ratios):.0f}", most=f"{max(ratios):.0f}")
    print(f"the first verdict of each, files read: {cold * 1000:.0f} ms together")
    sizes = [assets.path("language", f"{name}.npz") for name in names]
    print(f"files: {sum(file.stat().st_size for file in sizes if file.exists()) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
