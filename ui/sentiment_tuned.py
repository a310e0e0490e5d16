"""The visitor's own network for texts beside those that ship: the same text, its own classes."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.errors import GlassboxError
from core.tuning.tuned import distances
from ui import networks
from ui.components import Bar, bars
from ui.sentiment import Look
from ui.words import percent, t

TOP = 5  # classes that are shown
MOST = 2_000  # characters of a text that it is asked about: it reads the beginning


def verdict(look: Look) -> None:
    """What it says of the text; nothing while no network was tuned on texts."""
    done = networks.tuned_texts()
    if done is None or done.classifier is None:
        return
    with st.container(key="sentiment_tuned", gap="xsmall"):
        st.markdown(f"**{t('networks.tuned')}**")
        try:
            (probabilities,) = done.classifier.predict([look.text[:MOST]])
            (distance,), _ = distances(done.tuned, [look.text[:MOST]])
        except GlassboxError:
            st.caption(t("sentiment.unread"))
            return
        order = [int(index) for index in np.argsort(-probabilities, kind="stable")[:TOP]]
        bars(
            [
                Bar(str(index), networks.harmless(done.names[index]), "", share, percent(share, 0))
                for index, share in ((index, float(probabilities[index])) for index in order)
            ],
            key="sentiment_tuned_bars",
            alt=t("fine_tune.sentiment.alt"),
            compact=True,
        )
        foreign = distance > done.tuned.none_threshold
        st.caption(t("networks.foreign" if foreign else "fine_tune.sentiment.about"))
