"""What a visit remembers: language, photos, and the choices of every page; part of it is in the URL."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import streamlit as st

from core import i18n
from core.imaging.samples import samples
from core.types import Image

T = TypeVar("T")
RECENT = 5
FIRST_SAMPLE = "tabby_cat"
STALE = 2.0  # seconds within which a browser has heard what its address has become
OWN = "own"  # stands in a link for what a visitor brought
_BROUGHT = {"image": {OWN}, "model": {OWN, "tuned"}, "set": {OWN}}  # parameters, and their values for it


@dataclass(frozen=True)
class Photo:
    """A photo of the visit: the file as it came, read when it is needed."""

    digest: str
    data: bytes = field(repr=False)
    name: str
    sample: str | None = None

    @property
    def thumbnail(self) -> str:
        """A small data URI."""
        from ui import cache

        return cache.sample_thumbnail(self.sample) if self.sample else cache.small(self.digest, self.data)

    @property
    def image(self) -> Image:
        """The pixels, (height, width, 3) uint8, read-only.

        Raises:
            GlassboxError: the file cannot be used.
        """
        from ui import cache

        return cache.decoded(self.digest, self.data).image


@dataclass
class Visit:
    """One visitor's own memory; it goes with the session."""

    language: str
    photo: Photo | None = None
    recent: tuple[Photo, ...] = ()
    kept: dict[str, Any] = field(default_factory=dict)
    seen_url: dict[str, str] = field(default_factory=dict)
    left_url: dict[str, tuple[str | None, float]] = field(default_factory=dict)  # what was replaced, and when
    uploads: int = 0  # names the upload widgets, so that a new one is empty


def visit() -> Visit:
    """The current visit, begun if this is its first run."""
    if "visit" not in st.session_state:
        locale = (st.context.locale or "").lower()
        st.session_state["visit"] = Visit(
            next((one for one in i18n.LANGUAGES if locale.startswith(one)), "en")
        )
    found: Visit = st.session_state["visit"]
    return found


def texts_language() -> str:
    """The language of sentences that ship for the models to read: the visitor's, or English if there are none."""
    language = visit().language
    return language if language in i18n.TEXTS else "en"


def forget() -> None:
    """Empties the visit: photos, choices, what was made of them and the URL go; the language stays."""
    from ui import cache, leftovers

    cache.forget()
    leftovers.forget()
    language = visit().language
    st.session_state.clear()
    st.query_params.clear()
    st.session_state["visit"] = Visit(language, seen_url={})


# --- the URL ---------------------------------------------------------------------------------------


def from_url(name: str) -> str | None:
    """The URL's value of `name`, if it is not the one that the visit knows already.

    A browser that has not heard yet that the value was replaced still sends the old one with whatever is clicked
    next: for a moment that tells nothing.
    """
    value = st.query_params.get(name)
    if value is None or visit().seen_url.get(name) == value:
        return None
    left, when = visit().left_url.get(name, (None, -STALE))
    if value == left and time.monotonic() - when < STALE:
        return None
    visit().seen_url[name] = value
    return value


def to_url(name: str, value: str | None) -> None:
    """Sets or removes a parameter of the URL, so that the link reopens what is shown."""
    known = visit().seen_url.get(name)
    if value != known:
        visit().left_url[name] = known, time.monotonic()
    if value is None:
        visit().seen_url.pop(name, None)
        st.query_params.pop(name, None)
    else:
        visit().seen_url[name] = value
        if st.query_params.get(name) != value:
            st.query_params[name] = value


def shared_parameters() -> dict[str, str]:
    """What a link to another page carries along: the language and the sample."""
    parameters = {"lang": visit().language}
    photo = visit().photo
    if photo is not None and photo.sample:
        parameters["image"] = photo.sample
    return parameters


def restore(page: str) -> None:
    """Takes language and sample from the URL, writes them back, and makes sure that there is a photo."""
    if "visit" not in st.session_state:
        visit().kept["left_behind"] = any(
            st.query_params.get(name) in values for name, values in _BROUGHT.items()
        )
    if (
        visit().kept.get("page") != page
    ):  # another page's address is meant, whatever was replaced a moment ago
        visit().kept["page"] = page
        visit().left_url.clear()
    language = from_url("lang")
    if language in i18n.LANGUAGES:
        visit().language = language
    to_url("lang", visit().language)
    wanted = from_url("image")
    if wanted in samples():
        choose_sample(wanted)
    elif visit().photo is None:
        choose_sample(FIRST_SAMPLE)
    photo = visit().photo
    to_url("image", (photo.sample or OWN) if photo else None)


def left_behind(page: str) -> bool:
    """Whether the link of this page names something that another visit has, or one that is over.

    A visit that begins has nothing of its own: the server was started anew, the page slept for too long, or
    the link is someone else's. It is told on the page that was opened, until something is brought.
    """
    kept = visit().kept
    if kept.get("left_behind") is True:
        kept["left_behind"] = page
    return bool(kept.get("left_behind") == page)


# --- the photo -------------------------------------------------------------------------------------


def choose(photo: Photo) -> None:
    """Makes `photo` the current one; the one before it is among the recent ones."""
    current = visit()
    others = [kept for kept in (current.photo, *current.recent) if kept and kept.digest != photo.digest]
    current.photo = photo
    current.recent = tuple(others[: RECENT - 1])
    if photo.sample is None:
        current.kept.pop("left_behind", None)
    to_url("image", photo.sample or OWN)


def choose_sample(sample_id: str) -> None:
    """Makes a shipped photo the current one."""
    choose(photo_of(samples()[sample_id].read(), sample_id, sample=sample_id))


def photo_of(data: bytes, name: str, sample: str | None = None) -> Photo:
    """A file as a photo of the visit; nothing is decoded yet."""
    return Photo(hashlib.sha256(data).hexdigest(), data, name, sample)


# --- choices that survive leaving the page, and are in the link -----------------------------------


def remember(key: str, default: T, *, options: Sequence[T] | None = None, url: str | None = None) -> T:
    """Gives the widget `key` its value before it is drawn: from the URL, else as it was left, else `default`.

    Args:
        key: the widget's key; call `keep` with it in the widget's `on_change`.
        default: its value on the first visit.
        options: what it may be; a URL's text is matched against `str` of them.
        url: the name of its parameter in the URL, if it belongs in a link.
    """
    current = visit()
    value = st.session_state.get(key, current.kept.get(key, default))
    asked = from_url(url) if url else None
    if asked is not None:
        if options is not None:
            value = next((option for option in options if str(option) == asked), value)
        else:
            value = type(default)(asked) if isinstance(default, str) else value
    if options is not None and value not in options:
        value = default
    st.session_state[key] = value
    current.kept[key] = value
    if url:
        to_url(url, None if value == default else str(value))
    found: T = value
    return found


def keep(key: str, url: str | None = None) -> None:
    """Remembers the widget `key` beyond its page; a widget's `on_change`."""
    visit().kept[key] = st.session_state[key]
    if url:
        to_url(url, str(st.session_state[key]))
