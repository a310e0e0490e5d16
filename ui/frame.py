"""The frame of every page: its config, the sidebar, title and lead, errors told in words, the footer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ParamSpec

import streamlit as st

from core import assets, i18n, memory
from core.errors import GlassboxError
from core.types import ModelCard
from ui import engine, leftovers, log, presenter, share, state, style, turns
from ui.components.awake import awake
from ui.words import sentence, t

P = ParamSpec("P")


@dataclass(frozen=True)
class Entry:
    """A page of the app; its messages are `NAME.title`, `NAME.lead` and `NAME.next`."""

    name: str
    path: str
    icon: str
    group: str
    photo: bool = False  # whether the photo that follows the visitor is what it is about


PAGES = (
    Entry("home", "streamlit_app.py", ":material/home:", "", True),
    Entry("classify", "pages/classify.py", ":material/visibility:", "see", True),
    Entry("preprocess", "pages/preprocess.py", ":material/tune:", "see", True),
    Entry("feature_maps", "pages/feature_maps.py", ":material/grid_view:", "see", True),
    Entry("sentiment", "pages/sentiment.py", ":material/forum:", "read"),
    Entry("language_model", "pages/language_model.py", ":material/edit_note:", "read"),
    Entry("fine_tune", "pages/fine_tune.py", ":material/model_training:", "teach"),
    Entry("locked_image_tuning", "pages/locked_image_tuning.py", ":material/lock:", "teach", True),
    Entry("applications", "pages/applications.py", ":material/factory:", "teach"),
    Entry("questions", "pages/questions.py", ":material/help:", "ask"),
)
PATHS = {entry.name: entry.path for entry in PAGES}


@dataclass
class Page:
    """What a page tells its frame while it draws."""

    card: ModelCard | None = None
    around: Callable[[], None] | None = None  # draws sidebar and title, where they wait

    def surround(self) -> None:
        """Draws the sidebar and the title now, if they still wait for the answer."""
        around, self.around = self.around, None
        if around is not None:
            around()


@contextmanager
def page(name: str, ahead: Callable[[], None] | None = None) -> Iterator[Page]:
    """Draws the frame of the page `name` around the body of the `with` block, when it is its turn.

    Whatever goes wrong in the body is told in a sentence: a visitor's mistake in its own words, a
    mistake of ours in general ones, with its place in the log and nothing of the visitor.

    Args:
        ahead: computes what the page answers, before anything is drawn: the browser then has the answer in one
            piece, and draws once. So is a page drawn that stands already; its sidebar and its title, forty
            elements that stay most often as they are, wait until the body calls `Page.surround`.
    """
    with turns.drawing(), _page(name, ahead) as here:
        yield here


@contextmanager
def _page(name: str, ahead: Callable[[], None] | None) -> Iterator[Page]:
    index = next(i for i, entry in enumerate(PAGES) if entry.name == name)
    st.set_page_config(layout="wide", page_icon=assets.path("favicon.png"), initial_sidebar_state="auto")
    memory.give_back_early()
    engine.one_thread_each()
    state.restore(name)
    presenter.enter(name, PATHS)
    asked = state.visit().kept.pop("go_to", None)
    if asked not in (None, name):
        st.switch_page(entry(asked).path, query_params=state.shared_parameters())
    waits = ahead is not None and state.visit().kept.get("surrounded") == (name, state.visit().language)
    if waits and ahead is not None:
        try:
            ahead()
        except GlassboxError:
            pass  # it is told in its place
        except Exception as error:
            log.fault(error)
    st.set_page_config(page_title=f"{t(f'{name}.title')} · Glassbox")
    style.write()
    awake(key="awake", words=t("frame.lost"))
    head = st.container(key="header", horizontal=True, vertical_alignment="top")

    def around() -> None:
        _sidebar(name)
        with head:
            _header(name)
        state.visit().kept["surrounded"] = name, state.visit().language

    here = Page(around=around)
    if not waits:
        here.surround()
    _notes(name)
    with told():
        yield here
    here.surround()
    engine.keep_compiled()
    memory.relieve()
    _footer(here, PAGES[(index + 1) % len(PAGES)])
    presenter.stage(name, PATHS)
    leftovers.let_go()


@contextmanager
def told() -> Iterator[None]:
    """Tells an error of the block in words; the rest of the page goes on."""
    try:
        yield
    except GlassboxError as error:
        st.error(sentence(error), icon=":material/error:")
    except Exception as error:
        log.fault(error)
        st.error(t("error.unexpected"), icon=":material/error:")


def fragment(function: Callable[P, None], run_every: float | None = None) -> Callable[P, None]:
    """A part of a page that reruns alone, with the frame's care for errors.

    Args:
        run_every: seconds after which it does so by itself.
    """

    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        with turns.drawing(), told():
            function(*args, **kwargs)
        engine.keep_compiled()
        memory.relieve()

    guarded.__qualname__ = function.__qualname__  # Streamlit names a fragment by it
    guarded.__module__ = function.__module__
    return st.fragment(guarded, run_every=run_every)


def page_link(entry: Entry, label: str, **how: object) -> None:
    """A link to another page that takes language and sample along."""
    st.page_link(entry.path, label=label, query_params=state.shared_parameters(), **how)  # type: ignore[arg-type]


def go_to(name: str) -> None:
    """Opens another page in the run that follows; for a widget's callback."""
    state.visit().kept["go_to"] = name


