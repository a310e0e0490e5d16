"""What the preprocess page remembers: the chain being built, the way back, and what came out of it."""

from __future__ import annotations

import itertools
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Concatenate, NamedTuple, ParamSpec

import numpy as np

from core import memory
from core.errors import GlassboxError
from core.imaging import STEPS, Call, apply
from core.imaging.chain import StepResult, checked, from_url, to_url
from core.types import Floats, Image
from ui import networks, state

P = ParamSpec("P")

MODEL = "efficientnet_lite0"
MOST_UNDO = 50
MOST_BYTES = 48_000_000  # pictures kept for one visitor ...
MOST_BYTES_OF_ALL = 56_000_000  # ... and for all of them together
IDLE = 60.0  # seconds after which a chain that nobody looks at keeps no pictures
MOST_OPINIONS = 128
PHOTO = 0  # stands for the photo itself where a step is chosen


class Placed(NamedTuple):
    """A call in the chain, with a number by which its card and its widgets are known."""

    id: int
    call: Call


@dataclass(frozen=True)
class Chain:
    """The steps and which of them is shown large: its number, or `PHOTO`."""

    steps: tuple[Placed, ...] = ()
    chosen: int = PHOTO

    @property
    def calls(self) -> tuple[Call, ...]:
        return tuple(step.call for step in self.steps)

    @property
    def place(self) -> int:
        """Where the chosen step stands, counted from 1; 0 is the photo."""
        return next((i for i, step in enumerate(self.steps, 1) if step.id == self.chosen), 0)


