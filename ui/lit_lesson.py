"""The lesson: a small tuning that one watches, with one tower locked, both, or none; and pictures of one's own."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.errors import GlassboxError
from core.imaging.decode import EXTENSIONS
from core.imaging.samples import samples
from core.lit import answers, lesson, pairs
from core.lit.pairs import Pair
from core.lit.types import LOCKS, LessonStep, Lock
from core.tuning import images
from core.tuning.queue import queue
from ui import cache, charts, frame, lit, lit_matrix, state, style, tuning, uploads
from ui.components import Bar, bars
from ui.components.locks import LockCard, locks
from ui.lit import Bench, Job
from ui.words import percent, plain, t

EVERY = 0.5  # seconds
MOST_OWN = 24  # captioned pictures of a visitor
LONGEST = 300  # characters of a caption
DASHES: dict[Lock, str] = {"image": "solid", "both": "dot", "none": "dash"}
FIELDS = ("step", "loss", "zero_shot", "pictures", "agreement", "matrix_loss", "scale", "milliseconds")


def learn() -> None:
    """What is locked, the run, the matrix, its arithmetic; then the visitor's own pictures."""
    found = lit.bench()
    frame.fragment(_lesson, EVERY if found.busy else None)()
    _own(found)


def colour(lock: Lock) -> str:
    """The colour of a lesson's lines."""
    return {"image": style.accent(), "both": style.third()[0], "none": style.second()}[lock]


def _lesson() -> None:
    found = lit.bench()
    over = not found.busy  # before anything is drawn: what is drawn is then complete
    _choose(found)
    with st.container(key="lit_status"):
        _status(found)
    job = shown(found)
    if job is None or not job.steps:
        matrix, words = st.columns([7, 5], gap="large")
        with matrix:
            lit_matrix.empty(own_and_samples(found) if job is None else job.pairs)
        with words:
            st.markdown(t("lit.lesson.about") if job is None else t("lit.lesson.early"))
    else:
        matrix, curves = st.columns([7, 5], gap="large")
        with matrix:
            step = lit_matrix.matrix(found, job)
        with curves:
            _curves(found)
        with st.container(key="lit_maths"):
            lit_matrix.maths(found, job, step)
        _away(job)
        _try(job)
    seen: set[str] = st.session_state.setdefault("lit_ended", set())
    ended = {job.run.id for job in found.jobs.values() if job.run.over} - seen
    if over and ended:
        seen |= ended
        st.rerun()  # the last time: nothing polls any more


def shown(found: Bench) -> Job | None:
    """The lesson whose matrix is seen: the one chosen, else one that there is."""
    order = [found.lock, *LOCKS] if found.shown is None else [found.shown, found.lock, *LOCKS]
    return next((found.jobs[lock] for lock in order if lock in found.jobs), None)


# --- what is locked, and the run --------------------------------------------------------------------


def _choose(found: Bench) -> None:
    """Three ways to lock, with what came of each."""

    def picked(name: str) -> None:
        found.lock = next(lock for lock in LOCKS if lock == name)
        found.shown = found.lock
        found.cell = None

    locks(
        [
            LockCard(
                lock,
                t(f"lit.lock.{lock}"),
                t(f"lit.lock.{lock}.about"),
                lock == "none",
                lock != "both",
                _result(found.jobs.get(lock)),
                colour(lock),
            )
            for lock in LOCKS
        ],
        key="lit_locks",
        alt=t("lit.lock"),
        words={name: t(f"lit.lock.{name}.part") for name in ("image", "text")},
        selected=found.lock,
        on_pick=picked,
    )


def _result(job: Job | None) -> str:
    """What a lesson reached, in a line."""
    if job is None or not job.steps or not job.run.over:
        return ""
    last = job.steps[-1]
    timed = [one.milliseconds for one in job.steps if one.milliseconds]
    return t(
        "lit.lock.result",
        share=percent(last.zero_shot, 0),
        kept=percent(last.agreement, 0),
        value=f"{np.median(timed):.0f}" if timed else "–",
    )


