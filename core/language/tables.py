"""Many texts at once: pasted lines or an uploaded CSV or TSV file, and a table given back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LARGEST = 5_000_000  # bytes
MOST = 5_000  # rows


@dataclass(frozen=True)
class Table:
    """The rows of a file as strings, all equally long."""

    columns: tuple[str, ...]  # names; "1", "2" … where the file has none
    rows: tuple[tuple[str, ...], ...]
    column: int  # which one holds the texts
    encoding: str  # "utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "gb18030", or "text" if pasted
    delimiter: str  # "," ";" "\t" "|", or "" where a line is a text
    header: bool  # whether the first line of the file gave the names

    @property
    def texts(self) -> tuple[str, ...]:
        """The chosen column, a text a row."""
        return tuple(row[self.column] for row in self.rows)

    def with_column(self, column: int) -> Table:
        """The same table with another column taken for the texts."""
        raise NotImplementedError


def read_texts(data: bytes | str, *, header: bool | None = None) -> Table:
    """Reads pasted lines (str) or an uploaded file (bytes).

    Raises:
        GlassboxError: too large, too many rows, no text in it, or no encoding that fits.
    """
    raise NotImplementedError


def to_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV file that a spreadsheet opens as it is meant: UTF-8 with its mark, no cell a formula."""
    raise NotImplementedError
