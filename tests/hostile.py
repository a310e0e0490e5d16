"""Files that are broken, lie, or were made to keep a decoder busy. Made here; none is committed.

`python -m tests.hostile` decodes each and prints name, processor seconds, megabytes and what came of it.
"""

from __future__ import annotations

import ctypes
import io
import re
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image as Pillow
from PIL import ImageCms

pillow_heif.register_heif_opener()  # the files are also written here

SMALL = Pillow.new("RGB", (64, 64), (200, 60, 30))


def encoded(picture: Pillow.Image, form: str, **how: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **how)
    return file.getvalue()


# --- the parts that files are made of ---------------------------------------------------------------


def segment(marker: int, body: bytes) -> bytes:
    """A segment of a JPEG file."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


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


def tiff(data: bytes, tags: dict[int, list[int]], order: str = "<") -> bytes:
    """A TIFF file: the data at byte 8, then the directory; all values as 32-bit numbers."""
    at = 8 + len(data)
    free = at + 2 + 12 * len(tags) + 4
    table, rest = b"", b""
    for tag, values in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            rest, packed = rest + packed, struct.pack(f"{order}I", free + len(rest))
        table += struct.pack(f"{order}HHI", tag, 4, len(values)) + packed
    start = {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HI", 42, at)
    return start + data + struct.pack(f"{order}H", len(tags)) + table + bytes(4) + rest


def tiff_tags(
    width: int, height: int, bits: tuple[int, ...] = (8, 8, 8), packing: int = 1
) -> dict[int, list[int]]:
    """What every TIFF says of itself; strips or tiles are still missing."""
    photometric = 2 if len(bits) >= 3 else 1
    return {
        256: [width],
        257: [height],
        258: list(bits),
        259: [packing],
        262: [photometric],
        277: [len(bits)],
    }


def bmp(width: int, height: int, packing: int, data: bytes) -> bytes:
    """A BMP file of 8 bits, plain (0) or of runs (1)."""
    palette = bytes(range(256)) * 4
    start = struct.pack("<IHHI", 54 + len(palette) + len(data), 0, 0, 54 + len(palette))
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, packing, len(data), 0, 0, 256, 0)
    return b"BM" + start + header + palette + data


def box(kind: bytes, *parts: bytes, version: int | None = None) -> bytes:
    """A box of HEIC and AVIF; with a version it is a "full" one."""
    body = b"".join(parts) if version is None else struct.pack(">I", version << 24) + b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def box_in(file: bytes, kind: bytes) -> bytes:
    """The first box of a kind, wherever it is."""
    at = file.index(kind) - 4
    return file[at : at + int.from_bytes(file[at : at + 4], "big")]


def coded(file: bytes) -> bytes:
    """The bitstream in a HEIC or AVIF file of one picture that this module's encoders wrote."""
    found = box_in(file, b"mdat")[8:]
    length = len(found)
    while struct.pack(">I", length) not in box_in(file, b"iloc"):
        length -= 1
    return found[len(found) - length :]


