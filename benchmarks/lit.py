"""Locked-image tuning in figures: a step locked and unlocked, a prompt, a picture, the size of what ships.

    python -m benchmarks.lit

The steps of the two lessons take turns, so that a drifting machine drifts for both. Each learns from 96 classes
with names and from up to 16 photos with captions. On the page the unlocked one has 2 photos in a batch, because a
worker has no memory for more; that is measured too. Medians, and the ratios of the medians.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from benchmarks.figures import tell
from core import assets, lit
from core.imaging import decode
from core.imaging.samples import samples
from core.lit import lesson as lessons
from core.lit import pairs
from core.lit.lesson import lesson
from core.lit.types import LessonFinished, LessonStep, Lock

ROUNDS = 8
PROMPTS = ("dog", "a photo of a red panda", "一只狗在公园里追球", "a suspension bridge over a river at night")


def milliseconds(call: Callable[[], object], rounds: int = 20) -> float:
    """The median time of a call, after two that are not counted."""
    call(), call()
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return 1000 * statistics.median(times)


def steps(photos: int) -> None:
    """A step with the image tower locked, and one with it unlocked and so many photos in a batch, in turns."""
    lessons.UNLOCKED_PICTURES = photos
    print(f"unlocked with {photos} photos in a batch, locked with {lessons.PICTURES}:")
    taught = pairs.sample_pairs()
    count = 30 * ROUNDS  # 30 events a lesson: one in ROUNDS steps
    locks: tuple[Lock, ...] = ("image", "both", "none")
    runs = {lock: lesson(taught, lock, steps=count if lock != "none" else 30) for lock in locks}
    times: dict[Lock, list[float]] = {lock: [] for lock in locks}
    for _ in range(ROUNDS + 1):
        for lock, run in runs.items():
            for event in run:
                if isinstance(event, LessonStep):
                    times[lock] += [event.milliseconds] if event.step else []
                    break
    locked = statistics.median(times["image"])
    for lock in locks:
        one = statistics.median(times[lock])
        print(f"  a step, {lock:5s} locked: {one:8.1f} ms   {one / locked:6.1f} x the text tower alone")
    if photos == lessons.PICTURES:
        tell("lit", unlocked=f"{statistics.median(times['none']) / locked:.1f}")


def whole_lesson() -> None:
    """The locked lesson from its call to its end."""
    *_, last = lesson(pairs.sample_pairs(), "image")
    if isinstance(last, LessonFinished):
        told = f"zero-shot {last.last.zero_shot:.3f} of {len(pairs.split()[1])} classes left out"
        print(f"the locked lesson: {last.seconds:.1f} s, {told}, loss {last.last.loss:.3f}")


def towers() -> None:
    """A prompt, a picture, and the files."""
    if not assets.path("lit", "text_tower.npz").exists():
        print("the text tower's weights are not in assets/lit: no prompt was measured")
        return
    image = decode(samples()["pavilion"].read())
    taken = {prompt: milliseconds(lambda one=prompt: lit.embed_texts([one])) for prompt in PROMPTS}
    for prompt, one in taken.items():
        print(f"a prompt, {prompt!r}: {one:.1f} ms")
    picture = milliseconds(lambda: lit.embed_images([image]))
    print(f"a picture: {picture:.1f} ms")
    least, most = min(taken.values()), max(taken.values())
    tell("lit", prompt_least=f"{least:.0f}", prompt_most=f"{most:.0f}", picture=f"{picture:.1f}")
    print(
        f"zero_shot with {len(PROMPTS)} prompts: {milliseconds(lambda: lit.zero_shot(image, PROMPTS)):.1f} ms"
    )
    size = sum(file.stat().st_size for file in assets.path("lit").iterdir())
    print(f"assets/lit: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    for photos in (lessons.PICTURES, lessons.UNLOCKED_PICTURES):
        steps(photos)
    whole_lesson()
    towers()
