"""The examples: sets that ship, pictures and texts of one's own, what came in and what is wrong with it."""

from __future__ import annotations

import base64

import streamlit as st

from core.errors import GlassboxError
from core.language import tables
from core.tuning import archive, editing, images, review, text_dataset, texts
from core.tuning.images import image_dataset_steps
from core.tuning.shipped import BUILTIN
from core.tuning.types import Dataset, Example, Problem
from ui import cache, tuning, uploads
from ui.components.bins import Act, Item, Lane, bins
from ui.components.sets import SetCard, sets
from ui.tuning import OWN, Workshop
from ui.words import plain, t

SHOWN = 18  # examples of a class, before the rest is asked for
WAYS = ("zip", "texts")
WORDS = (
    *("add", "camera", "remove", "new", "make", "move", "drop", "cancel", "chosen", "sending", "shoot"),
    *("close", "shot", "taken", "no_camera", "lines", "write", "name"),
)
NAMED = 12  # problems that are told one by one


# --- what to teach with ----------------------------------------------------------------------------


def chooser(found: Workshop) -> None:
    """The sets that ship and the ways to bring one's own."""
    cards = [
        SetCard(
            name,
            t(f"tuning_set.{name}"),
            t(f"fine_tune.set.{known.kind}", count=len(known.labels)),
            *_glimpse(name, known.kind == "images"),
        )
        for name, known in BUILTIN.items()
    ]
    cards.insert(0, SetCard(OWN, t("fine_tune.set.own"), t("fine_tune.set.own.about"), icon="pictures"))
    cards += [
        SetCard(
            way,
            t(f"fine_tune.set.{way}" if way == "zip" else "fine_tune.set.texts.card"),
            t(f"fine_tune.set.{way}.about"),
            icon=way,
        )
        for way in WAYS
    ]
    sets(
        cards,
        key="fine_tune_sets",
        alt=t("fine_tune.sets"),
        selected=found.way or found.chosen,
        on_pick=lambda name: tuning.choose_set(found, name),
    )
    if found.way == "zip":
        _zip(found)
    elif found.way == "texts":
        _texts(found)


