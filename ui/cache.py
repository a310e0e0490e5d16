"""Every cache of results. Keyed by a digest of the bytes and the calls, never by an array; all bounded.

What is made of a visitor's photo is kept in the session's own caches and goes with it.
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit import runtime
from streamlit.runtime.caching.cache_data_api import _data_caches
from streamlit.runtime.caching.cache_resource_api import _resource_caches

from core import imaging, language, memory, vision
from core.errors import GlassboxError
from core.imaging import measure
from core.imaging.samples import sample_digests, samples
from core.language import arithmetic as arithmetic_of_texts
from core.language import edits, embedding_space
from core.language.attribution import Attribution
from core.language.faithfulness import Faithfulness as TextFaithfulness
from core.language.faithfulness import faithfulness as text_faithfulness
from core.language.reading import Reading, read
from core.lit import towers
from core.tuning import builtin, images
from core.tuning import queue as tuning_queue
from core.tuning.tuned import distances_in
from core.tuning.types import Dataset, Tuned
from core.types import Floats, Image
from core.vision import arithmetic as arithmetic_of_layers
from core.vision import explain, inside, maximisation
from core.vision.arithmetic import Arithmetic, Unfolded
from core.vision.faithfulness import Comparison, Faithfulness, comparison, faithfulness
from core.vision.models import LiteClassifier, VisionModel
from core.vision.statistics import LayerStatistics, by_depth
from ui import networks
from ui.components import thumbnail
from ui.pixels import Decoded

if TYPE_CHECKING:
    from ui.home_language import Beginning
    from ui.inside import Network
    from ui.inside_network import Drawn


@st.cache_resource(max_entries=2, show_spinner=False, scope="session", on_release=Decoded.release)
def decoded(digest: str, _data: bytes) -> Decoded:
    """A visitor's file as pixels; it goes with the session, and what was sent of it to the browser too.

    Raises:
        GlassboxError: the file cannot be used.
    """
    return Decoded(digest, _data)


def forget() -> None:
    """Empties the caches of this session."""
    everything: tuple[Any, ...] = (
        decoded,
        small,
        answer,
        arithmetic,
        last_map,
        last_maps,
        layer_maps,
        scores,
        own_beside,
        prepared,
        way,
    )
    texts = (
        text_verdicts,
        reading_without,
        reading_with_attention,
        text_score,
        recurrent,
        attention_row,
        compared,
    )
    layers = (inside_maps, inside_influences, inside_probabilities, inside_drawn, inside_unfolded)
    for kept in (
        *everything,
        *texts,
        *layers,
        inside_position,
        inside_patches,
        inside_statistics,
        numbers,
        likeness,
        psnr,
        histograms,
        spectrum,
        tuned_answer,
        tuned_map,
        queue_owner,
        lit_maps,
        lit_rows,
    ):
        kept.clear()


def drop() -> None:
    """Empties the caches of all sessions, for memory that runs short: everything is made again when asked for.

    Those that sleep hold as much as those that look, and Streamlit itself empties only one's own, or all
    with the runs that `queue_owner` would end.
    """
    st.cache_data.clear()
    with _resource_caches._caches_lock:
        sessions = list(_resource_caches._function_caches.values())
        kept = [one for session in sessions for one in session.values()]
    for one in kept:
        if not one.display_name.endswith("queue_owner"):
            one.clear()


def drop_of_sleepers() -> None:
    """Empties the caches of sessions whose page is closed, reloaded or asleep; they keep what was brought and chosen.

    Streamlit holds such a session for `server.disconnectedSessionTTL`, in case that it comes back.
    """
    if not runtime.exists():
        return
    manager = getattr(runtime.get_instance(), "_session_mgr", None)
    storage = getattr(manager, "_session_storage", None)
    for asleep in storage.list() if storage is not None else ():
        _data_caches.clear_session(asleep.session.id)
        with _resource_caches._caches_lock:
            kept = list(_resource_caches._function_caches.get(asleep.session.id, {}).values())
        for one in kept:
            if not one.display_name.endswith("queue_owner"):  # whose end would end runs
                one.clear()


memory.drop_with("results", drop)
memory.sweep_with("sleepers", drop_of_sleepers)


@st.cache_data(max_entries=8, show_spinner=False, scope="session")
def small(digest: str, _data: bytes) -> str:
    """A visitor's photo as a small data URI."""
    return thumbnail(decoded(digest, _data).image)


