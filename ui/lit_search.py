"""The same words against many pictures: words find pictures, a picture finds its like, or its caption."""

from __future__ import annotations

import base64
import csv
import io
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from core.errors import GlassboxError
from core.imaging.decode import EXTENSIONS
from core.imaging.samples import samples
from core.lit import answers, folder, pairs, search
from core.lit.folder import Folder
from core.lit.search import Found
from core.tuning.types import Problem
from core.types import Floats
from ui import cache, frame, lit, state, uploads
from ui.components import Bar, GalleryItem, bars, gallery
from ui.components.writing import writing
from ui.lit import Bench
from ui.lit_ask import signed
from ui.words import percent, plain, t

MODES = ("words", "sort", "like", "caption")
MOST = 12  # pictures that are shown as found
CAPTIONS = 8
SUGGESTED = 8  # prompts to look for with one click
NAMED = 12  # problems that are told one by one
LONGEST = 4_000  # characters of a list of captions


@dataclass(frozen=True, eq=False)
class Pictures:
    """All pictures that are searched: those that ship, then the visitor's."""

    names: tuple[str, ...]  # ids: a sample's, or a digest
    words: tuple[str, ...]  # as they are called
    sources: tuple[str, ...]  # data URIs
    rows: Floats = field(repr=False)  # (n, 1280)


def find() -> None:
    """The pictures, and the ways to search them."""
    found = lit.bench()
    _folder(found)
    _bench()


# --- the pictures -----------------------------------------------------------------------------------


def _folder(found: Bench) -> None:
    """A field for pictures or a zip file, and what is in the folder."""
    field, words = st.columns([3, 2], gap="large", vertical_alignment="center")
    with field:
        files = st.file_uploader(
            t("lit.folder.upload", most=folder.MOST),
            type=[*EXTENSIONS, "zip"],
            accept_multiple_files=True,
            key=f"lit_folder_{found.uploads}",
            max_upload_size=100,
            label_visibility="collapsed",
        )
    with words, st.container(horizontal=True, vertical_alignment="center"):
        own = len(found.folder.pictures)
        st.markdown(
            t("lit.folder.count" if own else "lit.folder.samples", samples=len(samples()), own=own),
            width="stretch",
        )
        if own:
            st.button(
                t("lit.folder.empty"),
                key="lit_folder_empty",
                icon=":material/delete:",
                type="tertiary",
                on_click=_emptied,
                args=(found,),
            )
    if files:
        _take(found, [(file.name, uploads.contents(file)) for file in files])
    _problems(found)


def _take(found: Bench, files: list[tuple[str, bytes]]) -> None:
    found.uploads += 1  # a fresh, empty field
    found.refused = None
    bar = st.progress(0.0, t("lit.stage.folder"))
    try:
        for step in folder.filled(files, found.folder):
            if isinstance(step, Folder):
                found.folder = step
            else:
                bar.progress(step.done / max(1, step.of), t(step.stage))
    except GlassboxError as error:
        found.refused = error
    st.rerun()


def _emptied(found: Bench) -> None:
    found.folder, found.refused = Folder(), None
    found.like = found.like if found.like in samples() else None


def _problems(found: Bench) -> None:
    """What was left out, in sentences."""
    if found.refused is not None and found.refused.key != "lit.error.same":
        lit.refusal(found.refused)
    problems = found.folder.problems
    if problems:
        with st.expander(t("lit.folder.problems", count=len(problems)), icon=":material/report:"):
            for problem in problems[:NAMED]:
                st.markdown("- " + _sentence(problem))
            if len(problems) > NAMED:
                st.caption(t("lit.folder.problems.more", count=len(problems) - NAMED))


def _sentence(problem: Problem) -> str:
    words = lit.told(GlassboxError(problem.key, **problem.values))
    return f"**{plain(problem.name)}**: {words}" if problem.name else words


def pictures(found: Bench) -> Pictures:
    """Everything that is searched."""
    with st.spinner(t("lit.search.reading"), show_time=True):
        rows = cache.lit_samples()
    own = found.folder.pictures
    return Pictures(
        (*samples(), *(one.digest for one in own)),
        (*(t(f"sample.{name}") for name in samples()), *(one.name for one in own)),
        (*(cache.sample_thumbnail(name) for name in samples()), *(uri(one.small) for one in own)),
        np.concatenate([rows, found.folder.rows]),
    )


