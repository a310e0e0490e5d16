"""Presenting: large type, nothing but the page, and the arrow keys from stop to stop of a prepared talk.

The talk is `STOPS`: each is a page with all that a link says of it, so that the same stop looks the same each
time. While one is shown, a thread prepares what the next one will ask for, and only that: TensorFlow is not
loaded before the stop that comes before the one that needs it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import streamlit as st
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

from core.imaging.chain import PRESETS, Call, to_url
from ui import cache, state
from ui.components.slides import slides
from ui.words import t

Query: TypeAlias = Mapping[str, str]
NOISE = Call.of("gaussian_noise", sigma=80)  # at which the cat turns into another animal
RESCUE = (NOISE, *PRESETS["rescue"][1:])
PIXEL = {  # the rim of the cat's eye in the first layer's map: three times 27 numbers, none of them padding
    "model": "efficientnet_lite0",
    "tab": "arithmetic",
    "layer": "stem_relu",
    "channel": "15",
    "pixel": "78-48",
}
PROMPTS = ("a red bicycle", "一只猫", "a cat asleep", "一辆红色的自行车")


@dataclass(frozen=True)
class Stop:
    """One stop of the talk. Its name is the message `presenter.stop.NAME`."""

    name: str
    page: str
    query: Query = field(default_factory=dict)
    text: str = ""  # what is read there: the message `presenter.text.TEXT`
    sight: str = ""  # the key of what it brings to the top of the screen, if that is not the top of the page


STOPS = (
    Stop("home", "home"),
    Stop("classify", "classify"),
    Stop("noise", "preprocess", {"chain": to_url((NOISE,))}),
    Stop("rescue", "preprocess", {"chain": to_url(RESCUE)}),
    Stop("inside", "feature_maps", {"model": "efficientnet_lite0", "tab": "channels"}),
    Stop("pixel", "feature_maps", PIXEL, sight="inside_tabs"),
    Stop("turn", "sentiment", {"model": "transformer", "tab": "words"}, "turn"),
    Stop("negation", "sentiment", {"model": "transformer", "tab": "words"}, "negation"),
    Stop("teach", "fine_tune", {"set": "surfaces", "plan": "head", "tab": "teach"}),
    Stop("words", "locked_image_tuning", {"prompts": "\n".join(PROMPTS), "tab": "ask"}),
    Stop("questions", "questions"),
)

_CSS = """
html { font-size: 125% !important; }
[data-testid="stSidebar"], [data-testid="stSidebarCollapsedControl"], [data-testid="stExpandSidebarButton"],
[data-testid="stHeader"], .st-key-tools, .st-key-footer { display: none !important; }
.stMainBlockContainer { max-width: 1680px; padding: 1.25rem 2.5rem 3.5rem; }
.st-key-presenter { position: absolute; height: 0; }
.st-key-heading p { max-width: none; margin-bottom: 0; font-size: 0.95rem; text-wrap: balance; }
@media (max-width: 767px) {
  html { font-size: 106% !important; }
  .stMainBlockContainer { padding: 1rem 1rem 4rem; }
}
"""


# --- the talk --------------------------------------------------------------------------------------


def presenting() -> bool:
    """Whether this visitor presents."""
    return bool(state.visit().kept.get("presenting"))


def begin() -> None:
    """Starts the talk at the stop of the page that is shown; a button's callback."""
    kept = state.visit().kept
    kept["presenting"] = True
    kept.pop("present_prepared", None)


def leave() -> None:
    """Ends it: the page stays, with everything around it."""
    state.visit().kept["presenting"] = False
    for name in ("present", "stop"):
        state.to_url(name, None)


def stops(pages: Mapping[str, str]) -> tuple[Stop, ...]:
    """The stops whose pages there are."""
    return tuple(stop for stop in STOPS if stop.page in pages)


def query(stop: Stop, number: int) -> dict[str, str]:
    """All that the link of a stop says: it opens the stop in the visitor's language."""
    visit = state.visit()
    found = {"lang": visit.language, **stop.query, "present": "1", "stop": str(number + 1)}
    if visit.photo is None or visit.photo.sample:  # a photo of the presenter's own is shown rather than ours
        found["image"] = state.FIRST_SAMPLE
    if stop.text:
        found["text"] = text_of(stop)
    return found


def text_of(stop: Stop) -> str:
    """The text that a stop shows, in the visitor's language."""
    return t(f"presenter.text.{stop.text}")


def place(name: str, pages: Mapping[str, str]) -> int | None:
    """At which stop one is on the page `name`; None on a page that the talk does not visit."""
    known = stops(pages)
    kept = state.visit().kept
    at = kept.get("present_stop", 0)
    if at < len(known) and known[at].page == name:
        return int(at)
    found = next((number for number, stop in enumerate(known) if stop.page == name), None)
    if found is not None:
        kept["present_stop"] = found
    return found