@st.cache_data(max_entries=32, show_spinner=False, scope="session")
def answer(model: str, digest: str, _image: Image) -> tuple[Floats, float]:
    """Probabilities (classes,), and the seconds that it took from the decoded image to them."""
    classifier = networks.classifier(model)
    begun = time.perf_counter()
    if isinstance(classifier, LiteClassifier):
        probabilities = classifier.of_maps(last_maps(model, digest, _image))
    else:
        probabilities = classifier.predict([_image])[0]
    return probabilities, time.perf_counter() - begun


@st.cache_data(max_entries=32, show_spinner=False, scope="session")
def arithmetic(digest: str, label_index: int, _image: Image) -> explain.Logit:
    """How EfficientNet-Lite0's logit of a class is made."""
    return explain.logit(_image, label_index)


@st.cache_data(max_entries=32, show_spinner=False, scope="session")
def last_map(model: str, digest: str, label_index: int, _image: Image) -> Floats:
    """The class activation map, from LiteRT, of a network that is EfficientNet-Lite0 but for its head, (7, 7)."""
    classifier = networks.classifier(model)
    assert isinstance(classifier, LiteClassifier)
    return classifier.activation(last_maps(model, digest, _image), label_index)


@st.cache_resource(max_entries=2, show_spinner=False, scope="session")
def last_maps(model: str, digest: str, _image: Image) -> Floats:
    """What the dense layer of such a network reads, (7, 7, 1280) or more; the answer and every heatmap are of it."""
    classifier = networks.classifier(model)
    assert isinstance(classifier, LiteClassifier)
    found = classifier.maps(prepared(model, digest, _image))
    found.setflags(write=False)
    return found


@st.cache_resource(max_entries=2, show_spinner=False, scope="session")
def prepared(model: str, digest: str, _image: Image) -> Image:
    """The picture as the network reads it, (side, side, 3), read-only."""
    found = networks.model(model).preparation.pixels(_image)
    found.setflags(write=False)
    return found


@st.cache_data(max_entries=4, show_spinner=False, scope="session")
def layer_maps(model: str, digest: str, label_index: int, _image: Image) -> dict[str, Floats]:
    """Grad-CAM at every layer of the card, (h, w) each."""
    return explain.all_layers(networks.model(model), _image, label_index)


@st.cache_data(max_entries=32, show_spinner=False, scope="session")
def scores(
    model: str, digest: str, label_index: int, method: str, _image: Image, _heatmap: Floats
) -> Faithfulness:
    """Deletion and insertion curves of the heatmap that `method` names."""
    classifier = networks.classifier(model)
    return faithfulness(
        classifier, _image, _heatmap, label_index, beside=beside(model, digest, _image), cropped=True
    )


def beside(model: str, digest: str, _image: Image) -> Comparison:
    """What a heatmap's curves are compared with; on a sample, with a network that ships, the same for everybody."""
    everybodys = digest in sample_digests() and not networks.is_tuned(model)
    return (sample_beside if everybodys else own_beside)(model, digest, _image)


@st.cache_resource(max_entries=2, show_spinner=False, scope="session")
def own_beside(model: str, digest: str, _image: Image) -> Comparison:
    """`beside` of a visitor's photo or network: 0.6 MB a photo of 1,000 classes."""
    return comparison(networks.classifier(model), _image)


@st.cache_resource(max_entries=12, show_spinner=False)
def sample_beside(model: str, digest: str, _image: Image) -> Comparison:
    """`beside` of a sample, kept for all visitors."""
    return comparison(networks.classifier(model), _image)


@st.cache_data(max_entries=64, show_spinner=False)
def sample_thumbnail(name: str) -> str:
    """A sample as a small data URI."""
    return thumbnail(imaging.decode(samples()[name].read()))


@st.cache_data(max_entries=4, show_spinner=False, scope="session")
def way(digest: str, _image: Image) -> dict[str, tuple[str, ...]]:
    """The pictures of the home page's stations, as data URIs."""
    from ui import home

    return home.draw_way(_image)


@st.cache_data(max_entries=4, show_spinner=False)
def begun(training: str, text: str, form: str) -> Beginning:
    """The home page's text as the model goes on with it, the same for everybody."""
    from ui import home_language

    return home_language.draft(training, text, form)


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


# Inside a network: `network` names it, an uploaded one by the digest of its file.


@st.cache_resource(max_entries=3, show_spinner=False, scope="session")
def inside_maps(network: str, digest: str, layer: str, _model: VisionModel, _image: Image) -> Floats:
    """All maps of one layer, (h, w, c), read-only."""
    [(_, maps)] = vision.feature_maps(_model, _image, [layer])
    kept: Floats = maps.copy()  # the view would hold the tensors of all layers
    kept.setflags(write=False)
    return kept