@dataclass(frozen=True, eq=False)
class Opinion:
    """What the network thinks of one picture of the chain."""

    probabilities: Floats  # (classes,)
    as_it_is: bool  # the picture has the network's own size already: it was not cropped again

    @property
    def top(self) -> int:
        return int(self.probabilities.argmax())


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of the chain: the photo (place 0), or what a step made of it."""

    place: int
    name: str  # names these pixels in every cache
    image: Image
    result: StepResult | None = None


@dataclass(eq=False)
class Studio:
    """One visitor's chain; it lives in the visit and goes with it."""

    chain: Chain = field(default_factory=Chain)
    past: list[Chain] = field(default_factory=list)
    future: list[Chain] = field(default_factory=list)
    refused: GlassboxError | None = None  # told once, at the next drawing
    photo: str = ""  # the digest of the photo that the results came from
    results: list[StepResult] = field(default_factory=list)
    opinions: dict[str, Opinion] = field(default_factory=dict)
    swept: dict[tuple[str, Call, str], Any] = field(default_factory=dict)
    last_id: int = PHOTO
    added: list[tuple[str, str]] = field(default_factory=list)  # menus, and what was chosen in them
    model: str = MODEL  # whose opinion is asked
    served: float = 0.0  # when it was last run, of time.monotonic()

    def use(self, model: str) -> None:
        """Asks another network; what the one before said is forgotten."""
        if model != self.model:
            self.model, self.opinions, self.swept = model, {}, {}

    # --- changing the chain ------------------------------------------------------------------------

    def change(self, steps: Iterable[Placed], chosen: int | None = None) -> None:
        """The chain becomes this one; the old one can be had back.

        Raises:
            GlassboxError: a value that a step may not take, or too many steps.
        """
        found = tuple(steps)
        calls = checked([step.call for step in found])
        chain = Chain(
            tuple(Placed(step.id, call) for step, call in zip(found, calls, strict=True)),
            self.chain.chosen if chosen is None else chosen,
        )
        if chain.steps != self.chain.steps:
            self.past = [*self.past, self.chain][-MOST_UNDO:]
            self.future = []
        self.chain = chain

    def placed(self, call: Call) -> Placed:
        """The call with a number that no other step of this visit has."""
        self.last_id += 1
        return Placed(self.last_id, call)

    def load(self, calls: Iterable[Call]) -> None:
        """Another chain altogether; its last step is chosen."""
        steps = [self.placed(call) for call in calls]
        self.change(steps, steps[-1].id if steps else PHOTO)

    def add(self, step: str) -> None:
        """A step with its usual values after the chosen one."""
        new = self.placed(Call.of(step))
        steps = list(self.chain.steps)
        steps.insert(self.chain.place, new)
        self.change(steps, new.id)

    def add_once(self, menu: str, step: str) -> None:
        """The same, chosen in a menu that no other addition comes from.

        A browser that has not heard yet that its choice was taken sends it again with whatever is done
        next: the same choice in the same menu is one addition.
        """
        if (menu, step) not in self.added:
            self.added = [*self.added, (menu, step)][-MOST_UNDO:]
            self.add(step)

    def pick(self, id: int) -> None:
        """Another step is shown large."""
        if id == PHOTO or any(step.id == id for step in self.chain.steps):
            self.chain = replace(self.chain, chosen=id)

    def reorder(self, ids: Sequence[int], chosen: int) -> None:
        """The same steps in another order, one of them chosen; an order of other steps changes nothing."""
        known = {step.id: step for step in self.chain.steps}
        if sorted(ids) == sorted(known):
            self.change([known[id] for id in ids], chosen)

    def switch(self, id: int, on: bool) -> None:
        """A step is left out, or taken in again."""
        self.change(
            Placed(step.id, replace(step.call, on=on)) if step.id == id else step for step in self.chain.steps
        )

    def remove(self, id: int) -> None:
        """A step goes; if it was the chosen one, its neighbour is chosen."""
        at = next((i for i, step in enumerate(self.chain.steps) if step.id == id), None)
        if at is None:
            return
        steps = [*self.chain.steps[:at], *self.chain.steps[at + 1 :]]
        beside = steps[max(0, at - 1)].id if steps else PHOTO
        self.change(steps, beside if self.chain.chosen == id else None)

    def adjust(self, id: int, values: Mapping[str, Any]) -> None:
        """Some values of a step become others."""
        step = self._find(id)
        if step is not None:
            call = Call.of(step.call.step, on=step.call.on, **{**dict(step.call.args), **values})
            self.change(Placed(id, call) if other.id == id else other for other in self.chain.steps)

    def undo(self) -> None:
        """The chain as it was before the last change."""
        if self.past:
            self.future.append(self.chain)
            self.chain = self.past.pop()

    def redo(self) -> None:
        """Takes an `undo` back."""
        if self.future:
            self.past.append(self.chain)
            self.chain = self.future.pop()

    def _find(self, id: int) -> Placed | None:
        return next((step for step in self.chain.steps if step.id == id), None)

    # --- running it --------------------------------------------------------------------------------

    def run(self, photo: state.Photo, upto: int | None = None) -> tuple[list[Picture], GlassboxError | None]:
        """The photo and what each step made of it, from the first change on; and why it stops, if it
        does before the end.

        Args:
            upto: only so many steps.
        """
        image = photo.image
        if self.photo != photo.digest:
            self.photo, self.results = photo.digest, []
            self.opinions.clear()
            self.swept.clear()
        calls = self.chain.calls[:upto]
        done, stopped = self.results, None
        results: list[StepResult] = []
        try:
            results = apply(image, calls, done)
        except GlassboxError:
            # One by one: the pictures up to the step that cannot be done are still shown.
            for end in range(1, len(calls) + 1):
                kept = all(new is old for new, old in zip(results, done, strict=False))
                try:
                    results = apply(image, calls[:end], done if kept else results)
                except GlassboxError as error:
                    stopped = error
                    break
        if len(results) > len(done) or any(new is not old for new, old in zip(results, done, strict=False)):
            self.results = results  # otherwise they are a part of those that there are
        elif upto is None:
            self.results = done[: len(results)]
        _make_room(self)
        pictures = [Picture(0, photo.digest, image)]
        for place, result in enumerate(results, 1):
            pictures.append(Picture(place, key_of(photo.digest, calls[:place]), result.image, result))
        return pictures, stopped

    def undone(self, photo: state.Photo, upto: int | None = None) -> list[Call]:
        """The calls that `run` would still have to do."""
        calls = self.chain.calls[:upto]
        known = self.results if self.photo == photo.digest else []
        same = itertools.takewhile(lambda pair: pair[0].call == pair[1], zip(known, calls, strict=False))
        return list(calls[len(list(same)) :])

    def ask(self, pictures: Sequence[Picture]) -> list[Opinion]:
        """The network's opinion of each picture; those not known yet in one batch."""
        new = {picture.name: picture for picture in pictures if picture.name not in self.opinions}
        if new:
            classifier = networks.classifier(self.model)
            side = classifier.preparation.side
            ready = {key: _fits(picture, self.chain.calls, side) for key, picture in new.items()}
            prepared = [
                picture.image if ready[key] else classifier.preparation.pixels(picture.image)
                for key, picture in new.items()
            ]
            answers = classifier.predict_prepared(prepared)
            for (key, _), probabilities in zip(new.items(), answers, strict=True):
                self.opinions[key] = Opinion(probabilities, ready[key])
        found = [self.opinions[picture.name] for picture in pictures]
        while len(self.opinions) > MOST_OPINIONS:
            del self.opinions[next(iter(self.opinions))]
        return found


