"""Many texts at once: pasted lines or an uploaded CSV or TSV file, and a table given back.

How a file's encoding is found, in this order:

1. A byte order mark says it.
2. It is valid UTF-8, and not a quarter of it are zero bytes: other encodings hardly ever are by chance.
3. UTF-16, GB18030 (which GBK and GB2312 are part of) or Big5: the first in which it is valid and most of
   what is not Latin are characters in daily use, the first level of the GB and of the Big5 standard, or
   Chinese punctuation.
4. Windows-1252, if there are but few characters beyond ASCII: an English spreadsheet's curly quotes.

Otherwise the file is refused: a guess would show a visitor nonsense as their own words.
"""

from __future__ import annotations

import codecs
import csv
import functools
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from core.errors import GlassboxError

LARGEST = 5_000_000  # bytes
MOST = 5_000  # rows
SAMPLE = 100_000  # characters at the beginning that tell the encoding and the delimiter
DELIMITERS = (",", "\t", ";", "|")
FREQUENT = 0.6  # of the characters beyond Latin: what is in daily use, at least
FEW = 0.2  # of all characters: what an English text has at most beyond ASCII
EVEN = 0.8  # of the rows: at least as many have the same number of cells
NAMES = re.compile(  # a first row with one of these names its columns
    r"texts?|reviews?|comments?|content|sentences?|messages?|titles?|labels?|class|sentiment|rating|score|id"
    r"|文本|评论|内容|句子|正文|评价|标题|标签|类别|情感|评分|星级|编号",
    re.IGNORECASE,
)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins like that one's
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_QUOTINGS: tuple[Literal[0, 3], ...] = (csv.QUOTE_MINIMAL, csv.QUOTE_NONE)
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .ods; .xls
_FORMULA = re.compile(r"[\s\0\ufeff\u200b]*[=+\-@＝＋－＠]")

csv.field_size_limit(LARGEST)


@dataclass(frozen=True)
class Table:
    """The rows of a file as strings, all equally long; rows with nothing in them are left out."""

    columns: tuple[str, ...]  # names; "1", "2" … where the file has none
    rows: tuple[tuple[str, ...], ...]
    column: int  # which one holds the texts
    encoding: str  # as Python names it, or "" if the text was pasted
    delimiter: str  # one of `DELIMITERS`, or "" where a line is a text
    header: bool  # whether the first row of the file gave the names
    uneven: int  # rows that had fewer cells (filled up) or more (joined to the last one)

    @property
    def texts(self) -> tuple[str, ...]:
        """The chosen column, a text a row."""
        return tuple(row[self.column] for row in self.rows)

    def with_column(self, column: int) -> Table:
        """The same table with another column taken for the texts.

        Raises:
            IndexError: no such column.
        """
        if not 0 <= column < len(self.columns):
            raise IndexError(f"column {column} of {len(self.columns)}")
        return replace(self, column=column)


def read_texts(data: bytes | str, *, header: bool | None = None) -> Table:
    """Reads pasted lines (str) or an uploaded file (bytes).

    Pasted lines are one text each, or cells of a spreadsheet, which come with tabs. A file may have
    commas, tabs, semicolons or bars between its cells, or be plain lines. The texts are in the column
    whose cells are longest on average.

    Args:
        data: what was pasted, or the bytes of the file.
        header: whether the first row names the columns; found out if not given.

    Raises:
        GlassboxError: too large, too many rows, no text in it, or no encoding that fits.
    """
    if len(data) > LARGEST:
        raise GlassboxError("tables.large", got=f"{len(data) / 1e6:.1f}", wanted=f"{LARGEST / 1e6:.0f}")
    encoding = "" if isinstance(data, str) else detect(data)
    text = data if isinstance(data, str) else decode(data, encoding)
    delimiters = ("\t",) if isinstance(data, str) else DELIMITERS
    delimiter, cells = _cells(text, delimiters)
    cells = [row for row in cells if any(cell.strip() for cell in row)]
    if not cells:
        raise GlassboxError("tables.empty")
    width, _ = _usual_width(cells)
    uneven = sum(len(row) != width for row in cells)
    rows = [_fitted(row, width, delimiter) for row in cells]
    named = _has_names(rows) if header is None else header
    names = rows.pop(0) if named else ("",) * width
    if not rows:
        raise GlassboxError("tables.empty")
    if len(rows) > MOST:
        raise GlassboxError("tables.many", got=f"{len(rows):,}", wanted=f"{MOST:,}")
    columns = tuple(name.strip() or str(index + 1) for index, name in enumerate(names))
    lengths = [sum(len(row[index]) for row in rows) for index in range(width)]
    return Table(columns, tuple(rows), lengths.index(max(lengths)), encoding, delimiter, named, uneven)


# --- encoding ---------------------------------------------------------------------------------------


def detect(data: bytes) -> str:
    """The encoding of a file, by the rules at the top of this module.

    Raises:
        GlassboxError: a spreadsheet's workbook, or no encoding fits.
    """
    if data.startswith(_WORKBOOKS):
        raise GlassboxError("tables.workbook")
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    if _decoded(data, "utf-8") is not None and data.count(0) < len(data) / 4:
        return "utf-8"
    for encoding in ("utf-16-le", "utf-16-be", "gb18030", "big5"):
        text = _decoded(data, encoding)
        if text is not None and _is_plausible(text, "big5" if encoding == "big5" else "gb18030"):
            return encoding
    if sum(byte >= 0x80 for byte in data) <= FEW * len(data) and _decoded(data, "cp1252") is not None:
        return "cp1252"
    raise GlassboxError("tables.encoding")


