"""The pieces of the preprocess page: the strip, the chosen step large, its parameters and the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.errors import GlassboxError
from core.imaging import STEPS, measure
from core.imaging.chain import LONGEST_CHAIN, PRESETS, clean_pictures
from core.imaging.steps import FAMILIES, Step
from core.types import Image, ModelCard
from ui import cache, networks, state, studio_chain, widgets
from ui.components import Card, compare, data_uri, pick_rectangle, strip, thumbnail
from ui.studio_chain import PHOTO, Chain, Opinion, Picture, Placed, Studio, acting, changed
from ui.words import percent, sentence, t

HEIGHT = 420  # of the large picture on a wide screen, in pixels
THUMBNAIL = 160
PIXELS_SEEN = 64  # a picture up to this side is shown with its pixels as squares
SIDES = ("left", "top", "right", "bottom")

_BUSY = "color-mix(in srgb, canvas 92%, transparent)"
_CSS = f"""
.st-key-studio_strip {{ min-height: 9.5rem; }}
.st-key-studio_tools {{ min-height: 2.5rem; margin-top: -0.25rem; }}
:is(.st-key-studio_undo, .st-key-studio_redo, .st-key-studio_clear) button * {{ gap: 0; }}
:is(.st-key-studio_undo, .st-key-studio_redo, .st-key-studio_clear) button p {{ font-size: 0; }}
.st-key-studio_picture {{ min-height: {HEIGHT}px; }}
:is(.st-key-studio_answer, .st-key-studio_first) {{ gap: 0.35rem; }}
.st-key-studio_answer {{ min-height: 7rem; }}
:is(.st-key-studio_answer, .st-key-studio_first) [data-testid="stMarkdownContainer"] {{ margin-bottom: 0; }}
:is(.st-key-studio_answer, .st-key-studio_first) h2 {{ padding: 0; font-size: 1.75rem; line-height: 1.2; overflow-wrap: anywhere; }}
.st-key-studio_stories {{ gap: 0.55rem; }}
.st-key-studio_busy {{ position: absolute; z-index: 3; width: auto; margin: 0.5rem; padding: 0 0.75rem; background: {_BUSY}; border-radius: 10px; }}
.st-key-studio_busy:not(:has([data-testid="stSpinner"])) {{ display: none; }}
.st-key-studio_closer {{ min-height: 34rem; }}
.st-key-studio_numbers [data-testid="stMetric"] {{ min-width: 9rem; }}
[class*="st-key-studio_preset_button"] button {{ min-height: 0; padding: 0; }}
[class*="st-key-studio_preset_"] [data-testid="stCaptionContainer"] {{ padding-left: 1.5rem; }}
[class*="st-key-studio_preset_"] [data-testid="stMarkdownContainer"] {{ margin-bottom: 0; }}
@media (max-width: 767px) {{
  .st-key-studio_picture {{ min-height: 0; }}
  .st-key-studio_tools button {{ padding-inline: 0.45rem; }}
}}
"""


@dataclass(frozen=True)
class Work:
    """What one drawing of the page shows."""

    studio: Studio
    photo: state.Photo
    pictures: list[Picture]  # the photo, then one for each step that could be done
    opinions: list[Opinion]  # one for each picture
    stopped: GlassboxError | None  # why the step after the last picture could not be done

    @property
    def chain(self) -> Chain:
        return self.studio.chain

    @property
    def place(self) -> int:
        """The chosen step's place; of the last picture if there is none of the chosen step."""
        return min(self.chain.place, len(self.pictures) - 1)

    @property
    def step(self) -> Placed | None:
        """The chosen step."""
        place = self.chain.place
        return self.chain.steps[place - 1] if place else None

    @property
    def broken(self) -> bool:
        """Whether there is no picture of the chosen step."""
        return self.chain.place >= len(self.pictures)

    @property
    def before(self) -> Picture:
        return self.pictures[max(0, self.place - 1)]

    @property
    def after(self) -> Picture:
        return self.pictures[self.place]


