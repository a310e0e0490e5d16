"""What there is to say of a data set, and whether a network can be tuned on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.errors import GlassboxError
from core.tuning import likeness, splits
from core.tuning.types import Dataset, Example, Problem, Split

MOST_CLASSES = 20
LEAST = 2  # examples a class: one to learn from, one to be tested with
FEW = 10  # examples a class, below which a figure says little
IMBALANCE = 3.0  # the largest class to the smallest
TINY = 64  # pixels of the short side
GREY = 0.5  # difference of the parts of two classes that are grey

NOTE = "tuning_data.note."  # the keys of what is said of a data set as it is now
LEFT_OUT = "tuning_data.left_out."  # ... of what came but is not in it


def settled(
    dataset: Dataset, *, seed: int, validation: float, keep: Mapping[str, Split] | None = None
) -> Dataset:
    """The data set with its examples split and what there is to say of it found anew.

    Problems of former uploads stay, and so do notes that an upload made (`tuning_data.upload.*`).
    """
    examples = dataset.examples
    near = likeness.near_texts if dataset.kind == "texts" else likeness.near_pictures
    groups = likeness.groups(len(examples), near(examples))
    examples = splits.assign(examples, groups, seed=seed, validation=validation, keep=keep or {})
    kept = tuple(problem for problem in dataset.problems if not problem.key.startswith(NOTE))
    found = replace(dataset, examples=examples)
    return replace(found, problems=kept + tuple(_notes(found, groups)))


def split(dataset: Dataset, *, seed: int = 0, validation: float = 0.2) -> Dataset:
    """The same examples, split anew.

    Args:
        dataset: what to split.
        seed: another one gives another split.
        validation: the part of each class to test with, 0 to 1.
    """
    return settled(replace(dataset, held_out=False), seed=seed, validation=validation)


def counts(dataset: Dataset) -> tuple[tuple[int, int], ...]:
    """(to learn from, to test with) for each class, in the order of the labels."""
    found = Counter((example.label, example.split) for example in dataset.examples)
    return tuple((found[label, "train"], found[label, "validation"]) for label in range(len(dataset.labels)))


def check(dataset: Dataset) -> None:
    """Whether a network can be tuned on the data set.

    Raises:
        GlassboxError: fewer than two classes, more than `MOST_CLASSES`, a class with fewer than `LEAST`
            examples or with none to learn from, or nothing to test with.
    """
    kind = dataset.kind
    if not dataset.examples:
        raise GlassboxError(f"tuning_data.check.empty.{kind}")
    if len(dataset.labels) < 2:
        raise GlassboxError(f"tuning_data.check.one_class.{kind}")
    if len(dataset.labels) > MOST_CLASSES:
        raise GlassboxError("tuning_data.check.classes", count=len(dataset.labels), most=MOST_CLASSES)
    found = counts(dataset)
    for number, (training, testing) in enumerate(found):
        if training + testing < LEAST or not training:
            raise GlassboxError(
                f"tuning_data.check.small.{kind}",
                label=dataset.labels[number],
                count=training + testing,
                least=LEAST,
            )
    if not any(testing for _, testing in found):
        raise GlassboxError(f"tuning_data.check.untested.{kind}")


def _notes(dataset: Dataset, groups: Sequence[Sequence[int]]) -> list[Problem]:
    """What should be known of the data set as it is now, the most important first."""
    labels, examples, kind = dataset.labels, dataset.examples, dataset.kind
    notes: list[Problem] = []
    if len(labels) == 1:
        notes.append(Problem(f"{NOTE}one_class.{kind}", {"label": labels[0]}))
    found = counts(dataset)
    totals = [training + testing for training, testing in found]
    for label, total, (_, testing) in zip(labels, totals, found, strict=True):
        if total < LEAST:
            notes.append(Problem(f"{NOTE}too_small.{kind}", {"label": label, "count": total, "least": LEAST}))
        elif not testing:
            notes.append(Problem(f"{NOTE}untested.{kind}", {"label": label}))
    groups = [group for group in groups if len(group) > 1]
    crossing = [group for group in groups if len({examples[place].label for place in group}) > 1]
    for group in crossing[:10]:
        first = examples[group[0]]
        second = next(examples[place] for place in group if examples[place].label != first.label)
        values = {"label": labels[first.label], "other": labels[second.label]}
        notes.append(Problem(f"{NOTE}near_conflict.{kind}", values, digests=_digests(examples, group)))
    if groups:
        together = [place for group in groups for place in group]
        sizes = {"count": len(together), "groups": len(groups)}
        notes.append(Problem(f"{NOTE}near.{kind}", sizes, digests=_digests(examples, together)))
    enough = [total for total in totals if total >= LEAST]
    if len(enough) > 1 and max(enough) >= IMBALANCE * min(enough):
        most, least = totals.index(max(enough)), totals.index(min(enough))
        notes.append(
            Problem(
                f"{NOTE}imbalance",
                {"label": labels[most], "count": totals[most], "other": labels[least], "few": totals[least]},
            )
        )
    if enough and min(enough) < FEW:
        notes.append(
            Problem(f"{NOTE}few.{kind}", {"count": sum(LEAST <= n < FEW for n in totals), "few": FEW})
        )
    if kind == "images":
        notes += _notes_of_pictures(dataset, totals)
    return notes


def _notes_of_pictures(dataset: Dataset, totals: Sequence[int]) -> list[Problem]:
    labels, examples = dataset.labels, dataset.examples
    notes: list[Problem] = []
    tiny = [example.digest for example in examples if 0 < min(example.size) < TINY]
    if tiny:
        notes.append(Problem(f"{NOTE}tiny", {"count": len(tiny), "pixels": TINY}, digests=tuple(tiny)))
    grey = Counter(example.label for example in examples if example.grey)
    share = {label: grey[label] / total for label, total in enumerate(totals) if total >= LEAST}
    if share and max(share.values()) - min(share.values()) > GREY:
        most, least = max(share, key=share.__getitem__), min(share, key=share.__getitem__)
        notes.append(Problem(f"{NOTE}grey_differs", {"label": labels[most], "other": labels[least]}))
    elif 0 < grey.total() < len(examples):
        digests = tuple(example.digest for example in examples if example.grey)
        notes.append(Problem(f"{NOTE}grey", {"count": len(digests), "of": len(examples)}, digests=digests))
    return notes


def _digests(examples: Sequence[Example], places: Sequence[int]) -> tuple[str, ...]:
    return tuple(examples[place].digest for place in places)
