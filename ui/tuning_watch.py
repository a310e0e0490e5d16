"""A run while it goes on: its place in the queue, its curves, what it says of a few pictures, its maps."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.tuning.training import estimate
from core.tuning.types import Epoch, Example, Finished
from core.types import Floats, Image
from ui import charts, frame, style, tuning, tuning_data
from ui.components import colour, data_uri
from ui.components.guesses import Guess, guesses
from ui.tuning import Job, Workshop
from ui.words import percent, plain, t

EVERY = 0.5  # seconds
CHANNELS = 8  # whose maps are shown
GAP = 0.15  # of accuracy between what was learned and what was not, from which it is told
RISE = 1.15  # of the loss on what was kept apart over its least
TILE = 72  # pixels of a small map


def watch(found: Workshop) -> None:
    """The visitor's run, the one that was begun last."""
    job = found.job
    if job is None:
        st.info(t("fine_tune.watch.nothing"), icon=":material/visibility:")
        st.button(
            t("fine_tune.watch.go"),
            key="fine_tune_to_teach",
            icon=":material/arrow_back:",
            on_click=tuning.open_tab,
            args=("teach",),
        )
        return
    frame.fragment(_poll, None if job.over else EVERY)(found, job)


def _poll(found: Workshop, job: Job) -> None:
    over = job.over  # before anything is drawn: what is drawn is then complete
    with st.container(key="fine_tune_status"):
        _status(found, job)
    epochs = list(job.run.epochs)
    curves, guessed = st.columns([3, 2], gap="large")
    with curves:
        _curves(job, epochs)
    with guessed:
        _previews(found, job, epochs)
    _maps(job, epochs)
    shown: set[str] = st.session_state.setdefault("fine_tune_ended", set())
    if over and job.run.id not in shown:
        shown.add(job.run.id)
        tuning.settle(found)
        st.rerun()  # the last time: nothing polls any more, and other tabs know of it


def _status(found: Workshop, job: Job) -> None:
    """Where the run is, and what can be done about it; always of the same height."""
    run = job.run
    words, act = st.columns([4, 1], vertical_alignment="center")
    with words:
        if run.state == "waiting":
            st.progress(0.0, t("fine_tune.waiting", place=run.place, time=tuning.seconds(run.ahead)))
        elif run.state == "running":
            st.progress(*_progress(job))
        elif run.error is not None:
            tuning.refusal(run.error, job.dataset)
        elif isinstance(run.result, Finished):
            finished: Finished = run.result
            evaluation = finished.evaluation
            st.progress(
                1.0,
                t(
                    f"fine_tune.over.{finished.stopped}",
                    accuracy=percent(evaluation.accuracy, 0),
                    right=round(evaluation.accuracy * len(evaluation.labels)),
                    count=len(evaluation.labels),
                    time=tuning.seconds(finished.seconds),
                    epoch=finished.best_epoch,
                ),
            )
        else:
            st.progress(0.0, t("fine_tune.over.nothing"))
    with act:
        if run.state in ("waiting", "running"):
            st.button(
                t("fine_tune.stop"),
                key="fine_tune_stop",
                icon=":material/stop_circle:",
                width="stretch",
                help=t("fine_tune.stop.help"),
                on_click=run.stop,
            )
        elif isinstance(run.result, Finished):
            if st.button(
                t("fine_tune.see"),
                key="fine_tune_see",
                type="primary",
                icon=":material/arrow_forward:",
                icon_position="right",
                width="stretch",
            ):
                _go("result")
        elif st.button(t("fine_tune.watch.go"), key="fine_tune_back", width="stretch"):
            _go("teach")


def _go(tab: str) -> None:
    """Opens another tab; a click within a fragment alone would not."""
    tuning.open_tab(tab)
    st.rerun()


def _progress(job: Job) -> tuple[float, str]:
    """How far the run is, 0..1, and what it does."""
    progress = job.run.progress
    epochs = job.run.epochs
    if epochs and (progress is None or progress.stage not in ("tuning.stage.evaluating",)):
        last = epochs[-1].epoch
        left = _left(job, last)
        share = min(1.0, 0.3 + 0.7 * last / job.plan.epochs)
        text = t("fine_tune.epoch", epoch=last, of=job.plan.epochs)
    elif progress is None:
        return 0.0, t("fine_tune.beginning")
    else:
        evaluating = progress.stage == "tuning.stage.evaluating"
        share = 1.0 if evaluating else 0.3 * progress.done / max(1, progress.of)
        text, left = t(progress.stage), progress.left
    if left is not None:
        text += " · " + t("fine_tune.left", time=tuning.seconds(left))
    return share, text


def _left(job: Job, epoch: int) -> float | None:
    progress = job.run.progress
    if progress is not None and progress.left is not None:
        return progress.left
    whole = estimate(job.dataset, job.plan)
    return whole * (1 - epoch / max(1, job.plan.epochs))


