"""The article's tools and data, each with where it is at work here; and two formulas, mended."""

from __future__ import annotations

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core import assets, language
from core.language import recurrence
from core.resources import RESOURCES, Resource
from core.vision import article_cnn, efficientnet
from ui import charts, frame, state
from ui.questions import link
from ui.words import percent, plain, t

SIDE = 4  # pixels of the photo that are pooled
WINDOW = 2
TEXT = 200  # characters that are read


# --- tools and data --------------------------------------------------------------------------------


def resources() -> None:
    """What the article names, and where it is at work."""
    with st.container(key="questions_part_resources"):
        st.header(t("questions.resources"), anchor=False)
        for kind in ("tool", "data"):
            st.markdown(f"**{t(f'questions.resources.{kind}')}**")
            found = [one for one in RESOURCES if one.kind == kind]
            for start in range(0, len(found), 3):
                for column, one in zip(st.columns(3, gap="medium"), found[start : start + 3], strict=False):
                    with column:
                        _resource(one)


def _resource(one: Resource) -> None:
    with st.container(border=True, key=f"questions_resource_{one.name.lower()}", height="stretch"):
        st.markdown(f"**{one.name}** {one.version}".strip())
        st.markdown(t(f"questions.resource.{one.name.lower()}", **_values(one.name)))
        st.caption("  \n".join(f"`{file}`" for file in one.files))
        link(one.page, t(f"{one.page}.nav"))


def _values(name: str) -> dict[str, object]:
    """The figures in what is said of a data set."""
    if name == "ImageNet":
        return {"parameters": f"{efficientnet.card().parameters:,}"}
    if name == "MNIST":
        return {"cifar": percent(float(assets.read_json("vision", "article_cnn.json")["test_accuracy"]))}
    if name == "IMDb":
        rnn, words = (language.sentiment(one).card.figures for one in ("rnn", "bag_of_words"))
        return {
            "rnn": percent(float(rnn["imdb_accuracy"])),
            "words": percent(float(words["imdb_accuracy"])),
            "texts": f"{int(rnn['imdb_texts']):,}",
        }
    return {}


# --- pooling ---------------------------------------------------------------------------------------


def pooled(block: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The largest number of each 2 x 2 window: (h, w) -> (h / 2, w / 2)."""
    high, wide = (side // WINDOW for side in block.shape)
    found: NDArray[np.uint8] = block.reshape(high, WINDOW, wide, WINDOW).max(axis=(1, 3))
    return found


def liveliest(grey: NDArray[np.uint8]) -> tuple[int, int]:
    """Where the block of SIDE x SIDE pixels with the largest spread begins: (top, left)."""
    high, wide = (side // SIDE for side in grey.shape)
    blocks = grey[: high * SIDE, : wide * SIDE].reshape(high, SIDE, wide, SIDE)
    place = int(blocks.std(axis=(1, 3)).argmax())
    return place // wide * SIDE, place % wide * SIDE


def matrix(numbers: NDArray[np.uint8]) -> str:
    """In LaTeX."""
    rows = r" \\ ".join(" & ".join(str(number) for number in row) for row in numbers.tolist())
    return rf"\begin{{bmatrix}} {rows} \end{{bmatrix}}"


def pooling() -> None:
    """Max-pooling: what the article writes, what is right, and both on the visitor's photo."""
    with st.container(key="questions_part_pooling"):
        st.header(t("questions.pooling"), anchor=False)
        wrong, right = st.columns(2, gap="large")
        with wrong:
            _wrong("questions.pooling")
        with right:
            _right("questions.pooling")
        photo = state.visit().photo
        if photo is not None:
            with frame.told():
                _pooled_photo(photo)


def _pooled_photo(photo: state.Photo) -> None:
    grey = np.asarray(
        cv2.cvtColor(efficientnet.PREPARATION.pixels(photo.image), cv2.COLOR_RGB2GRAY), np.uint8
    )
    top, left = liveliest(grey)
    block = grey[top : top + SIDE, left : left + SIDE]
    small = pooled(block)
    st.latex(rf"{matrix(block)} \;\xrightarrow{{\;\max\;}}\; {matrix(small)}")
    costs = {row.layer: row.parameters for row in article_cnn.costs()}
    st.markdown(
        t(
            "questions.pooling.here",
            x=left,
            y=top,
            numbers=", ".join(map(str, block[:WINDOW, :WINDOW].ravel().tolist())),
            largest=int(small[0, 0]),
            convolution=costs["conv1"],
            pool=costs["pool1"],
        )
    )
    link("feature_maps", t("questions.pooling.try"), model="article_cnn")


def _wrong(key: str) -> None:
    st.markdown(f":material/close: {t('questions.wrong')}")
    st.latex(t(f"{key}.wrong.formula"))
    st.markdown(t(f"{key}.wrong"))


def _right(key: str) -> None:
    st.markdown(f":material/check: {t('questions.right')}")
    st.latex(t(f"{key}.right.formula"))
    st.markdown(t(f"{key}.right"))


# --- the recurrent term ----------------------------------------------------------------------------


@frame.fragment
def remembering() -> None:
    """The RNN with and without its recurrent term, on a sentence of the visitor's."""
    with st.container(key="questions_part_recurrence"):
        st.header(t("questions.recurrence"), anchor=False)
        wrong, right = st.columns(2, gap="large")
        with wrong:
            _wrong("questions.recurrence")
        with right:
            _right("questions.recurrence")
        key = f"questions_text_{state.visit().language}"
        state.remember(key, t("questions.recurrence.text"))
        st.text_input(
            t("questions.recurrence.field"), key=key, max_chars=TEXT, on_change=state.keep, args=(key,)
        )
        with frame.told():
            _read(st.session_state[key])


def _read(text: str) -> None:
    found = recurrence.memory(text)
    drawn = [
        charts.Line(t("questions.recurrence.with"), found.remembered, "main"),
        charts.Line(t("questions.recurrence.without"), found.forgotten, "second"),
    ]
    charts.over_tokens(
        found.pieces,
        drawn,
        key="questions_recurrence_chart",
        y_title=t("questions.recurrence.y"),
        alt=t(
            "questions.recurrence.alt",
            remembered=percent(float(found.remembered[-1]), 0),
            forgotten=percent(float(found.forgotten[-1]), 0),
        ),
        y_range=(0, 1),
    )
    st.markdown(
        t(
            "questions.recurrence.here",
            remembered=percent(float(found.remembered[-1]), 0),
            forgotten=percent(float(found.forgotten[-1]), 0),
            last=plain(found.pieces[-1]),
        )
    )
    link("sentiment", t("questions.recurrence.try"), model="rnn", tab="inside")
