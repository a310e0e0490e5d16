"""What a visitor does with two towers: prompts and templates, pictures to search, lessons; it outlives the page."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st
from streamlit.elements.lib.mutable_tab_container import TabContainer

from core import assets
from core.errors import GlassboxError
from core.lit import answers, known, towers
from core.lit.folder import Folder
from core.lit.known import Seen
from core.lit.pairs import Pair
from core.lit.types import LessonEvent, LessonFinished, LessonStarted, LessonStep, Lock
from core.tuning.queue import Run
from core.types import Floats, ModelCard
from ui import cache, state
from ui import tabs as lazy
from ui.words import plain, t

TABS = ("ask", "search", "lesson", "map", "honest")
FIRST = "first"
LINK = 500  # characters of all prompts that go into a link
STEPS_BACK = 30
TEMPERATURES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0)


@dataclass(frozen=True, eq=False)
class Job:
    """A lesson in the queue, and what it was begun with."""

    run: Run
    lock: Lock
    pairs: tuple[Pair, ...]
    went_on: bool  # from another one

    @property
    def started(self) -> LessonStarted | None:
        """Its first event."""
        return next((event for event in self.run.events if isinstance(event, LessonStarted)), None)

    @property
    def steps(self) -> tuple[LessonStep, ...]:
        """Where it has been so far."""
        finished = self.finished
        if finished is not None:
            return finished.history
        return tuple(event for event in self.run.events if isinstance(event, LessonStep))

    @property
    def finished(self) -> LessonFinished | None:
        """Its end, once it is there."""
        result: LessonEvent | None = self.run.result
        return result if isinstance(result, LessonFinished) else None


@dataclass
class Bench:
    """Everything of one visitor on this page."""

    prompts: tuple[str, ...] = ()
    example: str = FIRST  # the set of prompts that it is, "" if they are the visitor's own
    language: str = ""  # of that set
    past: list[tuple[tuple[str, ...], str, str]] = field(default_factory=list)
    chosen: str | None = None  # the prompt whose places are shown
    refused: GlassboxError | None = None  # what the visitor's last act met with
    folder: Folder = field(default_factory=Folder)
    asked: str | None = None  # what the search looks for: a prompt
    like: str | None = None  # the picture whose like is looked for
    lock: Lock = "image"
    jobs: dict[Lock, Job] = field(default_factory=dict)  # the last lesson of each kind
    shown: Lock | None = None  # whose matrix is seen
    own: tuple[Pair, ...] = ()  # captioned pictures of the visitor
    cell: tuple[int, int] | None = None
    uploads: int = 0

    @property
    def busy(self) -> bool:
        """Whether a lesson waits or is at work."""
        return any(not job.run.over for job in self.jobs.values())


# --- the bench, and what of it is in the link -------------------------------------------------------


def examples() -> dict[str, dict[str, list[str]]]:
    """The sets of prompts to begin with, by name and language."""
    found: dict[str, dict[str, list[str]]] = assets.read_json("lit", "prompts.json")
    return found


def bench() -> Bench:
    """The visitor's own, begun if nothing is there yet, and brought up to date with the link."""
    kept = state.visit().kept
    found: Bench | None = kept.get("lit")
    language = state.texts_language()
    if found is None:
        found = kept["lit"] = Bench()
    asked, written = state.from_url("prompts_set"), state.from_url("prompts")
    if written is not None:
        write(found, written.splitlines())
    elif asked in examples():
        choose_example(found, asked)
    elif found.example and found.language != language:
        found.prompts, found.language = tuple(examples()[found.example][language]), language
        found.chosen = None
    _to_url(found)
    return found


def prompts_elsewhere() -> tuple[str, ...]:
    """The visitor's prompts for another page, which leaves the link as it is."""
    found: Bench | None = state.visit().kept.get("lit")
    if found is not None and found.prompts:
        return found.prompts
    return tuple(examples()[FIRST][state.texts_language()])