def own_and_samples(found: Bench) -> tuple[Pair, ...]:
    """What a lesson learns from: the visitor's pictures first, so that the matrix shows them."""
    return (*found.own, *pairs.sample_pairs(state.texts_language()))


def begin(found: Bench, kinds: Sequence[Lock], on: bool = False) -> None:
    """Puts lessons into the queue; a button's callback.

    Args:
        on: whether it goes on from what the last lesson of its kind learned.
    """
    found.refused = None
    for lock in kinds:
        before = found.jobs.get(lock)
        if before is not None and not before.run.over:
            continue
        earlier = before.finished if before is not None and on else None
        taught = own_and_samples(found)
        try:
            run = queue().submit(
                cache.queue_owner(),
                "core.lit.lesson:lesson",
                taught,
                lock,
                seconds=lesson.SECONDS[lock],
                begin=earlier,
            )
        except GlassboxError as error:
            found.refused = error
            return
        found.jobs[lock] = Job(run, lock, taught, earlier is not None)
    found.shown = kinds[0]
    found.lock = kinds[0]
    st.session_state.pop("lit_step", None)


def stop(found: Bench) -> None:
    """Ends every lesson with what it has."""
    for job in found.jobs.values():
        if not job.run.over:
            job.run.stop()


def _status(found: Bench) -> None:
    """Where the lesson is, and what can be done; always of the same height."""
    words, act = st.columns([7, 5], vertical_alignment="center", gap="medium")
    with words:
        _progress(found)
    with act, st.container(key="lit_begin", horizontal=True, gap="small"):
        if found.busy:
            if st.button(
                t("lit.lesson.stop"),
                key="lit_stop",
                icon=":material/stop_circle:",
                width="stretch",
                help=t("lit.lesson.stop.help"),
            ):
                stop(found)
            return
        done = found.jobs.get(found.lock)
        clicked: list[tuple[tuple[Lock, ...], bool]] = []
        if st.button(
            t("lit.lesson.begin"),
            key="lit_start",
            type="primary",
            icon=":material/play_arrow:",
            width="stretch",
        ):
            clicked.append(((found.lock,), False))
        if st.button(t("lit.lesson.all"), key="lit_all", icon=":material/compare:", width="stretch"):
            clicked.append((LOCKS, False))
        if (
            done is not None
            and done.finished is not None
            and st.button(
                t("lit.lesson.on"),
                key="lit_on",
                icon=":material/redo:",
                width="stretch",
                help=t("lit.lesson.on.help"),
            )
        ):
            clicked.append(((found.lock,), True))
        for kinds, on in clicked:
            begin(found, kinds, on)
            st.rerun()  # the fragment polls from now on


def _progress(found: Bench) -> None:
    active = [job for job in found.jobs.values() if not job.run.over]
    if found.refused is not None and found.refused.key != "lit.error.same":
        lit.refusal(found.refused)
        return
    job = next((one for one in active if one.run.state == "running"), active[0] if active else None)
    if job is None:
        done = found.jobs.get(found.lock)
        if done is None:
            st.markdown(t(f"lit.lesson.ready.{found.lock}", seconds=round(lesson.SECONDS[found.lock])))
        elif done.run.error is not None:
            lit.refusal(done.run.error)
        elif done.finished is not None:
            finished = done.finished
            st.progress(
                1.0,
                t(
                    f"lit.lesson.over.{finished.stopped}",
                    steps=finished.last.step,
                    seconds=f"{finished.seconds:.1f}",
                    share=percent(finished.last.zero_shot, 0),
                    chance=percent(finished.last.chance, 0),
                ),
            )
        else:
            st.markdown(t("lit.lesson.over.nothing"))
        for other in found.jobs.values():
            if other.lock != found.lock and other.run.error is not None:
                st.caption(f":material/error: {t(f'lit.lock.{other.lock}')} · {lit.told(other.run.error)}")
        return
    name, progress = t(f"lit.lock.{job.lock}"), job.run.progress
    if job.run.state == "waiting":
        st.progress(0.0, t("lit.lesson.waiting", place=job.run.place, time=tuning.seconds(job.run.ahead)))
    elif progress is None:
        st.progress(0.0, f"{name} · {t('lit.lesson.beginning')}")
    else:
        share, text = 0.0, t(progress.stage)
        if job.started is not None:
            step = progress.done if progress.stage == "lit.stage.tuning" else 0
            share = step / max(1, job.started.steps)
            text = t("lit.lesson.step", step=step, of=job.started.steps)
        st.progress(min(1.0, share), f"{name} · {text}")