def decode(data: bytes, encoding: str) -> str:
    """The characters of a file.

    Raises:
        GlassboxError: bytes that the encoding does not know, or no text but something else.
    """
    text = _decoded(data, encoding)
    if text is None:
        raise GlassboxError("tables.encoding")
    strange = sum(
        unicodedata.category(c) in ("Cc", "Cn", "Co") and c not in "\t\n\r\f\v" for c in text[:SAMPLE]
    )
    if strange > min(len(text), SAMPLE) / 100:
        raise GlassboxError("tables.encoding")
    return text


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _is_plausible(text: str, standard: str) -> bool:
    """Whether the characters beyond Latin ones are mostly frequent, and zeros no part of the text."""
    beyond = [character for character in text[:SAMPLE] if character > "\u024f"]
    return "\0" not in text and sum(c in _frequent(standard) for c in beyond) >= FREQUENT * len(beyond)


@functools.cache
def _frequent(standard: str) -> frozenset[str]:
    """The characters of a standard's first level and its punctuation, given by rows of their first bytes."""
    first = [*range(0xA1, 0xA4), *(range(0xA4, 0xC7) if standard == "big5" else range(0xB0, 0xD8))]
    second = [*range(0x40, 0x7F), *range(0xA1, 0xFF)] if standard == "big5" else range(0xA1, 0xFF)
    pairs = (bytes((high, low)) for high in first for low in second)
    return frozenset("".join(pair.decode(standard, "ignore") for pair in pairs))


# --- cells ------------------------------------------------------------------------------------------


def _cells(text: str, delimiters: Sequence[str]) -> tuple[str, list[list[str]]]:
    """The delimiter and the rows: of the ways to read the text's beginning, the one whose rows are most even.

    A delimiter that a space follows nearly everywhere is punctuation of a sentence. Where quotes do not
    pair up, they are taken as they stand.
    """
    beginning = text if len(text) <= SAMPLE else text[: text.rfind("\n", 0, SAMPLE) + 1] or text[:SAMPLE]
    chances = {
        delimiter: max(_evenness(_parsed(beginning, delimiter, quoting)) for quoting in _QUOTINGS)
        for delimiter in delimiters
    }
    delimiter = max(delimiters, key=lambda one: chances[one])
    if chances[delimiter] >= EVEN:
        ways = [_parsed(text, delimiter, quoting) for quoting in _QUOTINGS]
        return delimiter, max(ways, key=_evenness)
    rows = _parsed(text, ",", csv.QUOTE_MINIMAL) if '"' in text else []
    if rows and all(len(row) == 1 for row in rows):  # one column, its cells in quotes
        return "", rows
    return "", [[line.strip("\r\n")] for line in _lines(text)]


def _parsed(text: str, delimiter: str, quoting: Literal[0, 3]) -> list[list[str]]:
    return [row for row in csv.reader(_lines(text), delimiter=delimiter, quoting=quoting) if row]


def _evenness(rows: Sequence[Sequence[str]]) -> float:
    """The share of the rows that have the usual number of cells; 0 if it is one, or no sign of a table."""
    if len(rows) < 2:
        return 0
    width, count = _usual_width(rows)
    after = [cell for row in rows for cell in row[1:] if cell]
    sentences = sum(cell[0] == " " for cell in after) > len(after) / 2
    return 0 if width == 1 or sentences else count / len(rows)


def _usual_width(rows: Sequence[Sequence[str]]) -> tuple[int, int]:
    """The most frequent number of cells, and how many rows have it."""
    return max(Counter(map(len, rows)).items(), key=lambda pair: (pair[1], pair[0]))


def _lines(text: str) -> io.StringIO:
    return io.StringIO(text, newline="")


def _fitted(row: Sequence[str], width: int, delimiter: str) -> tuple[str, ...]:
    """A row with `width` cells: empty ones added, or what is too much joined to the last one."""
    filled = [*row, *[""] * (width - len(row))]
    return (*filled[: width - 1], delimiter.join(filled[width - 1 :]))


def _has_names(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: a usual name, or a word above a column of numbers."""
    first, others = rows[0], rows[1:]
    if not others:
        return False
    if any(NAMES.fullmatch(cell.strip()) for cell in first):
        return True
    numeric = [all(_is_number(row[index]) for row in others) for index in range(len(first))]
    return any(
        below and cell.strip() and not _is_number(cell) for cell, below in zip(first, numeric, strict=True)
    )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def to_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV file that a spreadsheet opens as it is meant.

    UTF-8 with its mark, so that Chinese is Chinese; a string that a spreadsheet would take for a formula
    (it begins with = + - @, behind spaces too) gets an apostrophe in front. Numbers stay numbers.

    References:
        OWASP, "CSV Injection", https://owasp.org/www-community/attacks/CSV_Injection.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    for row in (columns, *rows):
        writer.writerow(["'" + c if isinstance(c, str) and _FORMULA.match(c) else c for c in row])
    return stream.getvalue().encode("utf-8-sig", "replace")