def _to_url(found: Bench) -> None:
    whole = "\n".join(found.prompts)
    own = not found.example and found.prompts
    state.to_url("prompts", whole if own and len(whole) <= LINK else None)
    state.to_url("prompts_set", found.example if found.example not in ("", FIRST) else None)


def in_link(found: Bench) -> bool:
    """Whether a link takes the prompts along."""
    return bool(found.example) or len("\n".join(found.prompts)) <= LINK


# --- prompts ----------------------------------------------------------------------------------------


def change(found: Bench, prompts: Sequence[str], example: str = "") -> None:
    """Other prompts, from which one can go back; equal ones count once.

    More than can be compared are refused, and what was there stays.
    """
    kept = tuple(dict.fromkeys(prompts))
    found.refused = None
    if len(kept) > answers.MOST_PROMPTS:
        found.refused = GlassboxError("lit.error.too_many", got=len(kept), most=answers.MOST_PROMPTS)
        return
    if len(kept) < len(prompts):
        found.refused = GlassboxError("lit.error.same", count=len(prompts) - len(kept))
    if kept == found.prompts:
        return
    if found.prompts:
        found.past = [*found.past, (found.prompts, found.example, found.language)][-STEPS_BACK:]
    found.prompts, found.example = kept, example
    found.language = state.texts_language() if example else ""
    if found.chosen not in kept:
        found.chosen = None
    _to_url(found)


def write(found: Bench, lines: Sequence[str]) -> None:
    """The prompts as lines; empty ones are none."""
    change(found, [line.strip()[: towers.LONGEST] for line in lines if line.strip()])


def add(found: Bench, text: str) -> None:
    """One more prompt, or several in lines; the first new one is looked for in the picture."""
    lines = [line.strip()[: towers.LONGEST] for line in text.splitlines() if line.strip()]
    before = set(found.prompts)
    change(found, [*found.prompts, *lines])
    new = [line for line in lines if line not in before and line in found.prompts]
    found.chosen = new[0] if new else (lines[0] if lines and lines[0] in before else found.chosen)


def remove(found: Bench, prompt: str) -> None:
    """One prompt less."""
    change(found, [one for one in found.prompts if one != prompt])


def choose_example(found: Bench, name: str) -> None:
    """A set of prompts that ships."""
    change(found, examples()[name][state.texts_language()], name)


def undo(found: Bench) -> None:
    """The prompts as they were before the last change."""
    if found.past:
        found.prompts, found.example, found.language = found.past.pop()
        found.refused = None
        if found.chosen not in found.prompts:
            found.chosen = None
        _to_url(found)


# --- templates and temperature ----------------------------------------------------------------------


def templates() -> dict[str, str]:
    """The template of each language, as it stands."""
    return {
        language: state.remember(f"lit_template_{language}", usual, url=f"template_{language}")
        for language, usual in answers.TEMPLATES.items()
    }


def usual_temperature() -> float:
    """The calibrated one."""
    return answers.default_temperature()


def temperatures() -> list[float]:
    """What the slider offers: round numbers, and the calibrated temperature among them."""
    usual = answers.default_temperature()
    near = [one for one in TEMPERATURES if abs(np.log(one / usual)) > 0.12]
    return sorted([*near, usual])


def temperature() -> float:
    """The temperature that is chosen."""
    usual = answers.default_temperature()
    return float(state.remember("lit_temperature", usual, options=temperatures(), url="temperature"))


# --- the answer -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answered:
    """One prompt against a picture."""

    prompt: str
    text: str  # as it was read: in its template
    seen: Seen
    cosine: float = 0.0
    probability: float = 0.0
    problem: GlassboxError | None = None  # why it cannot be read

    @property
    def id(self) -> str:
        """Names the prompt in the page."""
        return name_of(self.prompt)


