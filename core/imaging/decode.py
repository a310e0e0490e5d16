"""Any image file to uint8 sRGB. What comes in is hostile until it is decoded."""

from __future__ import annotations

import functools
import io
import struct
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image as Pillow
from PIL import ImageCms, ImageOps, UnidentifiedImageError

from core.errors import GlassboxError
from core.types import Image

WORKING_SIDE = 1600  # pixels; a longer side is scaled down to it
MEGABYTES = 20
MOST_SCANS = 100  # of a progressive JPEG; cameras and editors write about ten
MOST_PARTS = 20_000  # chunks, segments or strips that Python has to walk through
MOST_PROFILE = 4_000_000  # bytes of a colour profile

warnings.filterwarnings("ignore", module=r"PIL\.")  # corrupt metadata is no business of the log


@dataclass(frozen=True)
class Format:
    """A format that may come in: Pillow's name of it, file endings, the most megapixels of one image."""

    name: str
    extensions: tuple[str, ...]
    megapixels: int = 24


FORMATS = (
    Format("JPEG", ("jpg", "jpeg"), 50),  # decodes at half, quarter or eighth size
    Format("PNG", ("png",)),
    Format("WEBP", ("webp",)),
    Format("HEIF", ("heic", "heif")),
    Format("AVIF", ("avif",)),
    Format("GIF", ("gif",)),
    Format("TIFF", ("tif", "tiff")),
    Format("BMP", ("bmp",)),
)
EXTENSIONS = tuple(extension for form in FORMATS for extension in form.extensions)
NAMES = "JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF, BMP"


def decode(data: bytes) -> Image:
    """An image file as pixels: (height, width, 3) uint8, sRGB, upright, its longer side at most 1,600.

    The content decides the format, not the name. Of several frames the first is taken; EXIF orientation
    is applied; transparency lies over white; grey, palette, 16-bit, CMYK, LAB and embedded colour
    profiles are converted to sRGB (a broken profile is ignored).

    Args:
        data: the file's bytes.

    Raises:
        GlassboxError: `error.image.*`: empty, too many bytes or pixels, another format, broken. No file
            raises anything else.
    """
    if not data:
        raise GlassboxError("error.image.empty")
    if len(data) > MEGABYTES * 1_000_000:
        raise GlassboxError("error.image.too_many_bytes", megabytes=f"{len(data) / 1e6:.1f}", most=MEGABYTES)
    try:
        return _decode(bytes(data))
    except GlassboxError:
        raise
    except Pillow.DecompressionBombError:
        raise GlassboxError("error.image.bomb", most=FORMATS[1].megapixels) from None
    except Exception:  # codecs raise what they like: OSError, ValueError, SyntaxError, MemoryError ...
        raise GlassboxError("error.image.broken") from None


@functools.cache
def _names() -> tuple[str, ...]:
    """Pillow's names of the formats; HEIF's plug-in is loaded when the first file comes."""
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False)
    return tuple(form.name for form in FORMATS)


def _decode(data: bytes) -> Image:
    _refuse_mazes(data)
    try:
        picture = Pillow.open(io.BytesIO(data), formats=_names())
    except UnidentifiedImageError:
        key = "error.image.broken" if _begins_like_an_image(data) else "error.image.format"
        raise GlassboxError(key, **({} if "broken" in key else {"formats": NAMES})) from None
    with picture:
        _refuse_giants(picture)
        if picture.format == "JPEG":
            width, height = picture.size
            scale = WORKING_SIDE / max(width, height)
            picture.draft(None, (max(1, int(width * scale)), max(1, int(height * scale))))
        picture.load()
        orientation = _orientation(picture)  # after loading: some codecs turn the picture themselves
        profile = picture.info.get("icc_profile")
        small = _shrink(_plain(picture))
    turned = small if orientation == 1 else _turn(small, orientation)
    return np.array(_to_srgb(turned, profile), np.uint8)


def _begins_like_an_image(data: bytes) -> bool:
    starts = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"II*\0", b"MM\0*", b"BM")
    return data.startswith(starts) or data[8:12] == b"WEBP" or data[4:8] == b"ftyp"


def _refuse_giants(picture: Pillow.Image) -> None:
    width, height = picture.size
    most = next(form.megapixels for form in FORMATS if form.name == picture.format)
    if width * height > most * 1_000_000:
        raise GlassboxError(
            "error.image.too_many_pixels",
            width=width,
            height=height,
            megapixels=f"{width * height / 1e6:.0f}",
            most=most,
        )


def _orientation(picture: Pillow.Image) -> int:
    try:
        value = picture.getexif().get(0x0112, 1)
    except Exception:  # broken metadata: the picture stays as it lies
        return 1
    return value if value in range(1, 9) else 1


def _turn(picture: Pillow.Image, orientation: int) -> Pillow.Image:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    picture.info["exif"] = exif.tobytes()
    turned = ImageOps.exif_transpose(picture)
    turned.info.pop("exif", None)
    return turned


# --- any mode to grey, RGB, CMYK or LAB of 8 bits, opaque ------------------------------------------


def _plain(picture: Pillow.Image) -> Pillow.Image:
    """The picture in a mode that can be scaled down: L, RGB, RGBA, CMYK or LAB."""
    mode = picture.mode
    if mode.startswith("I") or mode == "F":
        return Pillow.fromarray(_eight_bits(np.asarray(picture)))
    transparent = mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in picture.info
    if transparent:
        return picture if mode == "RGBA" else picture.convert("RGBA")
    if mode in ("L", "RGB", "CMYK", "LAB"):
        return picture
    return picture.convert("L" if mode == "1" else "RGB")


