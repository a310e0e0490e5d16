"""Train one here: a text that the visitor brings or chooses, learned in the queue by a small model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import streamlit as st

from core import assets, i18n
from core.errors import GlassboxError
from core.language import tables
from core.language.generation import lesson, saved
from core.language.generation.lesson import Learned, LessonFinished, LessonSample, LessonStarted, LessonStep
from core.tuning.queue import Run, queue
from ui import cache, charts, frame, language_model_style, state, style, tuning, uploads
from ui.language_model import OWN, open_tab
from ui.words import percent, sentence, t

EVERY = 0.5  # seconds
SECONDS = 60.0  # about, for the queue
SOURCES = ("words", "code", "sums", OWN)
NETWORKS: tuple[Literal["transformer", "gru"], ...] = ("transformer", "gru")
SUMS = 4_000  # lines of them
CODE = (
    "arithmetic.py",
    "recurrent.py",
    "transformer.py",
    "tokenizer.py",
    "windows.py",
    "reading.py",
    "edits.py",
)
SHOWN = 260  # characters of a text that are shown


@dataclass(frozen=True)
class Job:
    """A lesson in the queue."""

    run: Run
    source: str
    network: str

    @property
    def started(self) -> LessonStarted | None:
        """What is learned."""
        return next((one for one in self.run.events if isinstance(one, LessonStarted)), None)

    @property
    def steps(self) -> list[LessonStep]:
        """The looks so far."""
        return [one for one in self.run.events if isinstance(one, LessonStep)]

    @property
    def samples(self) -> list[LessonSample]:
        """What it wrote so far."""
        return [one for one in self.run.events if isinstance(one, LessonSample)]

    @property
    def finished(self) -> LessonFinished | None:
        """What came of it."""
        result = self.run.result
        return result if isinstance(result, LessonFinished) else None


def job_now() -> Job | None:
    """The visitor's lesson, the last one that was begun."""
    found: Job | None = state.visit().kept.get("language_job")
    return found


def teach() -> None:
    """What is learned, the run, what came of it."""
    language_model_style.fields()
    st.markdown(t("language_model.teach.lead"))
    text = _text()
    job = job_now()
    _begin(text)
    frame.fragment(_watch, EVERY if job is not None and not job.run.over else None)()
    _away()


# --- the text --------------------------------------------------------------------------------------


def _text() -> str:
    """Which text is learned: a ready one, pasted, or a file."""
    source = state.remember("language_source", SOURCES[0], options=SOURCES)
    source = (
        st.segmented_control(
            t("language_model.teach.source"),
            SOURCES,
            key="language_source",
            format_func=lambda name: t(f"language_model.teach.source.{name}"),
            required=True,
            on_change=state.keep,
            args=("language_source",),
            wrap=True,
        )
        or source
    )
    text = _own() if source == OWN else ready(source, state.texts_language())
    if source != OWN:
        st.code(text[:SHOWN].rstrip() + " …", language=None, wrap_lines=True)
    if text:
        different = len(set(text))
        st.caption(
            t("language_model.teach.text", count=f"{len(text):,}", different=f"{different:,}")
            + (
                t("language_model.teach.left_out", most=f"{lesson.LONGEST:,}")
                if len(text) > lesson.LONGEST
                else ""
            )
        )
    return text


def _own() -> str:
    """A text of the visitor's: the file if there is one, else what was pasted."""
    pasted, file = st.columns(2, gap="large")
    state.remember("language_pasted", "")
    text = pasted.text_area(
        t("language_model.teach.paste"),
        key="language_pasted",
        height=150,
        max_chars=2 * lesson.LONGEST,
        placeholder=t("language_model.teach.paste.placeholder", least=f"{lesson.SHORTEST:,}"),
        on_change=state.keep,
        args=("language_pasted",),
    )
    upload = file.file_uploader(
        t("language_model.teach.file"),
        type=["txt", "md", "csv", "py"],
        key="language_file",
        max_upload_size=5,
    )
    if upload is None:
        return text or ""
    try:
        data = uploads.contents(upload)
        return tables.decode(data, tables.detect(data))
    except GlassboxError as error:
        st.error(sentence(error), icon=":material/error:")
        return ""


