"""What a file says of itself, read before any decoder runs.

Each format has one reader: from bytes to a `Header` with the format, the size in pixels, how the picture
is to be turned, and the bytes that the decoder is to see. The readers do three things that decoders do
too late or not at all: they find the size before memory is taken for it, they refuse files built so that
reading them takes for ever, and they leave out what is not picture (texts, thumbnails, notes of a
camera, further frames), which is where most traps of image files are.

Sources: ITU-T T.81 (JPEG), the W3C's PNG specification, GIF89a, TIFF 6.0 and BigTIFF, RFC 9649 (WebP),
ISO/IEC 14496-12 and 23008-12 (the boxes of HEIC and AVIF), the AV1 bitstream specification.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NoReturn

from core.errors import GlassboxError

MEGA = 1_000_000
MEGABYTES = 20


@dataclass(frozen=True)
class Format:
    """A kind of file that is read, and how much of it."""

    name: str
    extensions: tuple[str, ...]
    megapixels: int
    megabytes: int = MEGABYTES


# A JPEG is decoded at a half, a quarter or an eighth of its size, so it may be larger. The decoders of AVIF
# and HEIC take time by the byte, two seconds for these many. An iPhone's "24 megapixels" are 24.5.
FORMATS: tuple[Format, ...] = (
    Format("JPEG", ("jpg", "jpeg", "jfif"), 50),
    Format("PNG", ("png", "apng"), 24),
    Format("WebP", ("webp",), 24),
    Format("HEIC", ("heic", "heif", "hif"), 25, megabytes=8),
    Format("AVIF", ("avif",), 24, megabytes=10),
    Format("GIF", ("gif",), 24),
    Format("BMP", ("bmp", "dib"), 24),
    Format("TIFF", ("tif", "tiff"), 24),
)
EXTENSIONS: tuple[str, ...] = tuple(extension for entry in FORMATS for extension in entry.extensions)
NAMES = ", ".join(entry.name for entry in FORMATS)
BY_NAME = {entry.name: entry for entry in FORMATS}

# What others begin with, so that the message can name them.
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "PDF"),
    (b"8BPS", "Photoshop (PSD)"),
    (b"%!PS", "PostScript (EPS)"),
    (b"\xc5\xd0\xd3\xc6", "PostScript (EPS)"),
    (b"\x00\x00\x01\x00", "ICO"),
    (b"\x00\x00\x02\x00", "CUR"),
    (b"icns", "ICNS"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"DDS ", "DDS"),
    (b"qoif", "QOI"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"SIMPLE  =", "FITS"),
    (b"\xd7\xcd\xc6\x9a", "WMF"),
    (b"FUJIFILMCCD-RAW", "RAW"),
    (b"IIRO", "RAW"),
    (b"IIU\x00", "RAW"),
    (b"PK\x03\x04", "ZIP"),
    (b"\x1f\x8b", "gzip"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7-Zip"),
    (b"\x1aE\xdf\xa3", "WebM"),
    (b"OggS", "Ogg"),
    (b"ID3", "MP3"),
    (b"{\\rtf", "RTF"),
)
_OTHERS_BY_PATTERN: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"P[1-7Ff]\s"), "PPM"),
    (re.compile(rb"\x0a[\x00-\x05]\x01[\x01\x02\x04\x08]"), "PCX"),
    (re.compile(rb"RIFF....(AVI |WAVE)", re.DOTALL), "AVI"),
    (
        re.compile(
            rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*|<!DOCTYPE svg[^>]*>\s*)*<svg", re.DOTALL
        ),
        "SVG",
    ),
    (re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype html|html|head)", re.IGNORECASE), "HTML"),
    (re.compile(rb"/\* XPM"), "XPM"),
)
_VIDEO_BRANDS = (b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"M4V ", b"qt  ", b"3gp4", b"3gp5", b"MSNV")

# A file of a camera, a phone or a program stays far below each of these.
_PIECES = 200_000  # chunks, boxes or blocks of a file
_SEGMENTS = 20_000  # JPEG segments
_VISITS = 2_500 * MEGA  # JPEG: samples of a scan, added over all scans; a progressive 50 megapixels need 700
_STRIPS = 32_768  # TIFF
_ITEMS = 2_000  # HEIC and AVIF: tiles and notes
_ASSOCIATIONS = 32_000  # ... and what is said of them
_FRAMES = 8  # HEIC and AVIF: coded frames in what should be one picture
PROFILE_BYTES = 4 * MEGA  # of a colour profile
_RUN_LENGTH_PIXELS, _RUN_LENGTH_BYTES = 4 * MEGA, 2 * MEGA  # BMP: Pillow unpacks them in Python


@dataclass(frozen=True)
class Header:
    """What is known of a file before it is decoded."""

    format: str
    size: tuple[int, int]  # (width, height) as it is coded
    data: bytes = field(repr=False)  # what the decoder gets to see
    turned: int = 1  # EXIF orientation, 1 to 8, that the decoder does not apply
    profile: bytes | None = field(default=None, repr=False)  # ICC, if the decoder does not find it itself
    bits: int = 8  # of a sample
    kind: str = ""  # of sample, for a decoder that does not know it
    inverted: bool = False  # a single channel whose 0 is white, that the decoder does not turn round
    progressive: bool = False  # a JPEG that is held at full size even if it is decoded small


def read(name: str, data: bytes) -> Header:
    """The header of a file in the format that `recognise` found.

    Raises:
        GlassboxError: too large, incomplete, of a variety that is not read, or built to take for ever.
        struct.error, IndexError, ValueError: broken in a way that needs no words of its own.
    """
    entry = BY_NAME[name]
    if len(data) > entry.megabytes * MEGA:
        raise GlassboxError(
            "error.image.too_dense", format=name, megabytes=tenths_up(len(data)), most=entry.megabytes
        )
    header = _READERS[name](data)
    check_size(name, header.size)
    return header


def check_size(name: str, size: tuple[int, int]) -> None:
    """Refuses an empty picture and one with more pixels than FORMATS allows.

    Raises:
        GlassboxError: it is one of the two.
    """
    width, height = size
    if width <= 0 or height <= 0:
        broken(name)
    if max(size) > MEGA:  # a decoder keeps notes for each row
        _maze(name)
    most = BY_NAME[name].megapixels
    if width * height > most * MEGA:
        key = "error.image.too_many_pixels.jpeg" if name == "JPEG" else "error.image.too_many_pixels"
        raise GlassboxError(
            key, format=name, width=width, height=height, megapixels=tenths_up(width * height), most=most
        )


def recognise(data: bytes) -> str:
    """The name of a file's format, by its content; its own name does not count.

    Raises:
        GlassboxError: it is none of FORMATS.
    """
    start = data[:512]
    if start.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WebP"
    if start.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if start.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        if start[8:10] == b"CR":
            raise GlassboxError("error.image.other_format", got="RAW", formats=NAMES)
        return "TIFF"
    if start[:2] == b"BM" and start[14:18] in {
        struct.pack("<I", n) for n in (12, 16, 40, 52, 56, 64, 108, 124)
    }:
        return "BMP"
    if start[4:8] == b"ftyp":
        return _brand(data)
    for prefix, name in _OTHERS:
        if start.startswith(prefix):
            raise GlassboxError("error.image.other_format", got=name, formats=NAMES)
    for pattern, name in _OTHERS_BY_PATTERN:
        if pattern.match(start):
            raise GlassboxError("error.image.other_format", got=name, formats=NAMES)
    raise GlassboxError("error.image.format", formats=NAMES)


def _brand(data: bytes) -> str:
    size = min(int.from_bytes(data[:4], "big"), 512)
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, size - 3, 4))]
    for brand in brands:  # the first is the file's own choice, the others are what else it is fit for
        if brand in (b"avif", b"avis"):
            return "AVIF"
        if brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"):
            return "HEIC"
        if brand in _VIDEO_BRANDS:
            raise GlassboxError("error.image.other_format", got="MP4 / MOV", formats=NAMES)
        if brand == b"crx ":
            raise GlassboxError("error.image.other_format", got="RAW", formats=NAMES)
    if b"mif1" in brands or b"msf1" in brands:
        return "AVIF" if b"av01" in data[:65536] else "HEIC"
    raise GlassboxError("error.image.format", formats=NAMES)


def tenths_up(number: int) -> str:
    return f"{-(-number // (MEGA // 10)) / 10:.1f}"  # rounded up: "24.0" never stands beside "at most 24"


def broken(name: str) -> NoReturn:
    """Raises the error of a file that contradicts itself."""
    raise GlassboxError("error.image.broken", format=name)


def incomplete(name: str) -> NoReturn:
    """Raises the error of a file whose end is missing."""
    raise GlassboxError("error.image.incomplete", format=name)


def _maze(name: str) -> NoReturn:
    raise GlassboxError("error.image.maze", format=name)


def _variety(name: str, kind: str) -> NoReturn:
    raise GlassboxError("error.image.variety", format=name, kind=kind)


def orientation(exif: bytes) -> int:
    """How a picture is to be turned, 1 to 8, from its EXIF block; 1 if it does not say or is broken."""
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    try:
        if order is None:
            return 1
        (at,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, at)
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", exif, entry)
            if tag == 0x0112:
                (value,) = struct.unpack_from(f"{order}{'I' if kind == 4 else 'H'}", exif, entry + 8)
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


# --- JPEG ---------------------------------------------------------------------------------------------

_JPEG_MARKER = re.compile(rb"\xff([\xc0-\xcf\xd8-\xdf\xe0-\xef\xfe])")


def _jpeg(data: bytes) -> Header:
    """Keeps the tables, the frame, the colour segments and the scans; everything up to the end marker."""
    head = [b"\xff\xd8"]
    size = (0, 0)
    at, scans_at, end = 2, None, len(data)
    exif = b""
    visits = profile = segments = 0
    progressive = False
    while match := _JPEG_MARKER.search(data, at):
        segments += 1
        if segments > _SEGMENTS:
            _maze("JPEG")
        marker, start = match[1][0], match.start()
        at = start + 2
        if marker == 0xD9:
            end = at
            break
        if marker == 0xD8:
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        body = data[at + 2 : at + length]
        if at + length > len(data):
            if scans_at is None:
                incomplete("JPEG")
            break  # inside a scan it may be noise: the decoder knows
        at += max(length, 2)
        keep = marker in (0xC4, 0xDB, 0xDD)
        if marker == 0xDB and length > 2 + 4 * 129:  # four tables are all there can be
            broken("JPEG")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if marker not in (0xC0, 0xC1, 0xC2):  # lossless, hierarchical, arithmetic: no browser reads them
                _variety("JPEG", f"SOF{marker - 0xC0}")
            if size != (0, 0) or len(body) < 6:
                broken("JPEG")
            if body[0] != 8:
                _variety("JPEG", f"{body[0]} bit")
            size = int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big")
            check_size("JPEG", size)
            progressive, keep = marker == 0xC2, True
        elif marker == 0xE0:
            keep = body.startswith(b"JFIF\0")
        elif marker == 0xE1 and not exif and body.startswith(b"Exif\0\0"):
            exif = body
        elif marker == 0xE2 and body.startswith(b"ICC_PROFILE\0"):
            profile += length
            keep = profile <= PROFILE_BYTES
        elif marker == 0xEE:
            keep = body.startswith(b"Adobe")
        elif marker == 0xDA:
            if scans_at is None:
                scans_at = start
            visits += (body[0] if body else 0) * size[0] * size[1]
            if visits > _VISITS:
                _maze("JPEG")
        if keep and scans_at is None:
            head.append(data[start:at])
    if scans_at is None:
        incomplete("JPEG")
    if size == (0, 0):
        broken("JPEG")
    head.append(data[scans_at:end])
    return Header("JPEG", size, b"".join(head), orientation(exif), progressive=progressive)


# --- PNG ----------------------------------------------------------------------------------------------


def _png(data: bytes) -> Header:
    """Keeps header, palette, transparency and pixels, the pixels in one chunk; unpacks the profile itself."""
    head: list[bytes] = []
    pixels: list[bytes] = []
    profile, exif = None, b""
    at = 8
    for _ in range(_PIECES):
        length, kind = struct.unpack_from(">I4s", data, at) if at + 12 <= len(data) else incomplete("PNG")
        body, end = data[at + 8 : at + 8 + length], at + 12 + length
        if end > len(data):
            incomplete("PNG")
        if kind == b"IDAT":
            pixels.append(body)
        elif kind in (b"IHDR", b"PLTE", b"tRNS"):
            if kind == b"IHDR" and (head or length != 13):
                broken("PNG")
            head.append(data[at:end])
        elif kind == b"iCCP" and profile is None:
            profile = _unpacked(body[body.find(b"\0") + 2 :])
        elif kind == b"eXIf":
            exif = body
        elif kind == b"IEND":
            break
        at = end
    else:
        _maze("PNG")
    if not head or head[0][4:8] != b"IHDR" or not pixels:
        broken("PNG")
    packed = b"".join(pixels)
    joined = [b"\x89PNG\r\n\x1a\n", *head, _chunk(b"IDAT", packed), _chunk(b"IEND", b"")]
    width, height, bits = struct.unpack_from(">IIB", head[0], 8)
    return Header("PNG", (width, height), b"".join(joined), orientation(exif), profile, bits)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))


def _unpacked(packed: bytes) -> bytes | None:
    """A colour profile, or nothing if it is broken or a bomb."""
    stream = zlib.decompressobj()
    try:
        profile = stream.decompress(packed, PROFILE_BYTES)
    except zlib.error:
        return None
    return profile if stream.eof else None


# --- GIF ----------------------------------------------------------------------------------------------


def _gif(data: bytes) -> Header:
    """Keeps the first frame and its control block."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    head, control = data[:at], b""
    for _ in range(_PIECES):
        kind = data[at : at + 1]
        if kind == b",":
            left, top, frame_width, frame_height = struct.unpack_from("<4H", data, at + 1)
            size = max(width, left + frame_width), max(height, top + frame_height)
            return Header("GIF", size, head + control + data[at:])
        if kind == b"!":
            start, label = at, data[at + 1 : at + 2]
            at += 2
            for _ in range(_PIECES):
                if at >= len(data):
                    incomplete("GIF")
                length = data[at]
                at += 1 + length
                if not length:
                    break
            else:
                _maze("GIF")
            if label == b"\xf9":
                control = data[start:at]
        elif not kind:
            incomplete("GIF")
        elif kind == b";":
            broken("GIF")
        else:  # a stray byte, as some programs leave
            at += 1
    _maze("GIF")


