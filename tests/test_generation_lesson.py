"""Train one here: a text is learned, stopped, taken away and brought back; poems and their characters."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import GlassboxError
from core.language.generation import Sampling, generate, lesson, poems, prompt, read_back, saved
from core.language.generation.lesson import (
    Learned,
    LessonFinished,
    LessonSample,
    LessonStarted,
    LessonStep,
    to_model,
    to_ngram,
)
from core.language.generation.writing import Ended
from core.tuning.types import Progress, Stop

TEXT = "the cat sat on the mat.\nthe rat sat on the cat.\nthe bat saw the rat at that.\n" * 20


SMALL = {"transformer": (64, 1), "gru": (32, 64)}


@pytest.fixture(scope="module", autouse=True)
def small_networks() -> Iterator[None]:
    """Networks that learn this text in a moment."""
    before = dict(lesson.SHAPES)
    lesson.SHAPES.update(SMALL)
    yield
    lesson.SHAPES.update(before)


@pytest.fixture(scope="module")
def events(small_networks: None) -> list[Any]:
    return list(lesson.lesson(TEXT, steps=160, longest=10_000, seed=0))


def last(events: list[Any]) -> LessonFinished:
    assert isinstance(events[-1], LessonFinished)
    return events[-1]


def test_a_model_learns_a_text_and_tells_how_it_goes(events: list[Any]) -> None:
    started = next(event for event in events if isinstance(event, LessonStarted))
    steps = [event for event in events if isinstance(event, LessonStep)]
    assert started.characters + started.held_out == len(TEXT)
    assert started.different == len(set(TEXT))
    assert started.ngram_bits < started.chance_bits == pytest.approx(np.log2(len(set(TEXT)) + 1))
    assert steps[0].step == 0
    assert steps[0].held_out_bits == pytest.approx(started.chance_bits, abs=0.5)  # it knows nothing yet
    assert min(step.held_out_bits for step in steps) < 0.5 * steps[0].held_out_bits
    assert last(events).history == tuple(steps)
    assert any(isinstance(event, Progress) for event in events)


def test_its_samples_go_from_noise_to_words(events: list[Any]) -> None:
    samples = [event for event in events if isinstance(event, LessonSample)]
    words = set(TEXT.split())

    def known(text: str) -> float:
        return float(np.mean([word in words for word in text.split()]))

    assert known(samples[0].text) < 0.3 < 0.6 < known(last(events).samples[-1].text)


def test_the_best_weights_are_kept_and_can_be_talked_to(events: list[Any]) -> None:
    finished = last(events)
    model = to_model(finished.learned)
    held = TEXT[int(0.9 * len(TEXT)) :]
    best = min(step.held_out_bits for step in finished.history)
    read = read_back(model, held)
    own = sum(one.bits for one in read.tokens[1:]) / (len(held) - 1)
    assert own == pytest.approx(best, rel=0.1)
    *_, end = generate(model, prompt(model, "the c"), Sampling(temperature=0), most=2)
    assert isinstance(end, Ended)
    assert end.text == "the cat"
    started = next(event for event in events if isinstance(event, LessonStarted))
    counted = read_back(to_ngram(finished.learned), held)
    assert counted.bits_per_character == pytest.approx(started.ngram_bits, rel=0.3)


@pytest.mark.parametrize("kind", ["gru", "transformer"])
def test_a_stopped_lesson_gives_what_it_has(kind: Any) -> None:
    learning: Any = lesson.lesson(TEXT, kind, steps=200, longest=10_000)
    event = next(learning)
    while not isinstance(event, LessonStep):
        event = next(learning)
    event = learning.throw(Stop())
    assert isinstance(event, LessonFinished)
    assert event.stopped == "by_visitor"
    assert to_model(event.learned).kind == kind
    brought = saved.load_saved(saved.save(event.learned))
    assert brought.kind == kind


def test_time_ends_a_lesson() -> None:
    finished = last(list(lesson.lesson(TEXT, steps=100_000, longest=0.5)))
    assert finished.stopped == "time"


def test_too_short_a_text_is_told() -> None:
    for text in ("", "short", " " * 5_000, "\x00" * 5_000):
        with pytest.raises(GlassboxError) as told:
            lesson.lesson(text)
        assert told.value.key == "language_model.error.too_short"


def test_one_character_over_and_over_can_be_learned() -> None:
    finished = last(list(lesson.lesson("a" * 1_500, steps=10)))
    assert finished.samples[-1].text.strip("a⁇") == ""


def test_the_queue_runs_a_lesson() -> None:
    from core.tuning.executor import OneWorker
    from core.tuning.queue import RunQueue

    queue = RunQueue(OneWorker())
    try:
        run = queue.submit("me", "core.language.generation.lesson:lesson", TEXT, "gru", seconds=60, steps=12)
        assert run.wait(240)
        assert run.error is None
        assert isinstance(run.result, LessonFinished)
        assert to_model(run.result.learned).vocabulary.size == len(set(TEXT)) + 1
    finally:
        queue.close()


# --- the file -------------------------------------------------------------------------------------------


def test_a_model_comes_back_as_it_went(events: list[Any]) -> None:
    learned = last(events).learned
    brought = saved.load_saved(saved.save(learned))
    assert brought.characters == learned.characters
    assert brought.figures == dict(learned.figures)
    for name, values in learned.weights.items():
        np.testing.assert_array_equal(brought.weights[name], values)
    for before, after in ((to_model(learned), to_model(brought)), (to_ngram(learned), to_ngram(brought))):
        ids = np.array(prompt(before, "the rat"), np.int32)
        np.testing.assert_array_equal(before.logits(ids), after.logits(ids))


def rewritten(data: bytes, **changed: Any) -> bytes:
    """The file with other values in what it says of itself."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[saved.META] = json.dumps({**json.loads(members[saved.META]), **changed}).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, value in members.items():
            archive.writestr(name, value)
    return file.getvalue()


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "gru"},
        {"kind": "other"},
        {"format": 2},
        {"characters": "ab"},
        {"characters": 5},
        {"figures": {"a": "b"}},
        {"figures": {"a": float("nan")}},
    ],
)
def test_a_file_that_says_something_else_is_refused(events: list[Any], changed: dict[str, Any]) -> None:
    with pytest.raises(GlassboxError) as told:
        saved.load_saved(rewritten(saved.save(last(events).learned), **changed))
    assert told.value.key == "language_model.error.saved"


