"""Plotly charts with the app's look; every word in them comes from the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from core.types import Floats
from ui import presenter, style

CONFIG = {"displayModeBar": False, "scrollZoom": False}
LARGER = 1.3  # times the usual size, when someone presents


class Line(NamedTuple):
    """One line of a chart."""

    name: str
    values: Floats
    role: str  # "main", "second", "muted" or "third"


def _colour(role: str) -> str:
    if role == "third":
        return style.third()[1]
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
    _draw(figure, key, alt)


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
    _draw(figure, key, alt)


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
    _draw(figure, key, alt)


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
    _draw(figure, key, alt)


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
    _draw(figure, key, alt)


def _draw(figure: go.Figure, key: str, alt: str) -> None:
    """The chart on the page; its letters grow with all others when someone presents."""
    if presenter.presenting():
        enlarge(figure)
    st.plotly_chart(figure, key=key, config=CONFIG, alt=alt)


def enlarge(figure: go.Figure) -> None:
    """Makes all words of a chart larger, and the chart with them."""

    def grown(size: Any) -> Any:
        several = isinstance(size, Sequence | np.ndarray)
        return [LARGER * one for one in size] if several else LARGER * (size or 12)

    layout = figure.layout
    layout.height *= LARGER
    layout.margin.update(
        {side: LARGER * layout.margin[side] for side in ("l", "r", "t", "b") if layout.margin[side]}
    )
    fonts = [layout.title.font, layout.legend.font, layout.hoverlabel.font]
    for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
        fonts += [axis.tickfont, axis.title.font]
    fonts += [note.font for note in layout.annotations]
    fonts += [trace.textfont for trace in figure.data if getattr(trace, "text", None) is not None]
    for font in fonts:
        font.size = grown(font.size)


def _layout(title: str, height: int) -> dict[str, Any]:
    return {
        "title": {"text": title, "font": {"size": 15}} if title else None,
        "height": height,
        "margin": {"l": 8, "r": 18, "t": 40 if title else 8, "b": 8},  # at the right, half of "100%"
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 1, "xanchor": "right"},
        "hovermode": "x unified",
    }


def literal(text: str) -> str:
    """A visitor's letters for a chart: Plotly takes `<b>` and `<a>` for HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def over_tokens(
    tokens: Sequence[str],
    drawn: Sequence[Line],
    *,
    key: str,
    y_title: str,
    alt: str,
    y_range: tuple[float, float],
    height: int = 260,
) -> None:
    """Numbers over the tokens of a text, a point for each, signed ones around zero."""
    figure = go.Figure()
    places = list(range(len(tokens)))
    named = [literal(token) for token in tokens]
    for line in drawn:
        main = line.role == "main"
        figure.add_scatter(
            x=places,
            y=line.values,
            name=line.name,
            customdata=named,
            hovertemplate="%{customdata}: %{y:.3f}<extra>" + line.name + "</extra>",
            mode="lines+markers" if len(tokens) <= 80 else "lines",
            line={
                "color": _colour(line.role),
                "width": 3 if main else 2,
                "dash": {"main": "solid", "second": "dash"}.get(line.role, "dot"),
            },
            marker={"size": 6 if main else 5},
        )
    every = max(1, len(tokens) // 24 + (len(tokens) % 24 > 0))
    ticks = places[::every]
    figure.update_layout(**_layout("", height))
    figure.update_layout(hovermode="closest", showlegend=len(drawn) > 1)
    figure.update_xaxes(
        tickvals=ticks,
        ticktext=[
            named[place] if len(tokens[place]) < 14 else literal(tokens[place][:12]) + "…" for place in ticks
        ],
        tickangle=0 if sum(map(len, tokens)) < 34 else -60,
        showgrid=False,
        zeroline=False,
    )
    figure.update_yaxes(title=y_title, range=y_range, zeroline=True)
    _draw(figure, key, alt)


def shares(
    values: Floats,
    *,
    band: tuple[float, float],
    key: str,
    x_title: str,
    y_title: str,
    alt: str,
    height: int = 230,
) -> None:
    """How many probabilities fall into each twentieth, coloured by their side of the band."""
    counts, edges = np.histogram(values, bins=20, range=(0, 1))
    middles = (edges[:-1] + edges[1:]) / 2
    low, high = band
    colours = [
        style.accent() if middle >= high else style.second() if middle <= low else style.muted()
        for middle in middles
    ]
    figure = go.Figure()
    figure.add_bar(
        x=middles,
        y=counts,
        width=np.diff(edges) * 0.9,
        marker={"color": colours, "line": {"width": 0}},
        text=[str(count) if count else "" for count in counts],
        textposition="outside",
        textangle=0,
        cliponaxis=False,
        hovertemplate="%{x:.0%}: %{y}<extra></extra>",
    )
    figure.update_layout(**_layout("", height))
    figure.update_layout(hovermode="closest", showlegend=False, margin_t=24)
    figure.update_xaxes(title=x_title, tickformat=".0%", range=(0, 1), showgrid=False)
    step = 1 if counts.max(initial=0) <= 6 else None
    figure.update_yaxes(title=y_title, rangemode="tozero", tickformat=",d", dtick=step)
    _draw(figure, key, alt)


def word_map(
    points: Floats,
    words: Sequence[str],
    own: Sequence[bool],
    sides: Sequence[str],
    *,
    key: str,
    names: Mapping[str, str],
    axes: Sequence[str],
    alt: str,
    uirevision: str,
    height: int = 480,
) -> None:
    """Words as points in the plane or in space, coloured by their side.

    Args:
        points: (n, 2) or (n, 3).
        own: which words the visitor added; they are drawn larger, as diamonds.
        sides: "positive", "negative" or "neither" for each word.
        names: of the three sides, in the order of the legend.
        axes: a title for each dimension.
        uirevision: as long as it stays the same, so does the visitor's view.
    """
    figure = go.Figure()
    deep = points.shape[1] == 3
    colours = {"positive": style.accent(), "negative": style.second(), "neither": style.muted()}
    small, large = (4, 7) if deep else (7, 12)
    for side, name in names.items():
        chosen = [place for place, each in enumerate(sides) if each == side]
        if not chosen:
            continue
        look: dict[str, Any] = {
            "mode": "markers+text",
            "name": name,
            "text": [literal(words[place]) for place in chosen],
            "textposition": "top center",
            "textfont": {"size": [15 if own[place] else 12 for place in chosen], "color": colours[side]},
            "marker": {
                "size": [large if own[place] else small for place in chosen],
                "color": colours[side],
                "symbol": ["diamond" if own[place] else "circle" for place in chosen],
            },
            "hovertemplate": "%{text}<extra></extra>",
        }
        x, y = points[chosen, 0], points[chosen, 1]
        if deep:
            figure.add_scatter3d(x=x, y=y, z=points[chosen, 2], **look)
        else:
            figure.add_scatter(x=x, y=y, cliponaxis=False, **look)
    figure.update_layout(**_layout("", height))
    figure.update_layout(hovermode="closest", uirevision=uirevision)
    if deep:
        plain = {"showticklabels": False, "showspikes": False, "backgroundcolor": "rgba(0,0,0,0)"}
        figure.update_layout(
            scene={
                f"{letter}axis": plain | {"title": {"text": title}, "gridcolor": style.muted() + "55"}
                for letter, title in zip("xyz", axes, strict=True)
            }
        )
    else:
        figure.update_xaxes(title=axes[0], showticklabels=False, showgrid=False, zeroline=True)
        figure.update_yaxes(title=axes[1], showticklabels=False, showgrid=False, zeroline=True)
    _draw(figure, key, alt)


def dots(
    rows: Sequence[str],
    series: Mapping[str, Sequence[float | None]],
    *,
    main: str,
    key: str,
    x_title: str,
    alt: str,
) -> None:
    """Shares as dots, a row for each part: the series `main` large, with its numbers at the right, the
    others small; whose they are is told under the mouse."""
    figure = go.Figure()
    for name, shares in sorted(series.items(), key=lambda each: each[0] == main):
        own = name == main
        figure.add_scatter(
            x=shares,
            y=list(rows),
            name=name,
            mode="markers",
            marker={
                "size": 14 if own else 9,
                "color": style.accent() if own else style.muted(),
                "symbol": "circle" if own else "circle-open",
                "line": {"width": 0 if own else 2},
            },
            hovertemplate="%{y}: %{x:.1%}<extra>" + name + "</extra>",
            cliponaxis=False,
        )
    for row, share in zip(rows, series[main], strict=True):
        figure.add_annotation(
            x=1,
            xref="paper",
            xanchor="left",
            y=row,
            text="" if share is None else f" {share:.1%}",
            font={"size": 13, "color": style.accent()},
            showarrow=False,
        )
    lowest = min(0.5, *(share for shares in series.values() for share in shares if share is not None))
    figure.update_layout(**_layout("", 72 + 27 * len(rows)))
    figure.update_layout(hovermode="closest", showlegend=False, margin_r=56)
    figure.add_vline(0.5, line={"color": style.muted(), "width": 1, "dash": "dot"})
    figure.update_xaxes(
        title=x_title, tickformat=".0%", range=(lowest - 0.02, 1.01), tickvals=[0.5, 0.6, 0.7, 0.8, 0.9, 1]
    )
    figure.update_yaxes(range=(len(rows) - 0.5, -0.5), automargin=True, tickfont={"size": 12})
    _draw(figure, key, alt)


def learning(
    x: Floats,
    learned: Floats,
    tested: Floats,
    *,
    key: str,
    names: tuple[str, str],
    x_title: str,
    y_title: str,
    epochs: int,
    shares: bool,
    best: int | None,
    best_name: str,
    revision: str,
    alt: str,
    height: int = 260,
) -> None:
    """A figure over the epochs of a run, on what is learned from and on what is kept apart.

    Args:
        names: of the two lines.
        epochs: how many are planned: the axis does not grow.
        shares: whether the figure is one of 0..1.
        best: the epoch that is kept, marked.
        revision: of the run; a new one draws anew.
    """
    figure = go.Figure()
    for values, name, role in ((learned, names[0], "second"), (tested, names[1], "main")):
        figure.add_scatter(
            x=x,
            y=values,
            name=name,
            mode="lines" if len(x) > 1 else "markers",
            line={
                "color": _colour(role),
                "width": 3 if role == "main" else 2,
                "dash": "solid" if role == "main" else "dash",
            },
        )
    if best is not None:
        figure.add_vline(
            best,
            line={"color": style.muted(), "width": 1.5, "dash": "dot"},
            annotation={"text": best_name, "y": 1.0, "yanchor": "bottom", "xanchor": "center"},
        )
    figure.update_layout(**_layout("", height))
    corner = {"y": 0.06, "yanchor": "bottom"} if shares else {"y": 1.0, "yanchor": "top"}
    plain = {
        "orientation": "v",
        "x": 1,
        "xanchor": "right",
        "bgcolor": style.paper() + "cc",
        "font": {"size": 12},
    }
    figure.update_layout(uirevision=revision, legend=plain | corner, margin_t=24)
    figure.update_xaxes(title=x_title, range=(0, max(1, epochs)), tickformat="d", showgrid=False)
    figure.update_yaxes(
        title=y_title,
        tickformat=".0%" if shares else ".2~f",
        range=(0, 1.04) if shares else None,
        rangemode="tozero",
    )
    _draw(figure, key, alt)


def reliability(
    middles: Floats,
    right: Floats,
    counts: NDArray[np.int64],
    *,
    key: str,
    names: tuple[str, str],
    x_title: str,
    y_title: str,
    alt: str,
    height: int = 300,
) -> None:
    """How often a network was right over how sure it was; the diagonal is what ought to be.

    Args:
        middles: of the bins of confidence.
        right: the share of right answers of each.
        counts: how many answers fell into each; written over the bars.
        names: of the diagonal and of the bars.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        name=names[0],
        mode="lines",
        line={"color": style.muted(), "width": 1.5, "dash": "dot"},
        hoverinfo="skip",
    )
    figure.add_bar(
        x=middles,
        y=np.maximum(right, 0.005),
        name=names[1],
        width=0.085,
        marker={"color": style.accent(), "line": {"width": 0}},
        text=[f"n={count}" for count in counts],
        textposition="outside",
        textangle=0,
        cliponaxis=False,
        hovertemplate="%{y:.0%}<extra></extra>",
    )
    figure.update_layout(**_layout("", height))
    figure.update_layout(hovermode="closest", margin_t=30)
    figure.update_xaxes(title=x_title, tickformat=".0%", range=(0, 1), showgrid=False)
    figure.update_yaxes(title=y_title, tickformat=".0%", range=(0, 1.12), tickvals=[0, 0.25, 0.5, 0.75, 1])
    _draw(figure, key, alt)


def with_threshold(
    values: Floats,
    threshold: float,
    here: float | None,
    *,
    key: str,
    x_title: str,
    y_title: str,
    threshold_name: str,
    here_name: str,
    alt: str,
    height: int = 230,
) -> None:
    """How many known things are how far away, the threshold, and where the one at hand is."""
    end = max(float(values.max(initial=0.0)), threshold, here or 0.0) * 1.12 or 1.0
    counts, edges = np.histogram(values, bins=24, range=(0, end))
    figure = go.Figure()
    figure.add_bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=counts,
        width=np.diff(edges) * 0.9,
        marker={"color": style.muted() + "99", "line": {"width": 0}},
        hovertemplate="%{x:.2f}: %{y}<extra></extra>",
    )
    figure.add_vline(
        threshold,
        line={"color": style.second(), "width": 2, "dash": "dash"},
        annotation={
            "text": threshold_name,
            "yanchor": "top",
            "xanchor": "right" if threshold > end / 2 else "left",
            "font": {"color": style.second()},
        },
    )
    if here is not None:
        figure.add_vline(
            here,
            line={"color": style.accent(), "width": 3},
            annotation={
                "text": here_name,
                "y": 0.72,
                "yanchor": "top",
                "xanchor": "right" if here > end / 2 else "left",
                "font": {"color": style.accent()},
            },
        )
    figure.update_layout(**_layout("", height))
    figure.update_layout(hovermode="closest", showlegend=False)
    figure.update_xaxes(title=x_title, range=(0, end), showgrid=False)
    figure.update_yaxes(title=y_title, rangemode="tozero", tickformat=",d")
    _draw(figure, key, alt)


class Mark(NamedTuple):
    """One measured share with its interval."""

    name: str
    share: float
    low: float
    high: float


def with_intervals(
    marks: Sequence[Mark], *, key: str, x_title: str, alt: str, chance: float | None = None, height: int = 240
) -> None:
    """Shares as bars with their 95 % intervals, one below the other, each with its number.

    The bars stand back, so that whiskers and numbers are seen on them as well as beside them.
    """
    figure = go.Figure()
    shares_ = [mark.share for mark in marks]
    figure.add_bar(
        y=[literal(mark.name) for mark in marks],
        x=shares_,
        orientation="h",
        marker={"color": style.accent() + "8c", "line": {"width": 0}},
        error_x={
            "array": [mark.high - mark.share for mark in marks],
            "arrayminus": [mark.share - mark.low for mark in marks],
            "color": style.ink(),
            "thickness": 1.6,
        },
        text=[f"<b>{mark.share:.0%}</b>" for mark in marks],
        textposition="inside",
        insidetextanchor="start",
        insidetextfont={"color": style.ink(), "size": 14},
        textangle=0,
        hovertemplate="%{x:.1%}<extra></extra>",
    )
    if chance is not None:
        figure.add_vline(chance, line={"color": style.second(), "width": 1.5, "dash": "dot"})
    figure.update_layout(**_layout("", height))
    figure.update_layout(hovermode="closest", showlegend=False)
    figure.update_xaxes(title=x_title, tickformat=".0%", range=(0, 1.02), showgrid=False)
    figure.update_yaxes(autorange="reversed")
    _draw(figure, key, alt)


class Series(NamedTuple):
    """One line of measured shares with their intervals."""

    name: str
    shares: Floats
    low: Floats
    high: Floats
    role: str  # "main", "second", "third" or "muted"


def over_counts(
    x: Floats, series: Sequence[Series], *, key: str, x_title: str, y_title: str, alt: str, height: int = 340
) -> None:
    """Accuracy over the number of examples a class, each point with its 95 % interval."""
    figure = go.Figure()
    for one in series:
        main = one.role == "main"
        figure.add_scatter(
            x=x,
            y=one.shares,
            name=one.name,
            mode="lines+markers",
            line={"color": _colour(one.role), "width": 3 if main else 2, "dash": "solid" if main else "dot"},
            marker={"size": 8},
            error_y={
                "array": one.high - one.shares,
                "arrayminus": one.shares - one.low,
                "thickness": 1.3,
                "color": _colour(one.role),
            },
        )
    figure.update_layout(**_layout("", height))
    figure.update_layout(margin_t=30)
    figure.update_xaxes(title=x_title, type="log", tickvals=list(x), showgrid=False)
    figure.update_yaxes(title=y_title, tickformat=".0%", range=(0, 1.04))
    _draw(figure, key, alt)


class Track(NamedTuple):
    """One line with its own places along the axis."""

    name: str
    x: Floats
    y: Floats
    colour: str  # "#rrggbb"
    dash: str  # "solid", "dash" or "dot"


def tracks(
    drawn: Sequence[Track],
    *,
    key: str,
    x_title: str,
    y_title: str,
    alt: str,
    shares: bool,
    chance: float | None = None,
    chance_name: str = "",
    height: int = 190,
) -> None:
    """A figure over the steps of several runs, each as far as it has come.

    Args:
        shares: whether the figure is one of 0..1.
        chance: what guessing would reach, as a line.
    """
    figure = go.Figure()
    for track in drawn:
        figure.add_scatter(
            x=track.x,
            y=track.y,
            name=track.name,
            mode="lines" if len(track.x) > 1 else "markers",
            line={"color": track.colour, "width": 2.5, "dash": track.dash},
            marker={"color": track.colour, "size": 7},
        )
    if chance is not None:
        figure.add_hline(
            chance,
            line={"color": style.muted(), "width": 1, "dash": "dot"},
            annotation={"text": chance_name, "yanchor": "bottom", "font": {"size": 11}},
        )
    figure.update_layout(**_layout("", height))
    figure.update_layout(showlegend=len(drawn) > 1, margin_t=26, legend={"font": {"size": 12}})
    figure.update_xaxes(title=x_title, rangemode="tozero", tickformat="d", showgrid=False)
    top = max((float(np.nanmax(track.y)) for track in drawn), default=1.0)
    figure.update_yaxes(
        title=y_title,
        tickformat=".0%" if shares else ".1f",
        range=(0, min(1.05, 1.15 * top + 0.02)) if shares else (0, 1.08 * top),
    )
    _draw(figure, key, alt)


class Word(NamedTuple):
    """A word in the plane."""

    text: str
    x: float
    y: float
    own: bool  # whether the visitor added it
    new: bool  # whether it was never in the tuning


class Thumb(NamedTuple):
    """A picture in the plane."""

    name: str
    x: float
    y: float
    source: str  # a data URI
    own: bool
    nearest: int  # the place of the word that is nearest to it in the whole space


_NARROW = (310.0, 420.0)  # the plane of a map on a phone, in pixels
_AROUND = {"top center": (0, -1), "bottom center": (0, 1), "middle right": (1, 0), "middle left": (-1, 0)}


def _sides(
    words: Sequence[Word], thumbs: Sequence[Thumb], corner: tuple[float, float], size: tuple[float, float]
) -> dict[Word, str]:
    """On which side of its point each word stands, so that none lies over another on a phone; "" is nowhere.

    A visitor's own words choose first, and always stand somewhere; the others then show when pointed at.

    Args:
        corner: x and y of the plane's upper left corner.
        size: of the plane.
    """

    def pixels(x: float, y: float) -> tuple[float, float]:
        return (x - corner[0]) / size[0] * _NARROW[0], (corner[1] - y) / size[1] * _NARROW[1]

    taken = [(x - 13, y - 13, x + 13, y + 13) for x, y in (pixels(thumb.x, thumb.y) for thumb in thumbs)]
    found: dict[Word, str] = {}
    for word in sorted(words, key=lambda one: not one.own):
        (x, y), letter = pixels(word.x, word.y), 15 if word.own else 12
        half = sum(0.5 if character.isascii() else 1.0 for character in word.text) * letter / 2
        high = letter * 0.6
        boxes = {}
        for side, (right, down) in _AROUND.items():
            across, along = x + right * (half + 6), y + down * (high + 6)
            boxes[side] = (across - half, along - high, across + half, along + high)
        free = [
            side
            for side, box in boxes.items()
            if box[0] > -20 and box[2] < _NARROW[0] + 20 and not any(_overlap(box, one) for one in taken)
        ]
        found[word] = free[0] if free else "top center" if word.own else ""
        if found[word]:
            taken.append(boxes[found[word]])
    return found


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    """Whether two boxes (left, top, right, bottom) share a place."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def picture_map(
    words: Sequence[Word],
    thumbs: Sequence[Thumb],
    *,
    key: str,
    names: Mapping[str, str],
    axes: tuple[str, str],
    alt: str,
    height: int = 620,
) -> None:
    """Pictures and words in one plane; a thin line leads from each picture to the word that is nearest to it.

    Args:
        names: `word`, `new` and `picture`, in the legend; `line`, what the thin lines are.
        axes: a title for each.
    """
    figure = go.Figure()
    xs = [*(word.x for word in words), *(thumb.x for thumb in thumbs)]
    ys = [*(word.y for word in words), *(thumb.y for thumb in thumbs)]
    wide, high = max(max(xs) - min(xs), 1e-6), max(max(ys) - min(ys), 1e-6)
    ends_x: list[float | None] = []
    ends_y: list[float | None] = []
    for thumb in thumbs:
        if 0 <= thumb.nearest < len(words):
            word = words[thumb.nearest]
            ends_x += [thumb.x, word.x, None]
            ends_y += [thumb.y, word.y, None]
    figure.add_scatter(
        x=ends_x,
        y=ends_y,
        mode="lines",
        name=names["line"],
        line={"color": style.muted(), "width": 1, "dash": "dot"},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=[thumb.x for thumb in thumbs],
        y=[thumb.y for thumb in thumbs],
        mode="markers",
        name=names["picture"],
        marker={
            "size": 26,
            "symbol": "square",
            "color": [style.accent() if thumb.own else style.muted() for thumb in thumbs],
        },
        text=[literal(thumb.name) for thumb in thumbs],
        hovertemplate="%{text}<extra></extra>",
    )
    for thumb in thumbs:
        figure.add_layout_image(
            source=thumb.source,
            x=thumb.x,
            y=thumb.y,
            xref="x",
            yref="y",
            sizex=0.06 * wide,
            sizey=0.085 * high,
            xanchor="center",
            yanchor="middle",
            sizing="contain",
            layer="above",
        )
    sides = _sides(words, thumbs, (min(xs), max(ys)), (wide, high))
    for new in (False, True):
        some = [word for word in words if word.new == new]
        if not some:
            continue
        tint = style.second() if new else style.accent()
        figure.add_scatter(
            x=[word.x for word in some],
            y=[word.y for word in some],
            mode="markers+text",
            name=names["new" if new else "word"],
            text=[literal(word.text) if sides[word] else "" for word in some],
            hovertext=[literal(word.text) for word in some],
            textposition=[sides[word] or "top center" for word in some],
            textfont={"size": [15 if word.own else 12 for word in some], "color": tint},
            marker={
                "size": [12 if word.own else 7 for word in some],
                "symbol": ["diamond" if word.own else "circle" for word in some],
                "color": tint,
            },
            hovertemplate="%{hovertext}<extra></extra>",
            cliponaxis=False,
        )
    figure.update_layout(**_layout("", height))
    figure.update_layout(hovermode="closest", uirevision=key, margin_t=30)
    figure.update_xaxes(
        title=axes[0],
        range=(min(xs) - 0.08 * wide, max(xs) + 0.08 * wide),
        showticklabels=False,
        showgrid=False,
        zeroline=False,
    )
    figure.update_yaxes(
        title=axes[1],
        range=(min(ys) - 0.08 * high, max(ys) + 0.08 * high),
        showticklabels=False,
        showgrid=False,
        zeroline=False,
    )
    _draw(figure, key, alt)