def ready(source: str, language: str) -> str:
    """A small text that the app has: its own words, its own code, or sums."""
    if source == "words":
        messages = i18n.catalogue(language)
        return "\n".join(value for value in messages.values() if len(value) > 25)
    if source == "code":
        folder = assets.ROOT.parent / "core" / "language"
        return "\n".join((folder / name).read_text(encoding="utf-8") for name in CODE)
    random = np.random.default_rng(0)
    pairs = random.integers(0, 50, (SUMS, 2))
    return "".join(f"{a}+{b}={a + b}\n" for a, b in pairs.tolist())


# --- the run ---------------------------------------------------------------------------------------


def _begin(text: str) -> None:
    """Which network, and the button."""
    state.remember("language_taught", NETWORKS[0], options=NETWORKS)
    job = job_now()
    busy = job is not None and not job.run.over
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom", key="language_begin"):
        st.segmented_control(
            t("language_model.network"),
            NETWORKS,
            key="language_taught",
            format_func=lambda name: t(f"language_model.network.{name}"),
            required=True,
            on_change=state.keep,
            args=("language_taught",),
            width="content",
        )
        st.button(
            t("language_model.teach.begin"),
            key="language_teach",
            type="primary",
            icon=":material/school:",
            disabled=busy or not text.strip(),
            on_click=begin,
            args=(text,),
        )
    refused: GlassboxError | None = state.visit().kept.get("language_refused")
    if refused is not None:
        st.error(sentence(refused), icon=":material/error:")


def begin(text: str) -> None:
    """Puts a lesson into the queue; a button's callback."""
    kept = state.visit().kept
    network = kept.get("language_taught", NETWORKS[0])
    kept.pop("language_refused", None)
    try:
        if len(text.strip()) < lesson.SHORTEST:
            raise GlassboxError(
                "language_model.error.too_short", got=len(text.strip()), least=lesson.SHORTEST
            )
        run = queue().submit(
            cache.queue_owner(),
            "core.language.generation.lesson:lesson",
            text[: lesson.LONGEST + 1],
            network,
            seconds=SECONDS,
        )
    except GlassboxError as error:
        kept["language_refused"] = error
        return
    kept["language_job"] = Job(run, kept.get("language_source", SOURCES[0]), network)


def _watch() -> None:
    job = job_now()
    if job is None:
        st.caption(t("language_model.teach.none"))
        return
    over = job.run.over  # before anything is drawn: what is drawn is then complete
    with st.container(key="language_status"):
        _status(job)
    if job.steps:
        curve, samples = st.columns([5, 6], gap="large")
        with curve:
            _curve(job)
        with samples:
            _samples(job)
    ended: set[str] = st.session_state.setdefault("language_ended", set())
    if over and job.run.id not in ended:
        ended.add(job.run.id)
        if job.finished is not None:
            keep(job.finished.learned)
        st.rerun()  # the last time: nothing polls any more


def _status(job: Job) -> None:
    """Where the lesson is, and what can be done; always of the same height."""
    run = job.run
    words, act = st.columns([5, 2], vertical_alignment="center")
    with words:
        if run.state == "waiting":
            st.progress(0.0, t("fine_tune.waiting", place=run.place, time=tuning.seconds(run.ahead)))
        elif run.state == "running":
            progress = run.progress
            text = t(progress.stage) if progress is not None else t("fine_tune.beginning")
            if job.steps:
                text += " · " + t("language_model.teach.bits", bits=f"{job.steps[-1].held_out_bits:.2f}")
            if progress is not None and progress.left is not None and progress.done:
                text += " · " + t("fine_tune.left", time=tuning.seconds(progress.left))
            share = progress.done / max(1, progress.of) if progress is not None else 0.0
            st.progress(min(1.0, share), text)
        elif run.error is not None:
            st.error(sentence(run.error), icon=":material/error:")
        elif job.finished is not None:
            st.progress(1.0, _verdict(job.finished))
        else:
            st.progress(0.0, t("fine_tune.over.nothing"))
    with act:
        if not run.over:
            st.button(
                t("language_model.stop"),
                key="language_teach_stop",
                icon=":material/stop_circle:",
                width="stretch",
                help=t("language_model.teach.stop.help"),
                on_click=run.stop,
            )
        elif job.finished is not None:
            st.button(
                t("language_model.teach.talk"),
                key="language_teach_talk",
                type="primary",
                icon=":material/edit_note:",
                width="stretch",
                on_click=_talk,
            )
            if st.session_state.pop("language_talked", False):
                st.rerun()


