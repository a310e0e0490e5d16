"""Any image file to uint8 sRGB. What comes in is hostile until it is decoded."""

from __future__ import annotations

import io
import re
import threading
import warnings
from contextlib import nullcontext

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageCms
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from core.errors import GlassboxError
from core.imaging import headers
from core.imaging.headers import EXTENSIONS, FORMATS, MEGABYTES, PROFILE_BYTES, Format, Header
from core.types import Image

__all__ = ["EXTENSIONS", "FORMATS", "MEGABYTES", "WORKING_SIDE", "Format", "decode"]

WORKING_SIDE = 1600  # pixels; a longer side is scaled down to it

# The classes themselves, not `Image.open`: no other plug-in of Pillow ever sees a byte of an upload.
_PLUGINS: dict[str, type[ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WebP": WebPImageFile,
    "AVIF": AvifImageFile,
    "GIF": GifImageFile,
    "BMP": BmpImageFile,
    "TIFF": TiffImageFile,
}
_TURNS = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}
_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK", "LAB": "Lab"}
_CUT_SHORT = re.compile(
    r"truncated|end of file|unexpected eof|not processed|requires a buffer", re.IGNORECASE
)
_UNKNOWN = re.compile(r"unknown pixel mode|unknown data organization|Unsupported BMP")

_LARGE = 8_000_000  # pixels held; larger pictures wait for one another: two would fill a small host
_one_large = threading.Lock()


def decode(data: bytes) -> Image:
    """An image file as pixels: (height, width, 3) uint8, sRGB, upright, its longer side at most 1,600.

    The content decides the format, not the name. Of several frames the first is taken; EXIF orientation
    is applied; transparency lies over white; palettes, grey, CMYK, LAB and embedded colour profiles are
    converted to sRGB (a broken profile is ignored). Grey numbers of more than 8 bits fill 0..255 from
    their nominal range: 16 bits; for floats 0..1, 0..255 or 0..65,535, whichever first holds them, and
    else from their smallest to their largest.

    Args:
        data: the file's bytes.

    Raises:
        GlassboxError: `error.image.*`: empty, too large, another format, incomplete, broken, or built to
            take for ever. No file raises anything else.
    """
    if not data:
        raise GlassboxError("error.image.empty")
    if len(data) > MEGABYTES * headers.MEGA:
        raise GlassboxError(
            "error.image.too_many_bytes", megabytes=headers.tenths_up(len(data)), most=MEGABYTES
        )
    name, kind = headers.recognise(data), ""
    try:
        header = headers.read(name, data)
        kind = header.kind
        with _one_large if _held(header) > _LARGE else nullcontext():
            return _decode(header)
    except GlassboxError:
        raise
    except Exception as error:  # codecs raise what they like: OSError, SyntaxError, MemoryError, struct.error
        if _CUT_SHORT.search(str(error)):
            raise GlassboxError("error.image.incomplete", format=name) from error
        if kind and _UNKNOWN.search(str(error)):
            raise GlassboxError("error.image.variety", format=name, kind=kind) from error
        raise GlassboxError("error.image.broken", format=name) from error


def _held(header: Header) -> int:
    width, height = header.size
    if header.format == "JPEG" and not header.progressive:
        short, long = sorted(_bounded(width, height))
        return 4 * short * long  # decoded at less than twice the size that is kept
    return width * height


