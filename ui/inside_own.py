"""A visitor's own model: brought as a file, looked into like any other, gone with the visit."""

from __future__ import annotations

import hashlib
import json

import streamlit as st

from core.errors import GlassboxError
from core.types import ModelCard
from core.vision import vision_model
from core.vision.uploaded import LARGEST_FILE, SCALINGS, Uploaded, read_model, with_scaling
from ui import inside, networks, state, uploads
from ui.inside import OWN, Network
from ui.words import sentence, t

_CSS = """
.st-key-inside_slider { overflow: visible; }
.st-key-inside_picture { min-height: 34.5rem; }
.st-key-inside_apart { min-height: 27.5rem; }
.st-key-inside_tabs { min-height: 44rem; }
.st-key-inside_ascent { min-height: 26rem; }
.st-key-inside_patches { min-height: 15rem; }
.st-key-inside_picture { position: relative; }
.st-key-inside_picture:not(:has([data-testid="stSkeleton"])) .st-key-inside_busy { position: absolute; z-index: 3; }
.st-key-inside_tabs .katex-display { padding-block: 0.4rem; }
.st-key-inside_upload [data-testid="stFileUploaderDropzoneInstructions"]::after { content: %s; }
.st-key-inside_upload [data-testid="stFileUploaderDropzone"] button p::after { content: %s !important; }
@media (max-width: 767px) {
  .st-key-inside_picture { min-height: 34rem; }
}
"""


def style() -> None:
    """The page's part of the look, and the upload field's words."""
    words = (t("feature_maps.upload.drop", limit=LARGEST_FILE >> 20), t("feature_maps.upload.browse"))
    st.html("<style>" + _CSS % tuple(json.dumps(word, ensure_ascii=False) for word in words) + "</style>")


def card() -> ModelCard | None:
    """What the foot of the page tells of the chosen network; of one's own the page tells itself."""
    choice = inside.chosen_model()
    return None if choice in (OWN, networks.TUNED) else vision_model(choice).card


def opened(choice: str) -> Network | None:
    """The chosen network; where a visitor's own is missing, the place to bring it."""
    network = inside.opened(choice)
    if network is None:
        st.markdown(t("feature_maps.own.lead"))
        upload()
    return network


def upload() -> None:
    """The field for a `.keras` file, and what came of the last one."""
    visit = state.visit()
    key = f"inside_file_{visit.kept.get('inside_uploads', 0)}"
    with st.container(key="inside_upload"):
        file = st.file_uploader(
            t("feature_maps.upload"), type=["keras"], key=key, max_upload_size=LARGEST_FILE >> 20
        )
    st.caption(t("feature_maps.upload.how"))
    if file is not None:
        refused = None
        with st.status(t("feature_maps.upload.working", name=file.name), expanded=True) as progress:
            for line in ("archive", "child", "open"):
                st.markdown(t(f"feature_maps.upload.step.{line}"))
            try:
                data = uploads.contents(file)
                model = read_model(data, file.name)
            except GlassboxError as error:
                refused = error
                progress.update(label=t("feature_maps.upload.refused"), state="error", expanded=False)
            else:
                take(hashlib.sha256(data).hexdigest(), model)
        visit.kept["inside_uploads"] = visit.kept.get("inside_uploads", 0) + 1  # a fresh, empty field
        visit.kept["inside_refused"] = refused
        st.rerun()
    refused = visit.kept.get("inside_refused")
    if refused is not None:
        st.error(sentence(refused), icon=":material/error:")


def take(digest: str, model: Uploaded) -> None:
    """Makes the model the one of this visit and looks into it."""
    kept = state.visit().kept
    kept["inside_model_own"], kept["inside_digest_own"] = model, digest
    kept["inside_model"] = OWN
    inside.open_tab("own")  # its notes and its scaling are told there
    kept.pop("inside_network_own", None)
    kept.get("inside_chosen", {}).pop(OWN, None)
    st.session_state.pop("inside_model", None)
    state.to_url("model", OWN)
    for name in ("layer", "channel", "pixel", "class"):
        state.to_url(name, None)


def own() -> None:
    """The tab of one's own model: what is told of it, its scaling, another file."""
    left, right = st.columns(2, gap="large")
    model = inside.uploaded()
    with left:
        st.markdown(t("feature_maps.own.lead"))
        upload()
    with right:
        if model is None:
            st.markdown(t("feature_maps.own.what"))
            return
        card = model.card
        size = " × ".join(map(str, card.input_size))
        st.markdown(
            t(
                "feature_maps.own.card",
                name=model.name,
                size=size,
                parameters=f"{card.parameters:,}",
                megabytes=f"{card.figures['float32_bytes'] / 1e6:,.2f}",
                classes=f"{len(model.labels):,}",
            )
        )
        for note in model.notes:
            st.caption(":material/info: " + t(note.key, **note.values))
        st.session_state["inside_scaling"] = model.scaling
        st.segmented_control(
            t("feature_maps.own.scaling"),
            SCALINGS,
            key="inside_scaling",
            required=True,
            on_change=_rescale,
            help=t("feature_maps.own.scaling.help"),
        )


def _rescale() -> None:
    kept = state.visit().kept
    kept["inside_model_own"] = with_scaling(kept["inside_model_own"], st.session_state["inside_scaling"])