# --- words of steps ---------------------------------------------------------------------------------


def step_name(step: str) -> str:
    """The name of a step."""
    return t(f"step.{step}")


def told(error: GlassboxError) -> str:
    """What went wrong with a chain, its step called as it is called on the page."""
    step = str(error.values.get("step"))
    return t(error.key, **{**error.values, "step": step_name(step)}) if step in STEPS else sentence(error)


def picture_name(chain: Chain, place: int) -> str:
    """The name of a picture of the chain: "2 · Median", or the photo."""
    if place == 0:
        return t("preprocess.photo")
    return f"{place} · {step_name(chain.steps[place - 1].call.step)}"


def class_name(opinion: Opinion) -> str:
    """The most probable class."""
    model = studio_chain.studio().model
    return networks.label(model, networks.model(model).labels[opinion.top])


def card() -> ModelCard | None:
    """What the foot of the page tells of the network; of a visitor's own its page tells."""
    model = studio_chain.studio().model
    return None if networks.is_tuned(model) else networks.model(model).card


def sure(opinion: Opinion, index: int | None = None, digits: int = 1) -> str:
    """The probability of a class, of the most probable one if not said which."""
    return percent(float(opinion.probabilities[opinion.top if index is None else index]), digits)


# --- the work ---------------------------------------------------------------------------------------


def opened() -> Studio:
    """The visitor's studio, and its look."""
    st.html(f"<style>{_CSS}</style>")
    return studio_chain.studio()


def run(found: Studio, upto: int | None = None) -> None:
    """Runs the chain, or its first steps, on the current photo; says so if a slow step has to be done.

    Raises:
        GlassboxError: there is no photo, or it cannot be used.
    """
    photo = _photo()
    slow = [call.step for call in found.undone(photo, upto) if call.on and STEPS[call.step].slow]
    if not slow:
        found.run(photo, upto)
        return
    height, width = photo.image.shape[:2]
    megapixels = f"{height * width / 1e6:.1f}"
    with st.spinner(t("preprocess.busy", name=step_name(slow[0]), megapixels=megapixels), show_time=True):
        found.run(photo, upto)


def work(found: Studio) -> Work:
    """What came out of the chain, and what the network thinks of every picture of it."""
    photo = _photo()
    pictures, stopped = found.run(photo)
    studio_chain.to_link(found)
    return Work(found, photo, pictures, found.ask(pictures), stopped)


def _photo() -> state.Photo:
    photo = state.visit().photo
    if photo is None:
        raise GlassboxError("error.no_photo")
    return photo


def refusal(found: Studio) -> None:
    """What could not be done, told once."""
    if found.refused is not None:
        st.error(told(found.refused), icon=":material/error:")
        found.refused = None


# --- the strip and its tools ------------------------------------------------------------------------


def cards(shown: Work) -> None:
    """A card for the photo and one for each step."""
    drawn = []
    for place in range(len(shown.chain.steps) + 1):
        step = shown.chain.steps[place - 1] if place else None
        id, name = str(step.id if step else PHOTO), picture_name(shown.chain, place)
        if place >= len(shown.pictures):
            first = place == len(shown.pictures)
            problem = t("preprocess.card.problem" if first else "preprocess.card.waits")
            drawn.append(Card(id, name, "", "", "", 0, "", problem=problem))
            continue
        picture, opinion = shown.pictures[place], shown.opinions[place]
        turned = place > 0 and changed(shown.opinions[place - 1], opinion)
        drawn.append(
            Card(
                id,
                name,
                thumbnail(picture.image, digest=picture.name, side=THUMBNAIL),
                t("preprocess.card.alt"),
                class_name(opinion),
                float(opinion.probabilities[opinion.top]),
                sure(opinion, digits=0),
                on=step is None or step.call.on,
                fixed=step is None,
                flag=t("preprocess.card.flag", name=class_name(shown.opinions[place - 1])) if turned else "",
            )
        )
    strip(
        drawn,
        key="studio_cards",
        alt=t("preprocess.strip"),
        selected=str(shown.chain.chosen if shown.step else PHOTO),
        words={
            name: t(f"preprocess.card.{name}") for name in ("left", "right", "off", "on", "remove", "moved")
        },
        on_act=_act,
    )