def container(
    form: str,
    tile: bytes,
    side: int,
    size: tuple[int, int],
    grid: tuple[int, int] | None = None,
    *,
    separate: bool = False,
    times: int = 1,
    filling: int = 0,
    notes: int = 0,
    padding: bytes = b"",
) -> bytes:
    """A HEIC or AVIF file whose pieces lie: one tile, perhaps used for every place of a grid.

    Args:
        form: "HEIF" or "AVIF".
        tile: a file of that form, with a picture of side x side.
        side: of the tile.
        size: (width, height) that the whole says it has.
        grid: (columns, rows), or none for the tile alone.
        separate: each place of the grid has a tile of its own.
        times: how often the bitstream stands in an item.
        filling: how many empty units of AV1 follow.
        notes: how many EXIF items there are, all of them the same `padding`.
        padding: bytes after the bitstream.
    """
    configuration, kind = (b"av1C", b"av01") if form == "AVIF" else (b"hvcC", b"hvc1")
    columns, rows = grid or (0, 0)
    tiles = columns * rows if separate else 1
    stream, last = coded(tile) * times + b"\x12\0" * filling, tiles + 1 if grid else tiles
    shape = struct.pack(
        ">BBBBHH", 0, 0, max(rows - 1, 0), max(columns - 1, 0), *(min(s, 65535) for s in size)
    )
    kinds = [kind] * tiles + [b"grid"] * bool(grid) + [b"Exif"] * notes

    def meta(at: int) -> bytes:
        places = [(0, at + index * len(stream), len(stream)) for index in range(tiles)]
        places += [(1, 0, len(shape))] * bool(grid) + [(0, at + tiles * len(stream), len(padding))] * notes
        properties = box(
            b"ipco",
            box(b"ispe", struct.pack(">II", *((side, side) if grid else size)), version=0),
            box_in(tile, configuration),
            box_in(tile, b"pixi"),
            box_in(tile, b"colr"),
            box(b"ispe", struct.pack(">II", *size), version=0),
        )
        belongs = [struct.pack(">HBBBBB", index + 1, 4, 1, 0x82, 3, 4) for index in range(tiles)]
        belongs += [struct.pack(">HBBBB", last, 3, 5, 3, 4)] * bool(grid)
        parts = [index + 1 if separate else 1 for index in range(columns * rows)]
        relations = [box(b"dimg", struct.pack(f">HH{len(parts)}H", last, len(parts), *parts))] * bool(grid)
        relations += [box(b"cdsc", struct.pack(">HHH", last + 1 + index, 1, last)) for index in range(notes)]
        entries = [
            box(b"infe", struct.pack(">HH4sx", index + 1, 0, name), version=2)
            for index, name in enumerate(kinds)
        ]
        extents = [
            struct.pack(">HHHHII", index + 1, method, 0, 1, offset, length)
            for index, (method, offset, length) in enumerate(places)
        ]
        return box(
            b"meta",
            box(b"hdlr", bytes(4), b"pict", bytes(13), version=0),
            box(b"pitm", struct.pack(">H", last), version=0),
            box(b"iinf", struct.pack(">H", len(entries)), *entries, version=0),
            box(b"iref", *relations, version=0) if relations else b"",
            box(b"iprp", properties, box(b"ipma", struct.pack(">I", len(belongs)), *belongs, version=0)),
            box(b"iloc", b"\x44\x00", struct.pack(">H", len(extents)), *extents, version=1),
            box(b"idat", shape),
            version=0,
        )

    brand = b"avif" if form == "AVIF" else b"heic"
    start = box(b"ftyp", brand, bytes(4), b"mif1", brand, b"miaf")
    return start + meta(len(start) + len(meta(0)) + 8) + box(b"mdat", stream * tiles, padding)


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


def profile_of(space: bytes, version: int, tags: list[tuple[bytes, bytes]]) -> bytes:
    """An ICC profile of a display, from its tags."""
    white = struct.pack(">iii", 63190, 65536, 54061)
    tags = [
        *tags,
        (b"wtpt", b"XYZ " + bytes(4) + white),
        (b"cprt", b"text" + bytes(4) + b"none\0" + bytes(3)),
    ]
    tags.append((b"desc", b"desc" + bytes(4) + struct.pack(">I", 5) + b"none\0" + bytes(79)))
    table, body, at = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, data in tags:
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = bytearray(128)
    header[8:12] = struct.pack(">I", version << 24)
    header[12:24] = b"mntr" + space + b"XYZ "
    header[36:40] = b"acsp"
    header[68:80] = white
    whole = bytes(header) + table + body
    return struct.pack(">I", len(whole)) + whole[4:]


def curve(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)


def grey_profile(gamma: float) -> bytes:
    """A small ICC profile of grey with a plain power curve."""
    return profile_of(b"GRAY", 2, [(b"kTRC", curve(gamma))])