def key_of(digest: str, calls: Sequence[Call]) -> str:
    """Names the pixels that the calls make of a photo: steps are deterministic."""
    on = [call for call in calls if call.on]
    return f"{digest}~{to_url(on)}" if on else digest


def _fits(picture: Picture, calls: Sequence[Call], side: int) -> bool:
    """Whether the chain itself brought the picture to the network's own size: then it is not cropped."""
    if picture.image.shape[:2] != (side, side):
        return False
    return any(call.on and STEPS[call.step].family == "geometry" for call in calls[: picture.place])


# Who has pictures, the one served last at the end. Only weak references: the visit owns them.
_shelf: list[weakref.ref[Studio]] = []


def _bytes(studio: Studio) -> int:
    labels = sum(result.labels.nbytes for result in studio.results if result.labels is not None)
    return labels + sum(result.image.nbytes for result in studio.results)


def _make_room(studio: Studio) -> None:
    """Keeps what a visitor's chain and those of all visitors hold within bounds: the later results go
    first, and the pictures of whoever was away longest; they are computed again when needed."""
    while studio.results and _bytes(studio) > MOST_BYTES:
        studio.results = studio.results[:-1]
    studio.served = time.monotonic()
    others = [ref for ref in list(_shelf) if ref() is not None and ref() is not studio]
    _shelf[:] = [*others, weakref.ref(studio)]
    total = _bytes(studio)
    for ref in reversed(others):
        other = ref()
        if other is not None:
            total += _bytes(other)
            if total > MOST_BYTES_OF_ALL:
                other.results = []


def drop_of_idle() -> None:
    """Lets go of the pictures of chains that were not looked at for a while; they are computed again when needed."""
    for ref in list(_shelf):
        found = ref()
        if found is not None and time.monotonic() - found.served > IDLE:
            found.results = []


memory.sweep_with("chains", drop_of_idle)


# --- the visit and the link -------------------------------------------------------------------------


def studio() -> Studio:
    """The visitor's studio."""
    found: Studio = state.visit().kept.setdefault("studio", Studio())
    return found


def restore() -> None:
    """A link that was opened just now fills the studio.

    Not to be called where a part of the page reruns alone: what the browser then says of its address
    may be older than what was just written into it.
    """
    found = studio()
    found.use(networks.named(networks.choice("studio_model", (MODEL,))))
    asked, place = state.from_url("chain"), state.from_url("step")
    if asked is not None:
        try:
            calls = from_url(asked)
            if calls != found.chain.calls:
                found.load(calls)
        except GlassboxError as error:
            found.refused = error
    if place is not None and place.isdecimal() and len(place) < 3:
        steps = found.chain.steps
        found.pick(steps[int(place) - 1].id if 0 < int(place) <= len(steps) else PHOTO)


def to_link(found: Studio) -> None:
    """Writes the chain and the chosen step into the URL."""
    chain = found.chain
    state.to_url("chain", to_url(chain.calls) or None)
    state.to_url("step", None if chain.place == len(chain.steps) else str(chain.place))


def acting(act: Callable[Concatenate[Studio, P], None]) -> Callable[P, None]:
    """A method of `Studio` as a widget's callback; what it refuses is told at the next drawing."""

    def acted(*args: P.args, **kwargs: P.kwargs) -> None:
        found = studio()
        try:
            act(found, *args, **kwargs)
        except GlassboxError as error:
            found.refused = error

    return acted


def turns(opinions: Sequence[Opinion]) -> list[bool]:
    """Where along the pictures another class comes to the top; never at the first. (n,)"""
    return [False, *(changed(before, after) for before, after in itertools.pairwise(opinions))]


def changed(before: Opinion, after: Opinion) -> bool:
    """Whether another class is on top."""
    return before.top != after.top


def probability_of(opinions: Sequence[Opinion], index: int) -> Floats:
    """The probability of one class over the pictures. (n,)"""
    return np.array([opinion.probabilities[index] for opinion in opinions], np.float32)
