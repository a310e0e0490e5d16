"""A visitor's pictures to search through: single files and zip files, each picture small and with its vector."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from core.errors import GlassboxError
from core.lit import towers
from core.tuning import archive, images
from core.tuning.types import Example, Problem, Progress
from core.types import Floats

MOST = 200  # pictures of a folder
SIDE = 160
TOGETHER = 8  # that are read before the next sign of life
_OTHER_WORDS = ("tuning_data.error.empty", "tuning_data.error.not_zip")  # they speak of classes


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture of a folder."""

    digest: str
    name: str  # as the visitor knows it
    small: bytes = field(repr=False)  # its middle as a JPEG of `SIDE` pixels, to be shown
    row: Floats = field(repr=False)  # (1280,) of the common space


@dataclass(frozen=True, eq=False)
class Folder:
    """What came in, and what was left out."""

    pictures: tuple[Picture, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def rows(self) -> Floats:
        """(n, 1280)."""
        if not self.pictures:
            return np.zeros((0, towers.WIDTH), np.float32)
        return np.stack([picture.row for picture in self.pictures])


def filled(files: Sequence[tuple[str, bytes]], before: Folder | None = None) -> Iterator[Progress | Folder]:
    """Puts files into a folder, telling how far it is; the last is the folder with all of them.

    Args:
        files: (name, bytes) of pictures and of zip files, whose folders mean nothing.
        before: the folder that they are added to.

    Raises:
        GlassboxError: `lit.error.no_zip`, or `tuning_data.error.*`: a zip file cannot be used as a whole.
    """
    kept = list(before.pictures) if before else []
    known = {picture.digest: picture.name for picture in kept}
    problems: list[Problem] = []
    given = list(_named(files, problems))
    left = 0
    for start in range(0, len(given), TOGETHER):
        yield Progress("lit.stage.folder", start, len(given))
        some = given[start : start + TOGETHER]
        if len(kept) >= MOST:
            left += len(some)
            continue
        examples, wrong = images.pictures(list(_read(some, problems)))
        problems += wrong
        for example in examples:
            if example.digest in known:
                problems.append(_copy(example, known))
            elif len(kept) >= MOST:
                left += 1
            else:
                known[example.digest] = example.name
                (row,) = towers.embed_images([images.pixels(example)])
                kept.append(Picture(example.digest, example.name, images.thumbnail(example, SIDE), row))
    if left:
        problems.append(Problem("lit.folder.many", {"count": left, "most": MOST}))
    yield Folder(tuple(kept), tuple(problems))


def without(folder: Folder, digests: Collection[str]) -> Folder:
    """The folder without some of its pictures."""
    return replace(folder, pictures=tuple(one for one in folder.pictures if one.digest not in digests))


def _copy(example: Example, known: dict[str, str]) -> Problem:
    values = {"other": known[example.digest]}
    return Problem("tuning_data.left_out.copy.images", values, name=example.name)


def _named(
    files: Sequence[tuple[str, bytes]], problems: list[Problem]
) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """The names of all files, those in zip files too, and what reads each."""
    for name, data in files:
        if data[:2] != b"PK" and not name.lower().endswith(".zip"):
            yield name, partial(bytes, data)
            continue
        try:
            found = archive.Archive(data)
        except GlassboxError as error:
            if error.key in _OTHER_WORDS:
                raise GlassboxError("lit.error.no_zip", name=towers.shortened(name)) from error
            raise
        problems += found.problems
        for entry in found.entries:
            yield entry.name, partial(found.read, entry)


def _read(
    some: Sequence[tuple[str, Callable[[], bytes]]], problems: list[Problem]
) -> Iterator[tuple[str, bytes]]:
    for name, read in some:
        try:
            yield name, read()
        except GlassboxError as error:
            problems.append(Problem(error.key, error.values, name=archive.shown(name)))
