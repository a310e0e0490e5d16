"""Any image file to uint8 sRGB, and hostile ones to a sentence."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageCms

from core.errors import GlassboxError
from core.imaging import decode
from core.imaging.decode import EXTENSIONS, FORMATS, MEGABYTES, WORKING_SIDE
from core.imaging.samples import samples
from tests import hostile

ROOT = Path(__file__).resolve().parent.parent
pillow_heif.register_heif_opener()

FOUR = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [200, 100, 50]]], np.uint8)


def encoded(picture: Pillow.Image | np.ndarray, form: str, **how: object) -> bytes:
    if isinstance(picture, np.ndarray):
        picture = Pillow.fromarray(picture)
    file = io.BytesIO()
    picture.save(file, form, **how)
    return file.getvalue()


@pytest.fixture(scope="module")
def photo() -> Pillow.Image:
    """A real photo, 320 x 213, so that codecs with losses have something to work on."""
    picture = Pillow.open(io.BytesIO(samples()["pavilion"].read())).convert("RGB")
    picture.thumbnail((320, 320))
    return picture


# --- formats ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "GIF"])
def test_four_pixels_come_through_unchanged(form: str) -> None:
    np.testing.assert_array_equal(decode(encoded(FOUR, form)), FOUR)


def test_webp_without_loss_comes_through_unchanged() -> None:
    np.testing.assert_array_equal(decode(encoded(FOUR, "WEBP", lossless=True)), FOUR)


@pytest.mark.parametrize("form", [form.name for form in FORMATS])
def test_a_photo_comes_through_nearly_unchanged(form: str, photo: Pillow.Image) -> None:
    how = {"quality": 90} if form in ("JPEG", "WEBP", "AVIF", "HEIF") else {}
    found = decode(encoded(photo, form, **how))
    assert found.dtype == np.uint8
    assert found.shape == (photo.height, photo.width, 3)
    mistake = np.abs(found.astype(int) - np.asarray(photo)).mean()
    assert mistake < (12 if form == "GIF" else 4)


def test_every_ending_is_of_a_format() -> None:
    assert len(set(EXTENSIONS)) == len(EXTENSIONS)
    assert {"jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif", "avif", "heic"} <= set(EXTENSIONS)


def test_the_first_frame_is_taken() -> None:
    first, second = (Pillow.new("RGB", (4, 3), colour) for colour in ("red", "blue"))
    for form in ("GIF", "TIFF", "PNG"):
        data = encoded(first, form, save_all=True, append_images=[second])
        np.testing.assert_array_equal(decode(data)[0, 0], [255, 0, 0])


def test_the_content_decides_not_the_name() -> None:
    for form in ("ICO", "PCX", "PPM", "TGA", "SGI", "DDS"):
        with pytest.raises(GlassboxError) as caught:
            decode(encoded(FOUR, form))
        assert caught.value.key == "error.image.format"
    for text in (
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"%!PS-Adobe-3.0 EPSF-3.0",
        b"8BPS",
        b"\0",
    ):
        with pytest.raises(GlassboxError, match="JPEG, PNG"):
            decode(text)


# --- modes and colours ------------------------------------------------------------------------------


def test_transparency_lies_over_white() -> None:
    see_through = np.zeros((1, 3, 4), np.uint8)
    see_through[0, :, 3] = (0, 128, 255)
    for form in ("PNG", "TIFF"):
        found = decode(encoded(see_through, form))[0, :, 0].astype(int)
        assert found.tolist() == [255, 127, 0]


def test_a_palette_with_a_transparent_entry() -> None:
    picture = Pillow.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
    picture.putpalette([10, 20, 30, 200, 0, 0])
    assert decode(encoded(picture, "PNG")).tolist() == [[[10, 20, 30], [200, 0, 0]]]
    assert decode(encoded(picture, "PNG", transparency=0)).tolist() == [[[255, 255, 255], [200, 0, 0]]]


def test_grey_of_1_8_and_16_bits_and_of_floats() -> None:
    grey = np.array([[0, 128, 255]], np.uint8)
    assert decode(encoded(grey, "PNG"))[0, :, 1].tolist() == [0, 128, 255]
    assert decode(encoded(Pillow.fromarray(grey).convert("1", dither=Pillow.Dither.NONE), "PNG"))[
        0, :, 0
    ].tolist() == [
        0,
        255,
        255,
    ]
    sixteen = Pillow.fromarray(np.array([[0, 257 * 100, 65535]], np.uint16))
    for form in ("PNG", "TIFF"):
        assert decode(encoded(sixteen, form))[0, :, 2].tolist() == [0, 100, 255]
    floats = Pillow.fromarray(np.array([[0, 0.5, 1]], np.float32))
    assert decode(encoded(floats, "TIFF"))[0, :, 0].tolist() == [0, 128, 255]
    wild = Pillow.fromarray(np.array([[-5, np.nan, 5]], np.float32))
    assert decode(encoded(wild, "TIFF"))[0, :, 0].tolist() == [0, 128, 255]


def test_rgb_of_16_bits() -> None:
    values = np.array([[[0, 257 * 10, 65535], [257 * 200, 0, 257]]], ">u2")
    data = hostile.png(2, 1, b"".join(b"\0" + row.tobytes() for row in values), depth=16, colour=2)
    np.testing.assert_array_equal(decode(data), [[[0, 10, 255], [200, 0, 1]]])


def test_cmyk_is_not_inverted(photo: Pillow.Image) -> None:
    for form in ("JPEG", "TIFF"):
        found = decode(encoded(photo.convert("CMYK"), form))
        assert np.abs(found.astype(int) - np.asarray(photo)).mean() < 6


def test_an_embedded_profile_is_converted() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_allclose(decode(encoded(FOUR, "PNG", icc_profile=srgb)), FOUR, atol=1)
    swapped = hostile.swapped_channels(srgb)  # a profile whose red is sRGB's blue
    np.testing.assert_allclose(decode(encoded(FOUR, "PNG", icc_profile=swapped)), FOUR[..., ::-1], atol=3)
    for form in ("JPEG", "TIFF", "WEBP"):
        found = decode(encoded(Pillow.new("RGB", (32, 32), (200, 10, 10)), form, icc_profile=swapped))
        assert found[16, 16, 2] > 180 > found[16, 16, 0]


def test_a_linear_grey_profile_is_converted() -> None:
    linear = hostile.grey_profile(gamma=1.0)
    found = decode(encoded(np.full((4, 4), 55, np.uint8), "PNG", icc_profile=linear))
    assert found[0, 0, 0] == pytest.approx(128, abs=3)  # sRGB of 0.216


@pytest.mark.parametrize("profile", [b"no profile", b"\0" * 200, b"x" * 5_000_000])
def test_a_broken_profile_is_ignored(profile: bytes) -> None:
    np.testing.assert_allclose(decode(encoded(Pillow.fromarray(FOUR), "TIFF", icc_profile=profile)), FOUR)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_picture_is_upright(orientation: int, photo: Pillow.Image) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    upright = np.asarray(photo).astype(int)
    back = {  # what a camera held that way stores
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    stored = Pillow.fromarray(back.astype(np.uint8))
    for form in ("JPEG", "PNG", "TIFF", "WEBP"):
        found = decode(encoded(stored, form, exif=exif.tobytes())).astype(int)
        assert found.shape == upright.shape, form
        assert np.abs(found - upright).mean() < 8, form


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_the_heic_of_a_turned_phone_is_upright(orientation: int, photo: Pillow.Image) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    turns = {3: 2, 6: 1, 8: 3}[orientation]
    stored = Pillow.fromarray(np.ascontiguousarray(np.rot90(np.asarray(photo), turns)))
    found = decode(encoded(stored, "HEIF", quality=90, exif=exif.tobytes())).astype(int)
    assert found.shape == (photo.height, photo.width, 3)
    assert np.abs(found - np.asarray(photo)).mean() < 8


# --- size -------------------------------------------------------------------------------------------


def test_the_long_side_is_bounded_and_the_shape_kept() -> None:
    assert decode(encoded(np.zeros((1000, 2400, 3), np.uint8), "PNG")).shape == (667, WORKING_SIDE, 3)
    assert decode(encoded(np.zeros((3000, 2000, 3), np.uint8), "JPEG")).shape == (WORKING_SIDE, 1067, 3)
    assert decode(encoded(np.zeros((1600, 10, 3), np.uint8), "PNG")).shape == (1600, 10, 3)
    assert decode(encoded(np.zeros((1, 20000, 3), np.uint8), "PNG")).shape == (1, WORKING_SIDE, 3)
    assert decode(encoded(np.zeros((20000, 1, 3), np.uint8), "JPEG")).shape == (WORKING_SIDE, 1, 3)


def test_a_jpeg_is_decoded_small_and_still_right(photo: Pillow.Image) -> None:
    large = photo.resize((6400, 4260), Pillow.Resampling.BICUBIC)
    found = decode(encoded(large, "JPEG", quality=90))
    wanted = np.asarray(photo.resize((1600, 1065), Pillow.Resampling.BICUBIC)).astype(int)
    assert np.abs(found - wanted).mean() < 4


def test_the_result_is_its_own() -> None:
    found = decode(encoded(FOUR, "PNG"))
    assert found.flags.writeable
    assert found.flags.c_contiguous


# --- what is refused --------------------------------------------------------------------------------


def refused(data: bytes) -> str:
    with pytest.raises(GlassboxError) as caught:
        decode(data)
    assert str(caught.value)
    return caught.value.key


def test_empty_and_heavy_files() -> None:
    assert refused(b"") == "error.image.empty"
    assert refused(b"\xff\xd8" + b"\0" * (MEGABYTES * 1_000_000)) == "error.image.too_many_bytes"


def test_pixels_are_counted_before_they_are_decoded() -> None:
    assert refused(hostile.png(6000, 4001, b"")) == "error.image.too_many_pixels"
    assert refused(hostile.png(100_000, 100_000, b"")) in ("error.image.too_many_pixels", "error.image.bomb")
    jpeg = bytearray(encoded(Pillow.new("RGB", (64, 64)), "JPEG"))
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = struct.pack(">HH", 7000, 7200)
    assert refused(bytes(jpeg)) == "error.image.too_many_pixels"
    jpeg[at : at + 4] = struct.pack(">HH", 65000, 65000)
    assert refused(bytes(jpeg)) in ("error.image.too_many_pixels", "error.image.bomb")


@pytest.mark.parametrize("form", [form.name for form in FORMATS])
def test_a_file_cut_short_is_refused(form: str, photo: Pillow.Image) -> None:
    data = encoded(photo, form)
    for share in (0.02, 0.3, 0.6):
        assert refused(data[: int(len(data) * share)]) in ("error.image.broken", "error.image.format"), share


def test_files_made_of_tiny_parts() -> None:
    for name, data in hostile.mazes().items():
        assert refused(data) == "error.image.maze", name


def test_a_photo_with_a_film_behind_it_is_no_maze(photo: Pillow.Image) -> None:
    film = np.random.default_rng(2).integers(0, 256, 15_000_000, np.uint8).tobytes()
    assert film.count(b"\xff\xda") > 100
    assert decode(encoded(photo, "JPEG") + film).shape == (photo.height, photo.width, 3)


GOOD = {
    form.name: encoded(np.random.default_rng(5).integers(0, 256, (24, 31, 3), np.uint8), form.name)
    for form in FORMATS
}


def survives(data: bytes) -> None:
    try:
        found = decode(data)
    except GlassboxError as error:
        assert str(error)
    else:
        assert found.dtype == np.uint8
        assert found.ndim == 3
        assert 1 <= max(found.shape[:2]) <= WORKING_SIDE


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    form=st.sampled_from(sorted(GOOD)),
    changes=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6),
    keep=st.floats(0.1, 1),
)
def test_a_damaged_file_is_decoded_or_refused(
    form: str, changes: list[tuple[float, bytes]], keep: float
) -> None:
    data = bytearray(GOOD[form])
    for place, value in changes:
        at = int(place * (len(data) - 1))
        data[at : at + len(value)] = value
    survives(bytes(data[: int(len(data) * keep)]))


@settings(max_examples=150, deadline=None)
@given(start=st.sampled_from([b"", *(data[:24] for data in GOOD.values())]), rest=st.binary(max_size=300))
def test_random_bytes_are_refused_or_decoded(start: bytes, rest: bytes) -> None:
    survives(start + rest)


def test_no_file_takes_long_or_much_memory() -> None:
    """Every heavy and hostile file in a process of its own: seconds and memory are those of the file."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile"], cwd=ROOT, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(rows) >= 12
    for name, seconds, megabytes, outcome in rows:
        assert float(seconds) < 6, name  # processor seconds; under 3 on a quiet machine
        assert float(megabytes) < 600, name
        assert outcome == "decoded" or outcome.startswith("error.image."), (name, outcome)


def test_a_png_bomb_in_its_text_is_refused_or_ignored() -> None:
    text = zlib.compress(b"a" * 60_000_000)
    survives(hostile.png(2, 2, b"\0" * 14, extra=hostile.chunk(b"zTXt", b"k\0\0" + text)))
