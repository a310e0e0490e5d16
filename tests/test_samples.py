"""The sample gallery: every photo is licensed, small, clean, named, and seen by the network as it is told."""

from __future__ import annotations

import functools
import io
import struct

import numpy as np
import pytest
from PIL import Image

from core import assets, i18n
from core.vision import classifier
from training import samples as script

ENTRIES = assets.read_json("samples", "samples.json")
KNOWN = [entry for entry in ENTRIES if entry["expect"] is not None]
UNLIKE = [entry for entry in ENTRIES if entry["expect"] is None]
DAISY = "n11939491"


@functools.cache
def probabilities(file: str) -> np.ndarray:
    with Image.open(assets.path("samples", file)) as image:
        pixels = np.asarray(image.convert("RGB"))
    return classifier("efficientnet_lite0").predict([pixels])[0]


def top(file: str) -> str:
    return classifier("efficientnet_lite0").labels[int(probabilities(file).argmax())]


def entropy(file: str) -> float:
    p = probabilities(file).astype(np.float64)
    return float(-(p * np.log2(p + 1e-12)).sum())


def test_gallery_is_complete():
    assert len(ENTRIES) >= 14
    assert ENTRIES[0]["id"] == "tabby_cat"
    assert len(UNLIKE) >= 2
    ids = [entry["id"] for entry in ENTRIES]
    assert len(set(ids)) == len(ids)
    files = {path.name for path in assets.path("samples").glob("*.jpg")}
    assert {entry["file"] for entry in ENTRIES} == files


def test_script_tells_what_is_in_the_gallery():
    assert script.entries() == ENTRIES
    assert assets.path("samples", "LICENSES.md").read_text(encoding="utf-8") == script.licences()


@pytest.mark.parametrize("photo", script.PHOTOS, ids=lambda photo: photo.id)
def test_licence_allows_shipping(photo):
    assert photo.licence in script.LICENCE_URLS
    assert photo.author
    assert photo.stated
    row = next(line for line in script.licences().splitlines() if line.startswith(f"| {photo.file} "))
    for words in (photo.author, photo.licence, photo.package.name, photo.path):
        assert words in row


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["id"])
def test_photo_is_small_and_clean(entry):
    path = assets.path("samples", entry["file"])
    assert path.stat().st_size <= 200_000
    with Image.open(path) as image:
        assert (image.format, image.mode) == ("JPEG", "RGB")
        assert 480 <= max(image.size) <= 1024
        assert min(image.size) >= 320
        assert not image.getexif()
        assert not {"exif", "icc_profile", "xmp", "comment", "photoshop"} & set(image.info)


def test_whole_folder_is_small():
    assert sum(path.stat().st_size for path in assets.path("samples").iterdir()) < 2_500_000


def test_every_photo_has_words_in_both_languages():
    keys = {f"sample.{entry['id']}{end}" for entry in ENTRIES for end in ("", ".alt")}
    for language in i18n.LANGUAGES:
        messages = i18n.catalogue(language)
        assert {key for key in messages if key.startswith("sample.")} == keys
        for entry in ENTRIES:
            name, alt = (messages[f"sample.{entry['id']}{end}"] for end in ("", ".alt"))
            assert 0 < len(name) <= 16
            assert len(name) < len(alt) <= 120
            assert alt.endswith("。" if language == "zh" else ".")


@pytest.mark.parametrize("entry", KNOWN, ids=lambda entry: entry["id"])
def test_network_sees_what_is_told(entry):
    assert top(entry["file"]) == entry["expect"]


def test_first_photo_is_a_clear_case():
    assert probabilities(ENTRIES[0]["file"]).max() > 0.6


def test_network_is_unsure_of_galaxies_and_retina():
    surest_of_the_unknown = min(entropy("galaxies.jpg"), entropy("retina.jpg"))
    assert surest_of_the_unknown > max(entropy(entry["file"]) for entry in KNOWN)


def test_sunflower_is_a_sure_mistake():
    assert top("sunflower.jpg") == DAISY, "sunflowers are no class of ImageNet: the network says daisy"
    assert probabilities("sunflower.jpg").max() > 0.6


def test_resource_reads_a_file_in_a_folder():
    """A resource file made by hand: the root, a folder `a` in it, and in that the file `b` with the bytes xyz."""

    def name(text: str) -> bytes:
        return struct.pack(">HI", len(text), 0) + text.encode("utf-16-be")

    names = name("a") + name("b")
    contents = struct.pack(">I", 3) + b"xyz"
    folders = [(0, 2, 1, 1), (0, 2, 1, 2)]  # name, flags, count of children, the first
    tree = b"".join(struct.pack(">IHIIQ", *folder, 0) for folder in folders)
    tree += struct.pack(">IHHHIQ", len(name("a")), 0, 0, 1, 0, 0)  # name, flags, country, language, data
    start = 20
    header = struct.pack(">4sIIII", b"qres", 2, start, start + len(tree), start + len(tree) + len(contents))
    data = header + tree + contents + names
    assert script.resource(data, "/a/b") == b"xyz"
    with pytest.raises(ValueError, match="folder"):
        script.resource(data, "/a")


def test_jpeg_crops_scales_and_strips():
    wide = Image.new("RGB", (3000, 1000), "red")
    wide.paste("blue", (1500, 0, 3000, 1000))
    exif = wide.getexif()
    exif[0x010E] = "a secret"
    buffer = io.BytesIO()
    wide.save(buffer, "JPEG", exif=exif)
    with Image.open(io.BytesIO(script.jpeg(buffer.getvalue(), (0.5, 0.0, 1.0, 1.0)))) as image:
        assert image.size == (1024, 683)
        assert not image.getexif()
        red, _, blue = np.asarray(image).reshape(-1, 3).mean(0)
    assert blue > 240 > 20 > red


def test_transparency_lies_over_white():
    half = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
    assert script.to_srgb(half).getpixel((5, 5)) == (255, 255, 255)
