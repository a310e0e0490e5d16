"""What the tuned network is worth: figures, the confusion matrix and its pictures, what to mend."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.tuning.images import pixels
from core.tuning.types import Evaluation, Example
from core.types import Floats
from ui import cache, charts, tuning, tuning_data, tuning_try
from ui.components import overlay
from ui.components.guesses import guesses
from ui.components.matrix import matrix
from ui.tuning import Done, Workshop
from ui.tuning_watch import guess
from ui.words import percent, plain, t

MOST_CARDS = 24  # of one cell
MOVED = 12  # layers in the table of changed channels
BINS = 10


def result(found: Workshop) -> None:
    """The tuned network, above the fold; below it what else one may want to know."""
    done = found.done
    if done is None:
        nothing()
        return
    if done.finished is not None:
        with st.container(key="fine_tune_result"):
            verdict, cell = st.columns([10, 9], gap="large")
            with verdict:
                headline(done)
                confusion(found, done)
            with cell:
                opened_cell(found, done)
    else:
        st.markdown(t("fine_tune.saved.note", made=plain(done.tuned.made)))
    names = ("try", "sure", "moved") if done.finished is not None else ("try",)
    for name, tab in zip(names, st.tabs([t(f"fine_tune.result.{name}") for name in names]), strict=True):
        with tab:
            match name:
                case "try":
                    tuning_try.attempt(done)
                case "sure":
                    calibration(done)
                case "moved":
                    moved(done)


def nothing() -> None:
    """Nothing is tuned yet."""
    st.info(t("fine_tune.result.nothing"), icon=":material/model_training:")
    st.button(
        t("fine_tune.watch.go"),
        key="fine_tune_from_result",
        icon=":material/arrow_back:",
        on_click=tuning.open_tab,
        args=("teach",),
    )


def headline(done: Done) -> None:
    """One big number, how far it can be trusted, and what a much simpler way would give."""
    assert done.finished is not None
    found = done.finished.evaluation
    count = len(found.labels)
    right = round(found.accuracy * count)
    low, high = found.interval
    with st.container(key="fine_tune_headline", gap="xxsmall"):
        st.markdown(
            "## "
            + t(
                f"fine_tune.accuracy.{done.tuned.kind}",
                share=percent(found.accuracy, 0),
                right=right,
                count=count,
            )
        )
        st.caption(t("fine_tune.interval", low=percent(low, 0), high=percent(high, 0)))
    with st.container(key="figures"):
        before, baseline, sure = st.columns(3, wrap=False)
        before.metric(
            t("fine_tune.before"),
            "–" if done.before is None else percent(done.before, 0),
            delta=None
            if done.before is None
            else t("fine_tune.points", count=f"{100 * (found.accuracy - done.before):+.0f}"),
            delta_color="off",
            help=t("fine_tune.before.help"),
        )
        baseline.metric(
            t("fine_tune.baseline"),
            percent(found.baseline_accuracy, 0),
            delta=t("fine_tune.chance", share=percent(1 / len(done.tuned.labels), 0)),
            delta_color="off",
            delta_arrow="off",
            help=t("fine_tune.baseline.help"),
        )
        sure.metric(
            t("fine_tune.calibration"),
            percent(found.calibration_error, 0),
            delta=t("fine_tune.calibration.best"),
            delta_color="off",
            delta_arrow="off",
            help=t("fine_tune.calibration.help"),
        )


def worst(found: Evaluation) -> tuple[int, int]:
    """The cell with the most mistakes, else the first class's own."""
    wrong = found.confusion.copy()
    np.fill_diagonal(wrong, 0)
    if not wrong.any():
        return 0, 0
    row, column = np.unravel_index(int(wrong.argmax()), wrong.shape)
    return int(row), int(column)


