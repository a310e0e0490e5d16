"""The tabs of the preprocess page: numbers, the maths, one parameter swept, taking the chain away."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import cv2
import numpy as np
import streamlit as st

from core.errors import GlassboxError
from core.imaging import STEPS, Call, apply
from core.imaging.chain import clean_pictures, from_json, sweep_values, to_json
from core.imaging.export import to_python
from core.imaging.measure import HISTOGRAM_ROWS, Likeness
from core.types import Image
from ui import cache, charts, state, studio_maths, widgets
from ui import tabs as lazy
from ui.components import GalleryItem, copy_link, gallery, thumbnail
from ui.studio import THUMBNAIL, Work, class_name, picture_name, step_name, sure, told
from ui.studio_chain import Opinion, Picture, Studio, acting, changed, key_of, probability_of, turns
from ui.words import t

TABS = ("numbers", "maths", "sweep", "take")
SWEPT = 7
MOST_SWEEPS = 12


def closer(shown: Work) -> None:
    """The tabs; only the open one is computed."""
    pieces: dict[str, Callable[[Work], None]] = {
        "numbers": numbers,
        "maths": maths,
        "sweep": sweep,
        "take": take_away,
    }
    for name, tab in lazy.tabs("studio_tab", {name: t(f"preprocess.tab.{name}") for name in pieces}):
        if tab.open:
            with tab, st.container(key="studio_closer"):
                pieces[name](shown)


# --- numbers and histograms -------------------------------------------------------------------------


class Figure(NamedTuple):
    """A number of a picture, and the same of the picture before."""

    name: str
    now: str
    before: str | None = None


def figures(shown: Work) -> list[Figure]:
    """The chosen picture in numbers, in the visitor's words."""
    before, after = shown.before, shown.after
    old, new = cache.numbers(before.name, before.image), cache.numbers(after.name, after.image)
    step = shown.place > 0

    def pair(name: str, write: Callable[[Any], str]) -> Figure:
        was = write(getattr(old, name)) if step else None
        return Figure(name, write(getattr(new, name)), was)

    found = [Figure("size", f"{new.width} × {new.height}", f"{old.width} × {old.height}" if step else None)]
    found += [pair(name, _decimal) for name in ("mean", "std", "sharpness", "noise")]
    if not step:
        return found
    photo = shown.pictures[0]
    own = _likeness(after, photo.name, photo.image)
    prior = _likeness(before, photo.name, photo.image)
    found += [
        Figure("psnr", _decibel(own), _decibel(prior)),
        Figure("ssim", _similarity(own), _similarity(prior)),
    ]
    results = [picture.result for picture in shown.pictures if picture.result is not None]
    clean = clean_pictures(results[: shown.place])
    if clean and clean[-1] is not None:
        old_clean = clean[-2] if len(clean) > 1 else None
        undamaged = clean[-1] is results[0].before  # the photo itself: what was just asked
        now = own if undamaged else _likeness(after, f"{after.name}|clean", clean[-1])
        then = None
        if old_clean is not None:
            undamaged = old_clean is results[0].before
            then = prior if undamaged else _likeness(before, f"{before.name}|clean", old_clean)
        was = (_decibel(then), _similarity(then)) if old_clean is not None else (None, None)
        found += [
            Figure("psnr_clean", _decibel(now), was[0]),
            Figure("ssim_clean", _similarity(now), was[1]),
        ]
    assert after.result is not None
    found.append(Figure("seconds", t("unit.ms", value=f"{after.result.seconds * 1000:.1f}")))
    return found


def _decimal(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:,.1f}"


def _decibel(found: Likeness | None) -> str:
    if found is None:
        return "–"
    return "∞ dB" if math.isinf(found.psnr) else f"{found.psnr:.1f} dB"


def _similarity(found: Likeness | None) -> str:
    return "–" if found is None else f"{found.ssim:.3f}"


def _likeness(picture: Picture, reference: str, image: Image) -> Likeness | None:
    if picture.image.shape != image.shape:
        return None
    return cache.likeness(picture.name, reference, picture.image, image)


def numbers(shown: Work) -> None:
    """The picture in numbers, its histograms before and after, the opinion over the steps."""
    st.caption(picture_name(shown.chain, shown.place))
    with st.container(key="studio_numbers", horizontal=True):
        for figure in figures(shown):
            st.metric(
                t(f"preprocess.number.{figure.name}"),
                figure.now,
                delta=None if figure.before is None else t("preprocess.number.before", value=figure.before),
                delta_color="off",
                delta_arrow="off",
                help=t(f"preprocess.number.{figure.name}.help"),
                width="content",
            )
    left, right = st.columns(2, gap="large")
    places = [shown.before, shown.after] if shown.place else [shown.pictures[0], shown.pictures[-1]]
    if len(shown.pictures) == 1:
        places = places[:1]
        right.caption(t("preprocess.histogram.none"))
    counts = [cache.histograms(picture.name, picture.image) for picture in places]
    shares = [count / max(1, count[0].sum()) for count in counts]
    # A clipped end of the scale would press all the rest flat.
    top = max(float(np.sort(share.ravel())[-24]) for share in shares) * 1.15 + 1e-6
    for side, column, picture, count in zip(("before", "after"), (left, right), places, counts, strict=False):
        with column:
            st.markdown(f"**{picture_name(shown.chain, picture.place)}**")
            charts.histogram(
                count,
                [t(f"preprocess.histogram.{row}") for row in HISTOGRAM_ROWS],
                key=f"studio_histogram_{side}",
                x_title=t("preprocess.histogram.level"),
                y_title=t("preprocess.histogram.share"),
                alt=t("preprocess.histogram.alt", name=picture_name(shown.chain, picture.place)),
                top=top,
                mark=_level(shown) if side == "before" else None,
            )
    notes(shown)
    over_steps(shown)


