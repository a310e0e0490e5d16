"""The arithmetic of the bag of words: which n-grams were found, what each weighs, and their sum."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import language
from core.language.bag_of_words import BagOfWords
from ui import inside_pictures as pictures
from ui.sentiment import Look
from ui.sentiment_recurrent import n
from ui.words import percent, t

TERMS = 4  # of the sum that are written out
LISTED = 30  # n-grams in the table


def ngrams(look: Look) -> None:
    """The sum that is the verdict, its largest terms, and the network's own number beside it."""
    model = language.sentiment(look.model)
    assert isinstance(model, BagOfWords)
    found = sorted(model.found(look.text), key=lambda gram: -abs(gram.weight))
    total = model.bias + sum(gram.weight for gram in found)
    positive = float(model.predict([look.text])[0, 1])
    network = float(np.log(positive / (1 - positive))) * model.temperature
    st.markdown(t("sentiment.ngrams.lead", count=f"{len(found):,}"))
    left, right = st.columns([6, 5], gap="large")
    with left:
        st.latex(r"z = b + \frac{1}{\sqrt{n}} \sum_{g} w_g, \qquad p = \sigma(z / T)")
        terms = " + ".join(n(gram.weight, True) for gram in found[:TERMS])
        listed = sum(gram.weight for gram in found[:TERMS])
        rest = f" + {n(total - model.bias - listed, True)}" if len(found) > TERMS else ""
        st.latex(
            r"\begin{aligned}"
            rf"z &= {n(model.bias)} + {terms or '0'}{rest} = {n(total)}\\"
            rf"p &= \sigma({n(total)} / {n(model.temperature)}) = {n(positive)}"
            r"\end{aligned}"
        )
        difference = abs(total - network)
        values = {
            "value": f"{total:.6f}".replace("-", "−"),
            "network": f"{network:.6f}".replace("-", "−"),
            "difference": pictures.tiny(difference),
        }
        if difference <= 1e-3:
            st.success(t("sentiment.agrees", **values), icon=":material/check_circle:")
        else:
            st.error(t("sentiment.disagrees", **values), icon=":material/cancel:")
        st.caption(t("sentiment.ngrams.about", share=percent(positive, 0)))
    with right:
        st.dataframe(
            {
                t("sentiment.ngrams.gram"): [
                    " ".join(look.text[gram.start : gram.end].split()) for gram in found[:LISTED]
                ],
                t("sentiment.ngrams.weight"): [round(gram.weight, 4) for gram in found[:LISTED]],
                t("sentiment.ngrams.side"): [
                    t("sentiment.positive" if gram.weight > 0 else "sentiment.negative")
                    for gram in found[:LISTED]
                ],
            },
            hide_index=True,
            key="sentiment_ngrams_table",
            height=min(420, 38 + 36 * max(1, len(found[:LISTED]))),
        )
        if len(found) > LISTED:
            st.caption(t("sentiment.ngrams.more", count=f"{len(found) - LISTED:,}"))
