"""Questions from the article's appendix, each answered by an experiment; its tools, and two formulas mended."""

from __future__ import annotations

import streamlit as st

from ui import frame, questions, questions_article

with frame.page("questions") as here:
    questions.style()
    for number, part in enumerate(
        (
            questions.data,
            questions.overfitting,
            questions.better,
            questions_article.pooling,
            questions_article.remembering,
            questions_article.resources,
        )
    ):
        if number:
            st.divider()
        part()