def endless_profile(elements: int) -> bytes:
    """An RGB profile whose transform is one matrix, very many times."""
    matrix = b"matf" + bytes(4) + struct.pack(">HH12f", 3, 3, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0)
    at = 16 + 8 * elements
    chain = b"mpet" + bytes(4) + struct.pack(">HHI", 3, 3, elements)
    chain += struct.pack(">II", at, len(matrix)) * elements + matrix
    columns = [(0.436, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)]
    tags = [(name + b"TRC", curve(2.2)) for name in (b"r", b"g", b"b")]
    for name, column in zip((b"r", b"g", b"b"), columns, strict=True):
        tags.append(
            (name + b"XYZ", b"XYZ " + bytes(4) + struct.pack(">3i", *(round(65536 * c) for c in column)))
        )
    return profile_of(b"RGB ", 4, [*tags, (b"D2B0", chain), (b"D2B1", chain)])


# --- the files --------------------------------------------------------------------------------------


def after_start(extra: bytes) -> bytes:
    """A JPEG with something between its first two segments."""
    file = encoded(SMALL, "JPEG")
    return file[:2] + extra + file[2:]


def after_table(extra: bytes) -> bytes:
    """A GIF with something between its colours and its picture."""
    file = encoded(Pillow.new("P", (8, 8)), "GIF")
    table = 13 + (3 << (file[10] & 7) + 1)
    return file[:table] + extra + file[table:]


def _jpeg_of_scans(picture: Pillow.Image, times: int) -> bytes:
    file = encoded(picture, "JPEG", progressive=True, subsampling=0)
    scans = [match.start() for match in re.finditer(rb"\xff\xda", file)]
    return file[: scans[2]] + file[scans[1] : scans[2]] * times + file[scans[2] :]


def _tiff_of_shared_tiles() -> bytes:
    tile, places = _jpeg_of_scans(SMALL, 80), 70 * 70
    tags = tiff_tags(64 * 70, 64 * 70, packing=7) | {322: [64], 323: [64], 324: [8] * places}
    return tiff(tile, tags | {325: [len(tile)] * places})


