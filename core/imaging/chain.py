"""Steps one after another: the chain as data, what came out of it, as JSON, in a link, in a sweep."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from core.errors import GlassboxError
from core.imaging.steps import STEPS, Labels, Step, draw_labels
from core.params import Parameter, check
from core.types import Image

LONGEST_CHAIN = 12
MOST_PIXELS = 2**22  # of a picture that a step takes or makes: 2,048 x 2,048
LONGEST_SIDE = 8192
LONGEST_TEXT = 10_000  # characters of JSON or of a link that are looked at


@dataclass(frozen=True)
class Call:
    """A step with its values, and whether it is switched on: cache key, JSON, code, test case.

    `Call.of` checks the values and fills in those left out, so that two calls which do the same are
    equal. One that was made by hand is checked when it is used.
    """

    step: str
    args: tuple[tuple[str, Any], ...] = ()
    on: bool = True

    @classmethod
    def of(cls, step: str, /, *, on: bool = True, **args: Any) -> Call:
        """The checked call, with a value for each parameter of the step.

        Raises:
            GlassboxError: no such step, no such parameter, or a value that it may not take.
        """
        known = STEPS.get(step) if isinstance(step, str) else None
        if known is None:
            raise GlassboxError("error.step.unknown", got=str(step)[:40])
        names = [parameter.name for parameter in known.parameters]
        for name in args:
            if name not in names:
                raise GlassboxError(
                    "error.step.parameter", step=step, got=str(name)[:40], wanted=", ".join(names) or "–"
                )
        values = tuple((p.name, check(p, args.get(p.name, p.default))) for p in known.parameters)
        return cls(step, values, bool(on))


def checked(calls: Sequence[Call]) -> tuple[Call, ...]:
    """The calls, each checked and complete.

    Raises:
        GlassboxError: as `Call.of`, or more than 12 calls.
    """
    if len(calls) > LONGEST_CHAIN:
        raise GlassboxError("error.chain.long", got=len(calls), wanted=LONGEST_CHAIN)
    return tuple(Call.of(call.step, on=call.on, **dict(call.args)) for call in calls)


@dataclass(frozen=True, eq=False)
class StepResult:
    """What one call made of a picture. The arrays are read-only: results are shared and reused.

    Attributes:
        call: the call, checked and complete.
        before: the picture that it got, uint8 (height, width, 3).
        image: the picture that it made, uint8 (height, width, 3); of a segmentation, its drawing.
        labels: of a segmentation, int32 (height, width), 0 for the background; else None.
        seconds: how long the step took.
    """

    call: Call
    before: Image
    image: Image
    labels: Labels | None
    seconds: float

    @cached_property
    def note(self) -> Mapping[str, float | tuple[int, ...]]:
        """Numbers that the step found: Otsu's `level`, the white balance's `red`, `green`, `blue`, `low`,
        `high`, `mean`, `std` of normalised numbers; of any segmentation how many `regions`, the
        `foreground`'s share of the pixels, and the `areas` of the ten largest in pixels."""
        step, args = STEPS[self.call.step], dict(self.call.args)
        note: dict[str, float | tuple[int, ...]] = {}
        if self.call.on and step.found is not None:
            note.update(step.found(self.before, **args))
        if self.labels is not None:
            areas = np.bincount(self.labels.ravel())[1:]
            note["regions"] = int(np.count_nonzero(areas))
            note["foreground"] = float(areas.sum() / self.labels.size)
            note["areas"] = tuple(int(area) for area in np.sort(areas[areas > 0])[::-1][:10])
        return MappingProxyType(note)


def apply(image: Image, calls: Sequence[Call], done: Sequence[StepResult] = ()) -> list[StepResult]:
    """Runs the calls one after another on an image: one result for each.

    `done` are results of an earlier run. Those at its beginning that came from the same image and the
    same calls are taken over; the work starts at the first call that differs. The image is not
    changed, and a later change to it does not reach the results.

    Args:
        image: uint8 (height, width, 3), sRGB.

    Raises:
        GlassboxError: not such an image, an unknown step or value, a result that would be too large, or
            a picture too small for a step.
    """
    calls = checked(calls)
    _check_picture(image)
    results: list[StepResult] = []
    if done and np.array_equal(done[0].before, image):
        for call, result in zip(calls, done, strict=False):
            if call != result.call:
                break
            results.append(result)
    picture = results[-1].image if results else _frozen(image.copy())
    for call in calls[len(results) :]:
        result = _run(picture, call)
        picture = result.image
        results.append(result)
    return results


