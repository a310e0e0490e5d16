"""What a visitor tunes: the data set, the plan, the run and what came of it; all of it outlives the page."""

from __future__ import annotations

import secrets
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import streamlit as st
from streamlit.elements.lib.mutable_tab_container import TabContainer

from core.errors import GlassboxError
from core.params import Parameter, Range
from core.tuning import review
from core.tuning.queue import Run, start
from core.tuning.shipped import BUILTIN, label_key
from core.tuning.training import default_plan, watchable
from core.tuning.tuned import tuned_model, tuned_text_classifier
from core.tuning.types import Augmentation, Dataset, Example, Finished, Plan, Tuned, Unlocked
from core.types import Classifier, ModelCard
from core.vision.models import VisionModel, vision_model
from ui import cache, state
from ui import tabs as lazy
from ui.words import plain, t

FIRST = "textures"
OWN = "own"
TABS = ("teach", "watch", "result", "away", "races")
UNLOCKED: tuple[Unlocked, ...] = ("head", "last", "all", "scratch")
STEPS_BACK = 30
KEPT_PARTS = ("seed",)  # of a plan by hand, when another part of the network is unlocked
RATES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)


@dataclass(frozen=True, eq=False)
class Job:
    """A run in the queue, and what it was begun with."""

    run: Run
    dataset: Dataset
    plan: Plan
    watched: str | None

    @property
    def over(self) -> bool:
        return self.run.state in ("finished", "stopped", "failed")


@dataclass(frozen=True, eq=False)
class Done:
    """A tuned network; one that was brought back has no data set and no run."""

    key: str  # names it in the caches
    tuned: Tuned
    dataset: Dataset | None = None
    finished: Finished | None = None
    model: VisionModel | None = None  # of pictures
    classifier: Classifier[str] | None = None  # of texts
    before: float | None = None  # the accuracy of the network tuned before it, on the same classes

    @property
    def names(self) -> list[str]:
        """The classes as they are called, in order."""
        if self.dataset is None:
            return list(self.tuned.labels)
        return names_of(self.dataset)

    def example(self, digest: str) -> Example | None:
        """One of the examples that it was tuned with."""
        examples = self.dataset.examples if self.dataset else ()
        return next((example for example in examples if example.digest == digest), None)


@dataclass
class Workshop:
    """Everything of one visitor on this page."""

    dataset: Dataset
    chosen: str = FIRST  # a set that ships, or OWN
    language: str = ""  # of a set of texts that ships
    way: str = ""  # "zip" or "texts": what is asked for
    past: list[tuple[Dataset, str, str]] = field(default_factory=list)
    unlocked: Unlocked = "head"
    by_hand: dict[str, Any] = field(default_factory=dict)  # parts of the plan that are not the usual ones
    watched: str | None = None
    job: Job | None = None
    settled: str = ""  # the run whose network was taken
    done: Done | None = None
    refused: GlassboxError | None = None  # what the visitor's last act met with
    acknowledged: str = ""
    opened: set[str] = field(default_factory=set)  # classes of which everything is shown
    thumbnails: dict[str, str] = field(default_factory=dict)
    cell: tuple[int, int] | None = None
    picked: str | None = None  # the example that is looked at in the result
    package: Run | None = None  # the export of `done`
    package_of: str = ""
    race: list[Job] = field(default_factory=list)
    uploads: int = 0

    @property
    def plan(self) -> Plan:
        """The plan as it stands."""
        return replace(default_plan(self.dataset, self.unlocked), **self.by_hand)

    @property
    def problem(self) -> GlassboxError | None:
        """Why nothing can be learned from the data set."""
        try:
            review.check(self.dataset)
        except GlassboxError as error:
            return error
        return None

    @property
    def busy(self) -> bool:
        """Whether a run waits or is at work."""
        return self.job is not None and not self.job.over


# --- words -----------------------------------------------------------------------------------------


def names_of(dataset: Dataset) -> list[str]:
    """The classes of a data set as they are called: a visitor's own words are shown as they are."""
    keys = [label_key(dataset, label) for label in range(len(dataset.labels))]
    return [t(key) if key else word for key, word in zip(keys, dataset.labels, strict=True)]


def told(key: str, values: Mapping[str, object], dataset: Dataset | None = None) -> str:
    """A message with a visitor's words in it, as they are meant: not as markup; classes by their names."""
    called = dict(zip(dataset.labels, names_of(dataset), strict=True)) if dataset else {}
    shown = {
        name: plain(called.get(value, value)) if isinstance(value, str) else value
        for name, value in values.items()
    }
    return t(key, **shown)


def refusal(error: GlassboxError, dataset: Dataset | None = None) -> None:
    """Tells what a visitor did that could not be done."""
    st.error(told(error.key, error.values, dataset), icon=":material/error:")