# --- the ways to search -----------------------------------------------------------------------------


@frame.fragment
def _bench() -> None:
    found = lit.bench()
    state.remember("lit_mode", MODES[0], options=MODES, url="find")
    mode = st.segmented_control(
        t("lit.search.mode"),
        MODES,
        key="lit_mode",
        format_func=lambda name: t(f"lit.search.mode.{name}"),
        required=True,
        on_change=state.keep,
        args=("lit_mode", "find"),
        label_visibility="collapsed",
        wrap=True,
    )
    every = pictures(found)
    match mode:
        case "words":
            _words(found, every)
        case "sort":
            _sort(found, every)
        case "like":
            _like(found, every)
        case "caption":
            _caption(found, every)


def _template(prompt: str) -> str | None:
    """The template that a prompt takes; none if it is empty or broken (the first tab says so)."""
    given = lit.templates().get(answers.language_of(prompt), "")
    return given if given.count(answers.GAP) == 1 else None


def _shown(every: Pictures, hits: list[Found], key: str, found: Bench) -> None:
    """Pictures with their cosines, the best first; a click looks for what is like it."""
    gallery(
        [
            GalleryItem(
                every.names[hit.place],
                f"{signed(hit.similarity)} · {lit.shortened(every.words[hit.place], 24)}",
                every.words[hit.place],
                every.sources[hit.place],
            )
            for hit in hits
        ],
        key=key,
        alt=t("lit.search.found"),
        columns_hint=6,
        wrap=True,
        on_pick=lambda name: _look_for(found, name),
    )


def _look_for(found: Bench, name: str) -> None:
    found.like = name
    st.session_state["lit_mode"] = "like"
    state.keep("lit_mode", "find")


def _words(found: Bench, every: Pictures) -> None:
    """Words look for pictures."""
    asked = found.asked if found.asked is not None else (found.prompts[0] if found.prompts else "")
    asked = writing(
        asked,
        key="lit_asked_field",
        label=t("lit.search.field"),
        placeholder=t("lit.search.placeholder"),
        clear=t("lit.search.clear"),
        strong=True,
        lines=2,
    )
    found.asked = asked

    def ask(prompt: str) -> None:
        found.asked = prompt

    with st.container(key="lit_asked", horizontal=True, gap="xsmall"):
        for place, prompt in enumerate(found.prompts[:SUGGESTED]):
            st.button(
                plain(lit.shortened(prompt, 32)),
                key=f"lit_asked_{place}",
                on_click=ask,
                args=(prompt,),
            )
    if not asked.strip():
        st.info(t("lit.search.empty"), icon=":material/search:")
        return
    seen = lit.read([asked], {})[0]
    if seen.problem is not None:
        lit.refusal(seen.problem)
        return
    template = _template(asked)
    text = answers.filled([asked], template)[0]
    hits = search.nearest(cache.lit_texts([text])[0], every.rows, MOST)
    st.caption(
        t("lit.search.words.about", count=len(every.names), text=plain(lit.shortened(text)))
        + f" **{lit.tag(seen.seen)}** · {t(f'lit.seen.{seen.seen}.about')}"
    )
    _shown(every, hits, "lit_hits", found)


def _sort(found: Bench, every: Pictures) -> None:
    """Each picture goes to the prompt that fits it best, or to none."""
    good = [one for one in lit.read(found.prompts, {}) if one.problem is None]
    if not good:
        st.info(t("lit.ask.empty"), icon=":material/edit:")
        return
    texts = [answers.filled([one.prompt], _template(one.prompt))[0] for one in good]
    cosines = every.rows @ cache.lit_texts(texts).T
    heat = lit.temperature()
    none = state.remember("lit_none", True, options=(True, False), url="none")
    shares = np.stack([answers.probabilities(row, heat, none) for row in cosines])
    best = shares.argmax(axis=1)
    table = [
        (every.words[place], good[best[place]].prompt if best[place] < len(good) else "", float(row.max()))
        for place, row in enumerate(shares)
    ]
    words, button = st.columns([4, 1], vertical_alignment="center")
    with words:
        st.caption(t("lit.search.sort.about", count=len(every.names), prompts=len(good)))
    with button:
        st.download_button(
            t("lit.download.table"),
            sorted_csv(table, t("lit.ask.none")),
            "glassbox-sorted.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            width="stretch",
        )
    for group in (*range(len(good)), len(good)):
        members = [int(place) for place in np.flatnonzero(best == group)]
        if not members:
            continue
        one = good[group] if group < len(good) else None
        name = plain(lit.shortened(one.prompt)) if one else t("lit.ask.none")
        st.markdown(f"**{name}** · {len(members)}" + (f"\u2002:small[{lit.tag(one.seen)}]" if one else ""))
        members.sort(key=lambda place: -shares[place, group])
        gallery(
            [
                GalleryItem(
                    every.names[place],
                    f"{percent(float(shares[place, group]), 0)} · {lit.shortened(every.words[place], 24)}",
                    every.words[place],
                    every.sources[place],
                )
                for place in members
            ],
            key=f"lit_sorted_{one.id if one else 'none'}",
            alt=lit.shortened(one.prompt) if one else t("lit.ask.none"),
            columns_hint=10,
            on_pick=lambda name: _look_for(found, name),
        )


