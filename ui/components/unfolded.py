"""One map taken apart: input maps, kernels and intermediate results, led together by dashed curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ui.components._declare import declare

_mount = declare("unfolded")


class Cell(NamedTuple):
    """One weight of a kernel."""

    colour: str  # "#rrggbb"
    text: str


class UnfoldedRow(NamedTuple):
    """One input of the map."""

    title: str
    source: str  # a data URI
    kernel: tuple[tuple[Cell, ...], ...]  # rows of weights; empty where nothing is multiplied
    result: str  # a data URI; "" where the input itself goes on


class Station(NamedTuple):
    """A picture with its name, or a sign where there is no picture."""

    title: str
    source: str = ""
    text: str = ""


def unfolded(
    rows: Sequence[UnfoldedRow],
    stations: Sequence[Station],
    *,
    key: str,
    alt: str,
    bias: str,
    rest: str,
    rest_source: str,
    headings: Mapping[str, str],
    sides: tuple[int, int],
    window: tuple[float, float] | None = None,
) -> None:
    """Rows of input, kernel and intermediate result; then what they are joined to, from left to right.

    A kernel's weights are read under the mouse, or with the Tab key.

    Args:
        rows: the inputs, the largest contribution first.
        stations: from the joining sign to the map: signs have a `text`, pictures a `source`.
        alt: the whole in a sentence.
        bias: what drops into the joining sign from above; "" if nothing.
        rest: how many inputs are not shown, in words; "" if all are.
        rest_source: their sum as a picture.
        headings: `source`, `kernel`, `result`, over the three columns.
        window: the part of an input map that the kernel covers, (down, across): a frame of that size
            slides over the inputs, and its place over the results.
        sides: pixels of an input map's and of the map's longer side: small ones are shown as squares.
    """
    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "rows": [
                row._asdict() | {"kernel": [[cell._asdict() for cell in line] for line in row.kernel]}
                for row in rows
            ],
            "stations": [station._asdict() for station in stations],
            "bias": bias,
            "rest": rest,
            "restSource": rest_source,
            "headings": dict(headings),
            "pixelated": [side < 64 for side in sides],
            "vector": sides[1] == 1,
            "window": window,
            "side": sides[1],
        },
    )
