"""Makes zip files of pictures as visitors, their computers, and attackers do. Nothing here is committed."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

Member = tuple[str | zipfile.ZipInfo, bytes]


def picture(seed: int, form: str = "JPEG", size: tuple[int, int] = (48, 40)) -> bytes:
    """A picture that no other seed gives: blocks of random colours."""
    blocks = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(blocks).resize(size, Image.Resampling.BICUBIC).save(file, form)
    return file.getvalue()


def packed(members: Sequence[Member], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip file with these members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def folders(classes: dict[str, int], before: str = "", first: int = 0) -> list[Member]:
    """That many pictures in each folder."""
    names = [f"{before}{name}/{number}.jpg" for name, count in classes.items() for number in range(count)]
    return [(name, picture(first + place)) for place, name in enumerate(names)]


def raw(entries: Sequence[tuple[bytes, bytes]], flags: int = 0) -> bytes:
    """A zip file whose names are these very bytes, as other programs write them."""
    body, directory = b"", b""
    for name, data in entries:
        at, crc = len(body), zlib.crc32(data)
        common = struct.pack("<HHHHHIIIHH", 20, flags, 0, 0, 33, crc, len(data), len(data), len(name), 0)
        body += b"PK\x03\x04" + common + name + data
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + common
        directory += struct.pack("<HHHII", 0, 0, 0, 0, at) + name
    end = struct.pack("<HHHHIIH", 0, 0, len(entries), len(entries), len(directory), len(body), 0)
    return body + directory + b"PK\x05\x06" + end


def link(name: str, target: str) -> Member:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info, target.encode()


def patched(data: bytes, central: int, local: int, value: bytes) -> bytes:
    """The zip file with a field of all its directory records and local headers overwritten."""
    changed = bytearray(data)
    for mark, offset in ((b"PK\x01\x02", central), (b"PK\x03\x04", local)):
        at = changed.find(mark)
        while at >= 0:
            changed[at + offset : at + offset + len(value)] = value
            at = changed.find(mark, at + 4)
    return bytes(changed)


def encrypted() -> bytes:
    return patched(packed(folders({"cat": 2, "dog": 2})), 8, 6, b"\x01\x00")


def huge() -> bytes:
    """Five gigabytes when unpacked: a hundred entries of 50 MB of zeros."""
    zeros = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = b"".join(zeros.compress(bytes(1_000_000)) for _ in range(50)) + zeros.flush()
    crc = 0
    for _ in range(50):
        crc = zlib.crc32(bytes(1_000_000), crc)
    body, directory = b"", b""
    for number in range(100):
        name = f"zeros/{number}.bmp".encode()
        common = struct.pack("<HHHHHIII", 20, 0, 8, 0, 33, crc, len(stream), 50_000_000)
        common += struct.pack("<HH", len(name), 0)
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + common
        directory += struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + name
        body += b"PK\x03\x04" + common + name + stream
    end = struct.pack("<HHHHIIH", 0, 0, 100, 100, len(directory), len(body), 0)
    return body + directory + b"PK\x05\x06" + end


def liar() -> bytes:
    """One entry says that it has 100 bytes and unpacks to a megabyte."""
    members: list[Member] = [*folders({"cat": 2, "dog": 2}), ("cat/liar.bmp", b"BM" + bytes(1_000_000))]
    data = bytearray(packed(members, zipfile.ZIP_DEFLATED))
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 100)
    return bytes(data)


def overlapping() -> bytes:
    """Two hundred directory records of one and the same megabyte."""
    good = packed([("a/zeros.bmp", b"BM" + bytes(1_000_000))], zipfile.ZIP_DEFLATED)
    at = good.find(b"PK\x01\x02")
    record = good[at : good.find(b"PK\x05\x06")]
    end = struct.pack("<HHHHIIH", 0, 0, 200, 200, 200 * len(record), at, 0)
    return good[:at] + 200 * record + b"PK\x05\x06" + end


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "error.empty"),
    "no entries": (lambda: packed([]), "error.empty"),
    "only litter": (lambda: packed([("__MACOSX/cat/._1.jpg", b"x"), (".DS_Store", b"x")]), "error.empty"),
    "words": (lambda: b"no zip file at all", "error.not_zip"),
    "one picture": (lambda: picture(0), "error.not_zip"),
    "rar": (lambda: b"Rar!\x1a\x07\x01\x00" + bytes(99), "error.other_archive"),
    "7z": (lambda: b"7z\xbc\xaf\x27\x1c" + bytes(99), "error.other_archive"),
    "tar": (lambda: bytes(257) + b"ustar" + bytes(250), "error.other_archive"),
    "gzip": (lambda: b"\x1f\x8b" + bytes(99), "error.other_archive"),
    "61 MB": (lambda: b"PK\x03\x04" + bytes(61_000_000), "error.too_big"),
    "10,001 entries": (lambda: raw([(b"a/%d" % n, b"") for n in range(10_001)]), "error.entries"),
    "a million records": (lambda: b"PK\x03\x04" + b"PK\x01\x02" * 1_000_000, "error.entries"),
    "5 GB": (huge, "error.unpacked"),
    "overlapping": (overlapping, "error.overlap"),
    "password": (encrypted, "error.password"),
    "cut short": (lambda: packed(folders({"cat": 2, "dog": 2}))[:-300], "error.broken"),
    "a zip in a zip": (lambda: packed([("cat/more.zip", packed(folders({"a": 2})))]), "error.nested"),
    "loose pictures": (lambda: packed([(f"{n}.jpg", picture(n)) for n in range(3)]), "error.no_folders"),
    "no pictures": (lambda: packed([("cat/a.txt", b"x"), ("dog/b.txt", b"y")]), "error.no_pictures"),
    "3,000 x 1": (
        lambda: packed([("cat/a.png", picture(0, "PNG", (3000, 1)))]),
        "error.no_pictures",
    ),
    "21 classes": (lambda: packed(folders({f"class {n}": 1 for n in range(21)})), "error.classes"),
}

LEFT_OUT: dict[str, tuple[Member, str]] = {  # beside two good classes
    "parent": (("../cat/a.jpg", picture(900)), "tuning_data.left_out.path"),
    "inner parent": (("cat/../../a.jpg", picture(900)), "tuning_data.left_out.path"),
    "absolute": (("/etc/cat/a.jpg", picture(900)), "tuning_data.left_out.path"),
    "drive": (("C:\\cat\\a.jpg", picture(900)), "tuning_data.left_out.path"),
    "link": (link("cat/a.jpg", "/etc/passwd"), "tuning_data.left_out.link"),
    "nested": (("cat/more.zip", packed([("x.jpg", picture(900))])), "tuning_data.left_out.nested"),
    "rar inside": (("cat/more.rar", b"Rar!"), "tuning_data.left_out.nested"),
    "notes": (("cat/notes.txt", b"words"), "tuning_data.left_out.not_picture"),
    "loose": (("a.jpg", picture(900)), "tuning_data.left_out.loose"),
    "words as jpg": (("cat/a.jpg", b"words"), "error.image.format"),
    "pdf as jpg": (("cat/a.jpg", b"%PDF-1.7"), "error.image.other_format"),
    "cut off": (("cat/a.jpg", picture(900)[:200]), "error.image.incomplete"),
    "empty": (("cat/a.jpg", b""), "error.image.empty"),
    "3,000 x 1": (("cat/a.png", picture(900, "PNG", (3000, 1))), "tuning_data.left_out.narrow"),
    "21 MB": (("cat/a.bmp", b"BM" + bytes(21_000_000)), "error.image.too_many_bytes"),
}