def _run(image: Image, call: Call) -> StepResult:
    if not call.on:
        return StepResult(call, image, image, None, 0.0)
    step, args = STEPS[call.step], dict(call.args)
    _check_sizes(step, image, args)
    labels: Labels | None = None
    start = time.perf_counter()
    if step.segments:
        view = args.pop("view")
        labels = step.function(image, **args)
        result = draw_labels(image, labels, view=view)
        labels.flags.writeable = False
    else:
        result = step.function(image, **args)
    seconds = time.perf_counter() - start
    return StepResult(call, image, _frozen(result), labels, seconds)


def _frozen(image: Image) -> Image:
    image = np.ascontiguousarray(image)
    image.flags.writeable = False
    return image


def _check_picture(image: Image) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        shape = " x ".join(str(side) for side in image.shape)
        raise GlassboxError("error.picture.kind", got=f"{image.dtype} ({shape})")
    height, width = image.shape[:2]
    if height * width > MOST_PIXELS or max(height, width) > LONGEST_SIDE:
        raise GlassboxError("error.picture.large", got=f"{width} x {height}", **_bounds())


def _check_sizes(step: Step, image: Image, args: Mapping[str, Any]) -> None:
    height, width = image.shape[:2]
    if min(height, width) < step.smallest:
        raise GlassboxError(
            "error.step.small", step=step.name, got=f"{width} x {height}", wanted=step.smallest
        )
    if step.size is not None:
        height, width = step.size(height, width, **args)
        if height * width > MOST_PIXELS or max(height, width) > LONGEST_SIDE:
            raise GlassboxError("error.step.large", step=step.name, got=f"{width} x {height}", **_bounds())


def _bounds() -> dict[str, object]:
    return {"pixels": f"{MOST_PIXELS / 1e6:.1f}", "side": LONGEST_SIDE}


def clean_pictures(results: Sequence[StepResult]) -> list[Image | None]:
    """For each result, the picture without the damage that the chain did: what it should be like again.

    It is the picture before the first damaging step, taken through the geometry steps that come after;
    None where nothing has been damaged yet.
    """
    clean: Image | None = None
    pictures: list[Image | None] = []
    for result in results:
        family = STEPS[result.call.step].family
        if result.call.on and clean is not None and family == "geometry":
            clean = _run(clean, result.call).image
        elif result.call.on and clean is None and family == "damage":
            clean = result.before
        pictures.append(clean)
    return pictures


def sweep_values(parameter: Parameter, count: int = 7) -> list[Any]:
    """Up to `count` legal values of a parameter, evenly over its range; of a choice, all."""
    if parameter.kind == "bool":
        return [False, True]
    if parameter.range is None:
        return list(parameter.choices)
    low, high, grid = parameter.range.low, parameter.range.high, parameter.range.step
    positions = np.unique(np.rint(np.linspace(0, round((high - low) / grid), count)))
    values = (min(high, round(low + float(position) * grid, 9)) for position in positions)
    return [check(parameter, value) for value in values]


def sweep(image: Image, call: Call, parameter: str, count: int = 7) -> list[tuple[Any, StepResult]]:
    """The step at up to `count` values of one of its parameters, the others as in `call`.

    Raises:
        GlassboxError: as `apply`, or the step has no such parameter.
    """
    (call,) = checked([call])
    known = STEPS[call.step].parameter(parameter)
    if known is None:
        names = ", ".join(name for name, _ in call.args) or "–"
        raise GlassboxError("error.step.parameter", step=call.step, got=parameter[:40], wanted=names)
    swept = []
    for value in sweep_values(known, count):
        changed = Call.of(call.step, **{**dict(call.args), parameter: value})
        swept.append((value, apply(image, [changed])[0]))
    return swept


def to_json(calls: Sequence[Call]) -> str:
    """The chain as JSON: `[{"step": "median", "args": {"size": 5}}, ...]`, with `"on": false` where off."""
    entries: list[dict[str, Any]] = []
    for call in checked(calls):
        entry: dict[str, Any] = {"step": call.step, "args": dict(call.args)}
        entries.append(entry if call.on else {**entry, "on": False})
    return json.dumps(entries, indent=2)


