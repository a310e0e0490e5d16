"""Pictures against captions: one cell for each pair, growing bright where they fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from core.types import Floats
from ui.components._declare import declare, picking_cell
from ui.components.colours import stops

_mount = declare("alignment")


class Row(NamedTuple):
    """One picture and the caption that belongs to it."""

    source: str  # a data URI
    name: str  # what the picture is called, read out
    caption: str  # the visitor's own letters, or ours


def alignment(
    rows: Sequence[Row],
    shares: Floats | None,
    numbers: Sequence[Sequence[str]],
    *,
    key: str,
    alt: str,
    words: Mapping[str, str],
    selected: tuple[int, int] | None,
    on_pick: Callable[[tuple[int, int]], None],
) -> None:
    """Row i is a picture, column j the caption of picture j; the diagonal is ringed. A click opens a cell.

    Args:
        shares: (n, n) in 0..1: the colour of each cell; None while there is nothing to show in the cells.
        numbers: the same in letters.
        alt: what the matrix shows, read out before it.
        words: `cell` with {picture}, {caption}, {number}; `corner`; `low` and `high` at the ends of the scale.
        selected: (row, column) that is open now.
        on_pick: called with a cell before the page runs again.
    """
    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "rows": [row._asdict() for row in rows],
            "shares": None if shares is None else [[round(float(one), 4) for one in row] for row in shares],
            "numbers": [list(row) for row in numbers],
            "colours": stops("viridis"),
            "words": dict(words),
            "selected": list(selected) if selected else None,
        },
        on_pick_change=picking_cell(key, len(rows), on_pick),
    )
