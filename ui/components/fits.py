"""Prompts with how well each fits a picture: a field to add some, a bar for each, one of which is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import streamlit as st

from ui.components._declare import declare

_mount = declare("fits")
MOST_SENT = 400  # characters of a prompt that go to the browser
LONGEST = 20_000  # characters that the field takes


class Fit(NamedTuple):
    """One prompt."""

    id: str
    text: str  # the visitor's own letters, never taken for HTML
    tag: str  # how its words were in the tuning
    kind: Literal["seen", "new", "none", "problem"]  # "none": none of these; "problem": it cannot be read
    share: float  # 0..1, the length of the bar
    number: str  # beside the bar
    told: str  # under the mouse: the tag in a sentence, or what is wrong with the prompt


def fits(
    items: Sequence[Fit],
    *,
    key: str,
    alt: str,
    words: Mapping[str, str],
    selected: str | None,
    on_add: Callable[[str], None],
    on_remove: Callable[[str], None],
    on_pick: Callable[[str], None],
    revision: str = "",
) -> None:
    """The field and the bars; what is pasted into the field may have several lines, one prompt each.

    Args:
        alt: what the bars show, read out before them.
        words: `field`, `placeholder`, `add`, and `remove` with {text}.
        selected: the id of the prompt chosen now.
        on_add: called with what was typed, before the page runs again.
        on_remove: called with the id of a prompt.
        on_pick: called with the id of a prompt.
        revision: empties the field when it changes.
    """
    known = {item.id for item in items}

    def acted() -> None:
        act = st.session_state[key].get("act")
        if not isinstance(act, dict):
            return
        value = act.get("value")
        match act.get("act"):
            case "add" if isinstance(value, str) and value.strip():
                on_add(value[:LONGEST])
            case "remove" if isinstance(value, str) and value in known:
                on_remove(value)
            case "pick" if isinstance(value, str) and value in known:
                on_pick(value)

    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "items": [item._replace(text=item.text[:MOST_SENT])._asdict() for item in items],
            "selected": selected,
            "words": dict(words),
            "longest": LONGEST,
            "revision": revision,
        },
        on_act_change=acted,
    )