def _curves(job: Job, epochs: list[Epoch]) -> None:
    """Loss and accuracy on both splits, and what they say."""
    x = np.array([one.epoch for one in epochs], np.float32)
    best = min(epochs, key=lambda one: one.validation_loss).epoch if epochs else None
    for kind, column in zip(("accuracy", "loss"), st.columns(2, gap="small"), strict=True):
        learned = np.array([getattr(one, kind) for one in epochs], np.float32)
        tested = np.array([getattr(one, f"validation_{kind}") for one in epochs], np.float32)
        with column:
            st.markdown(f"**{t(f'fine_tune.curve.{kind}')}**")
            charts.learning(
                x,
                learned,
                tested,
                key=f"fine_tune_{kind}",
                names=(t("fine_tune.curve.learned"), t("fine_tune.curve.tested")),
                x_title=t("fine_tune.curve.epoch"),
                y_title=t(f"fine_tune.curve.{kind}.axis"),
                epochs=job.plan.epochs,
                shares=kind == "accuracy",
                best=best if kind == "loss" else None,
                best_name=t("fine_tune.curve.best"),
                revision=job.run.id,
                alt=t(
                    "fine_tune.curve.alt" if epochs else "fine_tune.curve.alt.empty",
                    name=t(f"fine_tune.curve.{kind}"),
                    learned=f"{learned[-1]:.2f}" if epochs else "",
                    tested=f"{tested[-1]:.2f}" if epochs else "",
                ),
            )
    with st.container(key="fine_tune_gap"):
        _gap(job, epochs)


def _gap(job: Job, epochs: list[Epoch]) -> None:
    """Names the gap between the two curves, in a place of its own."""
    if len(epochs) < 2:
        st.caption(":material/hourglass_empty: " + t("fine_tune.gap.early"))
        return
    last = epochs[-1]
    gap = last.accuracy - last.validation_accuracy
    least = min(one.validation_loss for one in epochs)
    rising = last.validation_loss > RISE * least and last.loss < last.validation_loss
    if gap >= GAP or (rising and gap >= GAP / 2 and last.accuracy > 0.9):
        st.warning(
            t(
                f"fine_tune.gap.open.{job.dataset.kind}",
                learned=percent(last.accuracy, 0),
                tested=percent(last.validation_accuracy, 0),
            ),
            icon=":material/menu_book:",
        )
    else:
        st.caption(
            ":material/check_circle: "
            + t(
                "fine_tune.gap.shut",
                learned=percent(last.accuracy, 0),
                tested=percent(last.validation_accuracy, 0),
            )
        )


def _previews(found: Workshop, job: Job, epochs: list[Epoch]) -> None:
    """A few examples that are only tested with, and what the network says of them by now."""
    st.markdown(f"**{t(f'fine_tune.previews.{job.dataset.kind}')}**")
    examples = {one.digest: one for one in job.dataset.examples}
    names = tuning.names_of(job.dataset)
    told = [one for one in epochs if one.previews]
    if not told:
        st.caption(t("fine_tune.previews.early"))
        return
    items = []
    for digest, now in told[-1].previews.items():
        example = examples[digest]
        history = tuple(float(one.previews[digest][example.label]) for one in told if digest in one.previews)
        items.append(guess(found, example, now, names, history))
    guesses(items, key="fine_tune_previews_cards", alt=t("fine_tune.previews.alt"), columns=3)


def guess(
    found: Workshop,
    example: Example,
    probabilities: Floats,
    names: list[str],
    history: tuple[float, ...] = (),
) -> Guess:
    """What a network says of an example, as a card."""
    named = int(np.argmax(probabilities))
    share = percent(float(probabilities[named]), 0)
    right = named == example.label
    return Guess(
        example.digest,
        "" if example.text else tuning_data.picture(found, example),
        example.text,
        names[named],
        share,
        right,
        t(
            f"fine_tune.guess.{'right' if right else 'wrong'}",
            name=example.text[:60] or example.name,
            named=names[named],
            share=share,
            true=names[example.label],
        ),
        history,
    )


def _maps(job: Job, epochs: list[Epoch]) -> None:
    """The watched layer's maps of the first preview, before the first step and now."""
    if job.dataset.kind == "texts":
        return
    if job.watched is None:
        st.caption(":material/lock: " + t("fine_tune.maps.locked"))
        return
    mapped = [one for one in epochs if one.maps is not None]
    st.markdown(f"**{t('fine_tune.maps', layer=plain(job.watched))}**")
    with st.container(key="fine_tune_maps"):
        if not mapped or mapped[0].maps is None or mapped[-1].maps is None:
            st.caption(t("fine_tune.maps.early"))
            return
        first, last = mapped[0].maps, mapped[-1].maps
        changed = np.argsort(-np.abs(last - first).mean(axis=(0, 1)), kind="stable")[:CHANNELS]
        for name, epoch, maps in (("before", mapped[0], first), ("now", mapped[-1], last)):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.markdown(t(f"fine_tune.maps.{name}", epoch=epoch.epoch), width=110)
                st.image(
                    data_uri(tiles(maps[..., changed], float(max(first.max(), last.max()))), lossless=True),
                    alt=t("fine_tune.maps.alt", layer=job.watched, epoch=epoch.epoch),
                    width=CHANNELS * (TILE + 6) - 6,
                )
        st.caption(t("fine_tune.maps.note", count=len(changed), of=last.shape[-1]))


def tiles(maps: Floats, largest: float) -> Image:
    """Maps (h, w, c) side by side on one scale from zero to `largest`."""
    height, width, count = maps.shape
    scale = max(1, TILE // max(height, width))
    gap = 6
    side = (height * scale, width * scale)
    picture = np.empty((side[0], count * (side[1] + gap) - gap, 3), np.uint8)
    picture[:] = (14, 21, 20) if style.dark() else (255, 255, 255)  # as the page behind it
    for place in range(count):
        one = colour(np.asarray(maps[..., place] / max(largest, 1e-6), np.float32))
        left = place * (side[1] + gap)
        picture[:, left : left + side[1]] = np.repeat(np.repeat(one, scale, 0), scale, 1)
    return picture