def _eight_bits(values: np.ndarray) -> Image:
    """Grey numbers of more than 8 bits as 8: by their type where that says the range, else stretched."""
    if values.dtype == np.uint16:
        return (values // 257 + (values % 257 > 128)).astype(np.uint8)
    numbers = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(numbers.min()), float(numbers.max())
    if values.dtype.kind == "f":
        low, high = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
    elif low >= 0:
        low, high = 0.0, 255.0 if high <= 255 else 65535.0 if high <= 65535 else high
    with np.errstate(all="ignore"):  # floats near the limits of their type
        numbers = (numbers - low) * (255 / max(high - low, 1e-12))
        return np.rint(np.clip(np.nan_to_num(numbers), 0, 255)).astype(np.uint8)


def _shrink(picture: Pillow.Image) -> Pillow.Image:
    """The picture with its longer side at most `WORKING_SIDE`, transparency over white."""
    width, height = picture.size
    scale = WORKING_SIDE / max(width, height)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = picture.resize(size, Pillow.Resampling.BICUBIC, reducing_gap=3.0)
    if picture.mode != "RGBA":
        return picture
    white = Pillow.new("RGBA", picture.size, "white")
    return Pillow.alpha_composite(white, picture).convert("RGB")


def _to_srgb(picture: Pillow.Image, profile: bytes | None) -> Pillow.Image:
    """The colours that the embedded profile means, or the usual ones, as sRGB."""
    if picture.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        return _transform(picture, lab) or picture.convert("RGB")
    if profile and len(profile) <= MOST_PROFILE:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            space = source.profile.xcolor_space.strip()
        except Exception:  # a broken profile is ignored
            return picture.convert("RGB")
        if space == "RGB" and picture.mode == "L":
            picture = picture.convert("RGB")
        if space == "GRAY" and picture.mode == "RGB":
            picture = picture.convert("L")
        if space == {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}[picture.mode]:
            return _transform(picture, source) or picture.convert("RGB")
    return picture.convert("RGB")


def _transform(picture: Pillow.Image, source: ImageCms.ImageCmsProfile | object) -> Pillow.Image | None:
    try:
        return ImageCms.profileToProfile(
            picture,
            source,  # type: ignore[arg-type]
            _srgb(),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
        )
    except Exception:  # a profile that lies is ignored
        return None


@functools.cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


# --- files made to keep a decoder busy -------------------------------------------------------------


def _refuse_mazes(data: bytes) -> None:
    """Refuses files of so many tiny parts that walking through them would take longer than the picture."""
    try:
        if data[:2] == b"\xff\xd8":
            maze = _jpeg_is_a_maze(data)
        elif data[:8] == b"\x89PNG\r\n\x1a\n":
            maze = _png_is_a_maze(data)
        elif data[:4] in (b"GIF8",):
            maze = _gif_is_a_maze(data)
        elif data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            maze = _tiff_is_a_maze(data)
        elif data[:2] == b"BM":
            compressed = len(data) > 34 and struct.unpack_from("<I", data, 30)[0] in (1, 2)
            maze = compressed and len(data) > 2_000_000  # run-length decoding is in Python
        else:
            maze = False
    except (struct.error, IndexError):
        maze = False  # cut short: the decoder says so
    if maze:
        raise GlassboxError("error.image.maze")


def _jpeg_is_a_maze(data: bytes) -> bool:
    position, parts = 2, 0
    while position < len(data) - 3:
        if data[position] != 0xFF or data[position + 1] in (0xFF, 0x00):
            position += 1
        elif data[position + 1] == 0xDA:  # the pixels begin; behind their end a film may follow
            end = data.find(b"\xff\xd9", position)
            return data.count(b"\xff\xda", position, None if end < 0 else end) > MOST_SCANS
        else:
            standing_alone = 0xD0 <= data[position + 1] <= 0xD9 or data[position + 1] == 0x01
            position += 2 + (0 if standing_alone else struct.unpack_from(">H", data, position + 2)[0])
        parts += 1
        if parts > MOST_PARTS:
            return True
    return False


def _png_is_a_maze(data: bytes) -> bool:
    position, parts = 8, 0
    while position < len(data) - 8:
        position += 12 + struct.unpack_from(">I", data, position)[0]
        parts += 1
        if parts > MOST_PARTS:
            return True
    return False


def _gif_is_a_maze(data: bytes) -> bool:
    position = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    parts = 0
    while data[position] not in (0x2C, 0x3B):  # until the first image, or the end
        extension = data[position] == 0x21
        position += 2 if extension else 1
        while extension and data[position]:  # its sub-blocks
            position += data[position] + 1
            parts += 1
            if parts > MOST_PARTS:
                return True
        position += 1 if extension else 0
        parts += 1
        if parts > MOST_PARTS:
            return True
    return False


def _tiff_is_a_maze(data: bytes) -> bool:
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    (start,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    (entries,) = struct.unpack_from(order + ("Q" if big else "H"), data, start)
    if entries > 4096:
        return True
    first, size = (start + 8, 20) if big else (start + 2, 12)
    for index in range(entries):
        tag, _, count = struct.unpack_from(order + ("HHQ" if big else "HHI"), data, first + index * size)
        if tag in (273, 279, 324, 325) and count > MOST_PARTS:  # strips and tiles
            return True
    return False
