"""The tuned network on anything: which class, how sure, and whether it is none of them."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.errors import GlassboxError
from core.tuning.tuned import distances
from core.tuning.types import Tuned
from core.types import Floats
from ui import cache, charts, photo, state, tuning, tuning_data
from ui.components import Bar, bars, overlay
from ui.tuning import Done
from ui.words import percent, plain, t

TOP = 6


def attempt(done: Done) -> None:
    """The visit's photo, or a text, as the tuned network sees it."""
    if done.tuned.kind == "texts":
        _text(done)
    else:
        _photo(done)


def _photo(done: Done) -> None:
    current = state.visit().photo
    if current is None:
        raise GlassboxError("error.no_photo")
    assert done.model is not None
    image = current.image
    probabilities, distance, nearest = cache.tuned_answer(
        done.key, current.digest, done.tuned, done.model, image
    )
    picture, words = st.columns([4, 5], gap="large")
    named = int(probabilities.argmax())
    with picture:
        with st.spinner(t("fine_tune.looking"), show_time=True):
            heat = cache.tuned_map(done.key, current.digest, named, done.model, image)
        overlay(
            image,
            heat,
            key="fine_tune_try_overlay",
            alt=t("fine_tune.looked.alt", name=done.names[named]),
            label=t("classify.opacity"),
            legend_low=t("classify.legend.low"),
            legend_high=t("classify.legend.high", name=done.names[named]),
            photo_only=t("classify.photo_only"),
            seen=done.model.preparation.box(image),
            image_digest=current.digest,
        )
    with words:
        _verdict(done, probabilities, distance, nearest)
    photo.chooser()


def _text(done: Done) -> None:
    key = "fine_tune_try_text"
    state.remember(key, t("fine_tune.try.first"))
    text = st.text_area(
        t("fine_tune.try.text"), key=key, height=100, on_change=state.keep, args=(key,), max_chars=2000
    )
    if not text.strip():
        st.caption(t("fine_tune.try.empty"))
        return
    assert done.classifier is not None
    try:
        probabilities = done.classifier.predict([text])[0]
        found, nearest = distances(done.tuned, [text])
    except GlassboxError as error:
        tuning.refusal(error)
        return
    _verdict(done, probabilities, float(found[0]), nearest[0])


def _verdict(done: Done, probabilities: Floats, distance: float, nearest: str) -> None:
    """One class or none, the bars, and how far it is from everything that was learned."""
    names = done.names
    order = [int(index) for index in np.argsort(-probabilities, kind="stable")]
    top = order[0]
    none = distance > done.tuned.none_threshold
    with st.container(key="fine_tune_verdict", gap="xxsmall"):
        if none:
            st.markdown("## " + t("fine_tune.none"))
            st.caption(
                t("fine_tune.none.about", name=plain(names[top]), share=percent(float(probabilities[top]), 0))
            )
        else:
            share = percent(float(probabilities[top]))
            st.markdown(f"## {plain(names[top])}\u2002:primary[{plain(share)}]")
            st.caption(t("fine_tune.known"))
    bars(
        [
            Bar(
                str(index),
                names[index],
                "",
                float(probabilities[index]),
                percent(float(probabilities[index])),
            )
            for index in order[:TOP]
        ],
        key="fine_tune_try_bars",
        alt=t("classify.bars"),
        selected=None if none else str(top),
    )
    chart, near = st.columns([3, 1], gap="small")
    with chart:
        charts.with_threshold(
            own_distances(done.tuned),
            done.tuned.none_threshold,
            distance,
            key="fine_tune_distance",
            x_title=t("fine_tune.distance.x"),
            y_title=t(f"fine_tune.distance.y.{done.tuned.kind}"),
            threshold_name=t("fine_tune.distance.threshold", value=f"{done.tuned.none_threshold:.2f}"),
            here_name=t("fine_tune.distance.here", value=f"{distance:.2f}"),
            alt=t(
                "fine_tune.distance.alt",
                value=f"{distance:.2f}",
                threshold=f"{done.tuned.none_threshold:.2f}",
            ),
        )
    with near:
        example = done.example(nearest)
        if example is not None:
            st.caption(t("fine_tune.nearest"))
            name = plain(names[example.label])
            if example.text:
                st.markdown(f"“{plain(example.text[:120])}”  \n{name}")
            else:
                found = tuning.workshop()
                st.image(
                    tuning_data.picture(found, example),
                    width=96,
                    alt=t("fine_tune.nearest.alt", name=names[example.label]),
                )
                st.caption(name)
    st.caption(t("fine_tune.distance.note"))


def own_distances(tuned: Tuned) -> Floats:
    """How far each learned example is from the nearest other one."""
    rows = tuned.features.astype(np.float32)
    if len(rows) < 2:
        return np.zeros(len(rows), np.float32)
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -np.inf)
    return np.asarray(1 - cosines.max(axis=1), np.float32)
