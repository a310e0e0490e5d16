"""A visitor's zip file: what is in it, checked before anything is unpacked and again while it is.

Nothing is ever written to disk, and no name in the archive is used as a path: names only tell what the
files are called. What the whole archive is refused for is an error; a single entry that cannot be used
is a problem, and the others are read all the same.

Sources: PKWARE's APPNOTE.TXT 6.3.10 (zip); D. Fifield, "A better zip bomb", USENIX WOOT 2019 (overlapping
entries).
"""

from __future__ import annotations

import io
import re
import stat
import unicodedata
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.errors import GlassboxError
from core.imaging.decode import MEGABYTES
from core.imaging.headers import MEGA
from core.tuning.classes import JOINERS
from core.tuning.types import Problem

LARGEST = 60  # megabytes of a zip file
MOST_ENTRIES = 10_000
LARGEST_UNPACKED = 300  # megabytes, all entries together; photos are packed already

_RECORD = b"PK\x01\x02"  # before each entry of the directory at the end of a zip file
_OTHERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"Rar!", "RAR"),
    (0, b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (257, b"ustar", "TAR"),
    (0, b"\x1f\x8b", "GZIP"),
    (0, b"BZh", "BZIP2"),
    (0, b"\xfd7zXZ", "XZ"),
    (0, b"\x28\xb5\x2f\xfd", "ZSTD"),
)
_ARCHIVES = re.compile(
    r"\.(zip|rar|7z|tar|gz|tgz|bz2|tbz2?|xz|txz|zst|lzma|cab|iso|jar|z\d\d)$", re.IGNORECASE
)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class Entry:
    """A file in the archive."""

    parts: tuple[str, ...]  # folders and the file's own name, outermost first
    info: zipfile.ZipInfo = field(repr=False)

    @property
    def name(self) -> str:
        """As it is told to the visitor."""
        return "/".join(self.parts)


class Archive:
    """An open zip file whose directory has been checked."""

    def __init__(self, data: bytes) -> None:
        """Opens the archive.

        Raises:
            GlassboxError: `tuning_data.error.*`: no zip file, too large, too many entries, a bomb, under a
                password, or broken.
        """
        _check_kind(data)
        try:
            self._file = zipfile.ZipFile(io.BytesIO(data))
        except Exception as error:  # zipfile raises what it likes: BadZipFile, struct.error, UnicodeError
            raise GlassboxError("tuning_data.error.broken") from error
        infos = [info for info in self._file.infolist() if not info.filename.endswith("/")]
        self.problems: list[Problem] = []
        _check_sizes(infos, self._file.start_dir)
        self.entries = self._usable(infos)
        self._left = LARGEST_UNPACKED * MEGA

    def _usable(self, infos: Sequence[zipfile.ZipInfo]) -> list[Entry]:
        entries: list[Entry] = []
        names = _names(infos)
        wanted = [
            (Entry(tuple(part for part in name.split("/") if part not in ("", ".")), info), name)
            for info, name in zip(infos, names, strict=True)
            if not name.endswith("/") and not _litter(name)
        ]
        if wanted and all(entry.info.flag_bits & 0x1 for entry, _ in wanted):
            raise GlassboxError("tuning_data.error.password")
        for entry, name in wanted:
            key = _unusable(entry.info, name)
            if key:
                self.problems.append(Problem(key, name=shown(name)))
            elif entry.parts:
                entries.append(entry)
        return entries

    def read(self, entry: Entry) -> bytes:
        """The content of one entry, at most one picture's `MEGABYTES`.

        Raises:
            GlassboxError: it is damaged, is not what the directory says, or all entries read so far are
                larger than `LARGEST_UNPACKED`.
        """
        most = MEGABYTES * MEGA
        if entry.info.file_size > most:
            tenths = f"{entry.info.file_size / MEGA:.1f}"
            raise GlassboxError("error.image.too_many_bytes", megabytes=tenths, most=MEGABYTES)
        try:
            with self._file.open(entry.info) as file:
                content = file.read(most + 1)
        except Exception as error:
            raise GlassboxError("tuning_data.left_out.damaged") from error
        if len(content) != entry.info.file_size:
            raise GlassboxError("tuning_data.left_out.damaged")
        self._left -= len(content)
        if self._left < 0:
            _too_large(LARGEST_UNPACKED * MEGA - self._left)
        return content


