"""The language models in figures: tokens a second with the cache and without, the first token, a model that learns.

    python -m benchmarks.language_model            # speed
    python -m benchmarks.language_model --lesson   # "train one here": 30,000 characters in a minute
    python -m benchmarks.language_model --quality  # the figures of the cards, as training/language_model.py printed them

Rates with and without the cache are taken in turns, so that a drifting machine drifts for both.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from pathlib import Path

import numpy as np

from benchmarks.figures import tell
from core import assets
from core.language.generation import Draft, Sampling, available, language_model, prompt, read_back
from core.language.generation.lesson import LessonFinished, LessonSample, LessonStarted, LessonStep, lesson
from core.language.generation.models import FOLDER
from core.language.generation.types import LanguageModel

AT = 256  # tokens that stand there
ROUNDS = 12
CHARACTERS = 30_000


def seconds_a_token(draft: Draft, sampling: Sampling, random: np.random.Generator) -> float:
    """One token drawn and read, and taken back: the text stays as long as it is."""
    choice = draft.choice(sampling)
    begun = time.perf_counter()
    draft.take(choice.draw(random))
    draft.choice(sampling)
    return time.perf_counter() - begun


def speed() -> None:
    """Tokens a second at 256 tokens, cached and not; the largest difference of the scores; the first token."""
    sampling, random = Sampling(), np.random.default_rng(0)
    for training, kinds in available().items():
        for kind in kinds:
            model = language_model(training, kind)
            ids = prompt(model)
            ids += random.integers(20, model.vocabulary.size, AT - 1 - len(ids)).tolist()
            cached, anew = Draft(model, ids), Draft(model, ids, cached=False)
            times: dict[bool, list[float]] = {True: [], False: []}
            apart = 0.0
            for _ in range(ROUNDS):
                for draft in (cached, anew):
                    times[draft is cached].append(seconds_a_token(draft, sampling, random))
                    draft.undo()
                left, right = cached.choice(sampling).model, anew.choice(sampling).model
                apart = max(apart, float(np.abs(left - right).max()))
            fast, slow = (statistics.median(times[way]) for way in (True, False))
            first = statistics.median(first_token(model) for _ in range(5))
            print(
                f"{training} {kind:11s} at {AT} tokens: {1 / fast:7.0f} tokens/s, without the cache {1 / slow:6.0f}"
                f" ({slow / fast:4.1f} x), probabilities apart {apart:.1e}, first token {1000 * first:.0f} ms"
            )
            if (training, kind) == ("poems", "transformer"):
                tell("language_model", fast=f"{1 / fast:.0f}", fewer=f"{slow / fast:.1f}")
    size = sum(file.stat().st_size for file in assets.path(FOLDER).iterdir())
    print(f"assets/{FOLDER}: {size / 1e6:.1f} MB")


def first_token(model: LanguageModel) -> float:
    """Seconds from a prompt of some words to the first token."""
    begun = time.perf_counter()
    Draft(
        model, prompt(model, "The room was small 月落烏啼霜滿天" if model.training == "reviews" else "月落")
    ).choice(Sampling())
    return time.perf_counter() - begun


def learning(text: str) -> None:
    """The lesson on the first 30,000 characters of a text: its steps, its samples, its words."""
    words = set(re.findall(r"[a-z']+", text.lower()))
    begun = time.perf_counter()
    for event in lesson(text[:CHARACTERS], longest=52):
        gone = time.perf_counter() - begun
        if isinstance(event, LessonStarted):
            print(
                f"{gone:5.1f} s  {event.parameters:,} numbers, n-gram {event.ngram_bits:.3f} bits, chance {event.chance_bits:.3f}"
            )
        elif isinstance(event, LessonStep):
            print(
                f"{gone:5.1f} s  step {event.step}: {event.bits:.3f} bits, held out {event.held_out_bits:.3f}"
            )
        elif isinstance(event, LessonSample):
            found = re.findall(r"[a-z']{3,}", event.text.lower())
            known = sum(word in words for word in found) / max(1, len(found))
            print(f"{gone:5.1f} s  {known:.0%} of {len(found)} words are words: {event.text[:90]!r}")
        elif isinstance(event, LessonFinished):
            print(
                f"{gone:5.1f} s  {event.stopped}, best held out {event.learned.figures['held_out_bits']:.3f} bits"
            )


def quality() -> None:
    """Bits per character and perplexity of what ships, from the cards; and a sentence read back by each."""
    for training, kinds in available().items():
        for kind in kinds:
            model = language_model(training, kind)
            figures = ", ".join(f"{name} {value}" for name, value in model.card.figures.items())
            print(f"{training} {kind}: {model.card.parameters:,} numbers; {figures}")
    for text in ("This film was a waste of time.", "房间很干净，服务也很好。"):
        told = [
            f"{kind} {read_back(language_model('reviews', kind), text).bits_per_character:.2f}"
            for kind in available().get("reviews", ())
        ]
        print(f"{text!r}, bits per character: {', '.join(told)}")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lesson", action="store_true")
    parser.add_argument("--quality", action="store_true")
    parser.add_argument(
        "--text",
        type=Path,
        help="what the lesson learns: a text file",
        default=Path("data/tinyshakespeare.txt"),
    )
    options = parser.parse_args()
    if options.lesson:
        learning(options.text.read_text(encoding="utf-8"))
    elif options.quality:
        quality()
    else:
        speed()


if __name__ == "__main__":
    main()
