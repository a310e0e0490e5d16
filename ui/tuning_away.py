"""Taking the tuned network away, bringing one back, and using it on the other pages."""

from __future__ import annotations

import streamlit as st

from core.errors import GlassboxError
from core.tuning import export
from core.tuning.queue import Run, queue
from core.tuning.saved import load_saved
from ui import cache, frame, networks, state, tuning, uploads
from ui.tuning import Done, Workshop
from ui.words import t

EVERY = 1.0  # seconds
SECONDS = 30.0  # that an export takes
PAGES = {"images": ("classify", "feature_maps", "preprocess"), "texts": ("sentiment",)}
CHOICES = {"classify": "classify_model", "feature_maps": "inside_model", "preprocess": "studio_model"}


def away(found: Workshop) -> None:
    """What can be done with the network from here on."""
    take, use = st.columns(2, gap="large")
    done = found.done
    with take:
        st.markdown(f"#### {t('fine_tune.away.take')}")
        if done is None:
            st.caption(t("fine_tune.result.nothing"))
        elif done.finished is None:
            st.caption(t("fine_tune.away.brought"))
        else:
            st.markdown(t(f"fine_tune.away.files.{done.tuned.kind}"))
            run = found.package if found.package_of == done.key else None
            active = run is not None and not run.over
            frame.fragment(_package, EVERY if active else None)(found, done)
        st.markdown(f"#### {t('fine_tune.away.back')}")
        _bring_back(found)
    with use:
        st.markdown(f"#### {t('fine_tune.away.use')}")
        if done is None:
            st.caption(t("fine_tune.away.use.nothing"))
        else:
            st.markdown(t("fine_tune.away.use.about"))
            for name in PAGES[done.tuned.kind]:
                st.button(
                    t(f"fine_tune.away.use.{name}"),
                    key=f"fine_tune_use_{name}",
                    icon=frame.entry(name).icon,
                    width="stretch",
                    on_click=use_in,
                    args=(name,),
                )
        if done is not None and done.finished is not None and done.dataset is not None:
            with st.expander(t("fine_tune.away.card"), icon=":material/description:"):
                card = st.container(key="fine_tune_card")
                card.markdown(export.model_card(done.finished, done.dataset, state.visit().language))


def use_in(page: str) -> None:
    """Opens another page with the tuned network chosen; a button's callback."""
    key = CHOICES.get(page)  # the page of texts shows it beside the others
    if key is not None:
        state.visit().kept[key] = networks.TUNED
        st.session_state.pop(key, None)
    frame.go_to(page)


def _package(found: Workshop, done: Done) -> None:
    """The zip file: asked for, being written, ready."""
    run = found.package if found.package_of == done.key else None
    with st.container(key="fine_tune_package"):
        if run is None:
            if st.button(
                t("fine_tune.away.make"),
                key="fine_tune_make",
                type="primary",
                icon=":material/inventory_2:",
            ):
                _begin(found, done)
                st.rerun()
            st.caption(t("fine_tune.away.time", time=tuning.seconds(SECONDS)))
        elif not run.over:
            progress = run.progress
            if run.state == "waiting":
                st.progress(0.0, t("fine_tune.waiting", place=run.place, time=tuning.seconds(run.ahead)))
            elif progress is None:
                st.progress(0.0, t("fine_tune.beginning"))
            else:
                st.progress(min(1.0, progress.done / max(1, progress.of)), t(progress.stage))
        else:
            _ready(found, run)
    if run is not None and run.over and st.session_state.get("fine_tune_package_seen") != run.id:
        st.session_state["fine_tune_package_seen"] = run.id
        st.rerun()


def _begin(found: Workshop, done: Done) -> None:
    try:
        found.package = queue().submit(
            cache.queue_owner(), "core.tuning.export:export", done.finished, done.dataset, seconds=SECONDS
        )
    except GlassboxError as error:
        found.refused = error
        return
    found.package_of = done.key


def _ready(found: Workshop, run: Run) -> None:
    if isinstance(run.result, bytes):
        st.download_button(
            t("fine_tune.away.download", megabytes=f"{len(run.result) / 1e6:.1f}"),
            run.result,
            "glassbox-network.zip",
            "application/zip",
            key="fine_tune_download",
            type="primary",
            icon=":material/download:",
            on_click="ignore",
        )
        return
    if run.error is not None:
        tuning.refusal(run.error)

    def again() -> None:
        found.package = None

    st.button(
        t("fine_tune.away.again"), key="fine_tune_make_again", icon=":material/refresh:", on_click=again
    )


def _bring_back(found: Workshop) -> None:
    """A field for a network that was taken away."""
    refused = state.visit().kept.pop("fine_tune_saved_refused", None)
    if refused is not None:
        tuning.refusal(refused)
    file = st.file_uploader(
        t("fine_tune.away.back.field"),
        key=f"fine_tune_saved_{found.uploads}",
        type=["zip"],
        max_upload_size=100,
        label_visibility="collapsed",
    )
    st.caption(t("fine_tune.away.back.about"))
    if file is None:
        return
    found.uploads += 1
    try:
        tuned = load_saved(uploads.contents(file))
    except GlassboxError as error:
        state.visit().kept["fine_tune_saved_refused"] = error
    else:
        tuning.take(found, tuned)
        tuning.open_tab("result")
    st.rerun()