@st.cache_data(max_entries=8, show_spinner=False, scope="session")
def inside_influences(
    network: str, digest: str, label_index: int, _model: VisionModel, _image: Image
) -> dict[str, Floats]:
    """Gradient times activation of every channel of every layer, (c,) each."""
    return inside.influences(_model, inside.network_input(_model, _image), label_index)


@st.cache_data(max_entries=32, show_spinner=False, scope="session")
def inside_probabilities(network: str, digest: str, _model: VisionModel, _image: Image) -> Floats:
    """What the network itself answers, (classes,)."""
    found: Floats = inside.probabilities(_model, inside.network_input(_model, _image))[0]
    return found


@st.cache_resource(max_entries=6, show_spinner=False, scope="session")
def inside_drawn(
    network: str, digest: str, label_index: int, language: str, _network: Network, _image: Image
) -> Drawn:
    """The picture of the whole network."""
    from ui import inside_network

    return inside_network.draw(_network, _image, label_index)


@st.cache_data(max_entries=8, show_spinner=False, scope="session")
def inside_unfolded(
    network: str, digest: str, layer: str, channel: int, shown: int, _model: VisionModel, _image: Image
) -> Unfolded:
    """One map taken apart."""
    return arithmetic_of_layers.unfold(_model, _image, layer, channel, shown=shown)


@st.cache_data(max_entries=32, show_spinner=False, scope="session")
def inside_position(
    network: str, digest: str, layer: str, position: tuple[int, int, int], _model: VisionModel, _image: Image
) -> Arithmetic:
    """The arithmetic of one number."""
    return arithmetic_of_layers.explain_position(_model, _image, layer, position)


@st.cache_data(max_entries=8, show_spinner=False, scope="session")
def inside_patches(
    network: str, layer: str, channel: int, most: int, _model: VisionModel
) -> list[maximisation.Patch]:
    """The places of the samples that excite a channel most."""
    photos = {name: imaging.decode(sample.read()) for name, sample in samples().items()}
    return maximisation.strongest_patches(_model, layer, channel, photos, most=most)


@st.cache_data(max_entries=4, show_spinner=False, scope="session")
def inside_statistics(
    network: str,
    digest: str,
    others: tuple[str, ...],
    layers: tuple[str, ...],
    _model: VisionModel,
    _image: Image,
) -> tuple[LayerStatistics, ...]:
    """The layers in numbers, over the photo and samples."""
    images = [_image, *(imaging.decode(samples()[name].read()) for name in others)]
    return by_depth(_model, images, layers)


# A text: `digest` names it.


@st.cache_data(max_entries=32, show_spinner=False, scope="session")
def text_verdicts(
    models: tuple[str, ...], digest: str, _text: str
) -> tuple[dict[str, float | GlassboxError], float]:
    """The probability of "positive" by each model, or why it cannot read the text; seconds for all."""
    found: dict[str, float | GlassboxError] = {}
    classifiers = {name: language.sentiment(name) for name in models}
    begun = time.perf_counter()
    for name, classifier in classifiers.items():
        try:
            found[name] = float(classifier.predict([_text])[0, 1])
        except GlassboxError as error:
            found[name] = error
    return found, time.perf_counter() - begun


def reading(model: str, digest: str, window: int, _text: str) -> Reading:
    """What happened inside a model while it read a text."""
    kept = reading_with_attention if model in ("transformer", "pretrained") else reading_without
    return kept(model, digest, window, _text)


@st.cache_resource(max_entries=24, show_spinner=False, scope="session")
def reading_without(model: str, digest: str, window: int, _text: str) -> Reading:
    """The same of a model whose reading is small."""
    return read(model, _text, window)


@st.cache_resource(max_entries=3, show_spinner=False, scope="session")
def reading_with_attention(model: str, digest: str, window: int, _text: str) -> Reading:
    """The same of a Transformer: six layers of twelve heads over 512 tokens are 75 MB."""
    return read(model, _text, window)


@st.cache_resource(max_entries=24, show_spinner=False, scope="session")
def text_score(
    model: str, method: str, digest: str, window: int, _attribution: Attribution
) -> TextFaithfulness:
    """What an attribution is worth."""
    return text_faithfulness(model, _attribution)


@st.cache_resource(max_entries=16, show_spinner=False, scope="session")
def recurrent(
    model: str, digest: str, window: int, step: int, unit: int, _text: str
) -> arithmetic_of_texts.Recurrent:
    """The arithmetic of one hidden unit at one step."""
    return arithmetic_of_texts.recurrent(model, _text, step, unit, window)