def _webp_of_frames() -> bytes:
    file = encoded(SMALL, "WEBP", save_all=True, append_images=[Pillow.new("RGB", (64, 64))])
    at = file.index(b"ANMF")
    length = 8 + int.from_bytes(file[at + 4 : at + 8], "little")
    body = file[8:] + file[at : at + length] * (8_000_000 // length)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _heic_of_places() -> bytes:
    place = box(b"iloc", bytes(2), struct.pack(">HHHH", 1, 1, 0, 65535), version=0)
    meta = box(b"meta", box(b"pitm", b"\0\1", version=0), place * 2000, version=0)
    return box(b"ftyp", b"heic", bytes(4), b"heic") + meta


def _avif_that_lies() -> bytes:
    file = encoded(SMALL.resize((3000, 3000)), "AVIF", speed=10)
    return container("AVIF", file, 3000, (64, 64))


def mazes() -> dict[str, Callable[[], bytes]]:
    """Files that would take a decoder very long or very much memory, by name: to be refused as such."""
    strips = {273: [8] * 900_000, 278: [1], 279: [3] * 900_000}
    row = zlib.compress(bytes(1000))
    giant = {322: [65536], 323: [65536], 324: [8], 325: [len(row)]}
    flat, broad = SMALL.resize((4800, 4800)), SMALL.resize((1200, 1200))
    return {
        "jpeg of empty segments": lambda: after_start(b"\xff\xe1\0\x02" * 1_000_000),
        "jpeg of scans": lambda: _jpeg_of_scans(flat, 1000),
        "png of empty chunks": lambda: png(2, 2, bytes(14), extra=chunk(b"tEXt", b"") * 250_000),
        "png of empty pixels": lambda: png(2, 2, bytes(14), extra=chunk(b"IDAT", b"") * 250_000),
        "png of a million rows": lambda: png(1, 1_000_001, bytes(4 * 1_000_001)),
        "gif of tiny blocks": lambda: after_table(b"!\xfe" + b"\x01a" * 2_000_000 + b"\0"),
        "gif of empty notes": lambda: after_table(b"!\x01\0" * 300_000),
        "bmp of empty runs": lambda: bmp(2, 20, 1, b"\1\7" * 5_000_000),
        "bmp of one long row": lambda: bmp(24_000_000, 1, 1, b"\1\0\0\0\0\1"),
        "tiff of strips": lambda: tiff(bytes(8), tiff_tags(1, 900_000) | strips),
        "tiff of one tile": _tiff_of_shared_tiles,
        "tiff of a giant tile": lambda: tiff(row, tiff_tags(64, 64, packing=8) | giant),
        "heic of one tile": lambda: container("HEIF", encoded(broad, "HEIF"), 1200, (1201, 1201), (16, 16)),
        "heic of many pictures": lambda: container("HEIF", encoded(SMALL, "HEIF"), 64, (64, 64), times=1000),
        "heic of notes": lambda: container(
            "HEIF", encoded(SMALL, "HEIF"), 64, (64, 64), notes=900, padding=bytes(7_000_000)
        ),
        "heic of empty boxes": lambda: encoded(SMALL, "HEIF") + box(b"free") * 500_000,
        "avif of many pictures": lambda: container("AVIF", encoded(SMALL, "AVIF"), 64, (64, 64), times=1000),
        "avif of empty units": lambda: container(
            "AVIF", encoded(SMALL, "AVIF"), 64, (64, 64), filling=4_000_000
        ),
        "heic of empty places": _heic_of_places,
        "avif larger than it says": _avif_that_lies,
    }


def detours() -> dict[str, Callable[[], bytes]]:
    """Files with much beside the picture that a decoder need not go through, by name: to be decoded."""
    text = zlib.compress(bytes(50_000_000))
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 5000)
    exif += struct.pack("<HHII", 0x11A, 5, 8000, 8) * 5000
    return {
        "jpeg of fill bytes": lambda: after_start(b"\xff" * 15_000_000),
        "jpeg of photoshop notes": lambda: after_start(
            segment(0xED, b"Photoshop 3.0\0" + (b"8BIM\x04\x04" + bytes(6)) * 5000) * 290
        ),
        "jpeg of exif": lambda: after_start(segment(0xE1, exif) * 200),
        "jpeg of a film": lambda: encoded(SMALL, "JPEG") + b"\xff\xda" * 5_000_000,
        "jpeg of an endless profile": lambda: encoded(SMALL, "JPEG", icc_profile=endless_profile(20_000)),
        "png of texts": lambda: png(2, 2, bytes(14), extra=chunk(b"zTXt", b"k\0\0" + text) * 100),
        "png of a profile": lambda: png(2, 2, bytes(14), extra=chunk(b"iCCP", b"k\0\0" + text)),
        "gif of a comment": lambda: after_table(b"!\xfe" + (b"\xff" + b"a" * 255) * 70_000 + b"\0"),
        "webp of frames": _webp_of_frames,
        "tiff of pages": _tiff_loop,
    }


def _tiff_loop() -> bytes:
    file = tiff(bytes(192), tiff_tags(8, 8) | {273: [8], 278: [8], 279: [192]})
    at = 8 + 192
    end = at + 2 + 12 * file[at]
    return file[:end] + struct.pack("<I", at) + file[end + 4 :]


def noise(megapixels: float, channels: int = 3) -> Pillow.Image:
    height = int((megapixels * 1e6 * 0.75) ** 0.5)
    width = int(megapixels * 1e6 / height)
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)
    return Pillow.fromarray(pixels)