def _verdict(finished: LessonFinished) -> str:
    """What came of a lesson, in a line."""
    figures = finished.learned.figures
    own, counted = figures["held_out_bits"], figures["ngram_bits"]
    share = 1 - own / counted if counted else 0.0
    return t(
        f"language_model.teach.over.{'below' if share >= 0 else 'above'}",
        ended=t(f"language_model.teach.stopped.{finished.stopped}"),
        bits=f"{own:.2f}",
        share=percent(abs(share), 0),
        time=tuning.seconds(finished.seconds),
    )


def _talk() -> None:
    """Opens the learned model above, in the run that follows."""
    st.session_state["language_kind"] = OWN
    state.keep("language_kind", "kind")
    state.to_url("text", None)
    open_tab("choice")
    st.session_state["language_talked"] = True


def _curve(job: Job) -> None:
    """Bits a character on what is learned and what was kept apart, and the n-gram's line."""
    steps, started = job.steps, job.started
    x = np.array([one.step for one in steps], np.float32)
    st.markdown(f"**{t('language_model.teach.curve')}**")
    charts.tracks(
        [
            charts.Track(
                t("fine_tune.curve.learned"),
                x,
                np.array([one.bits for one in steps], np.float32),
                style.muted(),
                "dash",
            ),
            charts.Track(
                t("fine_tune.curve.tested"),
                x,
                np.array([one.held_out_bits for one in steps], np.float32),
                style.accent(),
                "solid",
            ),
        ],
        key="language_teach_curve",
        x_title=t("lit.curve.step"),
        y_title=t("language_model.teach.curve.axis"),
        shares=False,
        chance=started.ngram_bits if started is not None else None,
        chance_name=t("language_model.teach.ngram", bits=f"{started.ngram_bits:.2f}") if started else "",
        alt=t("language_model.teach.curve.alt", bits=f"{steps[-1].held_out_bits:.2f}"),
        height=290,
    )
    if started is not None:
        st.caption(
            t(
                "language_model.teach.started",
                characters=f"{started.characters:,}",
                held_out=f"{started.held_out:,}",
                parameters=f"{started.parameters:,}",
            )
        )


def _samples(job: Job) -> None:
    """What it writes by now, the newest first; the first one stays, for comparison."""
    samples = job.samples
    st.markdown(f"**{t('language_model.teach.samples')}**")
    if not samples:
        return
    middle = samples[1:-1]
    shown = [samples[-1], *middle[len(middle) // 2 : len(middle) // 2 + 1]]
    shown += [samples[0]] if len(samples) > 1 else []
    for one in shown:
        st.caption(t("language_model.teach.sample", step=one.step, time=tuning.seconds(one.seconds)))
        st.code(one.text or " ", language=None, wrap_lines=True)


def keep(learned: Learned) -> None:
    """Makes a model the visitor's own."""
    kept = state.visit().kept
    kept["language_learned"] = lesson.to_model(learned)
    kept["language_learned_ngram"] = lesson.to_ngram(learned)
    kept["language_learned_data"] = learned


# --- taking it away, bringing it back --------------------------------------------------------------


def _away() -> None:
    """The learned model as a file, and the way back."""
    learned: Learned | None = state.visit().kept.get("language_learned_data")
    left, right = st.columns(2, gap="large")
    with left:
        if learned is not None:
            st.download_button(
                t("language_model.teach.download"),
                lambda: saved.save(learned),
                "glassbox-language-model.zip",
                "application/zip",
                icon=":material/download:",
                on_click="ignore",
                help=t("language_model.teach.download.help"),
            )
    with right, st.expander(t("language_model.teach.back"), icon=":material/upload:"):
        upload = st.file_uploader(
            t("language_model.teach.back.file"), type=["zip"], key="language_saved", max_upload_size=40
        )
        if upload is not None and state.visit().kept.get("language_brought") != upload.file_id:
            try:
                keep(saved.load_saved(uploads.contents(upload)))
            except GlassboxError as error:
                st.error(sentence(error), icon=":material/error:")
                return
            state.visit().kept["language_brought"] = upload.file_id
            st.rerun()
        if upload is not None:
            st.success(t("language_model.teach.back.done"), icon=":material/check_circle:")
            st.button(
                t("language_model.teach.talk"),
                key="language_back_talk",
                icon=":material/edit_note:",
                on_click=_talk,
            )
            if st.session_state.pop("language_talked", False):
                st.rerun()