def entry(name: str) -> Entry:
    """The page called `name`."""
    return next(found for found in PAGES if found.name == name)


def _language_switch(key: str) -> None:
    current = state.visit()
    names = {language: i18n.text(language, "language.name") for language in i18n.LANGUAGES}
    st.session_state[key] = current.language

    def changed() -> None:
        chosen = st.session_state[key]
        if chosen:
            current.language = chosen
            state.to_url("lang", chosen)

    st.segmented_control(
        t("frame.language"),
        i18n.LANGUAGES,
        format_func=lambda language: names[language],
        key=key,
        on_change=changed,
        label_visibility="collapsed",
    )


def _sidebar(name: str) -> None:
    with st.sidebar:
        with st.container(horizontal=True, vertical_alignment="center", key="brand"):
            st.markdown("**Glassbox**", width="stretch")
            _language_switch("language")
        photo = state.visit().photo
        if photo is not None:
            with st.container(key="current_photo"), told():
                st.image(photo.thumbnail, alt=t("frame.current_photo"), width="stretch")
        group = ""
        for each in PAGES:
            if each.group != group:
                group = each.group
                st.caption(t(f"frame.group.{group}"))
            page_link(each, t(f"{each.name}.nav"), icon=each.icon, width="stretch")
        presenter.control()
        st.button(
            t("frame.forget"),
            icon=":material/delete:",
            type="tertiary",
            key="forget",
            help=t("frame.forget.help"),
            on_click=state.forget,
        )


def _header(name: str) -> None:
    with st.container(width="stretch", gap=None, key="heading"):
        st.title(t(f"{name}.title"), anchor=False)
        st.markdown(t(f"{name}.lead"))
    with st.container(key="tools", width="content", horizontal=True, vertical_alignment="center"):
        with st.container(key="phone_language", width="content"):
            _language_switch("language_on_page")
        share.tools(name)


def _notes(name: str) -> None:
    photo = state.visit().photo
    if entry(name).photo and photo is not None and not photo.sample and st.query_params:
        st.caption(t("frame.link_without_photo"))
    if state.left_behind(name):
        st.info(t("frame.left_behind"), icon=":material/history:")


def _address(source: str) -> str:
    """The address in what is said of a source, so that a link leads there."""
    found = re.search(r"https?://[^\s)]+", source)
    return found[0] if found else source


def _footer(here: Page, following: Entry) -> None:
    with st.container(key="footer", horizontal=True, vertical_alignment="center"):
        card = here.card
        if card is None:
            st.space("stretch") if hasattr(st, "space") else None
        else:
            size = " × ".join(f"{number:,}" for number in card.input_size)
            st.caption(
                t(
                    "frame.card" if len(card.input_size) > 1 else "frame.card.text",
                    name=t(f"model.{card.name}"),
                    size=size,
                    parameters=f"{card.parameters:,}",
                    licence=card.licence,
                    source=_address(card.source) if len(card.input_size) > 1 else card.source,
                    made_by=card.made_by,
                ),
                width="stretch",
            )
        page_link(
            following, t(f"{following.name}.next"), icon=":material/arrow_forward:", icon_position="right"
        )
