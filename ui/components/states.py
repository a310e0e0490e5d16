"""Numbers over time as a picture: a row for each unit, a column for each token; one number is chosen."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st

from core.types import Floats
from ui.components._declare import declare
from ui.components.colours import Scale, table

_mount = declare("states")


def states(
    values: Floats,
    tokens: Sequence[str],
    *,
    key: str,
    alt: str,
    scale: Scale,
    limit: float,
    chosen: tuple[int, int],
    unit: str,
    rows: str,
    height: int,
    on_pick: Callable[[int, int], None],
    order: Sequence[int] | None = None,
) -> None:
    """A heatmap with the tokens under it; a click, or the arrow keys with Enter, choose step and unit.

    Args:
        values: (T, units).
        tokens: T of them, as they are shown.
        alt: what the picture is, read out before it.
        scale: "signed" from -limit to limit, the others from 0 to limit.
        chosen: (step, unit) of the number chosen now.
        unit: how a place is told, with {unit}, {token} and {value}.
        rows: what the rows are, beside the picture.
        height: of the picture in pixels.
        on_pick: called with step and unit before the page runs again.
        order: the units from top to bottom; as they come if not given.
    """
    count, units = values.shape
    places = list(range(units)) if order is None else list(order)

    def picked() -> None:
        found = _read(st.session_state[key].get("pick"), count, units)
        if found is not None:
            on_pick(*found)

    numbers = np.ascontiguousarray(values[:, places].T, np.float32)
    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "values": base64.b64encode(numbers.astype("<f4").tobytes()).decode("ascii"),
            "tokens": list(tokens),
            "order": places,
            "colours": ["#{:02x}{:02x}{:02x}".format(*row) for row in table(scale).tolist()],
            "low": -limit if scale == "signed" else 0.0,
            "limit": limit,
            "chosen": list(chosen),
            "unit": unit,
            "rows": rows,
            "height": height,
        },
        on_pick_change=picked,
    )


def _read(value: Any, count: int, units: int) -> tuple[int, int] | None:
    """A step and a unit of the browser's, if they can be meant."""
    if not isinstance(value, list) or len(value) != 2:
        return None
    step, unit = value
    if not isinstance(step, int) or not isinstance(unit, int) or isinstance(step, bool):
        return None
    return (step, unit) if 0 <= step < count and 0 <= unit < units else None