@acting
def _act(found: Studio, act: str, id: str, order: tuple[str, ...]) -> None:
    number = int(id)
    if act == "pick":
        found.pick(number)
    elif act == "move":
        found.reorder([int(each) for each in order], number)
    elif act in ("on", "off"):
        found.switch(number, act == "on")
    else:
        found.remove(number)


def mode(found: Studio) -> str:
    """How the chosen step is looked at: drawn on, against the picture before it or the photo, as a
    difference, as frequencies. The visitor's choice for steps of its kind."""
    place = found.chain.place
    if not place:
        return "photo"
    step = STEPS[found.chain.steps[place - 1].call.step]
    if _draws(step):
        kind = "draw"
        options: tuple[str, ...] = ("draw", "step", "photo", "spectrum")
    elif step.family == "geometry":
        kind = "move"
        options = ("step", "photo", "spectrum")
    else:
        kind = "plain"
        options = ("step", "photo", "difference", "spectrum")
    key = f"studio_mode_{kind}"
    chosen: str = state.remember(key, options[0], options=options)
    st.segmented_control(
        t("preprocess.mode"),
        options,
        key=key,
        format_func=lambda option: t(f"preprocess.mode.{option}"),
        required=True,
        label_visibility="collapsed",
        on_change=state.keep,
        args=(key,),
    )
    return chosen


def _draws(step: Step) -> bool:
    return all(step.parameter(side) is not None for side in SIDES)


def tools(found: Studio) -> None:
    """Adding a step, the presets, and the way back."""
    full = len(found.chain.steps) >= LONGEST_CHAIN
    with (
        st.popover(
            t("preprocess.add"), icon=":material/add:", type="primary", key="studio_add", on_change="rerun"
        ),
        st.container(key="studio_families", gap="xsmall"),
    ):
        if full:
            st.caption(t("preprocess.add.full", most=LONGEST_CHAIN))
        for family in FAMILIES:
            key = f"studio_add_{family}_{found.last_id}"  # a new one each time: nothing is chosen in it
            st.pills(
                t(f"preprocess.family.{family}"),
                [name for name, step in STEPS.items() if step.family == family],
                format_func=step_name,
                key=key,
                disabled=full,
                on_change=_added,
                args=(key,),
            )
    with st.popover(
        t("preprocess.presets"), icon=":material/auto_awesome:", key="studio_presets", on_change="rerun"
    ):
        presets("popover")
    way = {
        "undo": (":material/undo:", not found.past, Studio.undo),
        "redo": (":material/redo:", not found.future, Studio.redo),
        "clear": (":material/delete_sweep:", not found.chain.steps, _clear),
    }
    for name, (icon, disabled, act) in way.items():
        st.button(
            t(f"preprocess.{name}"),
            key=f"studio_{name}",
            icon=icon,
            disabled=disabled,
            help=t(f"preprocess.{name}"),
            on_click=acting(act),
        )


def _clear(found: Studio) -> None:
    found.load([])


def _added(key: str) -> None:
    step = st.session_state[key]
    st.session_state["studio_add"] = False  # the popover closes
    if step is not None:
        acting(Studio.add_once)(key, step)


def presets(where: str) -> None:
    """The chains that tell a story, each with a sentence."""
    for name in PRESETS:
        with st.container(key=f"studio_preset_{where}_{name}", gap=None):
            st.button(
                t(f"preprocess.preset.{name}"),
                key=f"studio_preset_button_{where}_{name}",
                type="tertiary",
                icon=":material/play_arrow:",
                on_click=_preset,
                args=(name,),
            )
            st.caption(t(f"preprocess.preset.{name}.about"))


