"""The visitor's picture against typed words: which fits, how surely, whether any does, and where."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.errors import GlassboxError
from core.lit import answers, thumbnails
from core.types import Floats
from core.vision.explain import to_crop
from ui import cache, frame, lit, photo, state
from ui.components import overlay
from ui.components.fits import Fit, fits
from ui.lit import Answered, Bench, Compared
from ui.words import percent, plain, t

NONE = "none"
SHOWN = 60  # prompts with a bar; the others are counted
CLOSE = 2e-3  # the places' mean and the cosine differ by no more than rounding


def ask() -> None:
    """Words against the photo that follows the visitor, and other photos to take."""
    _bench()
    photo.chooser()


@frame.fragment
def _bench() -> None:
    found = lit.bench()
    given, broken = lit.templates(), None
    none = state.remember("lit_none", True, options=(True, False), url="none")
    try:
        prompts = lit.read(found.prompts, given)
    except GlassboxError as error:
        prompts, broken = lit.read(found.prompts, {}), error
    heat = lit.temperature()
    with st.spinner(t("lit.ask.reading"), show_time=True):  # seen only if it takes longer than half a second
        look = lit.compare(prompts, lit.photo_row(state.visit().photo), heat, none)
    picture, words = st.columns([5, 5], gap="large")
    with words:
        _headline(look)
        _prompts(found, look)
        _sets(found)
    with picture, frame.told():
        _picture(found, look)
    _settings(broken)
    with st.expander(t("lit.formula"), icon=":material/functions:"):
        _formula(look, heat)


# --- the answer -------------------------------------------------------------------------------------


def _headline(look: Compared) -> None:
    """One big word, one number, and whether that is zero-shot."""
    best = look.best
    with st.container(key="lit_headline", gap=None):
        if best is None:
            st.markdown(f"## {t('lit.ask.nothing')}")
            st.caption(t("lit.ask.empty"))
            return
        if look.none is not None and look.none > best.probability:
            st.markdown(f"## {t('lit.ask.none')}\u2002:primary[{plain(percent(look.none))}]")
            st.caption(t("lit.ask.none.about", prompt=plain(lit.shortened(best.prompt))))
            return
        share = plain(percent(best.probability))
        st.markdown(f"## {plain(lit.shortened(best.prompt, 40))}\u2002:primary[{share}]")
        st.caption(f"**{lit.tag(best.seen)}** · {t(f'lit.seen.{best.seen}.about')}")


def chosen(found: Bench, look: Compared) -> Answered | None:
    """The prompt whose places are shown: the one that was clicked, else the most probable."""
    by_hand = next((one for one in look.prompts if one.prompt == found.chosen), None)
    return by_hand if by_hand is not None and by_hand.problem is None else look.best


def _prompts(found: Bench, look: Compared) -> None:
    """The field and the bars."""
    by_id = {one.id: one for one in look.prompts}
    items = [fit(one) for one in look.order[:SHOWN]]
    if look.none is not None and look.prompts:
        above = sum(one.problem is None and one.probability >= look.none for one in look.order[:SHOWN])
        words = t("lit.ask.none")
        items.insert(
            above, Fit(NONE, words, "", "none", look.none, percent(look.none), t("lit.ask.none.help"))
        )
    shown = chosen(found, look)

    def picked(name: str) -> None:
        if name in by_id:
            found.chosen = by_id[name].prompt

    def removed(name: str) -> None:
        if name in by_id:
            lit.remove(found, by_id[name].prompt)

    fits(
        items,
        key="lit_fits",
        alt=t("lit.ask.bars"),
        words={name: t(f"lit.ask.{name}") for name in ("field", "placeholder", "add", "remove")},
        selected=shown.id if shown else None,
        on_add=lambda text: lit.add(found, text),
        on_remove=removed,
        on_pick=picked,
    )
    if len(look.prompts) > SHOWN:
        st.caption(t("lit.ask.more", count=len(look.prompts) - SHOWN))
    if found.refused is not None:
        lit.refusal(found.refused)


def fit(one: Answered) -> Fit:
    """One prompt as a bar."""
    if one.problem is not None:
        return Fit(one.id, one.prompt, "", "problem", 0.0, "", t(one.problem.key, **one.problem.values))
    return Fit(
        one.id,
        one.prompt,
        lit.tag(one.seen),
        "new" if one.seen == "new" else "seen",
        one.probability,
        percent(one.probability),
        t(f"lit.seen.{one.seen}.about"),
    )


def _sets(found: Bench) -> None:
    """Sets of prompts to begin with, the way back, and all prompts as lines."""
    with st.container(key="lit_sets", horizontal=True, gap="xsmall", vertical_alignment="center"):
        for name in lit.examples():
            st.button(
                t(f"lit.set.{name}"),
                key=f"lit_set_{name}",
                type="primary" if name == found.example else "secondary",
                on_click=lit.choose_example,
                args=(found, name),
            )
        with st.popover(t("lit.ask.lines"), icon=":material/edit_note:"):
            _lines(found)
        st.button(
            t("lit.undo"),
            key="lit_undo",
            icon=":material/undo:",
            type="tertiary",
            disabled=not found.past,
            on_click=lit.undo,
            args=(found,),
        )
    if not lit.in_link(found):
        st.caption(t("lit.ask.link_without", most=lit.LINK))


def _lines(found: Bench) -> None:
    """All prompts as lines of a text."""
    with st.form("lit_lines_form", border=False):
        text = st.text_area(
            t("lit.ask.lines.label", most=answers.MOST_PROMPTS),
            "\n".join(found.prompts),
            key=f"lit_lines_{lit.name_of(chr(10).join(found.prompts))}",
            height=220,
        )
        if st.form_submit_button(t("lit.ask.lines.take"), icon=":material/check:"):
            lit.write(found, text.splitlines())
            st.rerun(scope="fragment")


# --- where ------------------------------------------------------------------------------------------


def _picture(found: Bench, look: Compared) -> None:
    """The photo, and where in it the words of the chosen prompt matched."""
    current = state.visit().photo
    assert current is not None  # `photo_row` has said so otherwise
    image, one = current.image, chosen(found, look)
    places = np.zeros((7, 7), np.float32)
    if one is not None:
        (text,) = cache.lit_texts([one.text])
        places = answers.places(cache.lit_maps(current.digest, image), text)
    name = lit.shortened(one.prompt, 30) if one else ""
    heat = to_crop(np.maximum(places, 0), thumbnails.preparation(image).side)
    overlay(
        image,
        heat,
        key="lit_overlay",
        alt=t("lit.ask.overlay.alt", prompt=name),
        label=t("classify.opacity"),
        legend_low=t("lit.ask.legend.low"),
        legend_high=t("lit.ask.legend.high", prompt=name),
        photo_only=t("classify.photo_only"),
        seen=thumbnails.preparation(image).box(image),
        image_digest=current.digest,
    )
    if one is not None:
        _sum(one, places)


def _sum(one: Answered, places: Floats) -> None:
    """That the map is the cosine, place by place, and nothing else."""
    mean = float(places.mean())
    right = abs(mean - one.cosine) < CLOSE
    values = {
        "cosine": signed(one.cosine),
        "mean": signed(mean),
        "most": signed(float(places.max())),
        "least": signed(float(places.min())),
    }
    if float(places.max()) <= 0:
        st.caption(":material/visibility_off: " + t("lit.ask.nowhere", **values))
    else:
        st.caption((":material/check_circle: " if right else "") + t("lit.ask.places", **values))


def signed(value: float, digits: int = 3) -> str:
    """A number with a true minus sign."""
    return f"{value:.{digits}f}".replace("-", "−")


# --- templates, temperature, none of these ----------------------------------------------------------


def _settings(broken: GlassboxError | None) -> None:
    """How the prompts are read, and how their cosines become probabilities."""
    heat, none, *fields = st.columns([4, 3, 3, 3], gap="medium", vertical_alignment="bottom")
    usual = answers.default_temperature()
    with heat:
        st.select_slider(
            t("lit.temperature"),
            lit.temperatures(),
            key="lit_temperature",
            format_func=lambda one: f"{one:g} ★" if one == usual else f"{one:g}",
            on_change=state.keep,
            args=("lit_temperature", "temperature"),
            help=t("lit.temperature.help", usual=f"{usual:g}"),
        )
    with none:
        st.toggle(
            t("lit.ask.none.toggle"),
            key="lit_none",
            on_change=state.keep,
            args=("lit_none", "none"),
            help=t("lit.ask.none.help"),
        )
    for column, language in zip(fields, answers.TEMPLATES, strict=True):
        key = f"lit_template_{language}"
        with column:
            st.text_input(
                t(f"lit.template.{language}"),
                key=key,
                max_chars=200,
                on_change=state.keep,
                args=(key, f"template_{language}"),
                help=t("lit.template.help"),
            )
    if broken is not None:
        lit.refusal(broken)


def _formula(look: Compared, heat: float) -> None:
    """How a probability comes about, with the numbers of this very case."""
    best = look.best
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(t("lit.formula.cosine"))
        st.latex(r"\cos(x, y) = x \cdot y = \sum_{k=1}^{1280} x_k\, y_k")
        st.markdown(t("lit.formula.softmax"))
        st.latex(r"p_i = \frac{e^{\,x \cdot y_i / T}}{\sum_j e^{\,x \cdot y_j / T}}")
    with right:
        if best is None:
            st.caption(t("lit.ask.empty"))
            return
        st.markdown(t("lit.formula.here", prompt=plain(lit.shortened(best.prompt))))
        good = [one.cosine for one in look.prompts if one.problem is None]
        total = sum(np.exp((cosine - best.cosine) / heat) for cosine in good)
        if look.none is not None:
            total += np.exp((answers.none_similarity() - best.cosine) / heat)
        st.latex(
            rf"T = {heat:g} \qquad x \cdot y_i / T = {best.cosine:.3f} / {heat:g} = {best.cosine / heat:.2f}"
        )
        st.latex(
            rf"p_i = \frac{{1}}{{\sum_j e^{{(x \cdot y_j - x \cdot y_i) / T}}}}"
            rf" = \frac{{1}}{{{total:.3f}}} = {1 / total:.4f}"
        )
        st.caption(":material/check_circle: " + t("lit.formula.check", share=percent(best.probability, 2)))
