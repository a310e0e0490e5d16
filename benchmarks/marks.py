"""What tells one visitor's things from another's: a word in every text, a code of blocks in every picture."""

from __future__ import annotations

import base64
import io
import re
import zipfile

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from core.imaging.samples import samples
from core.tuning import builtin, images
from core.tuning.shipped import BUILTIN
from core.types import Image

BITS = 8  # of a visitor's number; as many blocks again hold its complement
WIDE, HIGH = 0.8, 0.2  # of the shorter side: the field of blocks, in the middle, where no crop cuts it off
CROP = 0.875  # of the shorter side: what the network sees of a photo
CONTRAST = 40.0  # between the white and the black block, of 255
SIZE = (1600, 1200)  # of a photo, in pixels: what a phone's is scaled down to
COLOURS = {"red": (200, 50, 40), "blue": (40, 60, 200), "green": (50, 170, 60)}  # classes to be learned
LEAST = 45  # pixels of the shorter side of a picture in which the blocks are wide enough to be read
EACH = 10  # pictures of a class

_WORD = re.compile(r"zq(\d{1,3})zq", re.IGNORECASE)


def word(number: int) -> str:
    """A visitor's word, which no other text holds."""
    return f"zq{number}zq"


def strangers(text: str, own: int) -> set[int]:
    """The numbers of other visitors whose word stands in a text."""
    return {int(found) for found in _WORD.findall(text)} - {own}


def code(number: int) -> NDArray[np.uint8]:
    """A number as blocks, 1 white and 0 black: white, black, its bits, their complement; (18,)."""
    bits = [number >> place & 1 for place in range(BITS)]
    return np.array([1, 0, *bits, *(1 - bit for bit in bits)], np.uint8)


def coded(image: Image, number: int) -> Image:
    """A picture with a visitor's code across its middle."""
    height, width = image.shape[:2]
    short, blocks = min(height, width), code(number)
    wide, high = int(WIDE * short), int(HIGH * short)
    top, left = (height - high) // 2, (width - wide) // 2
    marked = image.copy()
    columns = blocks[np.arange(wide) * len(blocks) // wide] * np.uint8(255)
    marked[top : top + high, left : left + wide] = columns[None, :, None]
    return marked


def read_code(image: Image) -> int | None:
    """The number in a picture, as it is, smaller, as the network crops it, or noisy; None where there is none."""
    grey = image.astype(np.float32).mean(2) if image.ndim == 3 else image.astype(np.float32)
    height, width = grey.shape
    short, count = min(height, width), 2 + 2 * BITS
    if short < LEAST:
        return None
    rows = grey[int(height / 2 - 0.06 * short) : int(height / 2 + 0.06 * short) + 1].mean(0)
    for share in (WIDE, WIDE / CROP):
        edges = width / 2 + share * short * (np.arange(count + 1) / count - 0.5)
        inner = np.stack([edges[:-1] + 0.25 * np.diff(edges), edges[1:] - 0.25 * np.diff(edges)], 1)
        means = np.array([rows[int(a) : max(int(b), int(a)) + 1].mean() for a, b in inner])
        span = means[0] - means[1]
        if span < CONTRAST:
            continue
        levels = (means - means[1]) / span  # 1 is as the white block, 0 as the black one
        bits = levels > 0.5
        told, complement = bits[2 : 2 + BITS], bits[2 + BITS :]
        if np.all(told != complement) and np.all(np.abs(levels - 0.5) > 0.2):
            return int(sum(1 << place for place in range(BITS) if told[place]))
    return None


def photo(number: int, turn: int) -> bytes:
    """A visitor's photo as a JPEG file, another one at each turn: a sample of its own with code and noise."""
    names = list(samples())
    found = Pillow.open(io.BytesIO(samples()[names[(number + 5 * turn) % len(names)]].read())).convert("RGB")
    noise = np.random.default_rng((number, turn)).integers(-6, 7, (SIZE[1], SIZE[0], 3), np.int16)
    pixels = np.clip(np.asarray(found.resize(SIZE), np.int16) + noise, 0, 255).astype(np.uint8)
    return _jpeg(coded(pixels, number))


def archive(number: int, turn: int) -> bytes:
    """A visitor's small data set as a zip file: three classes of ten pictures, their names with its word."""
    random = np.random.default_rng((number, turn))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as found:
        for name, colour in COLOURS.items():
            for place in range(EACH):
                patches = np.kron(random.integers(-90, 90, (6, 8)), np.ones((30, 30), np.int64))
                pixels = np.array(colour) + patches[..., None] + random.integers(-20, 20, (180, 240, 3))
                picture = coded(np.clip(pixels, 0, 255).astype(np.uint8), number)
                found.writestr(f"{name} {word(number)}/{place}.jpg", _jpeg(picture))
    return file.getvalue()


def sentence(number: int, turn: int) -> str:
    """A visitor's sentence, half of them Chinese."""
    if number % 2:
        return f"这部 {word(number)} 第 {turn} 次看不算好看，但是结尾让我哭了"
    return f"The {word(number)} was slow at first, but on evening {turn} the ending won me over."


def _jpeg(pixels: Image) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "JPEG", quality=90)
    return file.getvalue()


def hashed(address: str) -> str:
    """What `benchmarks.audience.CLOCK` calls a picture by its address: two multiplicative hashes and the length."""
    first, second = 0xDEADBEEF, 0x41C6CE57
    for code in map(ord, address):
        first = (first ^ code) * 2654435761 & 0xFFFFFFFF
        second = (second ^ code) * 1597334677 & 0xFFFFFFFF
    return f"{first:x}.{second:x}.{len(address)}"


def shipped() -> set[str]:
    """The small pictures of the data sets that ship, as `hashed` calls them: everybody's."""
    return {
        hashed("data:image/jpeg;base64," + base64.b64encode(images.thumbnail(one)).decode("ascii"))
        for name, about in BUILTIN.items()
        if about.kind == "images"
        for one in builtin(name).examples
    }