def stories() -> None:
    """What there is to begin with, where the chain is empty."""
    st.markdown(t("preprocess.stories"))
    with st.container(key="studio_stories", gap="small"):
        presets("page")


def _preset(name: str) -> None:
    st.session_state["studio_presets"] = False
    acting(Studio.load)(PRESETS[name])


# --- the picture ------------------------------------------------------------------------------------


def rectangle(found: Studio) -> None:
    """The picture before the chosen step, with the step's rectangle on it; a new one changes the step."""
    place = found.chain.place
    step = found.chain.steps[place - 1]
    pictures, stopped = found.run(_photo(), place - 1)
    if stopped is not None:
        return
    before = pictures[-1]
    args = dict(step.call.args)
    left, right = sorted((args["left"], args["right"]))
    top, bottom = sorted((args["top"], args["bottom"]))
    with _frame(before.image):
        drawn = pick_rectangle(
            before.image,
            key=f"studio_rectangle_{step.id}",
            alt=t("preprocess.rectangle.alt", name=step_name(step.call.step)),
            rectangle=(left, top, right, bottom) if left < right and top < bottom else None,
            hint=t(f"preprocess.rectangle.{step.call.step}"),
            digest=before.name,
        )
    if drawn is not None:
        sides = {side: round(value, 2) for side, value in zip(SIDES, drawn, strict=True)}
        if any(sides[side] != args[side] for side in SIDES):
            found.adjust(step.id, sides)


def needed(found: Studio, how: str = "") -> int:
    """How many steps have to be done before there is a large picture to show."""
    place = found.chain.place
    if how == "draw":
        return place - 1
    return place or len(found.chain.steps)  # the photo is chosen: what the whole chain does to it


def picture(found: Studio, how: str) -> None:
    """The chosen step large: what was before on the left of a line that is dragged, what is now on its
    right. It is there before the steps after it are done, and before the network is asked."""
    chain = found.chain
    place = needed(found)
    pictures, _ = found.run(_photo(), place)
    after = pictures[-1]
    if len(pictures) == 1 or after.place < place:
        with _frame(after.image):
            st.image(
                data_uri(after.image, digest=after.name),
                alt=picture_name(chain, after.place),
                width="stretch",
            )
        return
    before = pictures[0] if how == "photo" else pictures[-2]
    names = [picture_name(chain, before.place), picture_name(chain, after.place)]
    images: list[Image] = [before.image, after.image]
    digests = [before.name, after.name]
    if how == "difference" and before.image.shape == after.image.shape:
        names[1] = t("preprocess.difference")
        images[1], digests[1] = measure.difference(after.image, before.image), f"{after.name}|difference"
    elif how == "spectrum":
        images = [cache.spectrum(name, image) for name, image in zip(digests, images, strict=True)]
        digests = [f"{digest}|spectrum" for digest in digests]
    with _frame(images[0]):
        compare(
            images[0],
            images[1],
            key="studio_compare",
            label_before=names[0],
            label_after=names[1],
            alt=t("preprocess.compare.alt", before=names[0], after=names[1]),
            pixelated=max(images[0].shape[:2]) <= PIXELS_SEEN,
            before_digest=digests[0],
            after_digest=digests[1],
        )


def result(shown: Work) -> None:
    """What the chosen step made, small: beside the picture on which its rectangle is drawn."""
    if not shown.broken:
        with st.container(key="studio_result", height=154, border=False):
            image = shown.after.image
            st.image(
                data_uri(image, digest=shown.after.name, max_side=640),
                alt=picture_name(shown.chain, shown.place),
                width=max(1, min(480, round(150 * image.shape[1] / image.shape[0]))),
            )


def _frame(image: Image) -> Any:
    """Room for a large picture: as wide as it may be without being too high."""
    height, width = image.shape[:2]
    return st.container(width=max(160, round(HEIGHT * width / height)))


# --- the answer and the parameters ------------------------------------------------------------------


