"""Two versions of a text beside each other, and the smallest edits that turn a verdict."""

from __future__ import annotations

import streamlit as st

from core.language import calibration, edits
from core.language.attribution import Attribution
from core.language.edits import Comparison, Suggestion
from core.language.reading import Reading
from ui import cache, state
from ui.components.tokens import Ends, Piece, tokens
from ui.components.verdicts import verdicts
from ui.components.writing import writing
from ui.sentiment import (
    MODELS,
    Look,
    again,
    cut,
    digest_of,
    pinned_text,
    sides,
    verdict,
    verdicts_of,
    write_text,
)
from ui.sentiment_words import signed
from ui.words import percent, plain, t

LONGEST = 2_000  # characters of a text for which edits are sought
KEPT = 8


def edit(look: Look) -> None:
    """The pinned version on the left, the one that is edited on the right, and what changed."""
    pinned = pinned_text()
    if pinned is None:
        st.markdown(t("sentiment.edit.lead"))
        st.button(
            t("sentiment.edit.pin"),
            key="sentiment_pin",
            icon=":material/keep:",
            type="primary",
            on_click=pin,
            args=(look.text,),
        )
    else:
        _versions(look, pinned)
    _suggestions(look)


def pin(text: str | None) -> None:
    """Keeps a version beside which later ones are held."""
    state.visit().kept["sentiment_pinned"] = text


def _versions(look: Look, pinned: str) -> None:
    first, second = st.columns(2, gap="large")
    compared = cache.compared(look.model, digest_of(pinned), look.digest, pinned, look.text)
    with first:
        st.markdown(f"**{t('sentiment.edit.first')}**")
        _version(compared, "first")
        with st.container(horizontal=True):
            st.button(
                t("sentiment.edit.repin"),
                key="sentiment_repin",
                icon=":material/keep:",
                disabled=pinned == look.text,
                on_click=pin,
                args=(look.text,),
            )
            st.button(
                t("sentiment.edit.unpin"),
                key="sentiment_unpin",
                icon=":material/keep_off:",
                type="tertiary",
                on_click=pin,
                args=(None,),
            )
    with second:
        st.markdown(f"**{t('sentiment.edit.second')}**")
        written = writing(
            look.text,
            key="sentiment_rewriting",
            label=t("sentiment.edit.field"),
            hint=t("sentiment.edit.hint"),
            clear=t("sentiment.clear"),
            lines=6,
        )
        if written != look.text:
            write_text(written)
            again()
        _version(compared, "second")
    st.markdown(f"**{_change(compared, look.model)}**")
    before, after = verdicts_of(pinned), verdicts_of(look.text)
    verdicts(
        [verdict(name, after[name], before[name]) for name in MODELS],
        key="sentiment_compared",
        alt=t("sentiment.edit.verdicts"),
        band=calibration.NEITHER,
        words={**sides(), "before": t("sentiment.edit.before")},
    )
    st.caption(t("sentiment.edit.marks"))


def _change(compared: Comparison, model: str) -> str:
    return t(
        "sentiment.edit.change",
        name=t(f"sentiment.name.{model}"),
        before=percent(compared.first.positive, 0),
        after=percent(compared.second.positive, 0),
        points=f"{100 * compared.change:+.0f}".replace("-", "−"),
    )


def _version(compared: Comparison, which: str) -> None:
    """One version with the colours of its tokens; what differs is marked."""
    first = which == "first"
    reading: Reading = compared.first if first else compared.second
    scores: Attribution = compared.first_attribution if first else compared.second_attribution
    other: Attribution = compared.second_attribution if first else compared.first_attribution
    largest = max(float(abs(each.scores).max(initial=0)) for each in (scores, other)) or 1.0
    changed: set[int] = set()
    for part in compared.parts:
        if part.kind != "equal":
            changed.update(range(*(part.first if first else part.second)))
    tokens(
        [
            Piece(
                before,
                letters,
                round(float(score) / largest, 4),
                signed(float(score)),
                ("gone" if first else "new") if place in changed else "",
            )
            for place, ((before, letters), score) in enumerate(zip(cut(reading), scores.scores, strict=True))
        ],
        key=f"sentiment_version_{which}",
        alt=t(f"sentiment.edit.{which}"),
        legend=Ends(
            t("sentiment.words.negative", value=signed(-largest)),
            "0",
            t("sentiment.words.positive", value=signed(largest)),
        ),
        most=8,
    )


# --- suggested edits -------------------------------------------------------------------------------


def _suggestions(look: Look) -> None:
    """Edits with few words that turn the verdict of the chosen network; sought when asked for."""
    kept: dict[tuple[str, str], tuple[Suggestion, ...]] = state.visit().kept.setdefault(
        "sentiment_suggestions", {}
    )
    name = (look.model, look.digest)
    st.markdown(f"**{t('sentiment.suggest.title', name=t(f'sentiment.name.{look.model}'))}**")
    if len(look.text) > LONGEST:
        st.caption(t("sentiment.suggest.long", most=f"{LONGEST:,}"))
        return
    if name not in kept:
        asked = st.button(t("sentiment.suggest.ask"), key="sentiment_suggest", icon=":material/edit_note:")
        st.caption(t("sentiment.suggest.about"))
        if not asked:
            return
        with st.spinner(t("sentiment.suggest.working")):
            kept[name] = edits.suggest(look.model, look.text)
        while len(kept) > KEPT:
            del kept[next(iter(kept))]
        again()
    found = kept[name]
    if not found:
        st.caption(t("sentiment.suggest.none"))
    elif not any(each.flips for each in found):
        st.caption(t("sentiment.suggest.nearest"))
    for place, each in enumerate(found):
        _suggestion(look, each, place)


def _suggestion(look: Look, found: Suggestion, place: int) -> None:
    words, number, button = st.columns([7, 3, 2], vertical_alignment="center")
    pieces: list[Piece] = []
    at = 0
    for change in found.changes:
        between = look.text[at : change.start]
        if change.old:
            pieces.append(Piece(between, change.old, 0.0, t("sentiment.edit.gone"), "gone"))
            between = ""
        if change.new:
            pieces.append(Piece(between, change.new, 0.0, t("sentiment.edit.new"), "new"))
        at = change.end
    pieces.append(Piece(look.text[at:], "", 0.0, ""))
    with words:
        tokens(pieces, key=f"sentiment_suggestion_{place}", alt=plain(found.text), most=4)
    positive = float(found.probabilities[1])
    side = calibration.verdict(positive)
    number.markdown(
        t(
            "sentiment.suggest.becomes",
            before=percent(float(found.before[1]), 0),
            after=percent(positive, 0),
            verdict=t(f"sentiment.{side}"),
        )
    )

    def take() -> None:
        if pinned_text() is None:
            pin(look.text)
        write_text(found.text)

    button.button(t("sentiment.suggest.try"), key=f"sentiment_try_{place}", on_click=take)
