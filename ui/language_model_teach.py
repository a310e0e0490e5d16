"""Train one here: a text that the visitor brings or chooses, learned in the queue by a small model."""

from __future__ import annotations

import streamlit as st

from ui.words import t


def teach() -> None:
    """What is learned, the run, what it writes."""
    st.caption(t("language_model.teach.lead"))
