"""What the load run rests on: its percentiles, and that it would notice one visitor's things at another."""

from __future__ import annotations

import io
import math
import zipfile

import numpy as np
import pytest
from PIL import Image as Pillow

from benchmarks import host, load, marks
from benchmarks.audience import Record
from core.imaging import Call, apply, decode
from core.tuning import image_dataset
from core.vision.models import vision_model


@pytest.mark.parametrize(
    ("values", "share", "wanted"),
    [
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([float(n) for n in range(1, 101)], 0.95, 95.0),
        ([float(n) for n in range(1, 21)], 0.95, 19.0),
        ([7.0], 0.95, 7.0),
        ([1.0, 9.0], 0.5, 1.0),
    ],
)
def test_percentiles_are_the_nearest_rank(values: list[float], share: float, wanted: float) -> None:
    assert host.percentile(values, share) == wanted


def test_of_nothing_there_is_no_percentile() -> None:
    assert math.isnan(host.percentile([], 0.5))


def test_a_strangers_word_is_found_and_ones_own_is_none() -> None:
    text = f"{marks.sentence(3, 0)} {marks.sentence(12, 1)} https://x/?text=ZQ4zq"
    assert marks.strangers(text, 3) == {12, 4}
    assert marks.strangers(marks.sentence(1, 2), 1) == set()
    assert marks.strangers("zqzq zq 5 zq quiz", 1) == set()


def test_a_code_is_read_from_a_photo_as_the_app_shows_it() -> None:
    model = vision_model("efficientnet_lite0")
    for number in (1, 20, 170):
        image = decode(marks.photo(number, 0))
        assert marks.read_code(image) == number
        assert marks.read_code(model.preparation.pixels(image)) == number
        noisy = apply(image, [Call("gaussian_noise", (("sigma", 60),))])[0].image
        assert marks.read_code(noisy) == number
        small = np.asarray(Pillow.fromarray(image).resize((128, 96)))
        assert marks.read_code(small) == number


def test_no_code_is_read_where_there_is_none(photos: dict[str, np.ndarray], noise: np.ndarray) -> None:
    plain = np.full((200, 200, 3), 255, np.uint8)
    assert [marks.read_code(image) for image in (*photos.values(), noise, plain, plain[:9, :9])] == [None] * (
        len(photos) + 3
    )


def test_a_data_set_holds_the_code_and_the_word_in_all_its_parts() -> None:
    with zipfile.ZipFile(io.BytesIO(marks.archive(9, 1))) as files:
        names = files.namelist()
        assert len(names) == marks.EACH * len(marks.COLOURS)
        assert all(marks.word(9) in name for name in names)
        assert {marks.read_code(decode(files.read(name))) for name in names} == {9}
    assert marks.archive(9, 1) != marks.archive(9, 2)
    found = image_dataset(marks.archive(9, 1))
    splits = [sum(example.split == split for example in found.examples) for split in ("train", "validation")]
    assert len(found.examples) == 30  # and the app takes them: no picture is a copy of another
    assert min(splits) >= len(marks.COLOURS)


def png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(image).save(file, "PNG")
    return file.getvalue()


def test_a_picture_of_another_visitor_is_noticed(noise: np.ndarray) -> None:
    record = Record()
    record.pictures = {
        "icon": png(noise),
        "shared": png(noise[::-1]),
        "black": png(np.zeros((7, 7, 3), np.uint8)),
        "of 1": png(marks.coded(noise, 1)),
        "of 2": png(marks.coded(noise, 2)),
    }
    record.seen[load.FIRST] = {"icon"}
    record.seen[1] = {"icon", "black", "of 1"}
    record.seen[2] = {"icon", "black", "of 2"}
    assert [*load.common(record), *load.foreign(record)] == []
    record.seen[2].add("of 1")
    assert list(load.foreign(record)) == ["visitor 2 was shown a picture of 1"]
    record.seen[2].remove("of 1")
    for number in (1, 2):  # such a picture without a code, too
        record.seen[number].add("shared")
    assert list(load.common(record)) == ["the visitors [1, 2] were shown the same picture, shared"]
    record.samples[2] = {"shared"}
    assert list(load.common(record)), "a picture of 1, where 2 should see a sample's"
    record.samples[1] = {"shared"}
    assert list(load.common(record)) == [], "a sample's picture, where both should see one"