# --- BMP ----------------------------------------------------------------------------------------------


def _bmp(data: bytes) -> Header:
    (length,) = struct.unpack_from("<I", data, 14)
    if length == 12:
        width, height = struct.unpack_from("<HH", data, 18)
        return Header("BMP", (width, height), data)
    if length == 16:
        _variety("BMP", "OS/2")
    width, height, _, bits, packing = struct.unpack_from("<iiHHI", data, 18)
    size = width, abs(height)
    if packing in (1, 2) and (width * abs(height) > _RUN_LENGTH_PIXELS or len(data) > _RUN_LENGTH_BYTES):
        _maze("BMP")
    if packing not in (0, 1, 2, 3):
        _variety("BMP", {4: "JPEG", 5: "PNG"}.get(packing, str(packing)))
    return Header("BMP", size, data, kind=f"{bits} bit")


# --- WebP ---------------------------------------------------------------------------------------------


def _webp(data: bytes) -> Header:
    kind = data[12:16]
    if int.from_bytes(data[4:8], "little") + 8 > len(data) or len(data) < 30:
        incomplete("WebP")
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
    elif kind == b"VP8L":
        packed = int.from_bytes(data[21:25], "little")
        width, height = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    else:
        broken("WebP")
    return Header("WebP", (width, height), data)