def seconds(count: float) -> str:
    """A span of time in a few letters."""
    if count < 90:
        return t("fine_tune.seconds", count=max(1, round(count)))
    return t("fine_tune.minutes", count=round(count / 60))


# --- the workshop, and what of it is in the link ---------------------------------------------------


def workshop() -> Workshop:
    """The visitor's own, begun if nothing is there yet, and brought up to date with the link."""
    kept = state.visit().kept
    asked = state.from_url("set")
    found: Workshop | None = kept.get("tuning")
    if found is None:
        name = asked if asked in BUILTIN else FIRST
        found = kept["tuning"] = Workshop(shipped(name), name, state.texts_language())
    elif asked in BUILTIN and asked != found.chosen:
        choose_set(found, asked)
    _follow_language(found)
    _take_plan(found, state.from_url("plan"))
    state.to_url("set", found.chosen)
    state.to_url("plan", written_plan(found))
    settle(found)
    return found


def shipped(name: str) -> Dataset:
    """A set that ships, its texts in the visitor's language."""
    return cache.builtin_set(name, state.texts_language() if BUILTIN[name].kind == "texts" else "")


def _follow_language(found: Workshop) -> None:
    language = state.texts_language()
    if found.chosen in BUILTIN and found.dataset.kind == "texts" and found.language != language:
        if found.dataset == cache.builtin_set(found.chosen, found.language):
            found.dataset = shipped(found.chosen)
        found.language = language


def forget() -> None:
    """Ends what runs for this visitor; everything else goes with the visit."""
    cache.queue_owner.clear()


# --- the data set ----------------------------------------------------------------------------------


def change(found: Workshop, dataset: Dataset, chosen: str | None = None) -> None:
    """Another data set, from which one can go back."""
    found.past = [*found.past, (found.dataset, found.chosen, found.way)][-STEPS_BACK:]
    if dataset.kind != found.dataset.kind:
        found.by_hand = {}
        found.watched = None
    found.dataset = dataset
    found.chosen = found.chosen if chosen is None else chosen
    found.refused = None
    present = {example.digest for example in dataset.examples}
    found.thumbnails = {digest: uri for digest, uri in found.thumbnails.items() if digest in present}


def undo(found: Workshop) -> None:
    """The data set as it was before the last change."""
    if found.past:
        found.dataset, found.chosen, found.way = found.past.pop()
        found.refused = None
        state.to_url("set", found.chosen)


def choose_set(found: Workshop, name: str) -> None:
    """A set that ships, or an empty one to fill."""
    if name in BUILTIN:
        found.language = state.texts_language()
        change(found, shipped(name), name)
        found.way = ""
    elif name == OWN:
        empty = tuple(t("fine_tune.class", number=number) for number in (1, 2))
        change(found, Dataset("images", empty, ()), OWN)
        found.way = ""
    else:
        found.way = "" if found.way == name else name
    found.opened = set()
    state.to_url("set", found.chosen)


def attempt(found: Workshop, act: Callable[[], Dataset], chosen: str | None = None) -> bool:
    """Changes the data set, or keeps what there is to say against it."""
    try:
        new = act()
    except GlassboxError as error:
        found.refused = error
        return False
    change(found, new, chosen)
    return True


# --- the plan --------------------------------------------------------------------------------------


def unlock(found: Workshop, unlocked: Unlocked) -> None:
    """What may learn; the rest of the plan is then what is usual for it."""
    found.unlocked = unlocked
    found.by_hand = {name: value for name, value in found.by_hand.items() if name in KEPT_PARTS}
    layers = layers_to_watch(found)
    found.watched = found.watched if found.watched in layers else (layers[-1] if layers else None)
    state.to_url("plan", written_plan(found))


def layers_to_watch(found: Workshop) -> tuple[str, ...]:
    """The layers whose maps can change and be seen: the article's last ReLU is a vector."""
    return tuple(name for name in watchable(found.dataset, found.plan) if name != "relu4")


def usual(found: Workshop) -> None:
    """The usual plan for what may learn."""
    found.by_hand = {}
    unlock(found, found.unlocked)


def set_part(found: Workshop, name: str, value: Any) -> None:
    """One part of the plan by hand."""
    usual = getattr(default_plan(found.dataset, found.unlocked), name)
    found.by_hand = {key: part for key, part in found.by_hand.items() if key != name}
    if value != usual:
        found.by_hand[name] = value
    state.to_url("plan", written_plan(found))