def enter(name: str, pages: Mapping[str, str]) -> None:
    """Follows the link and the keys, before anything of the page is drawn: another stop is opened here.

    Args:
        name: of the page that runs.
        pages: all of them and their paths.
    """
    kept = state.visit().kept
    if state.from_url("present") == "1":
        kept["presenting"] = True
    asked = state.from_url("stop")
    known = stops(pages)
    if asked is not None and asked.isdecimal() and 1 <= int(asked[:3]) <= len(known):
        kept["present_stop"] = int(asked[:3]) - 1
    to = kept.pop("present_to", None)
    if not presenting():
        return
    if to is not None:
        kept["present_stop"] = to
        state.visit().seen_url.clear()  # everything that the stop's link says is taken, also what was seen before
        state.visit().left_url.clear()
        st.switch_page(pages[known[to].page], query_params=query(known[to], to))
    at = place(name, pages)
    state.to_url("present", "1")
    state.to_url("stop", None if at is None else str(at + 1))


def stage(name: str, pages: Mapping[str, str]) -> None:
    """The look, the counter and the keys, and the next stop prepared; at the end of a page's run."""
    if not presenting():
        return
    known = stops(pages)
    at = place(name, pages)
    here = -1 if at is None else at
    st.html(f"<style>{_CSS}</style>")
    with st.container(key="presenter"):
        slides(
            key="presenter_keys",
            place=here + 1,
            count=len(known),
            title=t(f"presenter.stop.{known[here].name}") if at is not None else t("presenter.aside"),
            words={name: t(f"presenter.{name}") for name in ("back", "on", "leave", "hint")},
            on_step=lambda step: _step(here, step, len(known)),
            on_leave=leave,
            sight=known[here].sight if at is not None else "",
        )
    if here + 1 < len(known):
        _prepare(here + 1, known[here + 1])


def _step(here: int, step: int, count: int) -> None:
    to = here + step
    if 0 <= to < count:
        state.visit().kept["present_to"] = to


def control() -> None:
    """Where presenting is begun."""
    st.button(
        t("presenter.begin"),
        icon=":material/slideshow:",
        type="tertiary",
        key="present",
        shortcut="Alt+P",
        help=t("presenter.begin.help"),
        on_click=begin,
    )


# --- preparing -------------------------------------------------------------------------------------


def _prepare(number: int, stop: Stop) -> None:
    """Has a thread compute what the next stop will ask for; once a stop."""
    visit = state.visit()
    if visit.kept.get("present_prepared") == number or visit.photo is None:
        return
    visit.kept["present_prepared"] = number
    prepare = PREPARATIONS.get(stop.page)
    if prepare is None:
        return
    job = Job(visit.photo, visit.language, text_of(stop) if stop.text else "", cache.queue_owner())
    thread = threading.Thread(target=prepared, args=(prepare, job), name="glassbox-prepare")
    add_script_run_ctx(thread, get_script_run_ctx())  # the caches of a session are found by it
    thread.start()


@dataclass(frozen=True)
class Job:
    """What is known of the visit when a stop is prepared: the thread asks the visit nothing."""

    photo: state.Photo
    language: str
    text: str
    owner: str


def prepared(prepare: Callable[[Job], None], job: Job) -> bool:
    """Runs a preparation; whether it came to its end. If not, the stop itself will say why."""
    try:
        prepare(job)
    except Exception:  # a photo that cannot be read, no room for TensorFlow: the page tells it in words
        return False
    return True


def _classify(job: Job) -> None:
    from ui import answers

    answers.classify("efficientnet_lite0", job.photo)


def _inside(job: Job) -> None:
    from ui import inside

    network = inside.opened("efficientnet_lite0")
    assert network is not None
    image = job.photo.image
    known = network.key, job.photo.digest
    label_index = int(cache.inside_probabilities(*known, network.model, image).argmax())
    cache.inside_influences(*known, label_index, network.model, image)


def _sentiment(job: Job) -> None:
    from ui import sentiment

    digest = sentiment.digest_of(job.text)
    cache.text_verdicts(tuple(sentiment.MODELS), digest, job.text)
    for model in sentiment.CURVES:
        cache.reading(model, digest, 0, job.text)


def _fine_tune(job: Job) -> None:
    """A run of one epoch: the worker process is started, and the pictures went through the tower once."""
    from core.tuning import builtin
    from core.tuning.queue import queue, start
    from core.tuning.training import default_plan

    dataset = builtin("surfaces")
    run = start(job.owner, dataset, replace(default_plan(dataset), epochs=1))
    run.wait(60)
    queue().forget(run)


def _words(job: Job) -> None:
    cache.lit_maps(job.photo.digest, job.photo.image)
    cache.lit_texts(PROMPTS)


PREPARATIONS: Mapping[str, Callable[[Job], None]] = {
    "classify": _classify,
    "preprocess": _classify,
    "feature_maps": _inside,
    "sentiment": _sentiment,
    "fine_tune": _fine_tune,
    "locked_image_tuning": _words,
}
