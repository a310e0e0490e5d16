"""The inputs that the fuzzer found, and changed ones: each is read or refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import GlassboxError
from tests import hostile_keras
from tests.fuzz.targets import TARGETS, attempt

CORPUS = Path(__file__).parent / "fuzz" / "corpus"
FILES = {target: sorted((CORPUS / target).iterdir()) for target in TARGETS}
SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_is_read_or_refused(target: str) -> None:
    assert len(FILES[target]) >= 3
    for file in FILES[target]:
        attempt(target, file.read_bytes())


def test_the_corpus_is_small() -> None:
    assert sum(file.stat().st_size for files in FILES.values() for file in files) < 300_000


def test_the_seeds_reach_the_end() -> None:
    """Were all of them refused, the fuzzer would never see what lies behind the refusals."""
    for target, name in (("image", "jpeg"), ("archive", "entries"), ("table", "utf8"), ("keras", "config")):
        TARGETS[target]((CORPUS / target / f"seed-{name}").read_bytes())


def test_a_directory_that_points_before_its_file_is_refused() -> None:
    """Found by changed files: bytes are gone from the beginning, and the directory does not know."""
    data = bytearray(hostile_keras.archive(hostile_keras.members(b"{}")))
    del data[4:44]
    with pytest.raises(GlassboxError):
        TARGETS["keras"](bytes(data))


@st.composite
def changed(draw: st.DrawFn, target: str) -> bytes:
    """A file of the corpus that was cut, filled, or given other bytes here and there."""
    data = bytearray(draw(st.sampled_from(FILES[target])).read_bytes())
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.sampled_from(("byte", "cut", "fill", "twice"))):
            case "byte":
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case "cut":
                del data[at : at + draw(st.integers(1, 40))]
            case "fill":
                data[at:at] = draw(st.binary(max_size=40))
            case "twice":
                data[at:at] = data[at : at + 200]
    return bytes(data)


@pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of a changed file, were it printed
@pytest.mark.parametrize("target", TARGETS)
def test_any_bytes_are_read_or_refused(target: str) -> None:
    @SLOW
    @given(st.binary(max_size=300) | changed(target))
    def check(data: bytes) -> None:
        attempt(target, data)

    check()