def _level(shown: Work) -> tuple[float, str] | None:
    """The level of a threshold, for the histogram of what it divided."""
    result = shown.after.result
    if not shown.place or result is None:
        return None
    level = result.note.get("level", dict(result.call.args).get("level"))
    if not isinstance(level, int | float):
        return None
    return float(level), t("preprocess.note.level", value=f"{level:g}")


def notes(shown: Work) -> None:
    """What the step found by itself."""
    result = shown.after.result
    if not shown.place or result is None:
        return
    words = []
    for name, value in result.note.items():
        if name == "areas":
            assert isinstance(value, tuple)
            text = ", ".join(f"{area:,}" for area in value)
        elif name == "foreground":
            text = f"{value:.1%}"
        else:
            text = f"{value:.3g}" if isinstance(value, float) else f"{value:,}"
        if text:
            words.append(t(f"preprocess.note.{name}", value=text))
    if words:
        st.caption(" · ".join(words))


def over_steps(shown: Work) -> None:
    """The photo's class, and the class at the end, over the steps."""
    opinions = shown.opinions
    if len(opinions) < 2:
        return
    first, last = opinions[0], opinions[-1]
    drawn = [charts.Line(class_name(first), probability_of(opinions, first.top), "main")]
    if changed(first, last):
        drawn.append(charts.Line(class_name(last), probability_of(opinions, last.top), "second"))
    st.markdown(f"**{t('preprocess.over')}**")
    charts.over_steps(
        [picture_name(shown.chain, place) for place in range(len(opinions))],
        drawn,
        key="studio_over_steps",
        y_title=t("preprocess.probability"),
        alt=t("preprocess.over.alt", name=class_name(first), start=sure(first), end=sure(last, first.top)),
        flags=turns(opinions),
        flag=t("preprocess.over.flag"),
    )


# --- the maths --------------------------------------------------------------------------------------


def maths(shown: Work) -> None:
    """The formula of the chosen step, and what it makes of the pixel in the middle."""
    result = shown.after.result
    if not shown.place or result is None or shown.broken:
        st.info(t("preprocess.choose_step"), icon=":material/touch_app:")
        return
    step = result.call.step
    st.markdown(f"**{step_name(step)}** · {t(f'step.{step}.about')}")
    st.latex(t(f"step.{step}.formula"))
    if not result.call.on:
        st.info(t("preprocess.maths.off"), icon=":material/visibility_off:")
        return
    case = studio_maths.Case(result)
    found = studio_maths.worked(result)
    if found.at_pixel:
        rgb = ", ".join(str(value) for value in case.rgb)
        st.caption(t("preprocess.maths.pixel", x=case.x, y=case.y, rgb=rgb))
    else:
        st.caption(t("preprocess.maths.numbers"))
    st.latex(found.latex)
    if found.value is not None:
        level = min(255, max(0, round(found.value)))
        same = abs(level - case.after) <= 1
        icon = ":green[:material/check_circle:]" if same else ":red[:material/cancel:]"
        st.markdown(f"{icon} " + t("preprocess.maths.check", value=case.after))


# --- the sweep --------------------------------------------------------------------------------------


class Swept(NamedTuple):
    """A step at one value of a parameter."""

    value: Any
    source: str  # a data URI
    opinion: Opinion


