"""What Streamlit would keep of a visit until its end, though nothing asks for it again.

Files whose field is a fresh and empty one since, or gone; and what belongs to a widget, for every widget that
was ever drawn: its callback with all that this holds, its options by name. Both go here after two whole runs of
pages that had no use for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.state import SafeSessionState

from ui import state

RUNS = 2  # whole runs in a row that had no use for something


@dataclass
class Kept:
    """What the last whole run left."""

    widgets: Mapping[str, tuple[object, int]] = field(default_factory=dict)  # and runs without it
    files: frozenset[str] = frozenset()  # that a field showed
    known: set[str] = field(default_factory=set)  # files that were shown or read; another is still on its way


def read(file_id: str) -> None:
    """Notes that a file was read: it is let go when its field no longer shows it."""
    _kept().known.add(file_id)


def let_go() -> None:
    """Lets go of what is no longer on the page; the frame calls it at the end of a whole run.

    A part of a page that runs alone knows of its own widgets only, and changes nothing.
    """
    context = get_script_run_ctx()
    if context is None or context.fragment_ids_this_run:
        return
    before = _kept()
    with suppress(AttributeError), context.session_state._lock:  # another Streamlit than 1.67 may keep them
        session = _within(context.session_state)
        manager: Any = context.uploaded_file_mgr
        drawn = context.shared.widget_ids_this_run.snapshot()
        files = frozenset(_shown(session, drawn))
        for file_id in before.known - files - before.files:
            manager.remove_file(context.session_id, file_id)
        before.known &= files | before.files
        before.known |= files
        before.files = files
        before.widgets = _aged(session._new_widget_state.widget_metadata, before.widgets)


def forget() -> None:
    """Lets go of all files of the visit at once."""
    context = get_script_run_ctx()
    if context is not None:
        context.uploaded_file_mgr.remove_session_files(context.session_id)


def _kept() -> Kept:
    found: Kept = state.visit().kept.setdefault("leftovers", Kept())
    return found


def _aged(known: dict[str, Any], before: Mapping[str, tuple[object, int]]) -> dict[str, tuple[object, int]]:
    """Removes what was not drawn for so long; a widget that is drawn gets a new object each time.

    The ids of a run are no help: what a component of ours tells comes under an id that is not among them.
    """
    aged = {}
    for widget, one in list(known.items()):
        last, runs = before.get(widget, (None, 0))
        runs = runs + 1 if one is last else 0
        if runs < RUNS:
            aged[widget] = one, runs
        else:
            del known[widget]
    return aged


def _within(session: Any) -> Any:
    """The session's state itself; in tests there are two locks around it."""
    while isinstance(session, SafeSessionState):
        session = session._state
    return session


def _shown(session: Any, widgets: frozenset[str]) -> Iterator[str]:
    """The files that these widgets show."""
    for widget in widgets:
        with suppress(KeyError):
            value = session._getitem(widget, None)
            for one in value if isinstance(value, list) else (value,):
                file_id = getattr(one, "file_id", None)
                if isinstance(file_id, str):
                    yield file_id