def test_an_array_of_objects_is_refused(events: list[Any]) -> None:
    learned = last(events).learned
    objects: Any = np.array([{"a": 1}], object)
    bad = Learned(learned.kind, learned.characters, {**learned.weights, "x": objects}, learned.ngram, {})
    with pytest.raises(GlassboxError):
        saved.load_saved(saved.save(bad))


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(0, 3_000), junk=st.binary(max_size=50))
def test_a_broken_file_is_told(cut: int, junk: bytes) -> None:
    learned = Learned("gru", "ab", {}, {}, {})
    data = saved.save(learned)
    for broken in (junk, data[:cut], data[: cut % len(data)] + junk, b"PK\x03\x04" + junk):
        with pytest.raises(GlassboxError) as told:
            saved.load_saved(broken)
        assert told.value.key == "language_model.error.saved"


# --- poems ----------------------------------------------------------------------------------------------


def test_lines_are_counted() -> None:
    quatrain = "白日依山盡，黃河入海流。欲窮千里目，更上一層樓。"
    assert poems.kept(quatrain, "five_4").all
    assert not poems.kept(quatrain, "seven_4").line_length
    assert poems.kept(quatrain, "five_8").line_length
    assert not poems.kept(quatrain, "five_8").all
    assert not poems.kept(quatrain[:-2], "five_4").line_length
    assert not poems.kept("", "five_4").line_length
    assert poems.verses(quatrain) == ["白日依山盡，黃河入海流。", "欲窮千里目，更上一層樓。"]


def test_characters_change_one_for_one() -> None:
    assert poems.simplified("欲窮千里目，更上一層樓。") == "欲穷千里目，更上一层楼。"
    assert poems.traditional("欲穷千里目，更上一层楼。") == "欲窮千里目，更上一層樓。"
    assert poems.traditional("头发") == "頭髮"  # by the phrase: 发 alone is 發


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=40))
def test_no_conversion_changes_the_length(text: str) -> None:
    assert len(poems.traditional(text)) == len(poems.simplified(text)) == len(text)
