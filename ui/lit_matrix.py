"""The matrix of pictures and captions as it sharpens, and the loss as a formula with its own numbers."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.imaging.samples import samples
from core.lit.contrast import matrix_loss
from core.lit.lesson import SHOWN
from core.lit.pairs import Pair
from core.lit.types import LessonStep
from core.types import Floats
from ui import cache, lit, state
from ui.components.alignment import Row, alignment
from ui.lit import Bench, Job
from ui.words import percent, plain, t

VIEWS = ("by_row", "by_column", "cosine")
LOW, HIGH = -0.2, 0.8  # cosines at the ends of the colour scale


def matrix(found: Bench, job: Job) -> LessonStep:
    """The matrix at a step; returns the step that is shown."""
    view = state.remember("lit_view", VIEWS[0], options=VIEWS)
    ways, when = st.columns([7, 4], gap="small", vertical_alignment="bottom")
    with ways:
        st.segmented_control(
            t("lit.view"),
            VIEWS,
            key="lit_view",
            format_func=lambda name: t(f"lit.view.{name}"),
            required=True,
            on_change=state.keep,
            args=("lit_view",),
            help=t("lit.view.help"),
        )
    with when:
        step = _step(job)
    _, by_row, by_column = matrix_loss(step.matrix, step.scale)
    values = {"by_row": by_row, "by_column": by_column, "cosine": step.matrix}[view]
    shares = (values - LOW) / (HIGH - LOW) if view == "cosine" else values
    names = [called(job.pairs[place]) for place in range(len(step.matrix))]
    alignment(
        [
            Row(thumbnail(job.pairs[place]), names[place], job.pairs[place].shown)
            for place in range(len(step.matrix))
        ],
        np.clip(shares, 0, 1),
        [[_number(float(one), view) for one in row] for row in values],
        key="lit_matrix",
        alt=t("lit.matrix.alt", step=step.step),
        words={
            "cell": t(f"lit.matrix.cell.{view}"),
            "corner": t("lit.matrix.corner"),
            "low": _number(LOW, view) if view == "cosine" else "0",
            "high": _number(HIGH, view) if view == "cosine" else "1",
        },
        selected=cell(found, step),
        on_pick=lambda chosen: setattr(found, "cell", chosen),
    )
    right = round(step.pictures * len(job.pairs))
    st.caption(t("lit.matrix.note", right=right, count=len(job.pairs), temperature=f"{1 / step.scale:.3f}"))
    return step


def empty(pairs: Sequence[Pair]) -> None:
    """What will light up, before there is anything to show."""
    some = pairs[:SHOWN]
    alignment(
        [Row(thumbnail(pair), called(pair), pair.shown) for pair in some],
        None,
        [],
        key="lit_matrix_empty",
        alt=t("lit.matrix.empty"),
        words={"cell": "", "corner": t("lit.matrix.corner"), "low": "", "high": ""},
        selected=None,
        on_pick=lambda _: None,
    )


def _step(job: Job) -> LessonStep:
    """The step that is looked at: the last one while the lesson goes on."""
    steps = job.steps
    if not job.run.over or len(steps) < 2:
        st.caption(t("lit.matrix.step", step=steps[-1].step))
        return steps[-1]
    numbers = [one.step for one in steps]
    key = f"lit_step_{job.run.id}"
    if st.session_state.get(key) not in numbers:
        st.session_state[key] = numbers[-1]
    chosen = st.select_slider(t("lit.matrix.back"), numbers, key=key)
    return steps[numbers.index(chosen)]


def called(pair: Pair) -> str:
    """What a picture is called: a sample by its name, a visitor's as the file is."""
    return t(f"sample.{pair.name}") if pair.name in samples() else pair.name


def thumbnail(pair: Pair) -> str:
    """A small data URI of a pair's picture."""
    if pair.name in samples():
        return cache.sample_thumbnail(pair.name)
    return f"data:image/jpeg;base64,{base64.b64encode(pair.image).decode('ascii')}"


def _number(value: float, view: str) -> str:
    return f"{value:.2f}".replace("-", "−") if view == "cosine" else percent(value, 0)


