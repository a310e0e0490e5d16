"""Choosing the photo that follows the visitor: a sample, a file, the camera, the clipboard, a recent one."""

from __future__ import annotations

import streamlit as st

from core.errors import GlassboxError
from core.imaging.decode import EXTENSIONS
from core.imaging.samples import samples
from ui import cache, leftovers, state, uploads
from ui.components import GalleryItem, gallery, paste_image
from ui.frame import go_to
from ui.words import sentence, t


def chooser(leads_to: str | None = None) -> None:
    """A row of samples and recent photos, and the ways to bring one's own.

    Args:
        leads_to: the page that opens when a photo was chosen; this one stays if not given.
    """
    visit = state.visit()
    refused = visit.kept.pop("photo_refused", None)
    if refused is not None:
        st.error(sentence(refused), icon=":material/error:")
    shown = [photo for photo in (visit.photo, *visit.recent) if photo and not photo.sample]
    items = [
        GalleryItem(photo.digest, t("photo.own"), t("photo.own.alt"), photo.thumbnail) for photo in shown
    ]
    items += [
        GalleryItem(name, t(f"sample.{name}"), t(f"sample.{name}.alt"), cache.sample_thumbnail(name))
        for name in samples()
    ]
    current = visit.photo
    gallery(
        items,
        key="photo_gallery",
        alt=t("photo.gallery"),
        selected=(current.sample or current.digest) if current else None,
        columns_hint=12,
        on_pick=lambda chosen: _pick(chosen, leads_to),
    )
    with st.container(key="photo_ways"):
        files, camera, clipboard = st.columns([5, 3, 3], vertical_alignment="center")
    with files:
        key = f"photo_upload_{visit.uploads}"
        st.file_uploader(
            t("photo.upload"),
            type=list(EXTENSIONS),
            key=key,
            on_change=_uploaded,
            args=(key, leads_to),
            max_upload_size=100,  # over 20 MB the decoder says so in the visitor's language
            label_visibility="collapsed",
        )
    with camera, st.popover(t("photo.camera"), icon=":material/photo_camera:", width="stretch"):
        if st.toggle(t("photo.camera.on"), key="photo_camera_on"):
            key = f"photo_camera_{visit.uploads}"
            st.camera_input(
                t("photo.camera"),
                key=key,
                on_change=_uploaded,
                args=(key, leads_to),
                label_visibility="collapsed",
            )
    with clipboard:
        pasted = paste_image(key="photo_paste", label=t("photo.paste"), error_text=t("photo.paste.error"))
        if pasted:
            take(pasted, t("photo.own"), leads_to)
            st.rerun()
    st.caption(t("photo.privacy"))


def take(data: bytes, name: str, leads_to: str | None = None) -> None:
    """Makes a visitor's file the current photo; a file that cannot be used changes nothing but is told."""
    photo = state.photo_of(data, name)
    try:
        uploads.admit(photo.digest, len(data))
        photo.image  # noqa: B018 - decoded here, so that a bad file is told now
    except GlassboxError as error:
        state.visit().kept["photo_refused"] = error
    else:
        state.choose(photo)
        if leads_to:
            go_to(leads_to)


def _uploaded(key: str, leads_to: str | None) -> None:
    file = st.session_state[key]
    if file is not None:
        take(file.getvalue(), file.name, leads_to)  # which counts it
        leftovers.read(file.file_id)
        state.visit().uploads += 1  # a fresh, empty widget


def _pick(chosen: str, leads_to: str | None) -> None:
    if leads_to:
        go_to(leads_to)
    visit = state.visit()
    if chosen in samples():
        state.choose_sample(chosen)
        return
    for photo in visit.recent:
        if photo.digest == chosen:
            state.choose(photo)
