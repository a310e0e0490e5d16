"""Taking a page along: its address copied or as a QR code, and what is on the screen as one file."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

import segno
import streamlit as st

from ui import state
from ui.components import copy_link
from ui.components.report import report
from ui.words import t

LOCAL = ("localhost", "127.0.0.1", "::1", "[::1]")
SIZE = 6  # pixels of a module
BORDER = 3  # modules


def tools(page: str) -> None:
    """The three of them, for the head of the page."""
    copy_link(t("frame.share"), t("frame.shared"), key="share")
    _qr()
    report(
        key="report",
        label=t("report.download"),
        working=t("report.working"),
        help=t("report.help"),
        name=f"glassbox-{page}",
        language=state.visit().language,
        foot=(
            t("report.made", date="{date}"),
            t("report.link", address="{address}"),
            t("report.own"),
        ),
    )


def address() -> str:
    """The whole address of the page as it is now.

    On the hosted page the app runs in a frame whose own address has a part of its own in it.
    """
    base = (st.context.url or "").replace("/~/+/", "/")
    query = urlencode(st.query_params.to_dict())
    return f"{base}?{query}" if query else base


def code(text: str) -> str:
    """A text as a QR code, an SVG as a data URI, black on white in either theme.

    Raises:
        segno.DataOverflowError: the text does not fit.
    """
    found = segno.make(text, error="m" if len(text) < 1000 else "l", micro=False)
    return found.svg_data_uri(scale=SIZE, border=BORDER, dark="#000", light="#fff")


@st.fragment
def _qr() -> None:
    """The address as a picture, drawn when it is asked for: it is then what the page has become."""
    opened = st.popover(t("share.qr"), icon=":material/qr_code_2:", key="qr", on_change="rerun")
    if not opened.open:
        return
    with opened:
        here = address()
        try:
            picture = code(here)
        except segno.DataOverflowError:
            st.caption(t("share.qr.long", letters=f"{len(here):,}"))
            return
        st.image(picture, alt=t("share.qr.alt", address=here), width=260)
        st.caption(t("share.qr.about"))
        if urlsplit(here).hostname in LOCAL:
            st.caption(t("share.qr.local"))
