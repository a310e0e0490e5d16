"""Any image file to uint8 sRGB, and hostile ones to a sentence."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageCms

from core import i18n
from core.errors import GlassboxError
from core.imaging import decode
from core.imaging.decode import EXTENSIONS, FORMATS, MEGABYTES, WORKING_SIDE
from core.imaging.samples import samples
from tests import hostile
from tests.hostile import encoded

ROOT = Path(__file__).resolve().parent.parent
pillow_heif.register_heif_opener()

FOUR = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [200, 100, 50]]], np.uint8)
FOUR_PICTURE = Pillow.fromarray(FOUR)
WRITERS = {  # how Pillow calls them
    entry.name: {"HEIC": "HEIF", "WebP": "WEBP"}.get(entry.name, entry.name) for entry in FORMATS
}


@pytest.fixture(scope="module")
def photo() -> Pillow.Image:
    """A real photo, 320 x 213, so that codecs with losses have something to work on."""
    picture = Pillow.open(io.BytesIO(samples()["pavilion"].read())).convert("RGB")
    picture.thumbnail((320, 320))
    return picture


def array(values: object, kind: type = np.uint8) -> Pillow.Image:
    return Pillow.fromarray(np.array(values, kind))


def refused(data: bytes) -> GlassboxError:
    with pytest.raises(GlassboxError) as caught:
        decode(data)
    return caught.value


# --- formats ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "GIF"])
def test_four_pixels_come_through_unchanged(form: str) -> None:
    np.testing.assert_array_equal(decode(encoded(FOUR_PICTURE, form)), FOUR)


def test_webp_without_loss_comes_through_unchanged() -> None:
    np.testing.assert_array_equal(decode(encoded(FOUR_PICTURE, "WEBP", lossless=True)), FOUR)


@pytest.mark.parametrize("name", WRITERS)
def test_a_photo_comes_through_nearly_unchanged(name: str, photo: Pillow.Image) -> None:
    how = {"quality": 90} if name in ("JPEG", "WebP", "AVIF", "HEIC") else {}
    found = decode(encoded(photo, WRITERS[name], **how))
    assert found.dtype == np.uint8
    assert found.shape == (photo.height, photo.width, 3)
    mistake = np.abs(found.astype(int) - np.asarray(photo)).mean()
    assert mistake < (12 if name == "GIF" else 4)


def test_every_ending_is_of_a_format() -> None:
    assert len(set(EXTENSIONS)) == len(EXTENSIONS)
    assert {"jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif", "avif", "heic"} <= set(EXTENSIONS)


@pytest.mark.parametrize("form", ["GIF", "TIFF", "PNG", "WEBP", "AVIF", "MPO"])
def test_the_first_frame_is_taken(form: str) -> None:
    first, second = (Pillow.new("RGB", (64, 64), colour) for colour in ("red", "blue"))
    found = decode(encoded(first, form, save_all=True, append_images=[second]))
    np.testing.assert_allclose(found[32, 32], [255, 0, 0], atol=4)


def test_a_grid_of_tiles_is_put_together() -> None:
    for form, name in (("HEIF", b"hvc1"), ("AVIF", b"av01")):
        tile = encoded(hostile.SMALL, form)
        found = decode(hostile.container(form, tile, 64, (180, 120), (3, 2), separate=True))
        assert found.shape == (120, 180, 3), name
        np.testing.assert_allclose(found[100, 170], (200, 60, 30), atol=6)


@pytest.mark.parametrize(
    "tags",
    [
        {322: [16], 323: [16], 324: [8], 325: [768]},  # tiles
        {273: [8], 278: [0xFFFFFFFF], 279: [768]},  # one strip, of any height
        {273: [8, 392], 278: [8], 279: [384, 384]},
    ],
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_ways_to_lay_out_a_tiff(tags: dict[int, list[int]], order: str) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8)
    data = hostile.tiff(pixels.tobytes(), hostile.tiff_tags(16, 16) | tags, order)
    np.testing.assert_array_equal(decode(data), pixels)


def test_a_large_tiff_of_64_bit_offsets() -> None:
    np.testing.assert_array_equal(decode(encoded(FOUR_PICTURE, "TIFF", big_tiff=True)), FOUR)


# --- modes and colours ------------------------------------------------------------------------------


def test_transparency_lies_over_white() -> None:
    see_through = np.zeros((1, 3, 4), np.uint8)
    see_through[0, :, 3] = (0, 128, 255)
    for form in ("PNG", "TIFF"):
        found = decode(encoded(Pillow.fromarray(see_through), form))[0, :, 0]
        assert found.tolist() == [255, 127, 0]
    grey = Pillow.fromarray(see_through[..., 2:]).convert("LA")
    assert decode(encoded(grey, "PNG"))[0, :, 0].tolist() == [255, 127, 0]
    exact = encoded(Pillow.fromarray(see_through), "WEBP", lossless=True)
    assert decode(exact)[0, :, 0].tolist() == [255, 127, 0]
    for form in ("AVIF", "HEIF"):
        found = decode(encoded(Pillow.new("RGBA", (64, 64), (0, 0, 0, 128)), form))
        np.testing.assert_allclose(found[32, 32], 127, atol=3)


def test_a_palette_with_a_transparent_entry() -> None:
    picture = array([[0, 1]]).convert("P")
    picture.putpalette([10, 20, 30, 200, 0, 0])
    assert decode(encoded(picture, "PNG")).tolist() == [[[10, 20, 30], [200, 0, 0]]]
    assert decode(encoded(picture, "PNG", transparency=0)).tolist() == [[[255, 255, 255], [200, 0, 0]]]
    half = decode(encoded(picture, "PNG", transparency=b"\x80\xff"))
    assert half.tolist() == [[[132, 137, 142], [200, 0, 0]]]
    assert decode(encoded(picture, "GIF", transparency=1)).tolist() == [[[10, 20, 30], [255, 255, 255]]]


@pytest.mark.parametrize(
    ("depth", "colour", "row", "key", "wanted"),
    [
        (8, 0, b"\x07\x09", b"\0\x07", [255, 9]),
        (16, 0, b"\x07\x07\x09\x09", b"\x07\x07", [255, 9]),
        (8, 2, b"\x07\x07\x07\x09\x09\x09", b"\0\x07" * 3, [255, 9]),
        (16, 2, b"\x07" * 6 + b"\x09" * 6, b"\x07" * 6, [255, 9]),
    ],
)
def test_a_colour_that_is_transparent(
    depth: int, colour: int, row: bytes, key: bytes, wanted: list[int]
) -> None:
    data = hostile.png(2, 1, b"\0" + row, depth=depth, colour=colour, extra=hostile.chunk(b"tRNS", key))
    assert decode(data)[0, :, 0].tolist() == wanted


def test_grey_of_1_8_and_16_bits() -> None:
    assert decode(encoded(array([[0, 128, 255]]), "PNG"))[0, :, 1].tolist() == [0, 128, 255]
    black_white = array([[0, 128, 255]]).convert("1", dither=Pillow.Dither.NONE)
    assert decode(encoded(black_white, "PNG"))[0, :, 0].tolist() == [0, 255, 255]
    for form in ("PNG", "TIFF"):
        assert decode(encoded(array([[0, 25700, 65535]], np.uint16), form))[0, :, 2].tolist() == [0, 100, 255]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([0, 0.5, 1], [0, 128, 255]),  # the usual range of floats
        ([0, 100, 255], [0, 100, 255]),
        ([0, 25700, 65535], [0, 100, 255]),
        ([-5, np.nan, 5], [0, 0, 255]),  # none of them: stretched, and nothing stands at the low end
        ([-3e38, 0, 3e38], [0, 128, 255]),
        ([-np.inf, 0.2, np.inf], [0, 51, 255]),
        ([np.nan, np.nan, np.nan], [0, 0, 0]),
    ],
)
def test_grey_of_floats(values: list[float], wanted: list[int]) -> None:
    assert decode(encoded(array([values], np.float32), "TIFF"))[0, :, 0].tolist() == wanted


def test_tiffs_whose_zero_is_white_and_of_twelve_bits() -> None:
    tags = {273: [8], 278: [1], 279: [4], 262: [0]}
    sixteen = struct.pack("<2H", 0, 25700)
    assert decode(hostile.tiff(sixteen, hostile.tiff_tags(2, 1, (16,)) | tags))[0, :, 0].tolist() == [
        255,
        155,
    ]
    eight = hostile.tiff(b"\0\x64", hostile.tiff_tags(2, 1, (8,)) | tags)
    assert decode(eight)[0, :, 0].tolist() == [255, 155]
    twelve = hostile.tiff(b"\xff\xf0\0\0", hostile.tiff_tags(2, 1, (12,)) | {273: [8], 278: [1], 279: [3]})
    assert decode(twelve)[0, :, 0].tolist() == [255, 0]


def test_rgb_of_16_bits() -> None:
    values = np.array([[[0, 2570, 65535], [51400, 0, 257]]], ">u2")
    data = hostile.png(2, 1, b"\0" + values.tobytes(), depth=16)
    np.testing.assert_array_equal(decode(data), [[[0, 10, 255], [200, 0, 1]]])


def test_cmyk_is_not_inverted(photo: Pillow.Image) -> None:
    for form in ("JPEG", "TIFF"):
        found = decode(encoded(photo.convert("CMYK"), form))
        assert np.abs(found.astype(int) - np.asarray(photo)).mean() < 6


def test_lab_is_converted() -> None:
    picture = Pillow.frombytes("LAB", (1, 2), bytes([255, 0, 0, 138, 81, 70]))  # white, sRGB's red
    found = decode(encoded(picture, "TIFF"))
    np.testing.assert_allclose(found[:, 0], [[255, 255, 255], [255, 0, 0]], atol=6)


def test_an_embedded_profile_is_converted() -> None:
    srgb = hostile.srgb()
    np.testing.assert_allclose(decode(encoded(FOUR_PICTURE, "PNG", icc_profile=srgb)), FOUR, atol=1)
    swapped = hostile.swapped_channels(srgb)  # a profile whose red is sRGB's blue
    found = decode(encoded(FOUR_PICTURE, "PNG", icc_profile=swapped))
    np.testing.assert_allclose(found, FOUR[..., ::-1], atol=3)
    for form in ("JPEG", "TIFF", "WEBP", "AVIF", "HEIF"):
        red = Pillow.new("RGB", (64, 64), (200, 10, 10))
        found = decode(encoded(red, form, icc_profile=swapped))
        assert found[32, 32, 2] > 180 > found[32, 32, 0], form
    grey = encoded(array([[0, 90, 255]]), "PNG", icc_profile=srgb)  # as scanners write it
    np.testing.assert_allclose(decode(grey)[0, :, 0], [0, 90, 255], atol=1)


def test_a_cmyk_picture_with_a_profile_of_another_kind_is_converted_plainly() -> None:
    picture = Pillow.new("CMYK", (16, 16), (0, 255, 255, 0))
    assert decode(encoded(picture, "TIFF", icc_profile=hostile.srgb()))[8, 8].tolist() == [255, 0, 0]


def test_a_linear_grey_profile_is_converted() -> None:
    linear = hostile.grey_profile(gamma=1.0)
    found = decode(encoded(Pillow.new("L", (4, 4), 55), "PNG", icc_profile=linear))
    assert found[0, 0, 0] == pytest.approx(128, abs=3)  # sRGB of 0.216


@pytest.mark.parametrize("profile", [b"no profile", b"\0" * 200, b"x" * 5_000_000])
def test_a_broken_profile_is_ignored(profile: bytes) -> None:
    for form in ("TIFF", "PNG"):
        np.testing.assert_array_equal(decode(encoded(FOUR_PICTURE, form, icc_profile=profile)), FOUR)


# --- orientation ------------------------------------------------------------------------------------


def stored(upright: np.ndarray, orientation: int) -> Pillow.Image:
    """What a camera held that way stores."""
    return Pillow.fromarray(
        np.ascontiguousarray(
            {
                1: upright,
                2: upright[:, ::-1],
                3: upright[::-1, ::-1],
                4: upright[::-1],
                5: upright.transpose(1, 0, 2),
                6: np.rot90(upright),
                7: upright[::-1, ::-1].transpose(1, 0, 2),
                8: np.rot90(upright, -1),
            }[orientation]
        )
    )


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_picture_is_upright(orientation: int, form: str, photo: Pillow.Image) -> None:
    upright = np.asarray(photo)
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    found = decode(encoded(stored(upright, orientation), form, quality=90, exif=exif.tobytes()))
    assert found.shape == upright.shape
    assert np.abs(found.astype(int) - upright).mean() < 8


def test_exact_pixels_of_a_turned_picture() -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    pixels = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    for form, how in (("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True})):
        turned = encoded(stored(pixels, 6), form, exif=exif.tobytes(), **how)
        np.testing.assert_array_equal(decode(turned), pixels)


@pytest.mark.parametrize(
    "exif",
    [b"MM", b"MM\0*" + b"\xff" * 4, b"MM\0*\0\0\0\x08\xff\xff\x01\x12\0\x03\0\0\0\1\0\x09\0\0", b"words"],
)
def test_a_broken_exif_is_ignored(exif: bytes) -> None:
    picture = Pillow.new("RGB", (64, 32), "red")
    files = [
        hostile.after_start(hostile.segment(0xE1, b"Exif\0\0" + exif)),
        hostile.png(64, 32, bytes(193 * 32), extra=hostile.chunk(b"eXIf", exif)),
        encoded(picture, "WEBP", exif=exif),
        hostile.container(
            "AVIF", encoded(hostile.SMALL, "AVIF"), 64, (64, 64), notes=1, padding=bytes(4) + exif
        ),
        hostile.container(
            "HEIF", encoded(hostile.SMALL, "HEIF"), 64, (64, 64), notes=1, padding=bytes(4) + exif
        ),
    ]
    for data in files:
        assert decode(data).shape[1] == 64


# --- size -------------------------------------------------------------------------------------------


def test_the_long_side_is_bounded_and_the_shape_kept() -> None:
    def shape(form: str, width: int, height: int) -> tuple[int, ...]:
        return decode(encoded(Pillow.new("RGB", (width, height)), form)).shape

    assert shape("PNG", 2400, 1000) == (667, WORKING_SIDE, 3)
    assert shape("JPEG", 2000, 3000) == (WORKING_SIDE, 1067, 3)
    assert shape("PNG", 10, 1600) == (1600, 10, 3)
    assert shape("PNG", 20000, 1) == (1, WORKING_SIDE, 3)
    assert shape("JPEG", 1, 20000) == (WORKING_SIDE, 1, 3)
    assert shape("JPEG", 65500, 3) == (1, WORKING_SIDE, 3)
    assert shape("PNG", 1, 1) == (1, 1, 3)


def test_a_jpeg_is_decoded_small_and_still_right(photo: Pillow.Image) -> None:
    large = photo.resize((6400, 4260), Pillow.Resampling.BICUBIC)
    found = decode(encoded(large, "JPEG", quality=90))
    wanted = np.asarray(photo.resize((1600, 1065), Pillow.Resampling.BICUBIC)).astype(int)
    assert np.abs(found - wanted).mean() < 4


def test_large_pictures_of_every_mode_are_scaled_alike() -> None:
    ramp = np.tile(np.linspace(0, 255, 3200, dtype=np.uint8), (8, 1))
    wanted = np.asarray(Pillow.fromarray(ramp).resize((1600, 4), Pillow.Resampling.BOX))[0].astype(int)
    grey = Pillow.fromarray(ramp)
    pictures = [grey, grey.convert("RGB"), grey.convert("RGBA"), grey.convert("P"), grey.convert("LA")]
    pictures += [array(ramp.astype(np.uint16) * 257, np.uint16), array(ramp / 255, np.float32)]
    for picture in pictures:
        found = decode(encoded(picture, "TIFF"))
        assert found.shape == (4, 1600, 3)
        assert np.abs(found[2, 4:-4, 0] - wanted[4:-4]).max() <= 1, picture.mode


def test_the_result_is_its_own() -> None:
    found = decode(encoded(FOUR_PICTURE, "PNG"))
    assert found.flags.writeable
    assert found.flags.c_contiguous


def test_many_threads_decode_at_once(photo: Pillow.Image) -> None:
    files = [encoded(photo, form) for form in WRITERS.values()] * 4
    alone = [decode(data) for data in files]
    with ThreadPoolExecutor(8) as pool:
        for one, other in zip(alone, pool.map(decode, files), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_warning_of_pillow_never_leaves(photo: Pillow.Image) -> None:
    exif = Pillow.Exif()
    exif[0x0112], exif[0x010F] = 1, "camera" * 10
    data = bytearray(encoded(photo, "TIFF", exif=exif))
    at = data.index(struct.pack("<HHI", 0x010F, 2, 61))
    data[at + 4 : at + 8] = b"\xff\xff\xff\xff"  # the name of the camera is longer than the file
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode(bytes(data)).shape == (photo.height, photo.width, 3)


def test_reading_needs_no_heif_library_until_a_heic_comes() -> None:
    code = "import sys, core.imaging; print(sorted({'pillow_heif', 'tensorflow'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- what is refused --------------------------------------------------------------------------------


def header_of(width: int, height: int) -> bytes:
    """A JPEG whose header says a size that it does not have."""
    jpeg = bytearray(encoded(Pillow.new("RGB", (64, 64)), "JPEG"))
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(jpeg)


def with_frame(marker: int, bits: int = 8) -> bytes:
    return encoded(hostile.SMALL, "JPEG").replace(b"\xff\xc0\0\x11\x08", bytes([255, marker, 0, 17, bits]))


def container_with(brand: bytes) -> bytes:
    return hostile.box(b"ftyp", brand, bytes(4), brand) + hostile.box(b"mdat", bytes(100))


def too_dense() -> bytes:
    heic = hostile.container("HEIF", encoded(hostile.SMALL, "HEIF"), 64, (64, 64), padding=bytes(9_000_000))
    return heic


FLOATS = hostile.tiff(
    bytes(48), hostile.tiff_tags(2, 2, (32,) * 3) | {273: [8], 278: [2], 279: [48], 339: [3]}
)
PACKED = {273: [8], 278: [2], 279: [12]}
REFUSED: list[tuple[str, bytes, dict[str, object]]] = [
    ("empty", b"", {}),
    ("too_many_bytes", b"\xff\xd8\xff" + bytes(MEGABYTES * 1_000_000), {"megabytes": "20.1", "most": 20}),
    ("too_dense", too_dense(), {"format": "HEIC", "megabytes": "9.1", "most": 8}),
    ("too_many_pixels", hostile.png(6000, 4001, b""), {"megapixels": "24.1", "most": 24}),
    ("too_many_pixels", hostile.png(1_000_000, 1_000_000, b""), {"format": "PNG"}),
    ("too_many_pixels", hostile.bmp(6000, -4001, 0, b""), {"format": "BMP"}),
    ("too_many_pixels", hostile.tiff(b"", hostile.tiff_tags(6000, 4001)), {"format": "TIFF"}),
    ("too_many_pixels.jpeg", header_of(7200, 7000), {"megapixels": "50.4", "most": 50}),
    ("too_many_pixels.jpeg", header_of(65535, 65535), {"megapixels": "4294.9"}),
    ("format", b"\0", {}),
    ("format", b"only words", {}),
    ("format", container_with(b"what"), {}),
    ("other_format", b"%PDF-1.7 ...", {"got": "PDF"}),
    ("other_format", b"<?xml version='1.0'?>\n<!-- drawn -->\n<svg xmlns='x'/>", {"got": "SVG"}),
    ("other_format", b"%!PS-Adobe-3.0 EPSF-3.0", {"got": "PostScript (EPS)"}),
    ("other_format", b"8BPS\0\1", {"got": "Photoshop (PSD)"}),
    ("other_format", b"<!DOCTYPE html><html>", {"got": "HTML"}),
    ("other_format", encoded(FOUR_PICTURE, "ICO"), {"got": "ICO"}),
    ("other_format", encoded(FOUR_PICTURE, "PCX"), {"got": "PCX"}),
    ("other_format", encoded(FOUR_PICTURE, "PPM"), {"got": "PPM"}),
    ("other_format", encoded(FOUR_PICTURE, "JPEG2000"), {"got": "JPEG 2000"}),
    ("other_format", container_with(b"isom"), {"got": "MP4 / MOV"}),
    ("other_format", container_with(b"crx "), {"got": "RAW"}),
    ("other_format", hostile.tiff(b"", hostile.tiff_tags(2, 2) | {50706: [1]}), {"got": "RAW (DNG)"}),
    ("variety", with_frame(0xC3), {"format": "JPEG", "kind": "SOF3"}),
    ("variety", with_frame(0xC1, bits=12), {"format": "JPEG", "kind": "12 bit"}),
    ("variety", hostile.bmp(2, 2, 4, bytes(8)), {"format": "BMP", "kind": "JPEG"}),
    ("variety", FLOATS, {"format": "TIFF", "kind": "3 × 32 bit float"}),
    ("variety", hostile.tiff(bytes(12), hostile.tiff_tags(2, 2, packing=34925) | PACKED), {"kind": "LZMA"}),
    ("broken", header_of(0, 64), {"format": "JPEG"}),
    ("broken", encoded(FOUR_PICTURE, "PNG").replace(b"IDAT", b"IDOT"), {"format": "PNG"}),
    ("broken", b"GIF89a" + bytes(7) + b";", {"format": "GIF"}),
    ("incomplete", encoded(FOUR_PICTURE, "JPEG")[:-20], {"format": "JPEG"}),
    ("incomplete", hostile.bmp(2, 2, 0, b"")[:30], {"format": "BMP"}),
]


@pytest.mark.parametrize(("key", "data", "values"), REFUSED, ids=lambda value: str(value)[:24])
def test_what_is_refused_and_why(key: str, data: bytes, values: dict[str, object]) -> None:
    error = refused(data)
    assert error.key == f"error.image.{key}"
    assert {name: error.values[name] for name in values} == values
    assert str(error) != i18n.text("zh", error.key, **error.values)


def test_every_message_of_this_area_is_said() -> None:
    said = {f"error.image.{key}" for key, _, _ in REFUSED} | {"error.image.maze"}
    assert said == {key for key in i18n.catalogue("en") if key.startswith("error.image.")}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("share", [0.4, 0.6, 0.9])
def test_a_file_cut_short_is_told_so(name: str, share: float, photo: Pillow.Image) -> None:
    data = encoded(photo, WRITERS[name])
    error = refused(data[: int(len(data) * share)])
    assert error.key == "error.image.incomplete"
    assert error.values["format"] == name


@pytest.mark.parametrize("name", WRITERS)
def test_of_a_file_only_the_start_is_there(name: str, photo: Pillow.Image) -> None:
    data = encoded(photo, WRITERS[name])
    for length in range(1, 64):
        assert refused(data[:length]).key.startswith("error.image.")


@pytest.mark.parametrize("name", hostile.mazes())
def test_files_made_to_take_for_ever_are_refused(name: str) -> None:
    assert refused(hostile.mazes()[name]()).key == "error.image.maze"


def test_a_film_behind_a_photo_is_no_maze(photo: Pillow.Image) -> None:
    film = np.random.default_rng(2).integers(0, 256, 15_000_000, np.uint8).tobytes()
    assert film.count(b"\xff\xda") > 100
    assert decode(encoded(photo, "JPEG") + film).shape == (photo.height, photo.width, 3)


GOOD = {
    name: [
        encoded(array(np.random.default_rng(5).integers(0, 256, (24, 31, 3))), form, **how)
        for how in ({}, *more)
    ]
    for (name, form), more in zip(
        WRITERS.items(),
        (
            [{"progressive": True}, {"icc_profile": hostile.srgb()}],
            [{"icc_profile": hostile.srgb()}],
            [{"lossless": True}],
            [{"tile_size": 16}],
            [{"subsampling": "4:4:4"}],
            [{"comment": b"words"}],
            [],
            [{"compression": packing} for packing in ("tiff_lzw", "jpeg", "tiff_adobe_deflate", "packbits")],
        ),
        strict=True,
    )
}


def survives(data: bytes) -> None:
    try:
        found = decode(data)
    except GlassboxError as error:
        assert str(error)
        assert i18n.text("zh", error.key, **error.values)
    else:
        assert found.dtype == np.uint8
        assert found.ndim == 3
        assert found.shape[2] == 3
        assert 1 <= min(found.shape[:2]) <= max(found.shape[:2]) <= WORKING_SIDE


NUMBERS = st.sampled_from(
    [
        struct.pack(form, value)
        for form in ("<I", ">I", "<H", ">H")
        for value in (0, 1, 255, 4096, 32767, 65535)
    ]
    + [b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"]
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    file=st.sampled_from([data for files in GOOD.values() for data in files]),
    changes=st.lists(
        st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8) | NUMBERS), min_size=1, max_size=6
    ),
    keep=st.just(1.0) | st.floats(0.1, 1),
)
def test_a_damaged_file_is_decoded_or_refused(
    file: bytes, changes: list[tuple[float, bytes]], keep: float
) -> None:
    data = bytearray(file)
    for place, value in changes:
        at = int(place**3 * (len(data) - 1))  # more often near the start, where the headers are
        data[at : at + len(value)] = value
    survives(bytes(data[: int(len(data) * keep)]))


@settings(max_examples=200, deadline=None)
@given(
    start=st.sampled_from([b"", *(files[0][:24] for files in GOOD.values())]), rest=st.binary(max_size=300)
)
def test_random_bytes_are_refused_or_decoded(start: bytes, rest: bytes) -> None:
    survives(start + rest)


@settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from([b"IHDR", b"PLTE", b"tRNS", b"iCCP", b"eXIf", b"IDAT"]), body=st.binary(max_size=60)
)
def test_a_chunk_of_anything_with_a_right_checksum(kind: bytes, body: bytes) -> None:
    survives(hostile.png(2, 2, bytes(14), extra=hostile.chunk(kind, body)))


def test_no_file_takes_long_or_much_memory() -> None:
    """Every heavy and hostile file in a fresh process: seconds and memory are those of the file."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile"], cwd=ROOT, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(rows) == len(hostile.mazes() | hostile.detours() | hostile.heavy())
    for name, seconds, megabytes, outcome in rows:
        assert float(seconds) < 3, name  # of one processor: other work on the machine does not count
        assert float(megabytes) < 600, name
        assert outcome == ("error.image.maze" if name in hostile.mazes() else "decoded"), name


def test_a_bomb_in_the_pixels_of_a_png_stays_small() -> None:
    bomb = hostile.png(2, 2, bytes(100_000_000))
    assert len(bomb) < 200_000
    np.testing.assert_array_equal(decode(bomb), np.zeros((2, 2, 3)))
    assert zlib.decompress(bomb[41:-16])[:1] == b"\0"


def test_the_profile_of_srgb_is_known() -> None:
    """The helper's profile is one that the colour engine reads."""
    assert ImageCms.ImageCmsProfile(io.BytesIO(hostile.srgb())).profile.xcolor_space.strip() == "RGB"
    endless = ImageCms.ImageCmsProfile(io.BytesIO(hostile.endless_profile(3)))
    assert endless.profile.xcolor_space.strip() == "RGB"