# --- the curves -------------------------------------------------------------------------------------


def _curves(found: Bench) -> None:
    """Loss, zero-shot accuracy and what the image tower still knows, of every kind of lesson there is."""
    drawn = [
        (lock, found.jobs[lock].steps) for lock in LOCKS if lock in found.jobs and found.jobs[lock].steps
    ]
    for kind in ("loss", "zero_shot", "agreement"):
        if kind == "agreement" and not any(lock == "none" for lock, _ in drawn):
            continue
        lines = [
            charts.Track(
                t(f"lit.lock.{lock}.short"),
                np.array([one.step for one in steps], np.float32),
                np.array([getattr(one, kind) for one in steps], np.float32),
                colour(lock),
                DASHES[lock],
            )
            for lock, steps in drawn
        ]
        st.markdown(f"**{t(f'lit.curve.{kind}')}**", help=t(f"lit.curve.{kind}.help"))
        charts.tracks(
            lines,
            key=f"lit_curve_{kind}",
            x_title=t("lit.curve.step"),
            y_title=t(f"lit.curve.{kind}.axis"),
            shares=kind != "loss",
            chance=drawn[0][1][0].chance if kind == "zero_shot" else None,
            chance_name=t("lit.curve.chance"),
            alt=t(
                "lit.curve.alt",
                name=t(f"lit.curve.{kind}"),
                results=t("fine_tune.comma").join(f"{one.name} {one.y[-1]:.2f}" for one in lines),
            ),
        )
    told = [f"{t(f'lit.lock.{lock}.short')} {_speed(steps)}" for lock, steps in drawn if _speed(steps)]
    if told:
        st.caption(t("lit.lesson.speed", values=" · ".join(told)))


def _speed(steps: Sequence[LessonStep]) -> str:
    timed = [one.milliseconds for one in steps if one.milliseconds]
    return t("unit.ms", value=f"{np.median(timed):.0f}") if timed else ""


# --- taking it away, trying it ----------------------------------------------------------------------