class Score(NamedTuple):
    """One share beside others of its kind and of another kind."""

    name: str
    share: float
    role: str  # "main", "second" or "muted"


def scores(found: Sequence[Score], *, key: str, x_title: str, alt: str, names: Mapping[str, str]) -> None:
    """Shares as bars one below the other, each with its number and the colour of its kind.

    Args:
        names: of the roles, in the legend.
    """
    figure = go.Figure()
    for role, name in names.items():
        some = [one for one in found if one.role == role]
        if not some:
            continue
        figure.add_bar(
            y=[literal(one.name) for one in some],
            x=[one.share for one in some],
            orientation="h",
            name=name,
            marker={"color": _colour(role), "line": {"width": 0}},
            text=[f"{one.share:.1%}" for one in some],
            textposition="outside",
            textangle=0,
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    figure.update_layout(**_layout("", 80 + 30 * len(found)))
    figure.update_layout(hovermode="closest", bargap=0.35, barmode="overlay", margin_r=56, margin_t=30)
    figure.update_xaxes(title=x_title, tickformat=".0%", range=(0, 1.0), showgrid=False)
    figure.update_yaxes(
        categoryorder="array",
        categoryarray=[literal(one.name) for one in reversed(found)],
        automargin=True,
        tickfont={"size": 12},
    )
    _draw(figure, key, alt)
