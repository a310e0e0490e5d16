"""Every cache of results. Keyed by a digest of the bytes and the calls, never by an array; all bounded."""

from __future__ import annotations

import time

import streamlit as st

from core import imaging, vision
from core.imaging.samples import samples
from core.types import Floats, Image
from core.vision import explain
from core.vision.faithfulness import Faithfulness, faithfulness
from ui.components import thumbnail


@st.cache_resource(max_entries=16, show_spinner=False)
def pixels(digest: str, _data: bytes) -> Image:
    """A decoded file, shared and read-only.

    Raises:
        GlassboxError: the file cannot be used.
    """
    image: Image = imaging.decode(_data)
    image.setflags(write=False)
    return image


@st.cache_data(max_entries=256, show_spinner=False)
def answer(model: str, digest: str, _image: Image) -> tuple[Floats, float]:
    """Probabilities (classes,), and the seconds that it took from the decoded image to them."""
    classifier = vision.classifier(model)
    begun = time.perf_counter()
    probabilities = classifier.predict([_image])[0]
    return probabilities, time.perf_counter() - begun


@st.cache_data(max_entries=256, show_spinner=False)
def arithmetic(digest: str, label_index: int, _image: Image) -> explain.Logit:
    """How EfficientNet-Lite0's logit of a class is made."""
    return explain.logit(_image, label_index)


@st.cache_data(max_entries=256, show_spinner=False)
def last_map(digest: str, label_index: int, _image: Image) -> Floats:
    """EfficientNet-Lite0's class activation map from LiteRT, (7, 7)."""
    preparation = vision.vision_model("efficientnet_lite0").preparation
    return explain.class_activation_map(preparation.pixels(_image), label_index)


@st.cache_data(max_entries=64, show_spinner=False)
def layer_maps(model: str, digest: str, label_index: int, _image: Image) -> dict[str, Floats]:
    """Grad-CAM at every layer of the card, (h, w) each."""
    return explain.all_layers(vision.vision_model(model), _image, label_index)


@st.cache_data(max_entries=128, show_spinner=False)
def scores(
    model: str, digest: str, label_index: int, method: str, _image: Image, _heatmap: Floats
) -> Faithfulness:
    """Deletion and insertion curves of the heatmap that `method` names."""
    return faithfulness(vision.classifier(model), _image, _heatmap, label_index)


@st.cache_data(max_entries=64, show_spinner=False)
def sample_thumbnail(name: str) -> str:
    """A sample as a small data URI."""
    return thumbnail(imaging.decode(samples()[name].read()))


@st.cache_data(max_entries=64, show_spinner=False)
def way(digest: str, _image: Image) -> dict[str, tuple[str, ...]]:
    """The pictures of the home page's stations, as data URIs."""
    from ui import home

    return home.draw_way(_image)