def heavy() -> dict[str, Callable[[], bytes]]:
    """The heaviest files that may come in, by name: to be decoded."""

    def blurred(megapixels: float, channels: int = 3) -> Pillow.Image:
        small = noise(megapixels / 256, channels)
        return small.resize((small.width * 16, small.height * 16), Pillow.Resampling.BICUBIC)

    def flat(megapixels: float, *alpha: int) -> Pillow.Image:
        width = int((megapixels * 1e6) ** 0.5)
        return Pillow.new("RGBA" if alpha else "RGB", (width, width), (200, 60, 30, *alpha))

    def deep(bits: tuple[int, ...], **more: list[int]) -> bytes:
        data = zlib.compress(bytes(6000 * 3999 * sum(bits) // 8))
        tags = tiff_tags(6000, 3999, bits, packing=8) | {273: [8], 278: [3999], 279: [len(data)]}
        return tiff(data, tags | {int(tag[1:]): value for tag, value in more.items()})

    tile = SMALL.resize((512, 512))
    return {
        "jpeg 49 MP noise": lambda: encoded(noise(49), "JPEG", quality=15),
        "jpeg 49 MP progressive": lambda: encoded(flat(49), "JPEG", subsampling=0, progressive=True),
        "jpeg 49 MP cmyk": lambda: encoded(flat(49).convert("CMYK"), "JPEG", progressive=True),
        "png 8 MP rgba": lambda: encoded(blurred(8, 4), "PNG", compress_level=1),
        "png 24 MP flat": lambda: encoded(flat(23.9).convert("RGBA"), "PNG"),
        "png 24 MP 16 bit": lambda: encoded(Pillow.new("I;16", (6000, 3999), 4000), "PNG"),
        "webp 23 MP": lambda: encoded(noise(23), "WEBP", quality=60, method=0),
        "webp 23 MP rgba": lambda: encoded(flat(23, 128), "WEBP", method=0),
        "avif 23 MP rgba": lambda: encoded(flat(23, 128), "AVIF", speed=10),
        "avif 5 MP": lambda: encoded(noise(5), "AVIF", quality=60, speed=10),
        "heic 1 MP": lambda: encoded(blurred(1), "HEIF", quality=60),
        "heic 24.5 MP": lambda: container("HEIF", encoded(tile, "HEIF"), 512, (5712, 4284), (12, 9)),
        "gif 23 MP": lambda: encoded(blurred(23).convert("P"), "GIF"),
        "gif 24 MP, one pixel": _gif_on_a_large_canvas,
        "tiff 24 MP float": lambda: deep((32,), t339=[3]),
        "tiff 24 MP rgba of 16 bit": lambda: deep((16,) * 4, t338=[2]),
        "tiff 24 MP lab": lambda: deep((8, 8, 8), t262=[8]),
        "bmp 6 MP": lambda: encoded(blurred(6), "BMP"),
        "bmp of short runs": lambda: bmp(980, 1000, 1, (b"\1\7" * 980 + b"\0\0") * 1000),
    }


def _gif_on_a_large_canvas() -> bytes:
    file = bytearray(encoded(Pillow.new("P", (1, 1)), "GIF"))
    file[6:10] = struct.pack("<HH", 4800, 4990)
    return bytes(file)


def srgb() -> bytes:
    """The profile of sRGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


# --- how heavy they are -----------------------------------------------------------------------------


def _peak() -> float:
    """The most memory that this process had resident, in MiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Decodes every file and prints a line for each."""
    from core.errors import GlassboxError
    from core.imaging import decode

    for form in ("PNG", "HEIF"):
        decode(encoded(SMALL, form))  # what the libraries take is not the file's
    for name, make in (mazes() | detours() | heavy()).items():
        data = make()
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before, begun = _peak(), time.process_time()
        try:
            decode(data)
            outcome = "decoded"
        except GlassboxError as error:
            outcome = error.key
        seconds = time.process_time() - begun
        print(f"{name}\t{seconds:.2f}\t{_peak() - before:.0f}\t{outcome}", flush=True)


if __name__ == "__main__":
    main()
