"""A visitor's pictures, out of a zip file with one folder a class, as a data set."""

from __future__ import annotations

import hashlib
import io
import random
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import NoReturn, TypeVar

import cv2
import numpy as np
from PIL import Image as Pillow

from core.errors import GlassboxError
from core.imaging import decode, headers
from core.tuning import classes, review
from core.tuning.archive import Archive, Entry, shown
from core.tuning.likeness import likeness
from core.tuning.types import Dataset, Example, Problem, Progress, Split
from core.types import Image

MOST = 1_000  # pictures
MOST_MEGAPIXELS = 1_500  # of all pictures of an upload: what decoding them takes is bounded
SHORT_SIDE = 256  # pixels of the pictures that are kept
LONGEST = 2.5  # sides of a panorama: its middle is kept
NARROWEST = 16  # pixels; a narrower picture shows nothing
LARGEST_BYTES = 40_000  # of a picture that is kept: 1,000 of them are 40 MB
QUALITIES = (92, 85, 75, 60, 40, 20)  # of its JPEG; the first that is small enough
NAMED = 20  # problems of one kind that are told one by one
COLOUR = 3  # mean difference of the largest and the smallest channel, below which a picture is grey

_TRAINING = frozenset({"train", "training", "训练", "训练集"})
_VALIDATION = frozenset({"val", "valid", "validation", "dev", "test", "testing"}) | frozenset(
    {"验证", "验证集", "测试", "测试集"}
)
_THREADS = 2

Given = TypeVar("Given")


@dataclass(frozen=True)
class _Found:
    """A file of the archive, and where it lies."""

    entry: Entry
    folder: str  # the class, as the folder is called
    name: str
    split: Split | None  # if the archive has folders for it


def image_dataset(data: bytes, *, seed: int = 0, validation: float = 0.2) -> Dataset:
    """The data set in a zip file with one folder a class.

    A folder around all others does not matter. Folders `train` and `test` or `val` with the classes in
    each are taken as the split. Pictures that cannot be used are left out and named in `problems`.

    Args:
        data: the zip file, at most `archive.LARGEST` megabytes.
        seed: of the split, and of the choice if there are more than `MOST` pictures.
        validation: the part of each class to test with, 0 to 1, if the archive does not say.

    Raises:
        GlassboxError: `tuning_data.error.*`: the archive cannot be used as a whole.
    """
    return _last(image_dataset_steps(data, seed=seed, validation=validation))


def image_dataset_steps(
    data: bytes, *, seed: int = 0, validation: float = 0.2
) -> Iterator[Progress | Dataset]:
    """What `image_dataset` does, telling how far it is; the last one is the data set.

    Raises:
        GlassboxError: as `image_dataset`.
    """
    archive = Archive(data)
    if not archive.entries:
        _nothing([], archive.problems)
    found, problems = _structure(archive.entries)
    problems = archive.problems + problems
    found = _at_most(found, seed, problems)
    labels, more = classes.labels_of(file.folder for file in found)
    problems += more
    order = list(dict.fromkeys(labels.values()))
    examples: list[Example] = []
    given: dict[str, Split] = {}
    work = ((file, partial(archive.read, file.entry)) for file in found)
    for done, (file, result) in enumerate(_pictures(work), 1):
        if isinstance(result, Problem):
            problems.append(replace(result, name=shown(file.name)))
        else:
            label = order.index(labels[file.folder])
            examples.append(replace(result, name=shown(file.name), label=label))
            if file.split:
                given.setdefault(result.digest, file.split)
        yield Progress("tuning_data.stage.reading", done, len(found))
    if not examples:
        _nothing(found, problems)
    yield Progress("tuning_data.stage.comparing", 0, 1)
    examples, repeated = without_repeats([], examples, order)
    problems += repeated
    examples.sort(key=lambda example: (example.label, classes.order(example.name)))
    empty = sorted(set(range(len(order))) - {example.label for example in examples})
    problems += [Problem("tuning_data.upload.no_picture", {"label": order[label]}) for label in empty]
    examples = [
        replace(example, label=example.label - sum(label < example.label for label in empty))
        for example in examples
    ]
    kept = tuple(label for number, label in enumerate(order) if number not in empty)
    dataset = Dataset("images", kept, tuple(examples), tuple(summed_up(problems)), held_out=bool(given))
    dataset = review.settled(dataset, seed=seed, validation=validation, keep=given)
    moved = [e.digest for e in dataset.examples if e.digest in given and given[e.digest] != e.split]
    if moved:
        note = Problem("tuning_data.upload.moved", {"count": len(moved)}, digests=tuple(moved))
        dataset = replace(dataset, problems=(note, *dataset.problems))
    yield dataset


def _last(steps: Iterator[Progress | Dataset]) -> Dataset:
    for step in steps:
        if isinstance(step, Dataset):
            return step
    raise AssertionError("the last step is the data set")


# --- one picture --------------------------------------------------------------------------------------


