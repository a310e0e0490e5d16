"""Many texts at once: pasted lines or a file, a table with the verdicts, a histogram, a CSV."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from core import language
from core.errors import GlassboxError
from core.language import calibration, tables
from core.language.tables import Table
from core.types import Classifier
from ui import charts, state, style, uploads
from ui.sentiment import MODELS, SLOW, again
from ui.words import percent, plain, sentence, t

AT_ONCE = 32  # texts between two looks at the stop button
SLOWLY = 4  # of the slow network
SHOWN = 300  # letters of a text in the table


@dataclass
class Job:
    """Texts that are read one after another, and what came of them so far."""

    table: Table
    model: str
    running: bool = True
    answers: list[float | GlassboxError] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return len(self.answers) == len(self.table.rows)


def many(model: str) -> None:
    """What is to be read, the button that reads it, and the answers."""
    kept = state.visit().kept
    st.markdown(t("sentiment.many.lead", most=f"{tables.MOST:,}"))
    lines, file = st.columns(2, gap="large")
    state.remember("sentiment_lines", "")
    pasted = lines.text_area(
        t("sentiment.many.lines"),
        key="sentiment_lines",
        height=140,
        placeholder=t("sentiment.many.lines.placeholder"),
        on_change=state.keep,
        args=("sentiment_lines",),
    )
    with file:
        upload = st.file_uploader(
            t("sentiment.many.file"),
            type=["csv", "tsv", "txt"],
            key="sentiment_file",
            max_upload_size=20,
            help=t("sentiment.many.file.help"),
        )
    table = _table(upload, pasted or "")
    if table is not None:
        _begin(table, model)
    job: Job | None = kept.get("sentiment_job")
    if job is not None:
        _run(job)
        if job.answers:
            _answers(job)


def _table(file: uploads.Brought | None, pasted: str) -> Table | None:
    """The file if there is one, else the pasted lines; what is wrong with them is told."""
    if file is None and not pasted.strip():
        st.caption(t("sentiment.many.empty"))
        return None
    try:
        table = tables.read_texts(pasted if file is None else uploads.contents(file))
    except GlassboxError as error:
        st.error(sentence(error), icon=":material/error:")
        return None
    if file is not None and len(table.columns) > 1:
        names = [f"{place + 1} · {name}" for place, name in enumerate(table.columns)]
        column = st.selectbox(
            t("sentiment.many.column"),
            range(len(names)),
            index=table.column,
            format_func=names.__getitem__,
            key=f"sentiment_column_{len(names)}_{table.column}",
        )
        table = table.with_column(column)
    return table


def _begin(table: Table, model: str) -> None:
    first = " ".join(table.texts[0].split())[:60]
    words = t("sentiment.many.found", count=f"{len(table.rows):,}", first=plain(first))
    if table.encoding:
        words += t("sentiment.many.encoding", encoding=table.encoding.upper())
    st.caption(words)
    chosen, ask = st.columns([5, 2], vertical_alignment="bottom")
    state.remember("sentiment_many_model", model, options=MODELS)
    name = chosen.segmented_control(
        t("sentiment.many.model"),
        MODELS,
        key="sentiment_many_model",
        format_func=lambda name: t(f"sentiment.name.{name}"),
        required=True,
        on_change=state.keep,
        args=("sentiment_many_model",),
        wrap=True,
    )

    def begin() -> None:
        state.visit().kept["sentiment_job"] = Job(table, name or model)

    ask.button(
        t("sentiment.many.ask"),
        key="sentiment_many_ask",
        icon=":material/play_arrow:",
        type="primary",
        width="stretch",
        on_click=begin,
    )


def _run(job: Job) -> None:
    """Reads on from where it was; any other click only interrupts it for a moment."""
    if job.done or not job.running:
        if not job.done:
            st.caption(t("sentiment.many.stopped", done=len(job.answers), count=len(job.table.rows)))
        return
    count = len(job.table.rows)
    progress, stop = st.columns([6, 1], vertical_alignment="center")
    stop.button(
        t("sentiment.many.stop"),
        key="sentiment_many_stop",
        icon=":material/stop:",
        on_click=lambda: setattr(job, "running", False),
    )
    bar = progress.progress(0.0)
    texts = job.table.texts
    at_once = SLOWLY if job.model == SLOW else AT_ONCE
    for at in range(len(job.answers), count, at_once):
        bar.progress(at / count, t("sentiment.many.reading", done=f"{at:,}", count=f"{count:,}"))
        job.answers.extend(read(job.model, texts[at : at + at_once]))
    job.running = False
    again()


def read(model: str, texts: tuple[str, ...]) -> list[float | GlassboxError]:
    """The probability of "positive" of each text, or why it cannot be read."""
    classifier = language.sentiment(model)
    try:
        return [float(row[1]) for row in classifier.predict(texts)]
    except GlassboxError:
        return [read_one(classifier, text) for text in texts]


def read_one(classifier: Classifier[str], text: str) -> float | GlassboxError:
    """The same of one text."""
    try:
        return float(classifier.predict([text])[0, 1])
    except GlassboxError as error:
        return error


def _answers(job: Job) -> None:
    """The histogram, the table and the file."""
    texts = job.table.texts[: len(job.answers)]
    known = [each for each in job.answers if not isinstance(each, GlassboxError)]
    sides = [calibration.verdict(each) for each in known]
    counted = {side: sides.count(side) for side in ("positive", "neither", "negative")}
    st.markdown(
        f"**{t('sentiment.many.counted', name=t(f'sentiment.name.{job.model}'), count=f'{len(known):,}')}**  \n"
        + " · ".join(
            f"{t(f'sentiment.{side}')} {number:,} ({percent(number / max(len(known), 1), 0)})"
            for side, number in counted.items()
        )
    )
    if known:
        charts.shares(
            np.array(known, np.float32),
            band=calibration.NEITHER,
            key="sentiment_histogram",
            x_title=t("sentiment.many.axis"),
            y_title=t("sentiment.many.texts"),
            alt=t("sentiment.many.histogram.alt", **{side: str(number) for side, number in counted.items()}),
        )
    rows = [_row(text, answer) for text, answer in zip(texts, job.answers, strict=True)]
    names = ("text", "verdict", "positive", "problem")
    troubled = any(row["problem"] for row in rows)
    st.dataframe(
        {
            t(f"sentiment.many.{name}"): [row[name] for row in rows]
            for name in names
            if name != "problem" or troubled
        },
        hide_index=True,
        key="sentiment_table",
        height=min(420, 38 + 36 * len(rows)),
        column_config={
            t("sentiment.many.text"): st.column_config.TextColumn(width="large"),
            t("sentiment.many.positive"): st.column_config.ProgressColumn(
                format="percent", min_value=0, max_value=1, color=style.accent()
            ),
        },
    )
    st.download_button(
        t("sentiment.many.download"),
        csv_of(job),
        "glassbox-sentiment.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _row(text: str, answer: float | GlassboxError) -> dict[str, object]:
    short = text if len(text) <= SHOWN else text[:SHOWN] + "…"
    if isinstance(answer, GlassboxError):
        return {"text": short, "verdict": "", "positive": None, "problem": sentence(answer)}
    side = calibration.verdict(answer)
    return {"text": short, "verdict": t(f"sentiment.{side}"), "positive": answer, "problem": ""}


def csv_of(job: Job) -> bytes:
    """The rows as they came, and the answers beside them."""
    names = ("model", "verdict", "positive", "problem")
    rows = [
        (
            *row,
            job.model,
            "" if isinstance(answer, GlassboxError) else calibration.verdict(answer),
            "" if isinstance(answer, GlassboxError) else f"{answer:.4f}",
            sentence(answer) if isinstance(answer, GlassboxError) else "",
        )
        for row, answer in zip(job.table.rows, job.answers, strict=False)
    ]
    return tables.to_csv((*job.table.columns, *names), rows)