def _bounded(width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, WORKING_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _decode(header: Header) -> Image:
    picture = _load(header)
    profile, turned = header.profile or picture.info.get("icc_profile"), header.turned
    if header.format in ("WebP", "AVIF"):
        turned = headers.orientation(picture.info.get("exif", b""))
    picture = _small(_opaque(picture, header), header)
    picture = _to_srgb(picture, profile)
    if turned in _TURNS:
        picture = picture.transpose(_TURNS[turned])
    return np.array(picture, np.uint8)


def _load(header: Header) -> Pillow.Image:
    """The first frame, decoded; a JPEG at the smallest of its sizes that is not too small."""
    _silence_pillow()
    if header.format == "HEIC":
        import pillow_heif

        container = pillow_heif.open_heif(header.data, convert_hdr_to_8bit=True)
        found = container[container.primary_index]
        headers.check_size(header.format, found.size)
        picture: Pillow.Image = found.to_pillow()
        return picture
    file = _PLUGINS[header.format](io.BytesIO(header.data))
    headers.check_size(header.format, file.size)
    if header.format == "JPEG":
        file.draft(None, _bounded(*file.size))
    file.load()
    return file


def _silence_pillow() -> None:
    """Pillow's warnings of odd files are no business of the log, nor errors where warnings are.

    `warnings.catch_warnings` would do it for a moment, but for all threads; a filter does no harm.
    """
    pillow = re.compile(r"PIL\.")
    if ("ignore", None, Warning, pillow, 0) not in warnings.filters:
        warnings.filterwarnings("ignore", module=pillow.pattern)


# --- any mode to grey, RGB, CMYK or LAB of 8 bits, opaque and small ---------------------------------


def _opaque(picture: Pillow.Image, header: Header) -> Pillow.Image:
    """The picture in a mode that can be scaled down, transparency over white."""
    key = picture.info.get("transparency")
    if picture.mode.startswith("I;16") and isinstance(key, int):
        values = np.array(picture)
        values[values == key] = 65535
        return Pillow.fromarray(values)
    if picture.mode == "RGB" and header.bits == 16 and isinstance(key, tuple):
        picture.info["transparency"] = tuple(value >> 8 for value in key)  # as Pillow halves the samples
    if picture.has_transparency_data:
        grey = picture.mode in ("1", "L", "LA", "La")
        if picture.mode in ("La", "RGBa"):
            picture = picture.convert(picture.mode[:-1] + "A")
        if picture.mode not in ("LA", "RGBA"):
            picture = picture.convert("LA" if grey else "RGBA")
        over = Pillow.new("L" if grey else "RGB", picture.size, "white")
        over.paste(picture, mask=picture)
        return over
    if picture.mode == "1":
        return picture.convert("L")
    if picture.mode in ("L", "RGB", "CMYK", "LAB", "I", "F") or picture.mode.startswith("I;16"):
        return picture
    return picture.convert("RGB")


def _small(picture: Pillow.Image, header: Header) -> Pillow.Image:
    """The picture with its longer side at most `WORKING_SIDE`, in 8 bits a channel."""
    deep = picture.mode[0] in "IF"
    size = _bounded(*picture.size)
    if size != picture.size:
        # Averages stay within the range that numbers of more than 8 bits have; a sharper filter does not.
        sampling = Pillow.Resampling.BOX if deep else Pillow.Resampling.BICUBIC
        picture = picture.resize(size, sampling, reducing_gap=None if deep else 3.0)
    return Pillow.fromarray(_eight_bits(np.asarray(picture), header)) if deep else picture


def _eight_bits(values: NDArray[np.generic], header: Header) -> Image:
    """Grey numbers of more than 8 bits as 8."""
    with np.errstate(invalid="ignore"):  # not every pattern of bits is a number
        numbers = values.astype(np.float64)
    finite = numbers[np.isfinite(numbers)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if values.dtype.kind == "u":
        low, high = 0.0, float(2**header.bits - 1) if 8 < header.bits < 16 else 65535.0
    else:
        nominal = (1.0, 255.0, 65535.0) if values.dtype.kind == "f" else (255.0, 65535.0)
        low, high = next(((0.0, top) for top in nominal if low >= 0 and high <= top), (low, high))
    numbers = np.nan_to_num(numbers, nan=low, posinf=high, neginf=low)
    numbers = np.clip((numbers - low) / max(high - low, 1e-300), 0, 1)
    return np.rint(255 * (1 - numbers if header.inverted else numbers)).astype(np.uint8)


# --- colour -----------------------------------------------------------------------------------------


def _to_srgb(picture: Pillow.Image, profile: bytes | None) -> Pillow.Image:
    """The colours that the embedded profile means, or the usual ones, as sRGB."""
    found = None
    # "mpet" is a chain of any length of freely made elements: a small file of them takes minutes.
    if profile and len(profile) <= PROFILE_BYTES and b"mpet" not in profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            space = source.profile.xcolor_space.strip()
            if space == "RGB" and picture.mode == "L":
                picture = picture.convert("RGB")
            if space == _SPACES[picture.mode]:
                found = _transformed(picture, source)
        except Exception:  # a broken profile is ignored
            found = None
    if found is None and picture.mode == "LAB":
        found = _transformed(picture, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    if found is None:
        found = picture if picture.mode == "RGB" else picture.convert("RGB")  # which would copy it
    return found


def _transformed(picture: Pillow.Image, source: ImageCms.ImageCmsProfile) -> Pillow.Image | None:
    target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    return ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