@st.cache_resource(max_entries=8, show_spinner=False, scope="session")
def attention_row(
    model: str, digest: str, window: int, layer: int, head: int, token: int, _text: str
) -> arithmetic_of_texts.Attention:
    """The arithmetic of one row of an attention head."""
    return arithmetic_of_texts.attention(model, _text, layer, head, token, window)


@st.cache_data(max_entries=64, show_spinner=False)
def neighbours(model: str, token: int, count: int) -> tuple[embedding_space.Neighbour, ...]:
    """The tokens whose embedding is nearest to a token's."""
    return embedding_space.neighbours(model, token, count)


@st.cache_resource(max_entries=2, show_spinner=False, scope="session")
def compared(model: str, first: str, second: str, _first: str, _second: str) -> edits.Comparison:
    """Two versions of a text as a model reads them."""
    return edits.compare(model, _first, _second)


@st.cache_data(max_entries=64, show_spinner=False)
def word_verdicts(model: str, words: tuple[str, ...]) -> tuple[float | None, ...]:
    """The probability of "positive" of single words; None where a word cannot be read."""

    def one(word: str) -> float | None:
        try:
            return float(language.sentiment(model).predict([word])[0, 1])
        except GlassboxError:
            return None

    return tuple(map(one, words))


# Tuning.


@st.cache_resource(max_entries=12, show_spinner=False)
def builtin_set(name: str, language: str) -> Dataset:
    """A data set that ships; of texts those in one language."""
    return builtin(name, language or None)


@st.cache_data(max_entries=6, show_spinner=False)
def builtin_thumbnails(name: str) -> dict[str, str]:
    """The pictures of a set that ships as small data URIs, by their digests."""
    return {
        one.digest: "data:image/jpeg;base64," + base64.b64encode(images.thumbnail(one)).decode("ascii")
        for one in builtin_set(name, "").examples
    }


def _end_runs(owner: str) -> None:
    if tuning_queue.queue.cache_info().currsize:  # nothing was ever started otherwise
        tuning_queue.queue().release(owner)


@st.cache_resource(max_entries=1, show_spinner=False, scope="session", on_release=_end_runs)
def queue_owner() -> str:
    """Whose runs these are; they end with the session."""
    return secrets.token_hex(16)


@st.cache_data(max_entries=16, show_spinner=False, scope="session")
def tuned_map(network: str, digest: str, label_index: int, _model: VisionModel, _image: Image) -> Floats:
    """Where a tuned network saw a class, over what it sees of the picture: (side, side)."""
    left, top, right, bottom = _model.preparation.box(_image)
    whole = vision.grad_cam(_model, _image, label_index)
    side = _model.preparation.side
    return np.asarray(cv2.resize(whole[top:bottom, left:right], (side, side), interpolation=cv2.INTER_AREA))


@st.cache_data(max_entries=32, show_spinner=False, scope="session")
def tuned_answer(
    network: str, digest: str, _tuned: Tuned, _model: VisionModel, _image: Image
) -> tuple[Floats, float, str]:
    """A tuned network's probabilities, the distance to the nearest learned example, and which that is."""
    probabilities = vision.classifier(_model).predict([_image])[0]
    distance, nearest = distances_in(_tuned, _model, _image)
    return probabilities, distance, nearest


# Locked-image tuning.

TEXT_ROWS = 1_000  # of a session, 5 kB each


@st.cache_resource(max_entries=4, show_spinner=False, scope="session")
def lit_maps(digest: str, _image: Image) -> Floats:
    """The locked tower's last maps of a picture, (7, 7, 1280), read-only."""
    found: Floats = towers.maps(_image).copy()
    found.setflags(write=False)
    return found


@st.cache_resource(max_entries=1, show_spinner=False, scope="session")
def lit_rows() -> dict[str, Floats]:
    """The vectors of the texts of this session, the newest last."""
    return {}


def lit_texts(texts: Sequence[str]) -> Floats:
    """Unit rows (n, 1280) of texts; only those are read that were not read before.

    Raises:
        GlassboxError: there is nothing to read in a text.
    """
    kept = lit_rows()
    new = [text for text in dict.fromkeys(texts) if text not in kept]
    kept.update(zip(new, towers.embed_texts(new), strict=True))
    found = np.stack([kept[text] for text in texts]) if texts else towers.embed_texts(())
    for text in list(kept)[: max(0, len(kept) - TEXT_ROWS)]:
        del kept[text]
    return found


@st.cache_resource(max_entries=1, show_spinner=False)
def lit_samples() -> Floats:
    """The shipped photos in the common space, (n, 1280), read-only."""
    found = towers.embed_images([imaging.decode(sample.read()) for sample in samples().values()])
    found.setflags(write=False)
    return found