def figures_csv(job: Job) -> bytes:
    """The figures of a lesson, a row a step that was told."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    writer.writerows([getattr(step, name) for name in FIELDS] for step in job.steps)
    return text.getvalue().encode("utf-8-sig")


def weights_npz(job: Job) -> bytes:
    """The tuned text tower: plain arrays, and the words that its changes are of."""
    finished = job.finished
    assert finished is not None
    file = io.BytesIO()
    middle, spread = finished.told_from
    about = {"lock": job.lock, "words": list(finished.words), "spread": spread}
    note = np.frombuffer(json.dumps(about, ensure_ascii=False).encode("utf-8"), np.uint8)
    np.savez(file, **finished.weights, middle=middle, about=note)  # type: ignore[arg-type]
    return file.getvalue()


def _away(job: Job) -> None:
    """The figures and the tuned tower as files."""
    if job.finished is None:
        return
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            t("lit.download.figures"),
            figures_csv(job),
            f"glassbox-lesson-{job.lock}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            t("lit.download.weights"),
            lambda: weights_npz(job),
            f"glassbox-lesson-{job.lock}.npz",
            "application/octet-stream",
            icon=":material/download:",
            on_click="ignore",
            help=t("lit.download.weights.help"),
        )


def _try(job: Job) -> None:
    """The prompts of the first tab, answered by the tower that was tuned here."""
    finished = job.finished
    photo = state.visit().photo
    if finished is None or photo is None or job.lock == "none":
        return
    found = lit.bench()
    good = [one.prompt for one in lit.read(found.prompts, {}) if one.problem is None]
    if not good:
        return
    with st.expander(t("lit.lesson.try"), icon=":material/play_circle:"):
        picture, words = st.columns([1, 4], gap="medium")
        with picture:
            st.image(photo.thumbnail, alt=t("frame.current_photo"), width=160)
        with words, frame.told():
            cosines = lesson.embed(finished, good) @ lit.photo_row(photo)
            shares = answers.probabilities(cosines, 1 / finished.last.scale)
            bars(
                [
                    Bar(str(place), good[place], "", float(shares[place]), percent(float(shares[place])))
                    for place in np.argsort(-shares, kind="stable")[:8]
                ],
                key="lit_try_bars",
                alt=t("lit.lesson.try"),
                compact=False,
            )
        st.caption(t("lit.lesson.try.about", pairs=len(job.pairs)))


# --- the visitor's own pictures ---------------------------------------------------------------------


def _own(found: Bench) -> None:
    """Captioned pictures to add: a file or the visit's photo, and a sentence or more."""
    st.markdown(f"#### {t('lit.own')}")
    st.caption(t("lit.own.about", samples=len(samples())))
    left, right = st.columns(2, gap="large")
    with left, st.form(f"lit_pair_form_{found.uploads}", border=True):
        file = st.file_uploader(
            t("lit.own.picture"),
            type=list(EXTENSIONS),
            key=f"lit_pair_{found.uploads}",
            max_upload_size=100,
            label_visibility="collapsed",
        )
        captions = st.text_area(
            t("lit.own.captions"),
            placeholder=t("lit.own.captions.example"),
            max_chars=4 * LONGEST,
            height=100,
        )
        st.caption(t("lit.own.current"))
        if st.form_submit_button(t("lit.own.add"), icon=":material/add:"):
            _add(found, file.name if file else "", uploads.contents(file) if file else b"", captions)
            st.rerun()
    with right:
        if not found.own:
            st.info(t("lit.own.none"), icon=":material/add_photo_alternate:")
        with st.container(key="lit_own"):
            for place, pair in enumerate(found.own):
                picture, words, away = st.columns([1, 6, 1], vertical_alignment="center", wrap=False)
                picture.image(lit_matrix.thumbnail(pair), alt=pair.name, width=64)
                words.markdown(
                    f"**{plain(lit.shortened(pair.shown))}**  \n{plain(lit.shortened(pair.name, 40))}"
                )
                away.button(
                    t("lit.own.remove"),
                    key=f"lit_own_remove_{place}",
                    icon=":material/close:",
                    type="tertiary",
                    help=t("lit.own.remove"),
                    on_click=_remove,
                    args=(found, place),
                )


def _add(found: Bench, name: str, data: bytes, captions: str) -> None:
    """Takes a captioned picture, or keeps what there is to say against it."""
    photo = state.visit().photo
    if not data and photo is not None:
        name, data = (t(f"sample.{photo.sample}") if photo.sample else photo.name), photo.data

    def act() -> None:
        if len(found.own) >= MOST_OWN:
            raise GlassboxError("lit.error.own", most=MOST_OWN)
        lines = [line[:LONGEST] for line in captions.splitlines()]
        example = images.picture(data)
        found.own = (*found.own, pairs.own_pair(name, example.image, lines))
        found.uploads += 1

    lit.attempt(found, act)


def _remove(found: Bench, place: int) -> None:
    found.own = tuple(pair for each, pair in enumerate(found.own) if each != place)