def confusion(found: Workshop, done: Done) -> None:
    """Which class was called which; a click on a cell opens its examples."""
    assert done.finished is not None
    evaluation = done.finished.evaluation
    if found.cell is None:
        found.cell = worst(evaluation)

    def opened(cell: tuple[int, int]) -> None:
        found.cell, found.picked = cell, None

    st.caption(t(f"fine_tune.matrix.{done.tuned.kind}"))
    matrix(
        evaluation.confusion,
        done.names,
        key="fine_tune_matrix",
        alt=t("fine_tune.matrix.alt"),
        words={name: t(f"fine_tune.matrix.{name}") for name in ("true", "named", "cell")},
        selected=found.cell,
        on_pick=opened,
    )


def of_cell(evaluation: Evaluation, cell: tuple[int, int]) -> list[int]:
    """The places of the examples of a cell, the surest first."""
    named = evaluation.probabilities.argmax(axis=1)
    places = np.nonzero((evaluation.labels == cell[0]) & (named == cell[1]))[0]
    return sorted(
        (int(place) for place in places), key=lambda place: -evaluation.probabilities[place, cell[1]]
    )


def opened_cell(found: Workshop, done: Done) -> None:
    """The examples of the open cell, one of them closely."""
    assert done.finished is not None
    assert found.cell is not None
    evaluation, names = done.finished.evaluation, done.names
    true, named = found.cell
    places = of_cell(evaluation, found.cell)
    key = "right" if true == named else "wrong"
    st.markdown(
        t(f"fine_tune.cell.{key}", count=len(places), true=plain(names[true]), named=plain(names[named]))
    )
    if not places:
        st.caption(t("fine_tune.cell.empty"))
        return
    examples = [(place, done.example(evaluation.digests[place])) for place in places[:MOST_CARDS]]
    shown = [(place, example) for place, example in examples if example is not None]
    if found.picked not in {example.digest for _, example in shown}:
        found.picked = shown[0][1].digest
    place, example = next(pair for pair in shown if pair[1].digest == found.picked)

    def pick(digest: str) -> None:
        found.picked = digest

    if len(shown) > 1:
        with st.container(
            key="fine_tune_cards", height=190 if done.tuned.kind == "images" else 210, border=False
        ):
            guesses(
                [guess(found, one, evaluation.probabilities[at], names) for at, one in shown],
                key="fine_tune_cell",
                alt=t("fine_tune.cell.alt"),
                selected=found.picked,
                on_pick=pick,
                columns=5,
            )
    _closely(found, done, example, evaluation.probabilities[place])


def _closely(found: Workshop, done: Done, example: Example, probabilities: Floats) -> None:
    """One example: where the network looked, and what can be mended."""
    named = int(probabilities.argmax())
    look, mend = st.columns([5, 3], gap="medium")
    with look:
        if example.text:
            st.markdown("> " + plain(example.text))
        else:
            looked(done, example, named)
    with mend:
        mending(found, done, example)


def looked(done: Done, example: Example, named: int) -> None:
    """The picture under the tuned network's heatmap."""
    assert done.model is not None
    image = pixels(example)
    with st.spinner(t("fine_tune.looking"), show_time=True):
        heat = cache.tuned_map(done.key, example.digest, named, done.model, image)
    name = done.names[named]
    overlay(
        image,
        heat,
        key="fine_tune_overlay",
        alt=t("fine_tune.looked.alt", name=name),
        label=t("classify.opacity"),
        legend_low=t("classify.legend.low"),
        legend_high=t("classify.legend.high", name=name),
        photo_only=t("classify.photo_only"),
        seen=done.model.preparation.box(image),
        image_digest=f"{done.key} {example.digest}",
    )