def parts(kind: type) -> dict[str, Parameter]:
    """The fields of a plan or of an augmentation that are numbers or switches, as parameters."""
    hints = typing.get_type_hints(kind, include_extras=True)
    found = {}
    for one in fields(kind):
        hint = hints[one.name]
        if hint is bool:
            found[one.name] = Parameter(one.name, "bool", one.default)
        elif typing.get_origin(hint) is typing.Annotated:
            number, limits = typing.get_args(hint)[:2]
            assert isinstance(limits, Range)
            found[one.name] = Parameter(
                one.name, "int" if number is int else "float", one.default, range=limits
            )
    return found


def written_plan(found: Workshop) -> str | None:
    """The plan as it stands in a link; None if it is the usual one."""
    pieces: list[str] = [found.unlocked]
    for name, value in sorted(found.by_hand.items()):
        pieces += [name, _written(value)]
    return None if pieces == ["head"] else "~".join(pieces)


def _written(value: Any) -> str:
    if value is None:
        return "off"
    if isinstance(value, Augmentation):
        return "_".join(_written(getattr(value, one.name)) for one in fields(value))
    return str(int(value)) if isinstance(value, bool) else f"{value:g}"


def _take_plan(found: Workshop, text: str | None) -> None:
    """Takes from a link what can be a plan; the rest of it is left."""
    if text is None:
        return
    unlocked, *rest = text.split("~")
    if unlocked not in UNLOCKED:
        return
    unlock(found, unlocked)
    known = parts(Plan)
    for name, value in zip(rest[::2], rest[1::2], strict=False):
        if name == "augmentation" and found.dataset.kind == "images":
            set_part(found, name, _augmentation(value))
        elif name in known:
            read = _number(known[name], value)
            if read is not None:
                set_part(found, name, read)


def _augmentation(text: str) -> Augmentation | None:
    known = parts(Augmentation)
    pieces = text.split("_")
    if len(pieces) != len(known):
        return None
    read = {name: _number(part, piece) for (name, part), piece in zip(known.items(), pieces, strict=True)}
    return None if None in read.values() else Augmentation(**read)  # type: ignore[arg-type]


def _number(part: Parameter, text: str) -> float | int | bool | None:
    try:
        value = float(text)
    except ValueError:
        return None
    if part.kind == "bool":
        return bool(value) if value in (0, 1) else None
    assert part.range is not None
    if not part.range.low <= value <= part.range.high:
        return None
    return int(value) if part.kind == "int" else value


# --- the run ---------------------------------------------------------------------------------------


def tune(found: Workshop) -> None:
    """Puts the run into the queue and shows it; a button's callback."""
    if found.busy:
        return
    layers = layers_to_watch(found)
    watched = found.watched if found.watched in layers else (layers[-1] if layers else None)
    try:
        review.check(found.dataset)
        run = start(cache.queue_owner(), found.dataset, found.plan, watched=watched)
    except GlassboxError as error:
        found.refused = error
        return
    found.job = Job(run, found.dataset, found.plan, watched)
    found.refused = None
    open_tab("watch")


def settle(found: Workshop) -> None:
    """Takes the tuned network of a run that is over."""
    job = found.job
    if job is None or not isinstance(job.run.result, Finished):
        return
    if found.settled == job.run.id:  # another network may have been brought back since
        return
    found.settled = job.run.id
    finished: Finished = job.run.result
    before = found.done
    comparable = (
        before is not None and before.finished is not None and before.tuned.labels == finished.tuned.labels
    )
    take(
        found,
        finished.tuned,
        job.dataset,
        finished,
        before.finished.evaluation.accuracy if comparable and before and before.finished else None,
    )


def take(
    found: Workshop,
    tuned: Tuned,
    dataset: Dataset | None = None,
    finished: Finished | None = None,
    before: float | None = None,
) -> None:
    """Makes a tuned network the visitor's one."""
    images = tuned.kind == "images"
    found.done = Done(
        f"tuned {secrets.token_hex(8)}",
        tuned,
        dataset,
        finished,
        tuned_model(tuned) if images else None,
        None if images else tuned_text_classifier(tuned),
        before,
    )
    found.cell = found.picked = found.package = None


# --- tabs ------------------------------------------------------------------------------------------


def tabs(names: Sequence[str] = TABS) -> list[tuple[str, TabContainer]]:
    """Tabs of which only the open one is computed; the link and another language keep it open."""
    return lazy.tabs("fine_tune_tab", {name: t(f"fine_tune.tab.{name}") for name in names})


def open_tab(name: str) -> None:
    """Opens a tab in the run that follows; for a widget's callback."""
    lazy.open_tab("fine_tune_tab", name)


def card() -> ModelCard | None:
    """What the foot of the page tells: of the network that is tuned."""
    found: Workshop | None = state.visit().kept.get("tuning")
    if found is not None and found.dataset.kind == "texts":
        return None
    if found is not None and found.unlocked == "scratch":
        return None  # it has no weights yet
    return vision_model("efficientnet_lite0").card
