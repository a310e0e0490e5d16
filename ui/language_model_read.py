"""Any text read back: how surprising each token is, and how many bits a character costs each kind of model."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.errors import GlassboxError
from core.language import generation
from core.language.generation import surprise
from core.language.generation.surprise import ReadBack
from core.language.generation.types import LanguageModel
from ui import charts, state
from ui.components.writing import writing
from ui.components.written import Glyph, written
from ui.language_model import (
    NETWORKS,
    OWN,
    Desk,
    card,
    desk_words,
    form_now,
    kind_now,
    model_of,
    name_of,
    network_now,
    networks,
    piece,
    remembered,
    shown_text,
)
from ui.words import percent, sentence, t

DRAWN = 400  # tokens that are coloured
LINES = 120  # of the curve


def read(found: Desk | None) -> None:
    """The field, the coloured text, the bits a character of all kinds of models."""
    kind = kind_now()
    st.markdown(t("language_model.read.lead"))
    text = _field(found, kind)
    if not text.strip():
        st.caption(t("language_model.read.none"))
        return
    model = model_of(kind, network_now())
    if model is None:
        st.caption(t("language_model.own.none"))
        return
    form = form_now(kind)
    try:
        back = _read(model, text, form)
    except GlassboxError as error:
        st.error(sentence(error), icon=":material/error:")
        return
    left, right = st.columns([7, 5], gap="large")
    with left:
        written(
            _glyphs(model, back, kind),
            key="language_read_written",
            alt=t("language_model.written.alt"),
            words=desk_words() | {"hint": ""},
            lines=10,
        )
        if len(back.tokens) > DRAWN:
            st.caption(t("language_model.read.drawn", count=DRAWN, all=f"{len(back.tokens):,}"))
        if not back.whole:
            st.caption(t("language_model.read.part", count=f"{surprise.LONGEST:,}"))
        if back.unknown:
            st.caption(t("language_model.read.unknown", count=back.unknown))
    others = _others(model, text, form, kind)
    with right:
        _figures(model, back, others)
    _curve(model, back, others, kind)
    st.caption(card(model))


def _field(found: Desk | None, kind: str) -> str:
    kept = state.visit().kept.setdefault("language_read_text", {})
    own = shown_text(found.draft.text, kind) if found is not None and found.steps else ""
    text = writing(
        kept.get(kind, own),
        key=f"language_read_text_{kind}",
        label=t("language_model.read.field"),
        placeholder=t("language_model.read.placeholder"),
        clear=t("sentiment.clear"),
        lines=5,
    )
    if text != kept.get(kind, own):  # until something is typed it follows what is written above
        kept[kind] = text
    with st.container(key="language_read_chips", horizontal=True, gap="xsmall"):
        st.button(
            t("language_model.read.own"),
            key="language_read_own",
            disabled=not own,
            on_click=lambda: kept.update({kind: own}),
        )
        st.button(
            t("language_model.read.shuffled"),
            key="language_read_shuffled",
            disabled=not text.strip(),
            help=t("language_model.read.shuffled.help"),
            on_click=lambda: kept.update({kind: shuffled(text)}),
        )
    return text


def shuffled(text: str) -> str:
    """The same words in another order; of a text without spaces, the same characters."""
    parts = text.split()
    spaced = len(parts) > 1 and len(text) / len(parts) < 12
    parts = parts if spaced else list("".join(parts))
    order = np.random.default_rng(len(text)).permutation(len(parts))
    return (" " if spaced else "").join(parts[place] for place in order)


def _read(model: LanguageModel, text: str, form: str | None) -> ReadBack:
    def make() -> ReadBack:
        return generation.read_back(model, text, form)

    found: ReadBack = remembered(f"read_{model.kind}", (id(model), text, form), make)
    return found


def _others(model: LanguageModel, text: str, form: str | None, kind: str) -> dict[str, ReadBack]:
    """What the other kinds of models make of the same text."""
    if kind == OWN:
        baseline = state.visit().kept.get("language_learned_ngram")
        return {"ngram": _read(baseline, text, form)} if baseline is not None else {}
    found = {}
    for name in networks(kind):
        other = generation.language_model(kind, name)
        found[name] = _read(other, text, form)
    return found


def _glyphs(model: LanguageModel, back: ReadBack, kind: str) -> list[Glyph]:
    """The text as it was read, token by token."""
    found: list[Glyph] = []
    end = 0
    for one in back.tokens[:DRAWN]:
        start, letters = one.token.start, back.text[one.token.start : one.token.end]
        before = back.text[end:start] if start > end else ""
        letters = letters if start >= end else back.text[end : one.token.end]
        end = max(end, one.token.end)
        shown = piece(letters, kind) if letters else one.token.piece
        verse = kind == "poems" and bool(found) and found[-1].text in tuple("。？！；")
        found.append(
            Glyph(
                ("\n" if verse or (found and found[-1].text == "↵") else "") + before,
                shown,
                round(one.bits, 3),
                t(
                    "language_model.told",
                    bits=f"{one.bits:.1f}",
                    share=percent(one.probability),
                    rank=f"{one.rank:,}",
                ),
                tuple(
                    (
                        piece(name_of(model.vocabulary, other.id), kind),
                        round(other.probability, 4),
                        percent(other.probability),
                    )
                    for other in one.expected
                ),
            )
        )
    return found


def _figures(model: LanguageModel, back: ReadBack, others: dict[str, ReadBack]) -> None:
    """Bits a character and perplexity of each kind, and what is saved against the n-gram."""
    rows = {model.kind: back} | others
    names = [name for name in NETWORKS if name in rows]
    largest = max(one.bits_per_character for one in rows.values())
    st.dataframe(
        {
            t("language_model.read.model"): [t(f"language_model.network.{name}") for name in names],
            t("language_model.read.bits"): [round(rows[name].bits_per_character, 3) for name in names],
            t("language_model.read.perplexity"): [round(rows[name].perplexity, 1) for name in names],
        },
        hide_index=True,
        key="language_read_table",
        column_config={
            t("language_model.read.bits"): st.column_config.ProgressColumn(
                format="%.2f", min_value=0, max_value=float(largest) * 1.05
            )
        },
    )
    baseline = rows.get("ngram")
    if baseline is not None and model.kind != "ngram":
        saved = 1 - back.bits_per_character / baseline.bits_per_character
        st.markdown(
            t(
                f"language_model.read.{'saves' if saved >= 0 else 'costs'}",
                name=t(f"language_model.network.{model.kind}"),
                share=percent(abs(saved), 0),
            )
        )
    st.caption(t("language_model.read.about", bits=f"{back.bits:,.0f}", characters=f"{back.characters:,}"))


def _curve(model: LanguageModel, back: ReadBack, others: dict[str, ReadBack], kind: str) -> None:
    """The surprisal along the text, against the n-gram's."""
    tokens = [piece(one.token.piece, kind) for one in back.tokens[:LINES]]
    drawn = [(model.kind, back, "main")]
    baseline = others.get("ngram")
    if baseline is not None and model.kind != "ngram":
        drawn.append(("ngram", baseline, "second"))
    lines = [
        charts.Line(
            t(f"language_model.network.{name}"),
            np.array([each.bits for each in one.tokens[:LINES]], np.float32),
            role,
        )
        for name, one, role in drawn
    ]
    st.markdown(f"**{t('language_model.read.curve')}**")
    charts.over_tokens(
        tokens,
        lines,
        key="language_read_curve",
        y_title=t("language_model.read.curve.axis"),
        alt=t("language_model.read.curve.alt"),
        y_range=(0, 1.08 * max(float(line.values.max()) for line in lines) + 0.1),
        height=250,
    )