# --- TIFF ---------------------------------------------------------------------------------------------

_TIFF_TYPES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}
_TIFF_SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_TIFF_KEPT = {
    *(256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284),  # size, samples, packing, strips, planes
    *(292, 293, 317, 320, 322, 323, 324, 325, 338, 339),  # fax, predictor, palette, tiles, kinds of samples
    *(347, 529, 530, 531, 532, 34675),  # JPEG tables, YCbCr, colour profile
}
_TIFF_PACKINGS = {1, 2, 3, 4, 5, 7, 8, 32773, 32946}  # none, fax, LZW, JPEG, deflate, PackBits
_TIFF_OTHERS = {6: "Old JPEG", 34925: "LZMA", 50000: "Zstandard", 50001: "WebP", 50002: "JPEG XL"}


def _tiff(data: bytes) -> Header:
    """Keeps the tags of the first page that its pixels need, in a directory of its own at the end."""
    order = "<" if data[:2] == b"II" else ">"
    big = 43 in data[2:4]
    word, table_at, count_code, inline = ("Q", 8, "Q", 8) if big else ("I", 4, "H", 4)
    (at,) = struct.unpack_from(order + word, data, table_at)
    (count,) = struct.unpack_from(order + count_code, data, at) if at + 8 <= len(data) else incomplete("TIFF")
    step, at = 12 + 8 * big, at + struct.calcsize(order + count_code)
    if count > _ITEMS:
        broken("TIFF")
    if at + count * step > len(data):
        incomplete("TIFF")
    kept: dict[int, bytes] = {}
    where: dict[int, tuple[int, int, int]] = {}  # tag: type, number of values, offset
    for entry in range(at, at + count * step, step):
        tag, kind, number = struct.unpack_from(f"{order}HH{word}", data, entry)
        if tag == 50706:  # DNG: its first page is a thumbnail
            raise GlassboxError("error.image.other_format", got="RAW (DNG)", formats=NAMES)
        if tag in kept or (tag not in _TIFF_KEPT and tag != 274) or kind not in _TIFF_SIZES:
            continue
        length, value_at = number * _TIFF_SIZES[kind], entry + step - inline
        if length > inline:
            (value_at,) = struct.unpack_from(order + word, data, value_at)
        if tag == 34675 and length > PROFILE_BYTES:
            continue
        if tag != 34675 and number > 65536 * 3:
            _maze("TIFF")
        if value_at + length > len(data):
            incomplete("TIFF")
        kept[tag], where[tag] = data[entry : entry + step], (kind, number, value_at)

    def values(tag: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        if tag not in where:
            return default
        kind, number, value_at = where[tag]
        if kind not in _TIFF_TYPES:
            broken("TIFF")
        return struct.unpack_from(f"{order}{number}{_TIFF_TYPES[kind]}", data, value_at)

    def value(tag: int, default: int) -> int:
        return (values(tag) or (default,))[0]

    width, height = value(256, 0), value(257, 0)
    check_size("TIFF", (width, height))
    packing = value(259, 1)
    if packing not in _TIFF_PACKINGS:
        _variety("TIFF", _TIFF_OTHERS.get(packing, str(packing)))
    samples, bits = value(277, 1), values(258, (1,)) or (1,)
    if samples > 8 or max(bits) > 64:
        _variety("TIFF", f"{samples} × {max(bits)} bit")
    tiled = 322 in where
    across, down = (value(322, 0), value(323, 0)) if tiled else (width, min(value(278, height), height))
    if not across or not down:
        broken("TIFF")
    columns, rows = -(-width // across), -(-height // down)
    if across * down > 1.5 * max(width * height, 2 * MEGA) or columns * across * rows * down > 48 * MEGA:
        _maze("TIFF")
    planes = samples if value(284, 1) == 2 else 1
    offsets, lengths = values(324 if tiled else 273), values(325 if tiled else 279)
    if max(columns * rows * planes, len(offsets), len(lengths)) > _STRIPS:
        _maze("TIFF")
    if len(offsets) < columns * rows * planes:
        broken("TIFF")
    if packing != 1:  # the lengths of plain strips are not used, and now and then wrong
        parts = list(zip(offsets, lengths, strict=False))
        if any(offset + length > len(data) for offset, length in parts):
            incomplete("TIFF")
        scans = sum(data.count(b"\xff\xda", at, at + length) for at, length in parts) if packing == 7 else 0
        if sum(lengths) > 2 * len(data) or scans * across * down * samples > _VISITS:
            _maze("TIFF")
    kept.pop(274, None)
    start = len(data) + len(data) % 2
    table = struct.pack(order + count_code, len(kept)) + b"".join(kept[tag] for tag in sorted(kept))
    fresh = b"".join(
        (
            data[:table_at],
            struct.pack(order + word, start),
            data[table_at + inline :],
            bytes(start - len(data)),
            table,
            struct.pack(order + word, 0),
        )
    )
    turned = value(274, 1)
    return Header(
        "TIFF",
        (width, height),
        fresh,
        turned if 1 <= turned <= 8 else 1,
        bits=bits[0],
        kind=f"{samples} × {max(bits)} bit" + " float" * (value(339, 1) == 3),
        inverted=value(262, 0) == 0 and bits[0] > 8,
    )


# --- HEIC and AVIF: boxes in boxes --------------------------------------------------------------------


@dataclass
class _Item:
    kind: bytes = b""
    extents: list[tuple[int, int]] = field(default_factory=list)  # (from, to) in the file
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    made_of: list[int] = field(default_factory=list)
    helps: list[int] = field(default_factory=list)  # the items whose alpha or depth this one is

    def property(self, kind: bytes) -> bytes:
        return next((body for name, body in self.properties if name == kind), b"")


def _boxes(name: str, data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes between two places: kind, where the content begins, where it ends."""
    pieces = 0
    while at + 8 <= end:
        length, kind = struct.unpack_from(">I4s", data, at)
        begin = at + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, begin)
            begin += 8
        elif length == 0:
            length = end - at
        if at + length > end:
            if end == len(data):
                incomplete(name)
            broken(name)
        if at + length < begin:
            broken(name)
        pieces += 1
        if pieces > _ITEMS:
            _maze(name)
        yield kind, begin, at + length
        at += length


class _Numbers:
    """Reads big-endian numbers one after the other."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data, self.at, self.end = data, at, end

    def take(self, length: int) -> int:
        if self.at + length > self.end:
            raise IndexError
        self.at += length
        return int.from_bytes(self.data[self.at - length : self.at], "big")


_STILLS = ((b"avis", b"avif"), (b"hevc", b"heic"), (b"hevx", b"heix"), (b"msf1", b"mif1"))


def _container(name: str, data: bytes) -> Header:
    """Finds the one picture that is to be shown and all that is decoded for it, and weighs it.

    A film beside the picture (`moov`) and EXIF, which does not count in these formats, are covered up.
    """
    shown = bytearray(data)
    meta: tuple[int, int] | None = None
    try:
        for kind, begin, end in _boxes(name, data, 0, len(data)):
            if kind == b"meta" and meta is None:
                meta = begin + 4, end
            elif kind == b"moov":
                shown[begin - 4 : begin] = b"free"
            elif kind == b"ftyp":
                for film, still in _STILLS:
                    shown[begin:end] = shown[begin:end].replace(film, still)
    except GlassboxError as error:  # what a phone writes behind the boxes need not be one
        if meta is None or error.key == "error.image.maze":
            raise
    if meta is None:
        if b"moov" in data[:65536]:
            _variety(name, "sequence")
        broken(name)
    items, primary = _items(name, data, *meta, shown)
    taken = sum(to - begin for item in items.values() for begin, to in item.extents)
    if taken > len(data):  # the same bytes decoded again and again
        _maze(name)
    picture = items.get(primary) or broken(name)
    width, height = _size(name, picture)
    check_size(name, (width, height))
    main = _coded(name, items, primary)
    helpers = [
        number
        for number, item in items.items()
        if {primary, *main} & set(item.helps) and re.search(rb"alpha|auxid:1\0", item.property(b"auxC"))
    ]
    for numbers in (main, [part for number in helpers for part in _coded(name, items, number)]):
        weights = {number: _weight(name, data, items.get(number) or broken(name)) for number in set(numbers)}
        if sum(weights[number] for number in numbers) > 1.5 * max(width * height, 2 * MEGA):
            _maze(name)
    return Header(name, (width, height), bytes(shown))


def _items(name: str, data: bytes, at: int, end: int, shown: bytearray) -> tuple[dict[int, _Item], int]:
    items: dict[int, _Item] = {}
    properties: list[tuple[bytes, bytes]] = []
    belongs: list[tuple[int, int]] = []
    seen: set[bytes] = set()
    primary = inner = targets_of_all = 0

    def item(number: int) -> _Item:
        if len(items) > _ITEMS:
            _maze(name)
        return items.setdefault(number, _Item())

    places: list[tuple[int, int, int, int]] = []  # item, method, offset, length
    for kind, begin, stop in _boxes(name, data, at, end):
        numbers = _Numbers(data, begin, stop)
        if kind == b"idat":
            inner = begin
            continue
        if kind == b"iprp":
            for part, from_, to in _boxes(name, data, begin, stop):
                if part == b"ipco":
                    properties += [(p, data[f:t]) for p, f, t in _boxes(name, data, from_, to)]
                elif part == b"ipma":
                    belongs += _associations(name, _Numbers(data, from_, to))
                if max(len(properties), len(belongs)) > _ASSOCIATIONS:
                    _maze(name)
            continue
        if kind not in (b"pitm", b"iinf", b"iloc", b"iref"):
            continue
        if kind in seen:
            broken(name)
        seen.add(kind)
        version = numbers.take(1)
        numbers.take(3)
        wide = 4 if version else 2
        if kind == b"pitm":
            primary = numbers.take(wide)
        elif kind == b"iinf":
            for part, from_, to in _boxes(name, data, numbers.at + wide, stop):
                if part == b"infe" and data[from_] >= 2:
                    entry = _Numbers(data, from_, to)
                    width = 2 if entry.take(1) == 2 else 4
                    entry.take(3)
                    one = item(entry.take(width))
                    entry.take(2)
                    one.kind = data[entry.at : entry.at + 4]
                    if one.kind == b"Exif" and name == "AVIF":
                        shown[entry.at : entry.at + 4] = b"none"
        elif kind == b"iref":
            for part, from_, to in _boxes(name, data, numbers.at, stop):
                entry = _Numbers(data, from_, to)
                one = item(entry.take(wide))
                targets = [entry.take(wide) for _ in range(entry.take(2))]
                targets_of_all += len(targets)
                if targets_of_all > _ASSOCIATIONS:
                    _maze(name)
                if part == b"dimg":
                    one.made_of += targets
                elif part == b"auxl":
                    one.helps += targets
        elif kind == b"iloc":
            places += _places(name, version, numbers)
    for number, method, offset, length in places:
        begin = offset + (inner if method == 1 else 0)
        stop = begin + length if length else len(data)
        if stop > len(data):
            incomplete(name)
        item(number).extents.append((begin, stop))
    for number, index in belongs:
        if 0 < index <= len(properties):
            item(number).properties.append(properties[index - 1])
    return items, primary


def _places(name: str, version: int, numbers: _Numbers) -> Iterator[tuple[int, int, int, int]]:
    sizes = numbers.take(2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version else 0
    wide = 4 if version == 2 else 2
    pieces = 0
    for _ in range(numbers.take(wide)):
        number = numbers.take(wide)
        method = numbers.take(2) & 15 if version else 0
        numbers.take(2)
        base = numbers.take(base_size)
        for _ in range(numbers.take(2)):
            numbers.take(index_size)
            offset, length = numbers.take(offset_size), numbers.take(length_size)
            pieces += 1
            if pieces > 4 * _ITEMS:
                _maze(name)
            if method in (0, 1):
                yield number, method, base + offset, length


def _associations(name: str, numbers: _Numbers) -> Iterator[tuple[int, int]]:
    version, flags = numbers.take(1), numbers.take(3)
    wide, width = (4 if version else 2), 1 + (flags & 1)
    pieces = 0
    for _ in range(numbers.take(4)):
        number = numbers.take(wide)
        for _ in range(numbers.take(1)):
            pieces += 1
            if pieces > _ASSOCIATIONS:
                _maze(name)
            yield number, numbers.take(width) & (0x7F if width == 1 else 0x7FFF)


def _coded(name: str, items: dict[int, _Item], number: int) -> list[int]:
    """The items that are decoded for one: itself, or the tiles of a grid."""
    item = items.get(number) or broken(name)
    if item.kind in (b"grid", b"iden"):
        return item.made_of
    return [number]


def _size(name: str, item: _Item) -> tuple[int, int]:
    size = item.property(b"ispe")
    if len(size) < 12:
        broken(name)
    width, height = struct.unpack_from(">II", size, 4)
    return width, height


def _weight(name: str, data: bytes, item: _Item) -> int:
    """The pixels that decoding an item takes, once its bytes have been looked at."""
    width, height = _size(name, item)
    coded = b"".join(data[begin:end] for begin, end in item.extents)
    if item.kind == b"av01" and name == "AVIF":
        return max(width * height, _av1_pixels(coded))
    if item.kind == b"hvc1" and name == "HEIC":  # libheif holds the bitstream to the size of the box
        if _hevc_pictures(coded, (item.property(b"hvcC")[21:22] or b"\3")[0] % 4 + 1) > _FRAMES:
            _maze(name)
        return width * height
    _variety(name, item.kind.decode("ascii", "replace"))


def _hevc_pictures(coded: bytes, length_size: int) -> int:
    """How many pictures an HEVC bitstream begins."""
    at = pictures = pieces = 0
    while at + length_size + 3 <= len(coded):
        length = int.from_bytes(coded[at : at + length_size], "big")
        at += length_size
        pictures += coded[at] >> 1 & 63 < 32 and coded[at + 2] >= 0x80
        at += length
        pieces += 1
        if pieces > _SEGMENTS:
            _maze("HEIC")
    return pictures


def _av1_pixels(coded: bytes) -> int:
    """The pixels of the largest frame that an AV1 bitstream announces."""
    at = pixels = frames = pieces = 0
    while at < len(coded):
        head = coded[at]
        kind, at = head >> 3 & 15, at + 1 + (head >> 2 & 1)
        length = len(coded) - at
        if head & 2:
            length = shift = 0
            for shift in range(0, 56, 7):
                length |= (coded[at] & 127) << shift
                at += 1
                if coded[at - 1] < 128:
                    break
        if kind == 1:
            pixels = max(pixels, _av1_size(coded[at : at + min(length, 256)]))
        frames += kind in (3, 6)
        pieces += 1
        at += length
        if frames > _FRAMES or pieces > _SEGMENTS:
            _maze("AVIF")
    return pixels


def _av1_size(sequence: bytes) -> int:
    """Largest width times largest height of a sequence header (section 5.5 of the specification)."""
    bits = "".join(f"{byte:08b}" for byte in sequence)
    at = 0

    def take(length: int) -> int:
        nonlocal at
        at += length
        return int(bits[at - length : at] or "0", 2)

    take(4)
    if take(1):  # a still picture with a short header
        take(5)
    else:
        model = 0
        if take(1):  # timing
            take(64)
            if take(1):
                zeros = len(bits[at:]) - len(bits[at:].lstrip("0"))
                take(2 * zeros + 1)
            model = take(1)
            delay = 0
            if model:
                delay = take(5) + 1
                take(42)
        display = take(1)
        for _ in range(take(5) + 1):
            take(12)
            if take(5) > 7:
                take(1)
            if model and take(1):
                take(2 * delay + 1)
            if display and take(1):
                take(4)
    wide, high = take(4) + 1, take(4) + 1
    return (take(wide) + 1) * (take(high) + 1)


_READERS: dict[str, Callable[[bytes], Header]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "WebP": _webp,
    "HEIC": lambda data: _container("HEIC", data),
    "AVIF": lambda data: _container("AVIF", data),
    "GIF": _gif,
    "BMP": _bmp,
    "TIFF": _tiff,
}
