"""The home page's one picture: the way of the current photo from pixels to a class, all of it computed."""

from __future__ import annotations

import cv2
import numpy as np
import streamlit as st

from core import vision
from core.types import Floats, Image
from core.vision import efficientnet, explain
from ui import answers, cache, lit, sentiment, state
from ui.components import Bar, Station, bars, colour, data_uri, flow
from ui.frame import entry, go_to, page_link, told
from ui.words import label, percent, t

PROMPTS = 4  # of the page's that are asked here
PATCH = 16  # pixels of the photo that are shown one by one
LEADS_TO = {
    "pixels": "preprocess",
    "crop": "preprocess",
    "edges": "feature_maps",
    "parts": "feature_maps",
    "where": "classify",
}


def way(photo: state.Photo) -> None:
    """The stations of the photo's way; a click leads to the page of that station."""
    answer = answers.classify("efficientnet_lite0", photo)
    stations = cache.way(photo.digest, photo.image)
    top = answer.order[0]
    words = {
        "size": f"{photo.image.shape[1]} × {photo.image.shape[0]}",
        "name": label(answer.model, answer.labels[top]),
        "share": percent(float(answer.probabilities[top]), 0),
    }
    flow(
        [
            Station(
                name,
                t(f"home.way.{name}", **words),
                t(f"home.way.{name}.about", **words),
                sources,
                name == "pixels",
            )
            for name, sources in stations.items()
        ],
        key="home_way",
        alt=t("home.way"),
        on_pick=lambda name: go_to(LEADS_TO[name]),
    )


def sentence() -> None:
    """The visitor's text, or the first example, as three networks read it; a link leads to the page."""
    look = sentiment.looked(sentiment.text_now(), sentiment.FIRST)
    if look is None:
        return
    with st.container(key="home_text", gap="xsmall"):
        st.markdown(f"**{t('home.text')}**")
        st.caption(t("home.text.about"))
        with told():
            sentiment.running(look)
        page_link(entry("sentiment"), t("sentiment.next"), icon=":material/arrow_forward:")


def words() -> None:
    """The photo against a few typed words; a link leads to the page."""
    photo = state.visit().photo
    if photo is None:
        return
    with st.container(key="home_lit", gap="xsmall"):
        st.markdown(f"**{t('home.lit')}**")
        st.caption(t("home.lit.about"))
        with told():
            prompts = lit.read(lit.prompts_elsewhere()[:PROMPTS], {})
            look = lit.compare(prompts, lit.photo_row(photo), lit.usual_temperature(), none=False)
            bars(
                [
                    Bar(one.id, one.prompt, "", one.probability, percent(one.probability, 0))
                    for one in look.order
                    if one.problem is None
                ],
                key="home_lit_bars",
                alt=t("lit.ask.bars.home"),
            )
        page_link(
            entry("locked_image_tuning"), t("locked_image_tuning.next"), icon=":material/arrow_forward:"
        )


def draw_way(image: Image) -> dict[str, tuple[str, ...]]:
    """The pictures of the stations as data URIs."""
    model = vision.vision_model("efficientnet_lite0")
    classifier = vision.classifier("efficientnet_lite0")
    assert isinstance(classifier, vision.models.LiteClassifier)
    pixels = model.preparation.pixels(image)
    logits, maps = classifier.lite.run(pixels)
    top = int(logits.argmax())
    kernel, _ = efficientnet.head()

    heat = explain.class_activation_map(pixels, top)
    y, x = _liveliest(pixels)
    first = efficientnet.first_maps(pixels)
    telling = np.argsort(-first.std(axis=(0, 1)))[:4]
    speaking = np.argsort(-maps.mean(axis=(0, 1)) * kernel[:, top])[:4]
    return {
        "pixels": (data_uri(pixels[y : y + PATCH, x : x + PATCH], lossless=True),),
        "crop": (data_uri(pixels),),
        "edges": tuple(_tile(first[..., channel]) for channel in telling),
        "parts": tuple(_tile(maps[..., channel]) for channel in speaking),
        "where": (data_uri(_over(pixels, heat)),),
    }


def _liveliest(pixels: Image) -> tuple[int, int]:
    """Where a patch of the picture has the most to show: (top, left)."""
    corners = [(y, x) for y in range(0, 224 - PATCH, PATCH) for x in range(0, 224 - PATCH, PATCH)]
    return max(corners, key=lambda at: pixels[at[0] : at[0] + PATCH, at[1] : at[1] + PATCH].std())


def _tile(channel: Floats) -> str:
    return data_uri(colour(channel / max(float(channel.max()), 1e-6)), lossless=True)


def _over(pixels: Image, heat: Floats) -> Image:
    side = pixels.shape[0]
    share = cv2.resize(heat / max(float(heat.max()), 1e-6), (side, side), interpolation=cv2.INTER_CUBIC)
    mixed = 0.5 * pixels + 0.5 * colour(np.clip(share, 0, 1))
    return mixed.astype(np.uint8)
