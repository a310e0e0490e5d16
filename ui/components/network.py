"""A whole network on one screen: a column a layer with small maps as buttons, curves between them, the classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import streamlit as st

from ui.components._declare import declare
from ui.components.bars import Bar

Links: TypeAlias = Literal["all"] | tuple[tuple[int, int], ...]

_mount = declare("network")


class NetworkMap(NamedTuple):
    """One small map of a column."""

    channel: int
    title: str  # told under the mouse and read out


class NetworkColumn(NamedTuple):
    """One layer, its maps from top to bottom."""

    layer: str
    title: str
    caption: str
    source: str  # a data URI: all maps below each other in one picture, each a square
    maps: tuple[NetworkMap, ...]
    pixels: int  # side of one map
    more: str  # how many are left out, in few characters; "" if none are
    more_title: str
    links: Links  # to the column before: (its map, this map) each, or every map to every map
    scale: str  # which legend speaks of it


class Legend(NamedTuple):
    """One colour bar under the network."""

    colours: Sequence[str]
    low: str
    middle: str
    high: str


def network(
    columns: Sequence[NetworkColumn],
    classes: Sequence[Bar],
    *,
    key: str,
    alt: str,
    chosen: tuple[str, int],
    place: float,
    chosen_class: str,
    class_links: Links,
    legends: Sequence[Legend],
    words: Mapping[str, str],
    on_pick: Callable[[str, int | None], None],
    on_more: Callable[[str], None],
    on_class: Callable[[str], None],
) -> None:
    """Columns from left to right; a click on a map, on a layer's name or on a class chooses it.

    Args:
        alt: what the picture is, read out before it.
        chosen: layer and channel of the map that is chosen now.
        place: where the chosen layer stands among the columns: 2 is the third one, 2.5 is behind it.
        chosen_class: the id of the class that the maps were chosen for.
        class_links: from the last column to the classes.
        words: `classes`, the title over the bars; `play`, the button that lets the maps appear from left
            to right; `here`, said of a layer between two columns.
        on_pick: called with a layer and a channel, or None for the layer alone, before the page runs again.
        on_more: called with a layer of which all maps are asked for.
        on_class: called with the id of a class.
    """
    layers = {column.layer for column in columns}

    def picked() -> None:
        found = _read(st.session_state[key].get("pick"), layers)
        if found is not None:
            on_pick(*found)

    def asked() -> None:
        layer = st.session_state[key].get("more")
        if layer in layers:
            on_more(layer)

    def named() -> None:
        found = st.session_state[key].get("name")
        if any(found == item.id for item in classes):
            on_class(found)

    _mount(
        key=key,
        data={
            "key": key,
            "alt": alt,
            "columns": [
                column._asdict() | {"maps": [each._asdict() for each in column.maps]} for column in columns
            ],
            "classes": [item._asdict() for item in classes],
            "chosen": list(chosen),
            "place": place,
            "chosenClass": chosen_class,
            "classLinks": class_links,
            "legends": [legend._asdict() for legend in legends],
            "words": dict(words),
        },
        on_pick_change=picked,
        on_more_change=asked,
        on_name_change=named,
    )


def _read(value: Any, layers: set[str]) -> tuple[str, int | None] | None:
    """A layer and a channel of the browser's, if they can be meant."""
    if not isinstance(value, list) or len(value) != 2 or value[0] not in layers:
        return None
    channel = value[1]
    if channel is None or (isinstance(channel, int) and not isinstance(channel, bool) and channel >= 0):
        return value[0], channel
    return None