def sweep(shown: Work) -> None:
    """One parameter at up to seven values, side by side, with what the network thinks of each."""
    placed = shown.step
    if placed is None or shown.broken:
        st.info(t("preprocess.choose_step"), icon=":material/touch_app:")
        return
    step = STEPS[placed.call.step]
    names = [parameter.name for parameter in step.parameters]
    if not names:
        st.info(t("preprocess.no_parameters"), icon=":material/tune:")
        return
    words = f"step.{step.name}"
    key = f"studio_sweep_{step.name}"
    chosen = state.remember(key, names[0], options=names)
    st.segmented_control(
        t("preprocess.sweep.parameter"),
        names,
        key=key,
        format_func=lambda name: t(f"{words}.{name}"),
        required=True,
        on_change=state.keep,
        args=(key,),
    )
    parameter = step.parameter(chosen)
    assert parameter is not None
    found = swept(shown, placed.call, chosen)
    now = dict(placed.call.args)[chosen]
    texts = [widgets.written(parameter, one.value, words=words) for one in found]
    gallery(
        [
            GalleryItem(
                str(place),
                f"{text} · {class_name(one.opinion)} {sure(one.opinion, digits=0)}",
                t("preprocess.sweep.alt", name=step_name(step.name), value=text),
                one.source,
            )
            for place, (one, text) in enumerate(zip(found, texts, strict=True))
        ],
        key="studio_swept",
        alt=t("preprocess.sweep.row"),
        selected=next((str(place) for place, one in enumerate(found) if one.value == now), None),
        columns_hint=SWEPT,
        on_pick=lambda place: acting(Studio.adjust)(placed.id, {chosen: found[int(place)].value}),
    )
    st.caption(t("preprocess.sweep.hint"))
    top = shown.opinions[0].top
    charts.over_steps(
        texts,
        [
            charts.Line(
                class_name(shown.opinions[0]), probability_of([one.opinion for one in found], top), "main"
            )
        ],
        key="studio_sweep_line",
        y_title=t("preprocess.probability"),
        alt=t("preprocess.sweep.line", name=class_name(shown.opinions[0])),
        flags=turns([one.opinion for one in found]),
        flag=t("preprocess.over.flag"),
    )


def swept(shown: Work, call: Call, parameter: str) -> list[Swept]:
    """The step at the values of a sweep; kept for as long as the picture before it is the same."""
    known = STEPS[call.step].parameter(parameter)
    assert known is not None
    studio, before = shown.studio, shown.before
    others = tuple((name, value) for name, value in call.args if name != parameter)
    place = (before.name, Call(call.step, others), parameter)
    if place not in studio.swept:
        values = sweep_values(known, SWEPT)
        calls, pictures = [], []
        bar = st.progress(0.0, t("preprocess.sweep.busy")) if STEPS[call.step].slow else None
        for done, value in enumerate(values):
            changed_call = Call.of(call.step, **{**dict(call.args), parameter: value})
            try:
                (result,) = apply(before.image, [changed_call])
            except GlassboxError:  # too large or too small at this value: the others are still shown
                continue
            calls.append((value, changed_call))
            so_far = shown.chain.calls[: shown.before.place]
            pictures.append(
                Picture(shown.place, key_of(shown.photo.digest, [*so_far, changed_call]), result.image)
            )
            if bar is not None:
                bar.progress((done + 1) / len(values), t("preprocess.sweep.busy"))
        if bar is not None:
            bar.empty()
        opinions = studio.ask(pictures)
        studio.swept[place] = [
            Swept(value, thumbnail(picture.image, digest=picture.name, side=THUMBNAIL), opinion)
            for (value, _), picture, opinion in zip(calls, pictures, opinions, strict=True)
        ]
        while len(studio.swept) > MOST_SWEEPS:
            del studio.swept[next(iter(studio.swept))]
    found: list[Swept] = studio.swept[place]
    return found


# --- taking it away ---------------------------------------------------------------------------------


def take_away(shown: Work) -> None:
    """The chain as a script and as JSON, the picture as a PNG, the link; and a chain brought back."""
    code, rest = st.columns([5, 4], gap="large")
    calls = shown.chain.calls
    with code:
        script = to_python(calls)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{t('preprocess.take.code')}**", width="stretch")
            st.download_button(
                t("preprocess.take.download"),
                script,
                "preprocess.py",
                "text/x-python",
                key="studio_take_code",
                icon=":material/download:",
                on_click="ignore",
            )
        st.caption(t("preprocess.take.code.about"))
        st.code(script, language="python", height=420)
    with rest:
        end = shown.pictures[-1]
        with st.container(horizontal=True):
            st.download_button(
                t("preprocess.take.png"),
                lambda: png(end.image),
                "glassbox.png",
                "image/png",
                key="studio_take_png",
                icon=":material/image:",
                on_click="ignore",
            )
            copy_link(t("preprocess.take.link"), t("frame.shared"), key="studio_take_link")
        chain = to_json(calls)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{t('preprocess.take.json')}**", width="stretch")
            st.download_button(
                t("preprocess.take.download"),
                chain,
                "chain.json",
                "application/json",
                key="studio_take_json",
                icon=":material/download:",
                on_click="ignore",
            )
        st.code(chain, language="json", height=150)
        st.text_area(
            t("preprocess.take.paste"),
            key="studio_paste",
            height=110,
            placeholder=t("preprocess.take.paste.like"),
        )
        st.button(t("preprocess.take.use"), key="studio_paste_use", icon=":material/input:", on_click=_use)
        refused = state.visit().kept.pop("studio_paste_refused", None)
        if refused is not None:
            st.error(told(refused), icon=":material/error:")


def _use() -> None:
    try:
        calls = from_json(st.session_state.get("studio_paste") or "")
    except GlassboxError as error:
        state.visit().kept["studio_paste_refused"] = error
    else:
        acting(Studio.load)(calls)


def png(image: Image) -> bytes:
    """The picture without loss, as a file."""
    return bytes(cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes())