def from_json(text: str) -> tuple[Call, ...]:
    """The chain out of `to_json`, or out of what anybody else made of it.

    Raises:
        GlassboxError: not such JSON, or `checked` refuses it.
    """
    malformed = GlassboxError("error.chain.json")
    if len(text) > LONGEST_TEXT:
        raise malformed
    try:
        entries = json.loads(text, parse_int=_number)
    except (ValueError, RecursionError):
        raise malformed from None
    if not isinstance(entries, list):
        raise malformed
    calls = []
    for entry in entries:
        if not isinstance(entry, dict) or not entry.keys() <= {"step", "args", "on"}:
            raise malformed
        step, args, on = entry.get("step"), entry.get("args", {}), entry.get("on", True)
        if not isinstance(step, str) or not isinstance(args, dict) or not isinstance(on, bool):
            raise malformed
        calls.append(Call(step, tuple(args.items()), on))
    return checked(calls)


def to_url(calls: Sequence[Call]) -> str:
    """The chain for a link, e.g. `median.size_7~otsu`: only values that are not the default, and only
    characters that no URL escapes. A step that is off begins with `-`."""
    words = []
    for call in checked(calls):
        values = dict(call.args)
        changed = [p for p in STEPS[call.step].parameters if values[p.name] != p.default]
        words.append(
            ".".join(
                [
                    ("" if call.on else "-") + call.step,
                    *(f"{parameter.name}_{_written(values[parameter.name])}" for parameter in changed),
                ]
            )
        )
    return "~".join(words)


def from_url(text: str) -> tuple[Call, ...]:
    """The chain out of `to_url`, or out of a link that somebody changed.

    Raises:
        GlassboxError: not such a link, or `checked` refuses it.
    """
    if len(text) > LONGEST_TEXT:
        raise GlassboxError("error.chain.url")
    calls = []
    for word in text.split("~") if text else ():
        name, *written = re.split(r"\.(?=[a-z]+_)", word)
        step = name.removeprefix("-")
        args = {}
        for item in written:
            parameter, _, value = item.partition("_")
            if parameter in args:
                raise GlassboxError("error.chain.url")
            args[parameter] = _read(step, parameter, value)
        calls.append(Call(step, tuple(args.items()), not name.startswith("-")))
    return checked(calls)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _read(step: str, name: str, text: str) -> Any:
    """The value as the parameter's kind has it; text that is none is left for `check` to refuse."""
    known = STEPS.get(step)
    parameter = known.parameter(name) if known else None
    if parameter is None or parameter.kind == "choice":
        return text
    if parameter.kind == "bool":
        return {"yes": True, "no": False}.get(text, text)
    return _number(text) if re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,18})?(e-?[0-9]{1,3})?", text) else text


def _number(text: str) -> float:
    """A number out of text from anywhere: no integer of a thousand digits."""
    if re.fullmatch(r"-?[0-9]{1,12}", text):
        return int(text)
    return float(text) if len(text) <= 40 else math.inf


PRESETS: Mapping[str, tuple[Call, ...]] = MappingProxyType(
    {
        # A photo ruined by noise.
        "ruined": (Call.of("gaussian_noise", sigma=25),),
        # The same, rescued: a light blur, so that noisy neighbours can be compared at all; means over
        # neighbours alike in colour; and the edges that both have softened sharpened again. Non-local
        # means give 2 dB more, but smooth away what the network goes by (`benchmarks/preprocess.py`).
        "rescue": (
            Call.of("gaussian_noise", sigma=25),
            Call.of("gaussian", sigma=0.7),
            Call.of("bilateral", diameter=9, colour=30, space=3),
            Call.of("unsharp_mask", sigma=1.5, amount=2),
        ),
        # What the network really sees: crop, size and numbers of its own preparation.
        "network": (
            Call.of("centre_crop", fraction=0.875, square=True),
            Call.of("resize", side=224, of="both", method="bicubic", antialias=True),
            Call.of("normalise", method="network"),
        ),
        # Find the object and cut it out.
        "cutout": (Call.of("grabcut", left=0.15, top=0.1, right=0.85, bottom=0.95),),
        "edges": (Call.of("greyscale"), Call.of("gaussian", sigma=1.5), Call.of("canny")),
        # How many objects are there?
        "count": (Call.of("watershed"),),
    }
)
