"""A data set changed by hand: each function gives a new one, so that going back is keeping the old one.

What is there keeps its side of the split where it can; what is new gets one. Classes are named by their
labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.errors import GlassboxError
from core.tuning import classes, images, review, texts
from core.tuning.types import Dataset, Example, Problem


def add_pictures(
    dataset: Dataset | None,
    label: str,
    pictures: Sequence[tuple[str, bytes]],
    *,
    seed: int = 0,
    validation: float = 0.2,
) -> Dataset:
    """The data set with image files added to a class, which is made if there is none of that name.

    Args:
        dataset: of pictures, or None to begin one.
        label: the class, in the visitor's words.
        pictures: (name, bytes) of each file. Those that cannot be used are named in `problems`.
        seed: of the split.
        validation: the part of each class to test with, 0 to 1.

    Raises:
        GlassboxError: too many classes or pictures.
    """
    new, problems = images.pictures(pictures)
    return _added(dataset, "images", label, new, problems, seed=seed, validation=validation)


def add_texts(
    dataset: Dataset | None, label: str, lines: Sequence[str], *, seed: int = 0, validation: float = 0.2
) -> Dataset:
    """The data set with texts added to a class, as `add_pictures` adds pictures.

    Raises:
        GlassboxError: too many classes or texts.
    """
    taken = {example.name for example in dataset.examples} if dataset else set()
    new: list[Example] = []
    problems: list[Problem] = []
    number = 0
    for line in lines:
        text = texts.plain(line)
        if not text:
            continue
        number += 1
        while str(number) in taken:
            number += 1
        if len(text) > texts.LONGEST:
            problems.append(Problem("tuning_data.upload.cut", {"most": texts.LONGEST}, str(number)))
        new.append(texts.text_example(text[: texts.LONGEST], 0, str(number)))
    return _added(dataset, "texts", label, new, problems, seed=seed, validation=validation)


def rename_class(dataset: Dataset, label: str, name: str) -> Dataset:
    """The data set with another name for a class.

    Raises:
        GlassboxError: another class is called so.
    """
    number = _number(dataset, label)
    new = classes.short(classes.clean(name))
    if any(classes.same(other) == classes.same(new) for other in dataset.labels if other != label):
        raise GlassboxError("tuning_data.error.name_taken", label=new)
    labels = (*dataset.labels[:number], new, *dataset.labels[number + 1 :])
    return _settled(replace(dataset, labels=labels))


def remove_class(dataset: Dataset, label: str) -> Dataset:
    """The data set without a class and all its examples."""
    number = _number(dataset, label)
    examples = tuple(
        replace(example, label=example.label - (example.label > number))
        for example in dataset.examples
        if example.label != number
    )
    labels = dataset.labels[:number] + dataset.labels[number + 1 :]
    return _settled(replace(dataset, labels=labels, examples=examples))


def relabel(dataset: Dataset, digest: str, label: str) -> Dataset:
    """The data set with one example moved to another of its classes."""
    number = _number(dataset, label)
    return _settled(
        replace(
            dataset,
            examples=tuple(
                replace(example, label=number) if example.digest == digest else example
                for example in dataset.examples
            ),
        )
    )


def drop(dataset: Dataset, digest: str) -> Dataset:
    """The data set without one example."""
    kept = tuple(example for example in dataset.examples if example.digest != digest)
    return _settled(replace(dataset, examples=kept))


def _added(
    dataset: Dataset | None,
    kind: str,
    label: str,
    new: Sequence[Example],
    problems: Sequence[Problem],
    *,
    seed: int,
    validation: float,
) -> Dataset:
    before = dataset or Dataset("images" if kind == "images" else "texts", (), ())
    if before.kind != kind:
        raise ValueError(f"{kind} cannot be added to a data set of {before.kind}")
    name = classes.short(classes.clean(label))
    labels = list(before.labels)
    number = next((n for n, one in enumerate(labels) if classes.same(one) == classes.same(name)), len(labels))
    if number == len(labels):
        labels.append(name)
    if len(labels) > review.MOST_CLASSES:
        raise GlassboxError("tuning_data.error.one_more", most=review.MOST_CLASSES)
    most = images.MOST if kind == "images" else texts.MOST
    found, repeated = images.without_repeats(
        before.examples, [replace(example, label=number) for example in new], labels
    )
    if len(found) > most:
        raise GlassboxError(f"tuning_data.error.many.{kind}", count=len(found), most=most)
    told = images.summed_up([*problems, *repeated])
    changed = replace(before, labels=tuple(labels), examples=tuple(found), problems=(*before.problems, *told))
    keep = {example.digest: example.split for example in before.examples}
    return review.settled(changed, seed=seed, validation=validation, keep=keep)


def _settled(dataset: Dataset) -> Dataset:
    """The data set after a change, each example on the side that it was on."""
    keep = {example.digest: example.split for example in dataset.examples}
    return review.settled(dataset, seed=0, validation=0.2, keep=keep)


def _number(dataset: Dataset, label: str) -> int:
    if label not in dataset.labels:
        raise ValueError(f"no class is called {label!r}")
    return dataset.labels.index(label)
