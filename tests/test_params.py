"""A signature is read as parameters, and values are held to it."""

from __future__ import annotations

import pickle
from typing import Annotated, Literal

import pytest

from core.errors import GlassboxError
from core.params import Parameter, Range, check, parameters


def example(
    image: object,
    *,
    size: Annotated[int, Range(3, 15, 2)] = 5,
    sigma: Annotated[float, Range(0.1, 10, 0.1)] = 1.5,
    axis: Literal["horizontal", "vertical"] = "horizontal",
    wide: bool = False,
) -> None: ...


SIZE, SIGMA, AXIS, WIDE = parameters(example)


def test_a_signature_is_read() -> None:
    assert Parameter("size", "int", 5, range=Range(3, 15, 2)) == SIZE
    assert (SIGMA.kind, AXIS.choices, WIDE.default) == ("float", ("horizontal", "vertical"), False)


def test_a_parameter_of_another_kind_is_a_mistake_of_ours() -> None:
    def wrong(*, name: str = "x") -> None: ...

    with pytest.raises(TypeError):
        parameters(wrong)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [(SIZE, 3), (SIZE, 15), (SIZE, 7.0), (SIGMA, 0.1), (SIGMA, 10), (AXIS, "vertical"), (WIDE, True)],
)
def test_a_value_within_its_limits_is_taken(parameter: Parameter, value: object) -> None:
    found = check(parameter, value)
    assert found == value
    assert isinstance(found, int) or parameter.kind != "int"


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        (SIZE, 4),
        (SIZE, 1),
        (SIZE, 17),
        (SIZE, True),
        (SIZE, "5"),
        (SIZE, float("nan")),
        (SIZE, 10**400),
        (SIGMA, float("inf")),
        (SIGMA, 10.2),
        (AXIS, "diagonal"),
        (AXIS, 1),
        (WIDE, 1),
        (WIDE, None),
    ],
)
def test_any_other_value_is_refused_with_what_is_wanted(parameter: Parameter, value: object) -> None:
    with pytest.raises(GlassboxError) as caught:
        check(parameter, value)
    assert parameter.name in str(caught.value)


def test_an_error_crosses_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(GlassboxError("error.parameter", name="a", got="b", wanted="c")))
    assert (error.key, error.values["got"]) == ("error.parameter", "b")