@dataclass(frozen=True)
class Compared:
    """All prompts against a picture."""

    prompts: tuple[Answered, ...]  # as they were written
    none: float | None  # how probable it is that it is none of them; None if that was not asked
    row: Floats = field(repr=False)  # (1280,): the picture

    @property
    def order(self) -> list[Answered]:
        """The most probable first; those that cannot be read last."""
        return sorted(self.prompts, key=lambda one: (one.problem is not None, -one.probability))

    @property
    def best(self) -> Answered | None:
        """The most probable prompt."""
        first = self.order[0] if self.prompts else None
        return first if first is not None and first.problem is None else None


def name_of(text: str) -> str:
    """A short name of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def read(prompts: Sequence[str], given: dict[str, str]) -> list[Answered]:
    """The prompts in their templates, and what there is to say against those that cannot be read.

    Raises:
        GlassboxError: a template without a place for the prompt.
    """
    found = []
    for prompt, text in zip(prompts, answers.templated(prompts, given), strict=True):
        problem: GlassboxError | None = None
        try:
            towers.tokens(prompt)  # alone: a template is always readable
        except GlassboxError as error:
            problem = error
        found.append(Answered(prompt, text, known.how_seen(prompt), problem=problem))
    return found


def compare(prompts: Sequence[Answered], row: Floats, heat: float, none: bool) -> Compared:
    """How well prompts fit a picture whose vector is `row`."""
    good = [one for one in prompts if one.problem is None]
    cosines = cache.lit_texts([one.text for one in good]) @ row
    shares = answers.probabilities(cosines, heat, none) if len(good) or none else cosines
    told = {
        one.prompt: Answered(one.prompt, one.text, one.seen, float(cosine), float(share))
        for one, cosine, share in zip(good, cosines, shares, strict=False)
    }
    return Compared(
        tuple(told.get(one.prompt, one) for one in prompts), float(shares[-1]) if none else None, row
    )


def photo_row(photo: state.Photo | None) -> Floats:
    """The visit's photo in the common space, (1280,).

    Raises:
        GlassboxError: there is no photo, or it cannot be used.
    """
    if photo is None:
        raise GlassboxError("error.no_photo")
    maps = cache.lit_maps(photo.digest, photo.image)
    return towers.placed(maps.mean(axis=(0, 1)))


# --- words ------------------------------------------------------------------------------------------


def told(error: GlassboxError) -> str:
    """What went wrong, with a visitor's words as they are meant: not as markup."""
    shown = {name: plain(value) if isinstance(value, str) else value for name, value in error.values.items()}
    return t(error.key, **shown)


def refusal(error: GlassboxError) -> None:
    """Tells what a visitor did that could not be done."""
    if error.key == "lit.error.same":  # it was done, but for the repeats
        st.caption(":material/content_copy: " + told(error))
    else:
        st.error(told(error), icon=":material/error:")


def attempt(found: Bench, act: Callable[[], Any]) -> bool:
    """Does something, or keeps what there is to say against it."""
    try:
        act()
    except GlassboxError as error:
        found.refused = error
        return False
    found.refused = None
    return True


def shortened(text: str, most: int = 60) -> str:
    """A visitor's text as it is repeated in a heading."""
    whole = " ".join(text.split())
    return whole if len(whole) <= most else whole[: most - 1] + "…"


def tag(seen: Seen) -> str:
    """How a prompt's words were in the tuning, in a word or two."""
    return t(f"lit.seen.{seen}")


# --- tabs -------------------------------------------------------------------------------------------


def tabs(names: Sequence[str] = TABS) -> list[tuple[str, TabContainer]]:
    """Tabs of which only the open one is computed; the link and another language keep it open."""
    return lazy.tabs("lit_tab", {name: t(f"lit.tab.{name}") for name in names})


def open_tab(name: str) -> None:
    """Opens a tab in the run that follows; for a widget's callback."""
    lazy.open_tab("lit_tab", name)


def card() -> ModelCard:
    """What the foot of the page tells."""
    return towers.card()
