"""A kernel whose weights are changed by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st

from core.types import Floats
from ui.components._declare import declare
from ui.components.colours import stops

_mount = declare("kernel_editor")
LARGEST = 1000.0  # a weight beyond it is not taken


def kernel_editor(
    kernel: Floats,
    own: Floats,
    *,
    key: str,
    alt: str,
    cell: str,
    on_change: Callable[[Floats], None],
) -> None:
    """The weights as coloured fields; a number is typed into one.

    Args:
        kernel: (rows, columns), the weights as they are now.
        own: (rows, columns), the network's own: fields that differ from it are marked.
        alt: what the fields are, read out before them.
        cell: the name of one field, with {row} and {column}.
        on_change: called with the new weights before the page runs again.
    """

    def changed() -> None:
        found = _read(st.session_state[key].get("edit"), kernel.shape)
        if found is not None:
            on_change(found)

    limit = max(float(np.abs(own).max(initial=0)), float(np.abs(kernel).max(initial=0)), 1e-6)
    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "cell": cell,
            "kernel": [[_short(weight) for weight in row] for row in kernel.tolist()],
            "own": [[_short(weight) for weight in row] for row in own.tolist()],
            "limit": limit,
            "colours": stops("signed", 33),
        },
        on_edit_change=changed,
    )


def _short(weight: float) -> float:
    """A weight as it is shown and sent: four digits that count."""
    return float(f"{weight:.4g}")


def _read(value: Any, shape: tuple[int, ...]) -> Floats | None:
    """The browser's weights, if they are numbers and as many as there should be."""
    if not isinstance(value, list) or len(value) != shape[0]:
        return None
    rows: list[list[float]] = []
    for row in value:
        if not isinstance(row, list) or len(row) != shape[1]:
            return None
        if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in row):
            return None
        rows.append([float(one) for one in row])
    if not all(math.isfinite(one) and abs(one) <= LARGEST for row in rows for one in row):
        return None
    return np.array(rows, np.float32)
