"""A chain of steps as a row of cards: what each made of the picture, and what a network thinks of that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import streamlit as st

from ui.components._declare import declare

Act: TypeAlias = Literal["pick", "move", "on", "off", "remove"]  # said twice, each does what it does once
ACTS: tuple[Act, ...] = ("pick", "move", "on", "off", "remove")

_mount = declare("strip")


class Card(NamedTuple):
    """One picture of the chain."""

    id: str
    title: str
    source: str  # a data URI (`thumbnail`); "" where there is no picture
    alt: str
    name: str  # what the network sees in it
    share: float  # how probable that is, 0..1: the length of the bar
    text: str  # the same as a number
    on: bool = True
    fixed: bool = False  # cannot be moved, switched off or removed: the beginning
    flag: str = ""  # said of a card where the answer changes
    problem: str = ""  # said of a card that could not be computed


def strip(
    cards: Sequence[Card],
    *,
    key: str,
    alt: str,
    selected: str,
    words: Mapping[str, str],
    on_act: Callable[[Act, str, tuple[str, ...]], None],
) -> None:
    """Cards from left to right, one of them chosen. They are dragged into another order (mouse), or moved
    with the buttons of the chosen one or Alt and the arrow keys; switched off; removed (Delete).

    Args:
        alt: what the row is, read out before it.
        selected: the id of the card chosen now.
        words: `left`, `right`, `off`, `on`, `remove`: what the buttons of a card do; `moved`, read out
            after a move, with {place}.
        on_act: called before the page runs again, with the act, the card's id, and for a move the ids of
            all cards that can be moved, in their new order.
    """

    def acted() -> None:
        found = _read(st.session_state[key].get("act"), {card.id for card in cards})
        if found is not None:
            on_act(*found)

    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "cards": [card._asdict() for card in cards],
            "selected": selected,
            "words": dict(words),
        },
        on_act_change=acted,
    )


def _read(value: Any, ids: set[str]) -> tuple[Act, str, tuple[str, ...]] | None:
    """What the browser says was done, if it can be true."""
    if not isinstance(value, dict) or value.get("act") not in ACTS or value.get("id") not in ids:
        return None
    order = value.get("order", [])
    if not isinstance(order, list) or not all(isinstance(id, str) and id in ids for id in order):
        return None
    return value["act"], value["id"], tuple(order)
