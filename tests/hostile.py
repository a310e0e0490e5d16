"""Files that are broken, lie, or were made to keep a decoder busy. Made here; none is committed.

`python -m tests.hostile` decodes each in a process of its own and prints name, processor seconds,
megabytes and what came of it.
"""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image as Pillow


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, rows: bytes, *, depth: int = 8, colour: int = 2, extra: bytes = b""
) -> bytes:
    """A PNG file of filtered rows (each a 0 and its samples)."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def mazes() -> dict[str, bytes]:
    """Files of very many tiny parts, by name."""
    jpeg = encoded(Pillow.new("RGB", (8, 8)), "JPEG")
    gif = encoded(Pillow.new("P", (8, 8)), "GIF")
    table = 13 + 3 * 2 ** ((gif[10] & 7) + 1)
    tiff = struct.pack("<2sHIH", b"II", 42, 8, 1) + struct.pack("<HHII", 273, 4, 3_000_000, 30) + b"\0" * 16
    return {
        "jpeg of empty segments": jpeg[:2] + b"\xff\xe1\0\x02" * 1_000_000 + jpeg[2:],
        "jpeg of fill bytes": jpeg[:2] + b"\xff" * 4_000_000 + jpeg[2:],
        "jpeg of scans": jpeg[:-2] + b"\xff\xda\0\x08\x01\x01\0\0\x3f\0" * 1000 + b"\xff\xd9",
        "png of empty chunks": png(2, 2, b"\0" * 14, extra=chunk(b"tEXt", b"") * 200_000),
        "gif of tiny blocks": gif[:table] + b"!\xfe" + b"\x01a" * 2_000_000 + b"\0" + gif[table:],
        "tiff of strips": tiff,
    }


def encoded(picture: Pillow.Image, form: str, **how: object) -> bytes:
    if form == "HEIF":
        pillow_heif.register_heif_opener()
    file = io.BytesIO()
    picture.save(file, form, **how)
    return file.getvalue()


def swapped_channels(profile: bytes) -> bytes:
    """An RGB profile with the tags of red and blue exchanged."""
    changed = bytearray(profile)
    (count,) = struct.unpack_from(">I", profile, 128)
    for index in range(count):
        at = 132 + index * 12
        name = profile[at : at + 4]
        exchanged = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ", b"rTRC": b"bTRC", b"bTRC": b"rTRC"}.get(name, name)
        changed[at : at + 4] = exchanged
    changed[84:100] = b"\0" * 16  # its checksum
    return bytes(changed)


def grey_profile(gamma: float) -> bytes:
    """A small ICC profile of grey with a plain power curve."""
    curve = b"curv" + b"\0" * 4 + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    white = b"XYZ " + b"\0" * 4 + struct.pack(">iii", 63190, 65536, 54061)
    text = b"text" + b"\0" * 4 + b"grey\0" + b"\0" * 3
    description = b"desc" + b"\0" * 4 + struct.pack(">I", 5) + b"grey\0" + b"\0" * 79
    tags = [(b"kTRC", curve), (b"wtpt", white), (b"cprt", text), (b"desc", description)]
    table, body, at = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, data in tags:
        data += b"\0" * (-len(data) % 4)
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data
    header = bytearray(128)
    header[8:12] = b"\x02\x10\0\0"
    header[12:24] = b"mntrGRAYXYZ "
    header[36:40] = b"acsp"
    header[68:80] = struct.pack(">iii", 63190, 65536, 54061)
    whole = bytes(header) + table + body
    return struct.pack(">I", len(whole)) + whole[4:]


def _noise(megapixels: float, channels: int = 3) -> Pillow.Image:
    height = int((megapixels * 1e6 * 0.75) ** 0.5)
    width = int(megapixels * 1e6 / height)
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)
    return Pillow.fromarray(pixels)


def heavy() -> dict[str, Callable[[], bytes]]:
    """The heaviest files that may come in, and bombs, by name."""

    def blurred(megapixels: float, channels: int = 3) -> Pillow.Image:
        small = _noise(megapixels / 256, channels)
        return small.resize((small.width * 16, small.height * 16), Pillow.Resampling.BICUBIC)

    return {
        "jpeg 49 MP noise": lambda: encoded(_noise(49), "JPEG", quality=15),
        "jpeg 49 MP progressive": lambda: encoded(blurred(49), "JPEG", quality=60, progressive=True),
        "jpeg 20 MP cmyk": lambda: encoded(_noise(20, 4).convert("CMYK"), "JPEG", quality=20),
        "png 12 MP rgba": lambda: encoded(blurred(12, 4), "PNG"),
        "png 24 MP flat": lambda: encoded(Pillow.new("RGBA", (6000, 4000)), "PNG"),
        "png 16 bit": lambda: encoded(Pillow.new("I;16", (5900, 4000), 4000), "PNG"),
        "webp 23 MP": lambda: encoded(blurred(23), "WEBP", quality=80, method=0),
        "webp 23 MP rgba": lambda: encoded(blurred(23, 4), "WEBP", quality=80, method=0),
        "avif 20 MP": lambda: encoded(blurred(20), "AVIF", quality=60, speed=10),
        "heic 12 MP": lambda: encoded(blurred(12), "HEIF", quality=60),
        "gif 23 MP": lambda: encoded(blurred(23).convert("P"), "GIF"),
        "tiff 23 MP float": lambda: encoded(
            Pillow.new("F", (5750, 4000), 0.5), "TIFF", compression="tiff_lzw"
        ),
        "bmp 6 MP": lambda: encoded(blurred(6), "BMP"),
        "png bomb": lambda: png(30_000, 30_000, b"\0" * 100),
        **{name: (lambda data=data: data) for name, data in mazes().items()},
    }


def _one(name: str) -> None:
    from core.errors import GlassboxError
    from core.imaging import decode

    data = sys.stdin.buffer.read()
    decode(encoded(Pillow.new("RGB", (8, 8)), "PNG"))  # what the libraries take is not the file's
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _peak()
    begun = time.process_time()
    try:
        decode(data)
        outcome = "decoded"
    except GlassboxError as error:
        outcome = error.key
    seconds = time.process_time() - begun
    print(f"{name}\t{seconds:.2f}\t{_peak() - before:.0f}\t{outcome}", flush=True)


def _peak() -> float:
    """The most memory that this process had resident, in MiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    if len(sys.argv) > 1:
        _one(sys.argv[1])
        return
    for name, make in heavy().items():
        subprocess.run([sys.executable, "-m", "tests.hostile", name], input=make(), check=True)


if __name__ == "__main__":
    main()
