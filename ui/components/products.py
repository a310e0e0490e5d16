"""The numbers of one position: the patch that is read, the kernel, their products, all as coloured cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ui.components._declare import declare
from ui.components.unfolded import Cell

_mount = declare("products")

Grid = tuple[tuple[Cell, ...], ...]


class Block(NamedTuple):
    """One input channel: its patch, its kernel and what comes of them."""

    title: str
    patch: Grid
    kernel: Grid = ()  # empty where nothing is multiplied
    products: Grid = ()
    total: str = ""
    marked: tuple[int, int] | None = None  # (row, column) of the cell that counts, in a maximum


def products(
    blocks: Sequence[Block], *, key: str, alt: str, words: Mapping[str, str], rest: str = ""
) -> None:
    """A line for each input channel; the same place lights up in all its grids under the mouse.

    Args:
        alt: what the grids are, read out before them.
        words: `patch`, `kernel`, `product`, `total`, over the grids.
        rest: what the channels that are not shown add, in words.
    """
    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "words": dict(words),
            "rest": rest,
            "blocks": [
                block._asdict()
                | {
                    name: [[cell._asdict() for cell in row] for row in getattr(block, name)]
                    for name in ("patch", "kernel", "products")
                }
                for block in blocks
            ],
        },
    )
