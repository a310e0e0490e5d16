"""A parameter is stated once, in a function's signature; widgets, checks and exports are read from it."""

from __future__ import annotations

import functools
import inspect
import math
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from core.errors import GlassboxError


@dataclass(frozen=True)
class Range:
    """The values a number may take: `low`, `low + step`, ... `high`, both ends included."""

    low: float
    high: float
    step: float


@dataclass(frozen=True)
class Parameter:
    """One parameter of a function, as its signature states it."""

    name: str
    kind: Literal["bool", "choice", "int", "float"]
    default: Any
    choices: tuple[str, ...] = ()
    range: Range | None = None


@functools.cache
def parameters(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    """The keyword-only parameters of `function`: `bool`, `Literal[...]` or `Annotated[number, Range]`.

    Raises:
        TypeError: a parameter of another kind; a mistake of ours.
    """
    hints = typing.get_type_hints(function, include_extras=True)
    signature = inspect.signature(function)
    return tuple(
        _parameter(name, hints[name], parameter.default)
        for name, parameter in signature.parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    )


def _parameter(name: str, hint: Any, default: Any) -> Parameter:
    if hint is bool:
        return Parameter(name, "bool", default)
    origin = typing.get_origin(hint)
    if origin is Literal:
        return Parameter(name, "choice", default, choices=typing.get_args(hint))
    if origin is Annotated:
        number, limits = typing.get_args(hint)[:2]
        if number in (int, float) and isinstance(limits, Range):
            return Parameter(name, "int" if number is int else "float", default, range=limits)
    raise TypeError(f"{name}: {hint!r} is not bool, Literal[...] or Annotated[int | float, Range(...)]")


def check(parameter: Parameter, value: Any) -> Any:
    """`value` as the type that `parameter` wants, if it is one that it may take.

    Raises:
        GlassboxError: `error.parameter` with the name, what was got and what is wanted.
    """
    wanted: str
    if parameter.kind == "bool":
        if isinstance(value, bool):
            return value
        wanted = "true, false"
    elif parameter.kind == "choice":
        if isinstance(value, str) and value in parameter.choices:
            return value
        wanted = ", ".join(parameter.choices)
    else:
        limits = parameter.range
        assert limits is not None
        wanted = f"{limits.low:g} … {limits.high:g}"
        if limits.step != 1:
            wanted += f" (± {limits.step:g})"
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if number and limits.low - 1 <= value <= limits.high + 1:  # neither nan nor too long for a float
            steps = (value - limits.low) / limits.step
            inside = limits.low - 1e-9 <= value <= limits.high + 1e-9
            if inside and (parameter.kind == "float" or math.isclose(steps, round(steps), abs_tol=1e-6)):
                return int(value) if parameter.kind == "int" else float(value)
    raise GlassboxError("error.parameter", name=parameter.name, got=str(value)[:40], wanted=wanted)
