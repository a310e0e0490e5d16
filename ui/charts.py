"""Plotly charts with the app's look; every word in them comes from the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

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


def over_steps(
    steps: Sequence[str],
    drawn: Sequence[Line],
    *,
    key: str,
    y_title: str,
    alt: str,
    flags: Sequence[bool] = (),
    flag: str = "",
    height: int = 260,
) -> None:
    """Probabilities over the steps of a chain, a point for each; a dotted line where `flags` has one."""
    figure = go.Figure()
    places = list(range(len(steps)))
    for line in drawn:
        main = line.role == "main"
        figure.add_scatter(
            x=places,
            y=line.values,
            name=line.name,
            mode="lines+markers",
            line={
                "color": _colour(line.role),
                "width": 3 if main else 2,
                "dash": "solid" if main else "dash",
            },
            marker={"size": 8, "symbol": "circle" if main else "diamond"},
        )
    turns = [place for place, turned in enumerate(flags) if turned]
    for place in turns:
        figure.add_vline(place, line={"color": style.second(), "width": 1, "dash": "dot"})
    if turns:
        figure.add_scatter(
            x=turns,
            y=[1.06] * len(turns),
            mode="text",
            text=[f"⚑ {flag}" if len(turns) < 3 else "⚑"] * len(turns),
            textfont={"color": style.second(), "size": 12},
            hoverinfo="skip",
            showlegend=False,
            cliponaxis=False,
        )
    figure.update_layout(**_layout("", height))
    figure.update_layout(legend={"y": 1.12})
    figure.update_xaxes(tickvals=places, ticktext=list(steps), range=(-0.5, len(steps) - 0.5), showgrid=False)
    figure.update_yaxes(title=y_title, tickformat=".0%", range=(0, 1.12), tickvals=[0, 0.25, 0.5, 0.75, 1])
    st.plotly_chart(figure, key=key, config=CONFIG, alt=alt)


def histogram(
    counts: NDArray[np.int64],
    names: Sequence[str],
    *,
    key: str,
    x_title: str,
    y_title: str,
    alt: str,
    top: float,
    mark: tuple[float, str] | None = None,
    height: int = 240,
) -> None:
    """How many of a picture's pixels have each level, as a share of all.

    Args:
        counts: (4, 256): red, green, blue and lightness.
        names: of the four.
        top: the end of the axis; a higher bar (a clipped end of the scale) goes out of the picture.
        mark: a level and what it is, drawn as a line.
    """
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    colours = ("#F07178", "#5CC98B", "#7FB0F0") if style.dark() else ("#C8323C", "#1E8A4C", "#2F62B0")
    figure = go.Figure()
    figure.add_scatter(
        x=np.arange(256),
        y=shares[3],
        name=names[3],
        mode="lines",
        line={"color": style.muted(), "width": 1},
        fill="tozeroy",
        fillcolor=style.muted() + "40",
    )
    for share, name, colour in zip(shares, names, colours, strict=False):
        figure.add_scatter(
            x=np.arange(256), y=share, name=name, mode="lines", line={"color": colour, "width": 1.5}
        )
    if mark is not None:
        figure.add_vline(
            mark[0],
            line={"color": style.second(), "width": 2},
            annotation={"text": mark[1], "xanchor": "left", "yanchor": "top"},
        )
    figure.update_layout(**_layout("", height))
    figure.update_layout(margin_r=20)
    figure.update_xaxes(title=x_title, range=(0, 255), tickvals=[0, 64, 128, 192, 255], showgrid=False)
    figure.update_yaxes(title=y_title, tickformat=".1%", range=(0, top))
    st.plotly_chart(figure, key=key, config=CONFIG, alt=alt)


def by_layer(
    layers: Sequence[str],
    drawn: Sequence[Line],
    *,
    key: str,
    x_title: str,
    y_title: str,
    alt: str,
    y_format: str = ".0%",
    chosen: str = "",
    height: int = 250,
) -> None:
    """Numbers of a network's layers from the first to the last; the chosen layer is marked."""
    figure = go.Figure()
    places = list(range(len(layers)))
    for line in drawn:
        main = line.role == "main"
        figure.add_scatter(
            x=places,
            y=line.values,
            name=line.name,
            customdata=list(layers),
            hovertemplate="%{customdata}: %{y:" + y_format + "}<extra>" + line.name + "</extra>",
            mode="lines+markers",
            line={
                "color": _colour(line.role),
                "width": 2.5 if main else 2,
                "dash": "solid" if main else "dot",
            },
            marker={"size": 6},
        )
    if chosen in layers:
        figure.add_vline(layers.index(chosen), line={"color": style.muted(), "width": 1.5})
    figure.update_layout(**_layout("", height))
    figure.update_layout(hovermode="closest", showlegend=len(drawn) > 1)
    figure.update_xaxes(title=x_title, showticklabels=False, showgrid=False, zeroline=False)
    figure.update_yaxes(title=y_title, tickformat=y_format, rangemode="tozero")
    st.plotly_chart(figure, key=key, config=CONFIG, alt=alt)


def distribution(
    counts: NDArray[np.int64],
    edges: Floats,
    *,
    key: str,
    x_title: str,
    y_title: str,
    alt: str,
    height: int = 250,
) -> None:
    """How many numbers fall between two edges, as a share of all; the counts on a logarithmic axis."""
    shares = 100 * counts / max(int(counts.sum()), 1)
    ticks = [0.001, 0.01, 0.1, 1, 10, 100]
    figure = go.Figure()
    figure.add_bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=np.where(counts > 0, shares, np.nan),
        width=np.diff(edges) * 0.92,
        marker={"color": style.accent(), "line": {"width": 0}},
        hovertemplate="%{x:.3g}: %{y:.3g}%<extra></extra>",
    )
    figure.update_layout(**_layout("", height))
    figure.update_layout(hovermode="closest", showlegend=False)
    figure.update_xaxes(title=x_title, showgrid=False)
    figure.update_yaxes(
        title=y_title, type="log", tickvals=ticks, ticktext=[f"{tick:.4g}%" for tick in ticks]
    )
    st.plotly_chart(figure, key=key, config=CONFIG, alt=alt)


def _layout(title: str, height: int) -> dict[str, Any]:
    return {
        "title": {"text": title, "font": {"size": 15}} if title else None,
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 40 if title else 8, "b": 8},
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 1, "xanchor": "right"},
        "hovermode": "x unified",
    }