def picture(data: bytes) -> Example:
    """An image file as an example without name and class: small, upright, sRGB, encoded anew.

    Raises:
        GlassboxError: `error.image.*`, or `tuning_data.left_out.narrow`.
    """
    image = decode(data)
    height, width = image.shape[:2]
    if min(height, width) < NARROWEST:
        values = {"width": width, "height": height, "least": NARROWEST}
        raise GlassboxError("tuning_data.left_out.narrow", **values)
    kept = _small(image)
    encoded = _encoded(kept)
    channels = cv2.resize(kept, (32, 32), interpolation=cv2.INTER_AREA).astype(np.int16)
    colour = float((channels.max(axis=2) - channels.min(axis=2)).mean())
    return Example(
        hashlib.sha256(encoded).hexdigest()[:16],
        "",
        0,
        "train",
        image=encoded,
        size=(width, height),
        grey=colour < COLOUR,
        likeness=likeness(kept),
    )


def pixels(example: Example) -> Image:
    """The picture of an example: (height, width, 3) uint8, sRGB, the short side at most `SHORT_SIDE`."""
    return np.array(Pillow.open(io.BytesIO(example.image), formats=("JPEG",)).convert("RGB"))


def thumbnail(example: Example, side: int = 96) -> bytes:
    """The middle square of an example's picture as a JPEG of `side` x `side` pixels, some 3 kB."""
    file = Pillow.open(io.BytesIO(example.image), formats=("JPEG",))
    file.draft("RGB", (side, side))
    short = min(file.size)
    left, top = (file.width - short) / 2, (file.height - short) / 2
    square = file.convert("RGB").resize(
        (side, side), Pillow.Resampling.BICUBIC, (left, top, left + short, top + short)
    )
    return _jpeg(square, 85)


def _small(image: Image) -> Image:
    """The picture with its short side at most `SHORT_SIDE` and the middle of a panorama."""
    short = min(image.shape[:2])
    height, width = (min(side, round(LONGEST * short)) for side in image.shape[:2])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    middle = np.ascontiguousarray(image[top : top + height, left : left + width])
    if short <= SHORT_SIDE:
        return middle
    size = round(width * SHORT_SIDE / short), round(height * SHORT_SIDE / short)
    return np.asarray(cv2.resize(middle, size, interpolation=cv2.INTER_AREA))


def _encoded(kept: Image) -> bytes:
    whole = Pillow.fromarray(kept)
    for quality in QUALITIES:
        encoded = _jpeg(whole, quality)
        if len(encoded) <= LARGEST_BYTES:
            break
    return encoded


