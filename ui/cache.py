"""Every cache of results. Keyed by a digest of the bytes and the calls, never by an array; all bounded.

What is made of a visitor's photo is kept in the session's own caches and goes with it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core import imaging, vision
from core.imaging import measure
from core.imaging.samples import samples
from core.types import Floats, Image
from core.vision import explain
from core.vision.faithfulness import Faithfulness, faithfulness
from ui.components import picture, thumbnail


@dataclass(frozen=True)
class Decoded:
    """A decoded file, read-only, and the name of its pixels."""

    digest: str
    image: Image


@st.cache_resource(
    max_entries=2,
    show_spinner=False,
    scope="session",
    on_release=lambda decoded: picture.forget(decoded.digest),
)
def decoded(digest: str, _data: bytes) -> Decoded:
    """A visitor's file as pixels; it goes with the session, and what was sent of it to the browser too.

    Raises:
        GlassboxError: the file cannot be used.
    """
    image: Image = imaging.decode(_data)
    image.setflags(write=False)
    return Decoded(digest, image)


def forget() -> None:
    """Empties the caches of this session."""
    everything: tuple[Any, ...] = (decoded, small, answer, arithmetic, last_map, layer_maps, scores, way)
    for kept in (*everything, numbers, likeness, psnr, histograms, spectrum):
        kept.clear()


@st.cache_data(max_entries=8, show_spinner=False, scope="session")
def small(digest: str, _data: bytes) -> str:
    """A visitor's photo as a small data URI."""
    return thumbnail(imaging.decode(_data))


@st.cache_data(max_entries=32, show_spinner=False, scope="session")
def answer(model: str, digest: str, _image: Image) -> tuple[Floats, float]:
    """Probabilities (classes,), and the seconds that it took from the decoded image to them."""
    classifier = vision.classifier(model)
    begun = time.perf_counter()
    probabilities = classifier.predict([_image])[0]
    return probabilities, time.perf_counter() - begun


@st.cache_data(max_entries=32, show_spinner=False, scope="session")
def arithmetic(digest: str, label_index: int, _image: Image) -> explain.Logit:
    """How EfficientNet-Lite0's logit of a class is made."""
    return explain.logit(_image, label_index)


@st.cache_data(max_entries=32, show_spinner=False, scope="session")
def last_map(digest: str, label_index: int, _image: Image) -> Floats:
    """EfficientNet-Lite0's class activation map from LiteRT, (7, 7)."""
    preparation = vision.vision_model("efficientnet_lite0").preparation
    return explain.class_activation_map(preparation.pixels(_image), label_index)


@st.cache_data(max_entries=4, show_spinner=False, scope="session")
def layer_maps(model: str, digest: str, label_index: int, _image: Image) -> dict[str, Floats]:
    """Grad-CAM at every layer of the card, (h, w) each."""
    return explain.all_layers(vision.vision_model(model), _image, label_index)


@st.cache_data(max_entries=32, show_spinner=False, scope="session")
def scores(
    model: str, digest: str, label_index: int, method: str, _image: Image, _heatmap: Floats
) -> Faithfulness:
    """Deletion and insertion curves of the heatmap that `method` names."""
    return faithfulness(vision.classifier(model), _image, _heatmap, label_index)


@st.cache_data(max_entries=64, show_spinner=False)
def sample_thumbnail(name: str) -> str:
    """A sample as a small data URI."""
    return thumbnail(imaging.decode(samples()[name].read()))


@st.cache_data(max_entries=4, show_spinner=False, scope="session")
def way(digest: str, _image: Image) -> dict[str, tuple[str, ...]]:
    """The pictures of the home page's stations, as data URIs."""
    from ui import home

    return home.draw_way(_image)


# Pictures of a chain: `name` is the photo's digest and the calls, so it names the pixels.


@st.cache_data(max_entries=64, show_spinner=False, scope="session")
def numbers(name: str, _image: Image) -> measure.Numbers:
    """A picture in numbers."""
    return measure.numbers(_image)


@st.cache_data(max_entries=64, show_spinner=False, scope="session")
def likeness(name: str, reference: str, _image: Image, _reference: Image) -> measure.Likeness:
    """PSNR and SSIM of two pictures of one size."""
    return measure.likeness(_image, _reference)


@st.cache_data(max_entries=64, show_spinner=False, scope="session")
def psnr(name: str, reference: str, _image: Image, _reference: Image) -> float:
    """PSNR alone, which is quicker."""
    return measure.psnr(_image, _reference)


@st.cache_data(max_entries=32, show_spinner=False, scope="session")
def histograms(name: str, _image: Image) -> NDArray[np.int64]:
    """How many pixels have each level: (4, 256)."""
    return measure.histograms(_image)


@st.cache_data(max_entries=4, show_spinner=False, scope="session")
def spectrum(name: str, _image: Image) -> Image:
    """The frequencies of a picture, as a picture."""
    return measure.spectrum(_image)