def answer(shown: Work) -> None:
    """What the network thinks of the chosen step's picture, and whether the step turned it."""
    if shown.broken and shown.stopped is not None:
        st.caption(picture_name(shown.chain, shown.chain.place))
        st.error(told(shown.stopped), icon=":material/error:")
        return
    opinion = shown.opinions[shown.place]
    st.caption(t("preprocess.answer.photo" if shown.place == 0 else "preprocess.answer", place=shown.place))
    words = t("preprocess.answer.headline", name=class_name(opinion), share=sure(opinion))
    st.markdown(f"## {words}")
    if shown.place:
        before = shown.opinions[shown.place - 1]
        now, then = sure(before, opinion.top), sure(before)
        if changed(before, opinion):
            words = t("preprocess.answer.turned", name=class_name(before), share=then)
            st.markdown(f":orange[:material/flag: {words}]")
        else:
            st.caption(":material/check: " + t("preprocess.answer.stayed", before=now, after=sure(opinion)))
    elif shown.chain.steps:
        end = shown.opinions[-1]
        words = t("preprocess.answer.end", name=class_name(end), share=sure(end))
        st.caption(":material/last_page: " + words)
    if opinion.as_it_is:
        st.caption(":material/crop_free: " + t("preprocess.answer.as_it_is"))
    rescue(shown)


def rescue(shown: Work) -> None:
    """Where noise was added and removed again: what the rescue was worth, in dB and in the class."""
    steps = [STEPS[step.call.step] for step in shown.chain.steps]
    on = [place for place, step in enumerate(shown.chain.steps, 1) if step.call.on]
    damaged = [place for place in on if steps[place - 1].family == "damage"]
    if not damaged or shown.stopped is not None:
        return
    after = [steps[place - 1].family for place in on if place > damaged[-1]]
    if "denoise" not in after or {"edges", "segment"} & set(after):
        return
    results = [picture.result for picture in shown.pictures if picture.result is not None]
    clean = clean_pictures(results)
    worth = []
    for place in (damaged[-1], len(results)):
        reference, seen = clean[place - 1], shown.pictures[place]
        if reference is None or reference.shape != seen.image.shape:
            return
        worth.append(cache.psnr(seen.name, f"{seen.name}|clean", seen.image, reference))
    noisy, rescued = worth
    before, ruined, end = (shown.opinions[place] for place in (damaged[0] - 1, damaged[-1], -1))
    if not changed(before, ruined):
        fate = "kept" if not changed(before, end) else "lost"
    else:
        fate = "back" if not changed(before, end) else "gone"
    words = t(
        "preprocess.rescue",
        noisy=f"{noisy:.1f}",
        rescued=f"{rescued:.1f}",
        gain=f"{rescued - noisy:+.1f}",
        fate=t(f"preprocess.rescue.{fate}", name=class_name(before)),
    )
    icon = ":green[:material/check_circle:]" if fate in ("back", "kept") else ":red[:material/cancel:]"
    st.markdown(f"{icon} {words}")


def parameters(shown: Work, how: str) -> None:
    """What the chosen step does, and a widget for each of its parameters."""
    placed = shown.step
    assert placed is not None
    step, values = STEPS[placed.call.step], dict(placed.call.args)
    st.markdown(f"**{step_name(step.name)}**", help=t(f"step.{step.name}.about"))
    drawn = SIDES if how == "draw" else ()
    found = [parameter for parameter in step.parameters if parameter.name not in drawn]
    if not found:
        if not drawn:
            st.caption(t("preprocess.no_parameters"))
        return
    sides = st.columns(2 if len(found) > 2 else 1, gap="medium")

    def adjusted(name: str, value: Any) -> None:
        acting(Studio.adjust)(placed.id, {name: value})

    for i, parameter in enumerate(found):
        with sides[i % len(sides)]:
            widgets.parameter(
                parameter,
                values[parameter.name],
                key=f"studio_{placed.id}_{parameter.name}",
                words=f"step.{step.name}",
                on_change=adjusted,
            )