def _jpeg(image: Pillow.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


# --- many ---------------------------------------------------------------------------------------------


def pictures(files: Sequence[tuple[str, bytes]]) -> tuple[list[Example], list[Problem]]:
    """Named image files as examples, and what was left out."""
    examples: list[Example] = []
    problems: list[Problem] = []
    for name, result in _pictures((name, partial(bytes, data)) for name, data in files):
        if isinstance(result, Problem):
            problems.append(replace(result, name=shown(name)))
        else:
            examples.append(replace(result, name=shown(name)))
    return examples, problems


def _pictures(
    work: Iterable[tuple[Given, Callable[[], bytes]]],
) -> Iterator[tuple[Given, Example | Problem]]:
    """Each given thing with the picture that its function reads, in order; few are held at a time."""
    megapixels = 0.0
    with ThreadPoolExecutor(_THREADS) as pool:
        waiting: deque[tuple[Given, Future[Example | Problem] | Problem]] = deque()
        for given, read in work:
            try:
                data = read()
                megapixels += _megapixels(data)
                if megapixels > MOST_MEGAPIXELS:
                    raise GlassboxError("tuning_data.left_out.megapixels", most=MOST_MEGAPIXELS)
                waiting.append((given, pool.submit(_picture_or_problem, data)))
            except GlassboxError as error:
                if error.key.startswith("tuning_data.error."):
                    raise
                waiting.append((given, Problem(error.key, error.values)))
            if len(waiting) > 2 * _THREADS:
                yield _taken(waiting)
        while waiting:
            yield _taken(waiting)


def _taken(
    waiting: deque[tuple[Given, Future[Example | Problem] | Problem]],
) -> tuple[Given, Example | Problem]:
    given, result = waiting.popleft()
    return given, result if isinstance(result, Problem) else result.result()


def _picture_or_problem(data: bytes) -> Example | Problem:
    try:
        return picture(data)
    except GlassboxError as error:
        return Problem(error.key, error.values)


def _megapixels(data: bytes) -> float:
    try:
        width, height = headers.read(headers.recognise(data), data).size
    except Exception:  # whatever it is, decoding it will say so
        return 0.0
    return width * height / headers.MEGA


def without_repeats(
    before: Sequence[Example], new: Sequence[Example], labels: Sequence[str]
) -> tuple[list[Example], list[Problem]]:
    """`before` and what of `new` is not in it yet; of equal examples the first is kept."""
    kept = {example.digest: example for example in before}
    problems: list[Problem] = []
    for example in new:
        first = kept.setdefault(example.digest, example)
        if first is example:
            continue
        values: dict[str, object] = {"other": first.name}
        kind = "texts" if example.text else "images"
        if first.label == example.label:
            problems.append(Problem(f"tuning_data.left_out.copy.{kind}", values, example.name))
        else:
            values |= {"label": labels[first.label], "wanted": labels[example.label]}
            key = f"tuning_data.left_out.conflict.{kind}"
            problems.append(Problem(key, values, example.name, (first.digest,)))
    return list(kept.values()), problems


def summed_up(problems: Iterable[Problem]) -> list[Problem]:
    """The problems, of each kind at most `NAMED` one by one and the others as a number."""
    kept: list[Problem] = []
    seen: Counter[str] = Counter()
    for problem in problems:
        seen[problem.key] += 1
        if seen[problem.key] <= NAMED or not problem.name:
            kept.append(problem)
    named = Counter(problem.key for problem in kept)
    rest = sum(count - named[key] for key, count in seen.items())
    return [*kept, Problem("tuning_data.left_out.more", {"count": rest})] if rest else kept


# --- folders ------------------------------------------------------------------------------------------


def _structure(entries: Sequence[Entry]) -> tuple[list[_Found], list[Problem]]:
    """The class of each picture by the folder it lies in, and what is no picture or lies in no folder.

    Folders around all pictures are taken away, as long as each picture is still in one. Where some names
    end as those of pictures do, the others are not read; else the content decides.
    """
    looks = [entry for entry in entries if _looks_like_a_picture(entry)]
    others = [entry for entry in entries if looks and not _looks_like_a_picture(entry)]
    problems = [Problem("tuning_data.left_out.not_picture", name=shown(entry.name)) for entry in others]
    looks = looks or list(entries)
    around = 0
    while _depth(looks) > around + 2 and len({entry.parts[around] for entry in looks}) == 1:
        around += 1
    tops = {entry.parts[around].casefold() for entry in looks}
    is_split = _depth(looks) > around + 2 and tops <= _TRAINING | _VALIDATION
    is_split = is_split and bool(tops & _TRAINING) and bool(tops & _VALIDATION)
    found: list[_Found] = []
    for entry in looks:
        parts, split = entry.parts[around:], None
        name = "/".join(parts)
        if is_split:
            split, parts = _side(parts[0]), parts[1:]
        if len(parts) > 1:
            found.append(_Found(entry, parts[0], name, split))
        else:
            problems.append(Problem("tuning_data.left_out.loose", name=shown(entry.name)))
    if not found:
        raise GlassboxError("tuning_data.error.no_folders")
    folders = {classes.same(file.folder) for file in found}
    if len(folders) > review.MOST_CLASSES:
        raise GlassboxError("tuning_data.error.classes", count=len(folders), most=review.MOST_CLASSES)
    found.sort(key=lambda file: file.split == "validation")  # of two equal pictures the first one is kept
    return found, problems


def _depth(entries: Sequence[Entry]) -> int:
    """How many parts the shortest of the names has."""
    return min(len(entry.parts) for entry in entries)


def _side(folder: str) -> Split:
    return "train" if folder.casefold() in _TRAINING else "validation"


def _looks_like_a_picture(entry: Entry) -> bool:
    return entry.parts[-1].casefold().rpartition(".")[2] in headers.EXTENSIONS


def _at_most(found: Sequence[_Found], seed: int, problems: list[Problem]) -> list[_Found]:
    """At most `MOST` files, as evenly from the classes as can be."""
    if len(found) <= MOST:
        return list(found)
    shuffled = random.Random(seed).sample(found, len(found))
    turn: Counter[str] = Counter()
    turns: dict[int, int] = {}  # by identity: the how-manieth of its class a file is
    for file in shuffled:
        label = classes.same(file.folder)
        turns[id(file)] = turn[label]
        turn[label] += 1
    taken = {id(file) for file in sorted(shuffled, key=lambda file: turns[id(file)])[:MOST]}
    problems.append(Problem("tuning_data.upload.sampled", {"count": len(found), "most": MOST}))
    return [file for file in found if id(file) in taken]


def _nothing(found: Sequence[_Found], problems: Sequence[Problem]) -> NoReturn:
    """Raises the error of an archive without a usable picture: the reason, if all have one."""
    reasons = Counter(problem.key for problem in problems if problem.name)
    if reasons and all(key == "tuning_data.left_out.nested" for key in reasons):
        raise GlassboxError("tuning_data.error.nested")
    if not reasons:
        raise GlassboxError("tuning_data.error.empty")
    name = next(problem.name for problem in problems if problem.name)
    raise GlassboxError("tuning_data.error.no_pictures", count=max(len(found), reasons.total()), name=name)
