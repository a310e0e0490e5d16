"""Plotly charts with the app's look; every word in them comes from the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go
import streamlit as st

from core.types import Floats
from ui import style

CONFIG = {"displayModeBar": False, "scrollZoom": False}


class Line(NamedTuple):
    """One line of a chart."""

    name: str
    values: Floats
    role: str  # "main", "second" or "muted"


def _colour(role: str) -> str:
    return {"main": style.accent, "second": style.second, "muted": style.muted}[role]()


def lines(
    x: Floats,
    drawn: Sequence[Line],
    *,
    key: str,
    x_title: str,
    y_title: str,
    alt: str,
    title: str = "",
    height: int = 300,
    x_format: str = ".0%",
    y_format: str = ".0%",
    y_range: tuple[float, float] | None = None,
) -> None:
    """Lines over a shared axis, at most six; the first role "main" is the one that matters."""
    figure = go.Figure()
    for line in drawn:
        main = line.role == "main"
        figure.add_scatter(
            x=x,
            y=line.values,
            name=line.name,
            mode="lines",
            line={
                "color": _colour(line.role),
                "width": 3 if main else 2,
                "dash": "solid" if main else ("dash" if line.role == "second" else "dot"),
            },
            fill="tozeroy" if main else None,
            fillcolor=_colour(line.role) + "1f" if main else None,
        )
    figure.update_layout(**_layout(title, height))
    figure.update_xaxes(title=x_title, tickformat=x_format, showgrid=False)
    figure.update_yaxes(title=y_title, tickformat=y_format, range=y_range, rangemode="tozero")
    st.plotly_chart(figure, key=key, config=CONFIG, alt=alt)


def _layout(title: str, height: int) -> dict[str, Any]:
    return {
        "title": {"text": title, "font": {"size": 15}} if title else None,
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 40 if title else 8, "b": 8},
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 1, "xanchor": "right"},
        "hovermode": "x unified",
    }
