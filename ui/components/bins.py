"""A data set on the table: one lane a class, filled by dropping files or by the camera, mended by hand."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import streamlit as st

from ui.components._declare import declare

_mount = declare("bins")

MOST_BYTES = 20_000_000  # of one file that the browser cannot draw and sends as it is
AT_ONCE = 16  # pictures of one message
ACTS = ("add", "write", "rename", "remove", "move", "drop", "more")


class Item(NamedTuple):
    """One example in a lane."""

    id: str
    source: str  # a data URI, or ""
    text: str  # where it is no picture
    title: str  # shown under the mouse and read out
    test: bool  # kept apart to test with


class Lane(NamedTuple):
    """One class."""

    name: str
    counts: str  # in words
    share: float  # of the largest class, 0..1
    items: tuple[Item, ...]
    more: str  # how many are not shown, in words; "" if all are
    fixed: bool = False  # its name is not the visitor's


@dataclass(frozen=True)
class Act:
    """Something that a visitor did. Names and texts are as they were written: nothing is checked yet."""

    act: str
    label: int  # the lane; one more than the last for a new one
    name: str = ""
    ids: tuple[str, ...] = ()
    pictures: tuple[tuple[str, bytes], ...] = ()
    text: str = ""


def bins(
    lanes: Sequence[Lane],
    *,
    key: str,
    kind: str,
    alt: str,
    words: Mapping[str, str],
    acknowledged: str,
    on_act: Callable[[Act, str], None],
) -> None:
    """Lanes with their examples. Pictures are scaled down in the browser before they are sent.

    Many files come in several messages, each as soon as the page says that it has the one before.

    Args:
        kind: "images" or "texts".
        alt: what the lanes show, read out before them.
        words: what stands on buttons and in hints; the names are in the script.
        acknowledged: the token of the last message that was taken in.
        on_act: called with what was done and its token before the page runs again.
    """

    def acted() -> None:
        raw = st.session_state[key].get("act")
        found = read(raw, len(lanes))
        if found is not None:
            on_act(found, str(raw.get("token")))

    _mount(
        key=key,
        data={
            "key": key,
            "kind": kind,
            "alt": alt,
            "lanes": [lane._asdict() | {"items": [item._asdict() for item in lane.items]} for lane in lanes],
            "words": dict(words),
            "acknowledged": acknowledged,
            "most": MOST_BYTES,
            "at_once": AT_ONCE,
        },
        on_act_change=acted,
    )


def read(raw: Any, lanes: int) -> Act | None:
    """A message of the browser as an `Act`; None if it is none."""
    if not isinstance(raw, Mapping) or raw.get("act") not in ACTS:
        return None
    label, name, text = raw.get("label"), raw.get("name", ""), raw.get("text", "")
    if not isinstance(label, int) or isinstance(label, bool) or not 0 <= label <= lanes:
        return None
    if label == lanes and raw["act"] not in ("add", "write"):
        return None
    if not isinstance(name, str) or not isinstance(text, str):
        return None
    ids = raw.get("ids", [])
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        return None
    return Act(raw["act"], label, name[:200], tuple(ids), _pictures(raw.get("pictures")), text)


def _pictures(raw: Any) -> tuple[tuple[str, bytes], ...]:
    found: list[tuple[str, bytes]] = []
    for one in raw[:AT_ONCE] if isinstance(raw, list) else ():
        name, data = (one.get("name"), one.get("data")) if isinstance(one, Mapping) else (None, None)
        if not isinstance(name, str) or not isinstance(data, str) or len(data) > MOST_BYTES * 4 // 3 + 4:
            continue
        try:
            found.append((name[:200], base64.b64decode(data, validate=True)))
        except binascii.Error:
            found.append((name[:200], b""))
    return tuple(found)