def cell(found: Bench, step: LessonStep) -> tuple[int, int]:
    """The cell that is looked into; the first on the diagonal to begin with."""
    size = len(step.matrix)
    if found.cell is None or max(found.cell) >= size:
        return 0, 0
    return found.cell


# --- the arithmetic ---------------------------------------------------------------------------------


def pull(by_row: Floats, by_column: Floats, i: int, j: int) -> float:
    """The slope of the loss along one cell: below zero the pair is drawn together, above it is pushed apart."""
    size = len(by_row)
    return float(by_row[i, j] + by_column[i, j]) / (2 * size) - (1 / size if i == j else 0.0)


def maths(found: Bench, job: Job, step: LessonStep) -> None:
    """The loss in letters, and in the numbers of the chosen cell, its row and its column."""
    i, j = cell(found, step)
    scores = np.float32(step.scale) * step.matrix  # (n, n)
    loss, by_row, by_column = matrix_loss(step.matrix, step.scale)
    size = len(scores)
    picture, caption = plain(called(job.pairs[i])), plain(lit.shortened(job.pairs[j].shown))
    st.markdown(f"#### {t('lit.maths')}")
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(t("lit.maths.score"))
        st.latex(r"S_{ij} = s\; x_i \cdot y_j \qquad s = 1/T")
        st.markdown(t("lit.maths.loss"))
        st.latex(
            r"\mathcal{L} = -\frac{1}{2n}\sum_{i=1}^{n}\Big[\log\frac{e^{S_{ii}}}{\sum_j e^{S_{ij}}}"
            r" + \log\frac{e^{S_{ii}}}{\sum_j e^{S_{ji}}}\Big]"
        )
        rows = -np.log(np.maximum(np.diag(by_row), 1e-30))
        columns = -np.log(np.maximum(np.diag(by_column), 1e-30))
        st.latex(_mean(rows))
        st.latex(_mean(columns))
        st.latex(
            rf"\mathcal{{L}} = \tfrac{{1}}{{2}}\,({rows.mean():.3f} + {columns.mean():.3f}) = {loss:.3f}"
        )
        right_sum = abs(loss - step.matrix_loss) < 1e-3
        st.caption(
            (":material/check_circle: " if right_sum else "")
            + t("lit.maths.check", loss=f"{step.matrix_loss:.3f}", guess=f"{np.log(size):.3f}", count=size)
        )
    with right:
        powers = np.exp(scores[i].astype(np.float64))  # up to e^100
        st.markdown(t("lit.maths.cell", picture=picture, caption=caption))
        st.latex(
            rf"S_{{{i + 1},{j + 1}}} = {step.scale:.2f} \cdot ({step.matrix[i, j]:.3f}) = {scores[i, j]:.2f}"
        )
        st.latex(
            rf"p(y_{{{j + 1}}}\mid x_{{{i + 1}}}) = \frac{{e^{{S_{{{i + 1},{j + 1}}}}}}}{{\sum_k e^{{S_{{{i + 1},k}}}}}}"
            rf" = \frac{{{_large(powers[j])}}}{{{_large(powers.sum())}}} = {by_row[i, j]:.3f}"
        )
        slope = pull(by_row, by_column, i, j)
        st.latex(
            rf"\frac{{\partial \mathcal{{L}}}}{{\partial S_{{{i + 1},{j + 1}}}}} ="
            rf" \frac{{{by_row[i, j]:.3f} + {by_column[i, j]:.3f}}}{{2 \cdot {size}}}"
            + (rf" - \frac{{1}}{{{size}}}" if i == j else "")
            + rf" = {slope:.4f}"
        )
        st.caption(
            (":material/close_fullscreen: " if slope < 0 else ":material/open_in_full: ")
            + t("lit.maths.together" if slope < 0 else "lit.maths.apart")
        )


def _large(value: float) -> str:
    """A number above zero of any size in LaTeX."""
    if 0.01 <= value < 100_000:
        return f"{value:.2f}"
    mantissa, _, power = f"{value:.2e}".partition("e")
    return rf"{mantissa} \cdot 10^{{{int(power)}}}"


def _mean(terms: Floats) -> str:
    """A mean, written out."""
    return rf"\tfrac{{{' + '.join(f'{value:.2f}' for value in terms)}}}{{{len(terms)}}} = {terms.mean():.3f}"