def _glimpse(name: str, pictures: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Three of its pictures, or three of its lines."""
    dataset = tuning.shipped(name)
    labels = range(min(3, len(dataset.labels)))
    first = [next(one for one in dataset.examples if one.label == label) for label in labels]
    if pictures:
        return tuple(cache.builtin_thumbnails(name)[one.digest] for one in first), ()
    if len(first) < 3:
        first.append([one for one in dataset.examples if one.label == 1][1])
    return (), tuple(one.text for one in first)


def _zip(found: Workshop) -> None:
    """A field for a zip file; its limits are said before."""
    with st.container(border=True, key="fine_tune_zip"):
        st.markdown(
            t(
                "fine_tune.zip.limits",
                megabytes=archive.LARGEST,
                pictures=f"{images.MOST:,}",
                classes=review.MOST_CLASSES,
            )
        )
        file = st.file_uploader(
            t("fine_tune.zip"),
            type=["zip"],
            key=f"fine_tune_zip_{found.uploads}",
            max_upload_size=100,  # over the limit the reader says so in the visitor's language
            label_visibility="collapsed",
        )
        if file is None:
            return
        found.uploads += 1  # a fresh, empty field
        bar = st.progress(0.0, t("tuning_data.stage.reading"))
        try:
            for step in image_dataset_steps(uploads.contents(file)):
                if isinstance(step, Dataset):
                    tuning.change(found, step, OWN)
                    found.way = ""
                else:
                    bar.progress(min(1.0, step.done / max(1, step.of)), t(step.stage))
        except GlassboxError as error:
            found.refused = error
    st.rerun()


def _texts(found: Workshop) -> None:
    """A field for lines and one for a table."""
    with st.container(border=True, key="fine_tune_texts"):
        lines, table = st.columns([3, 2], gap="medium")
        with lines, st.form("fine_tune_lines", border=False):
            pasted = st.text_area(
                t("fine_tune.lines"),
                placeholder=t("fine_tune.lines.example"),
                height=150,
                key="fine_tune_pasted",
            )
            if st.form_submit_button(t("fine_tune.lines.take"), icon=":material/check:"):
                _take_texts(found, pasted)
        with table:
            st.markdown(
                t("fine_tune.table.limits", texts=f"{texts.MOST:,}", megabytes=tables.LARGEST // 1_000_000)
            )
            file = st.file_uploader(
                t("fine_tune.table"),
                type=["csv", "tsv", "txt"],
                key=f"fine_tune_table_{found.uploads}",
                max_upload_size=100,
                label_visibility="collapsed",
            )
            if file is not None:
                found.uploads += 1
                _take_texts(found, file)


def _take_texts(found: Workshop, given: str | uploads.Brought) -> None:
    def read() -> Dataset:
        return text_dataset(given if isinstance(given, str) else uploads.contents(given))

    if tuning.attempt(found, read, OWN):
        found.way = ""
    st.rerun()


# --- what came in ----------------------------------------------------------------------------------


def heading(found: Workshop) -> None:
    """How many examples there are, and the way back."""
    dataset = found.dataset
    counted = review.counts(dataset)
    learn, test = sum(one for one, _ in counted), sum(one for _, one in counted)
    with st.container(horizontal=True, vertical_alignment="center", key="fine_tune_heading"):
        key = "count" if learn + test else "nothing"
        st.markdown(
            t(
                f"fine_tune.{key}.{dataset.kind}",
                count=learn + test,
                classes=len(dataset.labels),
                learn=learn,
                test=test,
            ),
            width="stretch",
        )
        st.button(
            t("fine_tune.undo"),
            key="fine_tune_undo",
            icon=":material/undo:",
            type="tertiary",
            disabled=not found.past,
            on_click=tuning.undo,
            args=(found,),
        )


def table(found: Workshop) -> None:
    """One lane a class with its examples, to be filled and mended."""
    dataset = found.dataset
    if found.refused is not None:
        tuning.refusal(found.refused, dataset)
    names = tuning.names_of(dataset)
    counted = review.counts(dataset)
    most = max([sum(pair) for pair in counted], default=0) or 1
    lanes = []
    for label, (name, (learn, test)) in enumerate(zip(names, counted, strict=True)):
        examples = _mixed([one for one in dataset.examples if one.label == label])
        everything = dataset.labels[label] in found.opened
        shown = examples if everything or len(examples) <= SHOWN + 2 else examples[:SHOWN]
        left = len(examples) - len(shown)
        lanes.append(
            Lane(
                name,
                t("fine_tune.lane", learn=learn, test=test) if learn + test else "",
                (learn + test) / most,
                tuple(_item(found, example) for example in shown),
                t("fine_tune.more", count=left) if left else "",
            )
        )
    kind = dataset.kind
    bins(
        lanes,
        key=f"fine_tune_bins_{kind}",
        kind=kind,
        alt=t("fine_tune.bins"),
        words={word: t(f"fine_tune.bins.{word}") for word in WORDS}
        | {"empty": t(f"fine_tune.bins.empty.{kind}"), "add": t(f"fine_tune.bins.add.{kind}")},
        acknowledged=found.acknowledged,
        on_act=lambda act, token: acted(found, act, token),
    )
    st.caption(t(f"fine_tune.bins.note.{kind}"))
    problems(dataset)


def _mixed(examples: list[Example]) -> list[Example]:
    """Those to learn from and those to test with evenly mixed, each in their order."""
    sides: dict[str, list[Example]] = {"train": [], "validation": []}
    for example in examples:
        sides[example.split].append(example)
    placed = [
        ((place + 0.5) / len(side), example) for side in sides.values() for place, example in enumerate(side)
    ]
    return [example for _, example in sorted(placed, key=lambda pair: pair[0])]


def _item(found: Workshop, example: Example) -> Item:
    test = example.split == "validation"
    title = t(f"fine_tune.item.{'test' if test else 'learn'}", name=example.name)
    if example.text:
        return Item(example.digest, "", example.text, title, test)
    return Item(example.digest, picture(found, example), "", title, test)


def picture(found: Workshop, example: Example) -> str:
    """A picture of the data set, small, as a data URI."""
    if found.chosen in BUILTIN and found.dataset.builtin and example.digest not in found.thumbnails:
        shipped = cache.builtin_thumbnails(found.chosen).get(example.digest)
        if shipped:
            return shipped
    if example.digest not in found.thumbnails:
        found.thumbnails[example.digest] = uri(images.thumbnail(example))
    return found.thumbnails[example.digest]


def uri(jpeg: bytes) -> str:
    """A JPEG file as a data URI."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"


def acted(found: Workshop, act: Act, token: str) -> None:
    """What a visitor did with the lanes."""
    if token == found.acknowledged:
        return
    found.acknowledged = token
    dataset = found.dataset
    known = {example.digest for example in dataset.examples}
    ids = [one for one in act.ids if one in known]
    new = act.label == len(dataset.labels)
    label = act.name if new else dataset.labels[act.label]
    match act.act:
        case "add":
            tuning.attempt(
                found, lambda: editing.add_pictures(dataset, label, uploads.pictures(act.pictures))
            )
        case "write":
            lines = act.text.splitlines()
            tuning.attempt(found, lambda: editing.add_texts(dataset, label, lines))
        case "rename":
            if tuning.attempt(found, lambda: editing.rename_class(dataset, label, act.name)):
                found.opened.discard(label)
        case "remove":
            tuning.attempt(found, lambda: editing.remove_class(dataset, label))
        case "move" if ids:
            relabel(found, ids, label)
        case "drop" if ids:
            drop(found, ids)
        case "more":
            found.opened ^= {label}


def relabel(found: Workshop, ids: list[str], label: str) -> None:
    """Moves examples to another class; one step to go back over."""

    def moved() -> Dataset:
        dataset = found.dataset
        for one in ids:
            dataset = editing.relabel(dataset, one, label)
        return dataset

    tuning.attempt(found, moved)


def drop(found: Workshop, ids: list[str]) -> None:
    """Takes examples away; one step to go back over."""

    def left() -> Dataset:
        dataset = found.dataset
        for one in ids:
            dataset = editing.drop(dataset, one)
        return dataset

    tuning.attempt(found, left)


def problems(dataset: Dataset) -> None:
    """What was left out, and what should be known of the data set."""
    notes = [problem for problem in dataset.problems if problem.key.startswith(review.NOTE)]
    others = [problem for problem in dataset.problems if not problem.key.startswith(review.NOTE)]
    if not dataset.examples:
        notes = []
    for problem in notes[:3]:
        st.caption(":material/info: " + _sentence(problem, dataset))
    rest = [*others, *notes[3:]]
    if rest:
        with st.expander(t("fine_tune.problems", count=len(rest)), icon=":material/report:"):
            for problem in rest[:NAMED]:
                st.markdown("- " + _sentence(problem, dataset))
            if len(rest) > NAMED:
                st.caption(t("fine_tune.problems.more", count=len(rest) - NAMED))


def _sentence(problem: Problem, dataset: Dataset) -> str:
    words = tuning.told(problem.key, problem.values, dataset)
    return f"**{plain(problem.name)}**: {words}" if problem.name else words
