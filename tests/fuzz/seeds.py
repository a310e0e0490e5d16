"""Writes the first files of the corpus: `python -m tests.fuzz.seeds`. What the fuzzer finds comes beside them."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image as Pillow

from tests import hostile, hostile_keras, hostile_zip
from tests.fuzz.targets import BETWEEN, CONFIG, ENTRIES, PICTURE

CORPUS = Path(__file__).parent / "corpus"


def images() -> dict[str, bytes]:
    """A small picture in each format and mode."""
    small = Pillow.linear_gradient("L").resize((12, 10)).convert("RGB")
    found = {
        form.lower(): hostile.encoded(small, form)
        for form in ("JPEG", "PNG", "WEBP", "AVIF", "HEIF", "GIF", "TIFF", "BMP")
    }
    for mode in ("L", "RGBA", "P", "I;16"):
        found[f"png-{mode.replace(';', '')}"] = hostile.encoded(small.convert("L").convert(mode), "PNG")
    found["tiff-lzw"] = hostile.encoded(small, "TIFF", compression="tiff_lzw")
    found["jpeg-cmyk"] = hostile.encoded(small.convert("CMYK"), "JPEG")
    found["jpeg-progressive"] = hostile.encoded(small, "JPEG", progressive=True)
    exif = Pillow.Exif()
    exif[0x0112] = 6
    found["jpeg-turned"] = hostile.encoded(small, "JPEG", exif=exif)
    return found


def archives() -> dict[str, bytes]:
    """Zip files, and entries that are packed by the target."""
    names = [f"{folder}/{number}.jpg" for folder in ("cats", "狗") for number in range(6)]
    entries = [part for name in names for part in (name.encode(), PICTURE)]
    sides = [
        f"{side}/{folder}/{number}.png" for side in ("train", "val") for folder in "ab" for number in "12"
    ]
    sided = [part for name in sides for part in (name.encode(), PICTURE)]
    gbk = [part for name in names for part in (name.encode("gbk"), PICTURE)]
    odd = [b"../a/1.jpg", PICTURE, b"__MACOSX/._1.jpg", b"", b"a\\1.jpg", PICTURE, b"b/1.txt", b"text"]
    return {
        "zip": hostile_zip.packed(hostile_zip.folders({"a": 3, "b": 3})),
        "entries": ENTRIES + BETWEEN.join(entries),
        "sides": ENTRIES + BETWEEN.join(sided),
        "gbk": ENTRIES + BETWEEN.join(gbk),
        "odd": ENTRIES + BETWEEN.join(odd + entries),
    }


def tables_() -> dict[str, bytes]:
    """Tables and lists of labelled texts, in the encodings and with the signs that are met."""
    lines = [
        f"{text} {number},{label}"
        for number in range(6)
        for text, label in (("good 好", "pos"), ("bad", "neg"))
    ]
    text = "text,label\n" + "\n".join(lines)
    return {
        "utf8": text.encode(),
        "bom": text.encode("utf-8-sig"),
        "utf16": text.encode("utf-16"),
        "gb18030": text.encode("gb18030"),
        "tabs": text.replace(",", "\t").encode(),
        "semicolons": text.replace(",", ";").encode(),
        "quoted": ('"te""xt, with\nlines",label\n' * 8).encode(),
        "labels": "\n".join(f"pos: fine {number}\nneg: poor {number}" for number in range(6)).encode(),
    }


def networks() -> dict[str, bytes]:
    """A network as Keras writes it, and its architecture alone."""
    config = hostile_keras.model(*hostile_keras.good_layers())
    lambda_ = hostile_keras.layer("Lambda", "evil", "pixels", function="x")
    return {
        "good": hostile_keras.good(),
        "config": CONFIG + json.dumps(config).encode(),
        "lambda": CONFIG
        + json.dumps(hostile_keras.model(hostile_keras.image_input(8, 8, 3), lambda_)).encode(),
    }


def main() -> None:
    made = {"image": images(), "archive": archives(), "table": tables_(), "keras": networks()}
    for target, files in made.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / f"seed-{name}").write_bytes(data)


if __name__ == "__main__":
    main()
