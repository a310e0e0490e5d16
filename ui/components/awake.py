"""What Streamlit leaves undone: a connection lost and found again, links to pages in new tabs and on phones."""

from __future__ import annotations

import functools
from pathlib import Path

import streamlit as st

from ui.components._declare import declare

_mount = declare("awake")


@functools.cache
def sender() -> str:
    """The name of the script with which Streamlit's browser side sends a file; nothing where it has another name."""
    scripts = Path(st.__file__).parent / "static" / "static" / "js"
    found = [one.name for one in scripts.glob("axios.*.js")]
    return found[0] if len(found) == 1 else ""


def awake(*, key: str, words: str) -> None:
    """Nothing to be seen, as long as the connection stands.

    When it is lost, a line in the visitor's language stands in place of Streamlit's own English dialog. When it
    is back, the page runs once: Streamlit connects again by itself, but after a restart of the server it would
    leave on the screen what the server has forgotten.

    A link to the first page leads there in a new tab too, and Ctrl with a click on a page's link opens one. On a
    phone the sidebar, which covers the page there, goes when a page was chosen in it.

    The script that sends files, which Streamlit fetches when a file was chosen, is fetched before.

    Args:
        words: told while there is no connection.
    """
    _mount(key=key, data={"key": key, "words": words, "sender": sender()}, on_back_change=lambda: None)
