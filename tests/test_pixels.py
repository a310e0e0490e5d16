"""Decoded photos are held within bounds, and never mixed up."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as Pillow

from core.errors import GlassboxError
from ui import pixels
from ui.pixels import Decoded


def photo(level: int) -> bytes:
    file = io.BytesIO()
    Pillow.new("RGB", (100, 80), (level, level, level)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(autouse=True)
def room_for_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "MOST_PIXELS", 2 * 100 * 80 * 3)
    pixels._pixels.clear()


def test_each_has_its_own_pixels_whoever_had_to_make_room() -> None:
    held = [Decoded(str(level), photo(level)) for level in range(5)]
    assert len(pixels._pixels) == 2
    for _ in range(2):
        for level, one in enumerate(held):
            assert one.image.shape == (80, 100, 3) and (one.image == level).all()
            assert not one.image.flags.writeable
            assert len(pixels._pixels) == 2


def test_the_one_used_last_stays() -> None:
    first, second = Decoded("1", photo(1)), Decoded("2", photo(2))
    kept = first.image
    Decoded("3", photo(3))
    assert first.image is kept
    assert np.array_equal(second.image, np.full((80, 100, 3), 2))


def test_nothing_is_left_of_one_that_was_released() -> None:
    one = Decoded("1", photo(1))
    one.release()
    assert not pixels._pixels
    assert (one.image == 1).all()  # a run that still draws it
    assert not pixels._pixels


def test_a_file_that_cannot_be_used_is_refused_at_once() -> None:
    with pytest.raises(GlassboxError):
        Decoded("x", b"no picture")
    assert not pixels._pixels


def test_one_that_nobody_asks_for_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(pixels.time, "monotonic", lambda: now)
    first, second = Decoded("1", photo(1)), Decoded("2", photo(2))
    now += pixels.IDLE - 1
    kept = first.image
    now += 2
    pixels.drop_of_idle()
    assert len(pixels._pixels) == len(pixels._used) == 1
    assert first.image is kept and (second.image == 2).all()
