"""Which examples a network learns from, and which it is tested with."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.tuning.types import Example, Split


def assign(
    examples: Sequence[Example],
    groups: Sequence[Sequence[int]],
    *,
    seed: int,
    validation: float,
    keep: Mapping[str, Split],
) -> tuple[Example, ...]:
    """The examples, each on its side.

    A group, a picture and its near-copies, stays on one side. Of each class the part `validation` is for
    testing, and at least one example, if the class has two groups. The order in which groups are taken
    comes from the seed and the examples' digests: the same data and seed give the same split, and more
    data leaves most of it as it was.

    Args:
        examples: all of them.
        groups: places in `examples`; each place in one group.
        seed: another one gives another split.
        validation: the part of each class to test with, 0 to 1.
        keep: digest -> side, for those that have one already and keep it where they can. A group that is
            on both sides goes to training.
    """
    sizes = Counter(example.label for example in examples)
    wanted = {label: min(max(1, round(validation * size)), size - 1) for label, size in sizes.items()}
    tested: Counter[int] = Counter()
    counts = [Counter(examples[place].label for place in group) for group in groups]
    sides: list[Split] = ["train"] * len(groups)

    def key(number: int) -> bytes:
        smallest = min(examples[place].digest for place in groups[number])
        return hashlib.sha256(f"{seed} {smallest}".encode()).digest()

    free: list[int] = []
    for number, group in enumerate(groups):
        before = {keep[examples[place].digest] for place in group if examples[place].digest in keep}
        if before == {"validation"}:
            sides[number] = "validation"
            tested += counts[number]
        elif not before:
            free.append(number)
    for number in sorted(free, key=key):
        if all(tested[label] + count <= wanted[label] for label, count in counts[number].items()):
            sides[number] = "validation"
            tested += counts[number]
    _repair(counts, sides, sorted(range(len(groups)), key=lambda number: (len(groups[number]), key(number))))
    side = {place: sides[number] for number, group in enumerate(groups) for place in group}
    return tuple(replace(example, split=side[place]) for place, example in enumerate(examples))


def _repair(counts: Sequence[Counter[int]], sides: list[Split], order: Sequence[int]) -> None:
    """Moves the smallest group of a class that is missing on a side there, if that empties no other."""
    present: dict[Split, Counter[int]] = {"train": Counter(), "validation": Counter()}
    for number, count in enumerate(counts):
        present[sides[number]] += count
    both: tuple[tuple[Split, Split], ...] = (("train", "validation"), ("validation", "train"))
    for here, there in both:
        for label in sorted(present["train"] | present["validation"]):
            if present[here][label]:
                continue
            for number in order:
                count = counts[number]
                leaves = present[there] - count
                if sides[number] == there and label in count and all(leaves[other] for other in count):
                    present[there], present[here] = leaves, present[here] + count
                    sides[number] = here
                    break