def shown(name: str, longest: int = 80) -> str:
    """A name as it may stand in a sentence: without control characters, shortened in the middle."""
    plain = "".join(
        letter if letter.isprintable() or letter in JOINERS else "\N{REPLACEMENT CHARACTER}"
        for letter in name
    )
    half = longest // 2
    return plain if len(plain) <= longest else f"{plain[: half - 1]}…{plain[-half:]}"


def _check_kind(data: bytes) -> None:
    if len(data) > LARGEST * MEGA:
        raise GlassboxError("tuning_data.error.too_big", megabytes=f"{len(data) / MEGA:.1f}", most=LARGEST)
    if not data:
        raise GlassboxError("tuning_data.error.empty")
    for at, mark, name in _OTHERS:
        if data[at : at + len(mark)] == mark:
            raise GlassboxError("tuning_data.error.other_archive", got=name)
    if data[:4] == b"PK\x05\x06":
        raise GlassboxError("tuning_data.error.empty")
    if data[:4] != b"PK\x03\x04":
        raise GlassboxError("tuning_data.error.not_zip")
    # Each record is an object of 1 kB once the file is open; 60 MB of them would be more than a gigabyte.
    count = data.count(_RECORD)
    if count > MOST_ENTRIES:
        raise GlassboxError("tuning_data.error.entries", count=count, most=MOST_ENTRIES)


def _check_sizes(infos: Sequence[zipfile.ZipInfo], directory: int) -> None:
    """Refuses what says that it is larger than anything a visitor needs, and entries that share bytes."""
    unpacked = sum(info.file_size for info in infos)
    if unpacked > LARGEST_UNPACKED * MEGA:
        _too_large(unpacked)
    ordered = sorted(infos, key=lambda info: info.header_offset)
    ends = [info.header_offset for info in ordered[1:]] + [directory]
    for info, end in zip(ordered, ends, strict=False):
        if info.header_offset + 30 + info.compress_size > end:  # 30: the fixed part of a local header
            raise GlassboxError("tuning_data.error.overlap")


def _too_large(unpacked: int) -> None:
    raise GlassboxError(
        "tuning_data.error.unpacked", megabytes=f"{unpacked / MEGA:,.0f}", most=LARGEST_UNPACKED
    )


def _unusable(info: zipfile.ZipInfo, name: str) -> str:
    """The key of the problem, or "" if the entry may be read."""
    if stat.S_ISLNK(info.external_attr >> 16):
        return "tuning_data.left_out.link"
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in name.split("/"):
        return "tuning_data.left_out.path"
    if info.flag_bits & 0x1:
        return "tuning_data.left_out.password"
    if _ARCHIVES.search(name):
        return "tuning_data.left_out.nested"
    if info.compress_type not in _METHODS:  # the memory that LZMA takes is the archive's own choice
        return "tuning_data.left_out.method"
    return ""


def _litter(name: str) -> bool:
    """Whether an operating system left the file there, unasked."""
    parts = name.split("/")
    last = parts[-1].casefold()
    return "__MACOSX" in parts or last.startswith(".") or last in ("thumbs.db", "desktop.ini")


# --- names --------------------------------------------------------------------------------------------


def _names(infos: Sequence[zipfile.ZipInfo]) -> list[str]:
    """The entries' names, "/" between folders, in the encoding that they were written in.

    A zip file says that a name is UTF-8, or nothing. `zipfile` reads the latter as code page 437; Windows
    in Chinese means GBK by it, and many programs UTF-8. All names of an archive come from one program,
    so what fits all of them is taken: UTF-8 first, since nothing else looks like it by chance.
    """
    unmarked = [info.filename for info in infos if not info.flag_bits & 0x800]
    encoding = _encoding([name.encode("cp437") for name in unmarked])
    found = []
    for info in infos:
        name = info.filename
        if not info.flag_bits & 0x800:
            name = name.encode("cp437").decode(encoding)
        found.append(unicodedata.normalize("NFC", name.replace("\\", "/")))
    return found


def _encoding(names: Sequence[bytes]) -> str:
    for encoding in ("utf-8", "gb18030"):
        try:
            decoded = "".join(name.decode(encoding) for name in names)
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8" or _is_chinese(decoded):
            return encoding
    return "cp437"


def _is_chinese(text: str) -> bool:
    """Whether most of what is not ASCII is in everyday use; accents read as GBK give rare characters."""
    wide = [letter for letter in text if letter > "\x7f"]
    usual = sum(1 for letter in wide if letter.encode("gb2312", "ignore"))
    return 2 * usual >= len(wide)
