"""A visitor's pictures to search through: what comes in, what is told of the rest."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from PIL import Image as Pillow

from core.errors import GlassboxError
from core.imaging import decode
from core.imaging.samples import samples
from core.lit import folder, towers
from core.lit.folder import Folder
from core.tuning.types import Progress


def picture(seed: int, size: tuple[int, int] = (60, 40)) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as found:
        for name, data in files.items():
            found.writestr(name, data)
    return file.getvalue()


def filled(files: list[tuple[str, bytes]], before: Folder | None = None) -> Folder:
    *_, last = folder.filled(files, before)
    assert isinstance(last, Folder)
    return last


def test_pictures_come_single_and_in_zip_files() -> None:
    archive = zipped({"holiday/a.png": picture(1), "b.png": picture(2), "notes.txt": b"no picture"})
    found = filled([("c.png", picture(3)), ("all.zip", archive)])
    assert [one.name for one in found.pictures] == ["c.png", "holiday/a.png", "b.png"]
    assert [problem.name for problem in found.problems] == ["notes.txt"]
    assert np.linalg.norm(found.rows, axis=1) == pytest.approx(1, abs=1e-5)
    assert len({one.digest for one in found.pictures}) == 3
    assert Pillow.open(io.BytesIO(found.pictures[0].small)).size == (folder.SIDE, folder.SIDE)


def test_a_picture_lies_where_the_tower_sees_it() -> None:
    data = samples()["sunflower"].read()
    (one,) = filled([("sunflower.jpg", data)]).pictures
    (row,) = towers.embed_images([decode(data)])
    assert float(one.row @ row) > 0.93  # it was made smaller, which is all


def test_the_same_picture_counts_once_and_what_was_there_stays() -> None:
    before = filled([("first.png", picture(1))])
    found = filled([("second.png", picture(1)), ("third.png", picture(2))], before)
    assert [one.name for one in found.pictures] == ["first.png", "third.png"]
    (problem,) = found.problems
    assert (problem.key, problem.values["other"]) == ("tuning_data.left_out.copy.images", "first.png")
    assert folder.without(found, {before.pictures[0].digest}).pictures == found.pictures[1:]


def test_a_folder_holds_so_many_and_tells_of_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MOST", 3)
    steps = list(folder.filled([(f"{n}.png", picture(n)) for n in range(20)]))
    assert sum(isinstance(step, Progress) for step in steps) == 3
    found = steps[-1]
    assert isinstance(found, Folder)
    assert len(found.pictures) == 3
    assert (found.problems[-1].key, found.problems[-1].values["count"]) == ("lit.folder.many", 17)


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06" + bytes(18), b"no zip at all"])
def test_a_zip_file_that_is_none_is_a_sentence(data: bytes) -> None:
    with pytest.raises(GlassboxError) as told:
        filled([("all.zip", data)])
    assert told.value.key == "lit.error.no_zip"
    assert "all.zip" in str(told.value)


def test_paths_out_of_the_archive_are_left_out() -> None:
    found = filled([("all.zip", zipped({"../../etc/a.png": picture(1), "b.png": picture(2)}))])
    assert [one.name for one in found.pictures] == ["b.png"]
    assert [problem.key for problem in found.problems] == ["tuning_data.left_out.path"]
