"""The home page's last station: what such networks are used for, and questions answered by experiments."""

from __future__ import annotations

import streamlit as st

from ui.frame import entry, page_link
from ui.words import t


def station() -> None:
    """Two links with a sentence."""
    with st.container(key="home_questions", gap="xsmall"):
        st.markdown(f"**{t('questions.home')}**")
        st.caption(t("questions.home.about"))
        with st.container(horizontal=True):
            for name in ("questions", "applications"):
                page_link(entry(name), t(f"{name}.next"), icon=":material/arrow_forward:")
