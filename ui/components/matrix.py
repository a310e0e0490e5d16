"""A confusion matrix whose cells can be opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from numpy.typing import NDArray

from ui.components._declare import declare, picking_cell

_mount = declare("matrix")


def matrix(
    counts: NDArray,  # type: ignore[type-arg]
    names: Sequence[str],
    *,
    key: str,
    alt: str,
    words: Mapping[str, str],
    selected: tuple[int, int] | None,
    on_pick: Callable[[tuple[int, int]], None],
) -> None:
    """How often each class (rows) was called which (columns); a click on a cell opens it.

    Args:
        counts: (classes, classes) of whole numbers.
        names: of the classes, in their order; shown as text.
        alt: what the table shows, read out before it.
        words: `true` and `named`, over the rows and columns; `cell` with {count}, {true} and {named}.
        selected: (true class, named class) of the cell that is open now.
        on_pick: called with a cell before the page runs again.
    """
    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "counts": counts.tolist(),
            "names": list(names),
            "words": dict(words),
            "selected": list(selected) if selected else None,
        },
        on_pick_change=picking_cell(key, len(names), on_pick),
    )
