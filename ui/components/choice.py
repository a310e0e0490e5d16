"""What a visitor marked on a picture, and what the page itself says it is: the newer of the two holds."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import streamlit as st

T = TypeVar("T")


@dataclass(frozen=True)
class Choice(Generic[T]):
    """The state of one choice between two runs."""

    value: T | None  # what holds
    given: T | None  # what the page passed last
    token: str | None  # which act of the visitor was taken in last
    shown: T | None  # what was last sent to the browser ...
    revision: str  # ... under this name


def settle(key: str, given: T | None, read: Callable[[Any], T | None]) -> Choice[T]:
    """Take in what happened since the last run, before the component with this `key` is mounted.

    A new act of the visitor holds; otherwise what the page passes, if it passes something new;
    otherwise all stays. What the visitor did is not sent back: the browser shows it already, and the
    picture would travel with it. It outlives the widget, whose own state Streamlit drops with the page.

    Args:
        given: what the page says; it may feed back what it was returned, or always pass the same.
        read: checks a value against the picture; gives None for one that does not fit it.
    """
    place = f"{key}.choice"
    before: Choice[T] | None = st.session_state.get(place)
    acted, token, marked = _act(st.session_state.get(key))
    given = None if given is None else read(given)

    if acted and (before is None or token != before.token):
        value = None if marked is None else read(marked)
        shown, revision = (before.shown, before.revision) if before else (given, _name())
        if marked is not None and value is None:  # marked on a picture that is gone
            value = shown = given
            revision = _name()
    elif before is None:
        value = shown = given
        revision = _name()
    else:
        kept = None if before.value is None else read(before.value)
        value = given if given != before.given or kept != before.value else kept
        taken_down = before.token is not None and not acted
        if value == before.value and not taken_down:
            shown, revision = before.shown, before.revision
        else:
            shown, revision = value, _name()
    choice = Choice(value, given, token, shown, revision)
    st.session_state[place] = choice
    return choice


def _act(state: Any) -> tuple[bool, str | None, Any]:
    """Whether the visitor did something in the component that is on the page, its name, its value."""
    try:
        act = state["choice"]
        return True, str(act["token"]), act["value"]
    except (KeyError, TypeError):
        return False, None, None


def _name() -> str:
    return secrets.token_hex(4)
