"""The networks that a page can use: those that ship, and the one that this visitor has tuned."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core import i18n, vision
from core.vision.models import PreparedClassifier, VisionModel
from ui import state
from ui.words import label as shipped_label
from ui.words import label_key, other, t

if TYPE_CHECKING:
    from ui.tuning import Done

_WIDE = {ord(sign): chr(ord(sign) + 0xFEE0) for sign in "!#$&()*:<>[\\]^_`{|}~"}  # full-width forms
TUNED = "tuned"  # what it is called in links and choices; in caches it has a name of its own


def tuned() -> Done | None:
    """The network for pictures that this visitor has tuned last."""
    workshop = state.visit().kept.get("tuning")
    found: Done | None = workshop.done if workshop is not None else None
    return found if found is not None and found.model is not None else None


def tuned_texts() -> Done | None:
    """The network for texts that this visitor has tuned last."""
    workshop = state.visit().kept.get("tuning")
    found: Done | None = workshop.done if workshop is not None else None
    return found if found is not None and found.classifier is not None else None


def is_tuned(name: str) -> bool:
    """Whether `name` is a visitor's network, by its name in choices or in caches."""
    return name.partition(" ")[0] == TUNED


def named(name: str) -> str:
    """The name in caches: another one for each tuned network."""
    found = tuned()
    return found.key if is_tuned(name) and found is not None else name


def model(name: str) -> VisionModel:
    """The network of that name.

    Raises:
        KeyError: there is none.
    """
    if not is_tuned(name):
        return vision.vision_model(name)
    found = tuned()
    if found is None or found.model is None:
        raise KeyError(name)
    return found.model


def classifier(name: str) -> PreparedClassifier:
    """The plain answers of the network of that name."""
    return vision.classifier(model(name) if is_tuned(name) else name)


def quick(name: str) -> bool:
    """Whether LiteRT gives its plain answers."""
    return name == "efficientnet_lite0" or model(name).head is not None


def title(name: str) -> str:
    """What a network is called."""
    return t("networks.tuned") if is_tuned(name) else t(f"model.{name}")


def label(name: str, label_id: str) -> str:
    """The name of a class: the catalogue's, or the visitor's own word without signs that markup uses."""
    found = tuned()
    if not is_tuned(name) or found is None:
        return shipped_label(name, label_id)
    return harmless(found.names[found.tuned.labels.index(label_id)])


def harmless(word: str) -> str:
    """A visitor's word for sentences and for pictures alike: signs of markup as their wide twins."""
    return word.translate(_WIDE)


def other_label(name: str, label_id: str) -> str:
    """The same in the app's next language; a visitor's own word has none."""
    return "" if is_tuned(name) else other(label_key(name, label_id))


def names(name: str, labels: Sequence[str]) -> Mapping[str, str]:
    """The names of its classes in both languages, to search in: "tabby cat · 虎斑猫"."""
    if is_tuned(name):
        return {label_id: label(name, label_id) for label_id in labels}
    return _shipped_names(state.visit().language, name, tuple(labels))


@functools.lru_cache(2 * len(i18n.LANGUAGES))  # a thousand strings are the same for everybody
def _shipped_names(language: str, name: str, labels: tuple[str, ...]) -> Mapping[str, str]:
    following = i18n.LANGUAGES[(i18n.LANGUAGES.index(language) + 1) % len(i18n.LANGUAGES)]
    keys = {label_id: label_key(name, label_id) for label_id in labels}
    return {one: f"{i18n.text(language, key)} · {i18n.text(following, key)}" for one, key in keys.items()}


def choice(key: str, shipped: Sequence[str], *, url: str = "model") -> str:
    """Which network the page uses: one that ships or the visitor's own.

    The widget is drawn by `choose`, where the page wants it.
    """
    options = (*shipped, TUNED) if tuned() is not None else tuple(shipped)
    return state.remember(key, shipped[0], options=options, url=url)


def choose(key: str, shipped: Sequence[str], *, url: str = "model") -> None:
    """The choice of the network; nothing if there is only one."""
    options = (*shipped, TUNED) if tuned() is not None else tuple(shipped)
    if len(options) > 1:
        st.segmented_control(
            t("networks.choose"),
            options,
            key=key,
            format_func=title,
            required=True,
            on_change=state.keep,
            args=(key, url),
            label_visibility="collapsed",
        )