def sorted_csv(table: list[tuple[str, str, float]], none: str) -> bytes:
    """Picture, prompt and probability, as UTF-8 that Excel recognises; no cell can be read as a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("picture", "prompt", "probability"))
    for name, prompt, share in table:
        cells = [name, prompt or none]
        safe = [f"'{cell}" if cell[:1] in "=+-@\t\r" else cell for cell in cells]
        writer.writerow([*safe, f"{share:.4f}"])
    return text.getvalue().encode("utf-8-sig")


def _picked(found: Bench, every: Pictures) -> int:
    """The place of the picture that is looked from: the one clicked, else the visit's photo, else the first."""
    photo = state.visit().photo
    names = [found.like, photo.sample if photo else None]
    return next((every.names.index(name) for name in names if name in every.names), 0)


def _choose(found: Bench, every: Pictures, place: int, key: str) -> None:
    gallery(
        [
            GalleryItem(name, lit.shortened(words, 24), words, source)
            for name, words, source in zip(every.names, every.words, every.sources, strict=True)
        ],
        key=key,
        alt=t("lit.search.choose"),
        selected=every.names[place],
        columns_hint=12,
        on_pick=lambda name: setattr(found, "like", name),
    )


def _like(found: Bench, every: Pictures) -> None:
    """A picture looks for its like."""
    place = _picked(found, every)
    _choose(found, every, place, "lit_like_choice")
    st.markdown(f"**{t('lit.search.like', name=plain(lit.shortened(every.words[place])))}**")
    _shown(every, search.pictures_like(place, every.rows, MOST), "lit_alike", found)
    st.caption(t("lit.search.like.about"))


def usual_captions() -> str:
    """Our own captions of the samples, those that the lesson does not learn, one a line."""
    return "\n".join(pair.shown for pair in pairs.sample_pairs(state.texts_language()))


def _caption(found: Bench, every: Pictures) -> None:
    """A picture looks for its caption in a list."""
    place = _picked(found, every)
    _choose(found, every, place, "lit_caption_choice")
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.image(every.sources[place], alt=every.words[place], width=260)
        key = f"lit_captions_{state.texts_language()}"
        state.remember(key, usual_captions())
        st.text_area(
            t("lit.search.captions"),
            key=key,
            height=170,
            max_chars=LONGEST,
            on_change=state.keep,
            args=(key,),
        )
    with right:
        lines = list(
            dict.fromkeys(line.strip() for line in st.session_state[key].splitlines() if line.strip())
        )
        read = lit.read(lines[: answers.MOST_PROMPTS], {})
        good = [one.prompt for one in read if one.problem is None]
        if not good:
            st.info(t("lit.search.captions.empty"), icon=":material/edit:")
            return
        st.markdown(f"**{t('lit.search.captions.best', count=len(good))}**")
        hits = search.nearest(every.rows[place], cache.lit_texts(good), CAPTIONS)
        bars(
            [
                Bar(
                    str(hit.place),
                    good[hit.place],
                    "",
                    max(0.0, hit.similarity),
                    signed(hit.similarity),
                )
                for hit in hits
            ],
            key="lit_caption_bars",
            alt=t("lit.search.captions.best", count=len(good)),
            selected=str(hits[0].place),
        )
        bad = len(read) - len(good)
        if bad:
            st.caption(t("lit.search.captions.bad", count=bad))
        st.caption(t("lit.search.cosine"))


def uri(jpeg: bytes) -> str:
    """A JPEG file as a data URI."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"
