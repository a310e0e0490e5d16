"""A visitor's sentences with their classes, pasted or as a table, as a data set."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.errors import GlassboxError
from core.language import tables
from core.tuning import classes, likeness, review
from core.tuning.archive import shown
from core.tuning.images import summed_up, without_repeats
from core.tuning.types import Dataset, Example, Problem

MOST = tables.MOST  # texts
LONGEST = 2_000  # characters of a text that are kept
LONGEST_LABEL = 60  # characters, on average, of what may be a column of classes

_SEPARATORS = ("\t", ",", "，", ";", "；", "|", "｜")
_LABEL_NAMES = re.compile(
    r"labels?|class(es)?|categor(y|ies)|sentiment|topic|target|emotion"
    r"|标签|类别|分类|类|情感|情绪|主题|话题",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Row:
    line: str  # where it stood, as the visitor counts
    text: str
    label: str


def text_dataset(data: bytes | str, *, seed: int = 0, validation: float = 0.2) -> Dataset:
    """The data set in a table (CSV, TSV …) or in pasted lines of `text,label`.

    Either order, with or without names of the columns; commas, Chinese commas, tabs, semicolons or bars;
    UTF-8, UTF-16, GB18030 or what else `core.language.tables` knows. The column with the fewest different
    values has the classes, unless its name says so; of the others the one with the longest cells has the
    texts. Lines that cannot be used are left out and named in `problems`.

    Args:
        data: the file's bytes, or what was pasted.
        seed: of the split.
        validation: the part of each class to test with, 0 to 1.

    Raises:
        GlassboxError: `tables.*`: it cannot be read; `tuning_data.error.*`: there are no classes in it.
    """
    rows, problems = _rows(data)
    usable: list[_Row] = []
    for row in rows:
        text, label = plain(row.text), row.label.strip()
        if not text or not label:
            key = "no_label" if text else "no_text"
            problems.append(Problem(f"tuning_data.left_out.{key}", name=row.line))
            continue
        if len(text) > LONGEST:
            problems.append(Problem("tuning_data.upload.cut", {"most": LONGEST}, row.line))
        usable.append(replace(row, text=text[:LONGEST], label=label))
    if not usable:
        raise GlassboxError("tuning_data.error.no_texts")
    labels, more = classes.labels_of(row.label for row in usable)
    order = list(dict.fromkeys(labels.values()))
    if len(order) > review.MOST_CLASSES:
        raise GlassboxError("tuning_data.error.labels", count=len(order), most=review.MOST_CLASSES)
    new = [text_example(row.text, order.index(labels[row.label]), row.line) for row in usable]
    examples, repeated = without_repeats([], new, order)
    problems += more + repeated
    examples.sort(key=lambda example: example.label)
    dataset = Dataset("texts", tuple(order), tuple(examples), tuple(summed_up(problems)))
    return review.settled(dataset, seed=seed, validation=validation)


def text_example(text: str, label: int, name: str) -> Example:
    """A text as an example. Texts that differ only in case and punctuation have the same digest."""
    digest = hashlib.sha256(likeness.plainly(text).encode()).hexdigest()[:16]
    return Example(digest, name, label, "train", text=text)


def plain(text: str) -> str:
    """A text without the characters that nobody sees; line breaks and tabs become spaces."""
    spaced = re.sub(r"\s+", " ", text)
    kept = (c for c in spaced if unicodedata.category(c) not in ("Cc", "Cs", "Cn", "Co") and c != "\ufeff")
    return "".join(kept).strip()


# --- which part of a line is what -----------------------------------------------------------------------


def _rows(data: bytes | str) -> tuple[list[_Row], list[Problem]]:
    """Every row with its text and label, and what there is to say of how it was read."""
    if len(data) > tables.LARGEST:
        raise GlassboxError(
            "tables.large", got=f"{len(data) / 1e6:.1f}", wanted=f"{tables.LARGEST / 1e6:.0f}"
        )
    text = data if isinstance(data, str) else tables.decode(data, tables.detect(data))
    text = text.removeprefix("\ufeff")
    table = tables.read_texts(text.encode("utf-8", "replace"))
    found = _of_table(table, text) if table.delimiter and not table.uneven else None
    if found is None:
        lines = [(str(number), line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        if len(lines) > MOST + 1:
            raise GlassboxError("tables.many", got=f"{len(lines):,}", wanted=f"{MOST:,}")
        found = _of_lines(lines)
    if found is None and table.delimiter:
        found = _of_table(table, text)
    if found is None:
        raise GlassboxError("tuning_data.error.no_labels", most=review.MOST_CLASSES)
    return found


def _of_table(table: tables.Table, text: str) -> tuple[list[_Row], list[Problem]] | None:
    """The rows of a table, if one of its columns can be the classes."""
    columns = list(zip(*table.rows, strict=True))
    named = [n for n, name in enumerate(table.columns) if table.header and _LABEL_NAMES.fullmatch(name)]
    few = named or [number for number, cells in enumerate(columns) if _may_be_labels(cells)]
    if not few or len(columns) < 2:
        return None
    label = min(few, key=lambda number: (_different(columns[number]), len("".join(columns[number]))))
    others = [number for number in range(len(columns)) if number != label]
    content = max(others, key=lambda number: sum(len(cell) for cell in columns[number]))
    lines = [number for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    first = int(table.header)
    if len(lines) != len(table.rows) + first:  # cells with line breaks: the rows are counted
        lines = list(range(1, len(table.rows) + first + 1))
    rows = [
        _Row(str(line), row[content], row[label]) for line, row in zip(lines[first:], table.rows, strict=True)
    ]
    problems = []
    if len(columns) > 2 or len(few) > 1:
        names = {"text": shown(table.columns[content]), "label": shown(table.columns[label])}
        problems.append(Problem("tuning_data.upload.columns", names))
    return rows, problems


def _of_lines(lines: Sequence[tuple[str, str]]) -> tuple[list[_Row], list[Problem]] | None:
    """Lines of which one end is the class, whatever commas the text itself may have."""
    best: tuple[float, list[_Row]] | None = None
    for separator in _SEPARATORS:
        for cut in (_label_last, _label_first):
            rows = [_Row(number, *cut(line, separator)) for number, line in lines]
            labelled = [row.label for row in rows if row.label]
            if len(labelled) < 0.5 * len(rows) or not _may_be_labels(labelled):
                continue
            # Many lines with a class, few classes, short ones.
            price = _different(labelled) / len(labelled) + 2 * (1 - len(labelled) / len(rows))
            price += sum(map(len, labelled)) / max(1, sum(len(row.text) for row in rows)) / 2
            if best is None or price < best[0]:
                best = price, rows
    if best is None:
        return None
    rows = best[1]
    names = (rows[0].text.strip(), rows[0].label.strip())
    if tables.NAMES.fullmatch(names[0]) and _LABEL_NAMES.fullmatch(names[1]):
        rows = rows[1:]
    return rows, []


def _label_last(line: str, separator: str) -> tuple[str, str]:
    text, found, label = line.rpartition(separator)
    return (_unquoted(text), _unquoted(label)) if found else (line.strip(), "")


def _label_first(line: str, separator: str) -> tuple[str, str]:
    label, found, text = line.partition(separator)
    return (_unquoted(text), _unquoted(label)) if found else (line.strip(), "")


def _unquoted(cell: str) -> str:
    cell = cell.strip()
    if len(cell) > 1 and cell[0] == cell[-1] == '"':
        return cell[1:-1].replace('""', '"').strip()
    return cell


def _different(cells: Sequence[str]) -> int:
    return len({classes.same(cell) for cell in cells if cell.strip()})


def _may_be_labels(cells: Sequence[str]) -> bool:
    """Whether there are few different ones of these cells, and none is long."""
    filled = [cell for cell in cells if cell.strip()]
    if not filled or sum(map(len, filled)) > LONGEST_LABEL * len(filled):
        return False
    different = _different(filled)
    return different <= review.MOST_CLASSES and (different <= 2 or 2 * different <= len(filled) + 2)