def mending(found: Workshop, done: Done, example: Example) -> None:
    """Another class for an example, or away with it; then tune again."""
    present = next((one for one in found.dataset.examples if one.digest == example.digest), None)
    st.caption(t("fine_tune.mend.name", name=plain(example.name)))
    if present is None:
        st.info(t("fine_tune.mend.gone"), icon=":material/delete:")
    else:
        labels = found.dataset.labels
        called = dict(zip(labels, tuning.names_of(found.dataset), strict=True))
        key = f"fine_tune_mend_{example.digest}"
        st.session_state[key] = labels[present.label]

        def moved() -> None:
            tuning_data.relabel(found, [example.digest], st.session_state[key])

        st.selectbox(
            t("fine_tune.mend.really"), labels, key=key, format_func=called.__getitem__, on_change=moved
        )
        if (
            present.label < len(done.tuned.labels)
            and called[labels[present.label]] != done.names[example.label]
        ):
            st.caption(
                ":material/check: " + t("fine_tune.mend.moved", name=plain(called[labels[present.label]]))
            )
        st.button(
            t(f"fine_tune.mend.drop.{done.tuned.kind}"),
            key="fine_tune_mend_drop",
            icon=":material/delete:",
            width="stretch",
            on_click=tuning_data.drop,
            args=(found, [example.digest]),
        )
    if found.dataset is not done.dataset and found.dataset != done.dataset:
        problem = found.problem
        st.button(
            t("fine_tune.tune_again"),
            key="fine_tune_again",
            type="primary",
            icon=":material/model_training:",
            width="stretch",
            disabled=problem is not None or found.busy,
            help=None if problem is None else tuning.told(problem.key, problem.values, found.dataset),
            on_click=tuning.tune,
            args=(found,),
        )
    else:
        st.caption(t("fine_tune.mend.note"))


def calibration(done: Done) -> None:
    """How often the network was right, by how sure it was."""
    assert done.finished is not None
    evaluation = done.finished.evaluation
    sure = evaluation.probabilities.max(axis=1)
    right = evaluation.probabilities.argmax(axis=1) == evaluation.labels
    which = np.minimum((sure * BINS).astype(int), BINS - 1)
    counts = np.bincount(which, minlength=BINS)
    share = np.bincount(which, weights=right, minlength=BINS) / np.maximum(counts, 1)
    filled = counts > 0
    chart, words = st.columns([3, 2], gap="large")
    with chart:
        charts.reliability(
            ((np.arange(BINS) + 0.5) / BINS)[filled].astype(np.float32),
            share[filled].astype(np.float32),
            counts[filled],
            key="fine_tune_reliability",
            names=(t("fine_tune.sure.ought"), t("fine_tune.sure.is")),
            x_title=t("fine_tune.sure.x"),
            y_title=t("fine_tune.sure.y"),
            alt=t("fine_tune.sure.alt", error=percent(evaluation.calibration_error)),
        )
    with words:
        st.markdown(
            t(
                "fine_tune.sure.words",
                mean=percent(float(sure.mean()), 0),
                accuracy=percent(evaluation.accuracy, 0),
                error=percent(evaluation.calibration_error, 0),
            )
        )
        st.latex(r"\text{ECE} = \sum_{b=1}^{10} \frac{n_b}{n}\,\bigl|\,\text{acc}_b - \text{conf}_b\,\bigr|")
        st.caption(t("fine_tune.sure.note", count=len(evaluation.labels)))


def moved(done: Done) -> None:
    """How far the weights of each layer are from where they began."""
    assert done.finished is not None
    evaluation = done.finished.evaluation
    if not evaluation.moved:
        st.info(t("fine_tune.moved.locked"), icon=":material/lock:")
        return
    layers = list(evaluation.moved)
    if len(layers) > 2:
        charts.by_layer(
            layers,
            [
                charts.Line(
                    t("fine_tune.moved.y"), np.array(list(evaluation.moved.values()), np.float32), "main"
                )
            ],
            key="fine_tune_moved",
            x_title=t("fine_tune.moved.x"),
            y_title=t("fine_tune.moved.y"),
            alt=t("fine_tune.moved.alt", layer=max(evaluation.moved, key=evaluation.moved.__getitem__)),
            y_format=".1%",
        )
    st.markdown(t("fine_tune.moved.channels"))
    most = sorted(evaluation.channels, key=lambda layer: -evaluation.moved.get(layer, 0.0))[:MOVED]
    st.dataframe(
        {
            t("fine_tune.moved.layer"): most,
            t("fine_tune.moved.share"): [f"{evaluation.moved.get(layer, 0.0):.1%}" for layer in most],
            t("fine_tune.moved.most"): [
                ", ".join(f"{channel} ({change:.0%})" for channel, change in evaluation.channels[layer])
                for layer in most
            ],
        },
        hide_index=True,
    )
