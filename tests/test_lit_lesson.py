"""The lesson on what ships: what is locked does not move, what is tuned comes to speak of the same things."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image as PillowImage

from core.errors import GlassboxError
from core.imaging import decode
from core.lit import embed_images, pairs
from core.lit.lesson import embed, lesson
from core.lit.types import LessonFinished, LessonStarted, LessonStep
from core.tuning.types import Stop

PAIRS = pairs.sample_pairs("en")


def events(*arguments: object, **named: object) -> list[object]:
    return list(lesson(*arguments, **named))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def taught() -> list[object]:
    return events(PAIRS, "image", steps=60)


def test_a_lesson_begins_is_told_and_ends(taught: list[object]) -> None:
    started = next(event for event in taught if isinstance(event, LessonStarted))
    finished = taught[-1]
    assert isinstance(finished, LessonFinished)
    assert finished.stopped == "done"
    assert (len(started.names), len(started.captions), started.pairs) == (8, 8, len(PAIRS))
    assert started.captions == tuple(pair.shown for pair in PAIRS[:8])
    assert finished.last.step == started.steps == 60
    assert finished.history == tuple(event for event in taught if isinstance(event, LessonStep))


def test_tuning_names_classes_that_were_left_out(taught: list[object]) -> None:
    steps = [event for event in taught if isinstance(event, LessonStep)]
    assert steps[0].zero_shot < 0.1
    assert steps[-1].zero_shot > 25 * steps[-1].chance  # the script reaches 0.46 of 100
    assert steps[-1].loss < 0.5 * steps[0].loss
    assert steps[-1].matrix_loss < 0.6 * steps[0].matrix_loss
    assert steps[0].matrix_loss == pytest.approx(math.log(8), abs=0.4)
    assert steps[-1].agreement == 1.0  # the image tower is locked


def test_the_same_seed_gives_the_same_numbers() -> None:
    first, second = (events(PAIRS, "both", steps=4, seed=2)[-1] for _ in range(2))
    assert isinstance(first, LessonFinished)
    assert isinstance(second, LessonFinished)
    np.testing.assert_array_equal(first.last.matrix, second.last.matrix)


def test_with_both_towers_frozen_only_the_projection_learns() -> None:
    finished = events(PAIRS, "both", steps=4)[-1]
    assert isinstance(finished, LessonFinished)
    assert not finished.weights["dV"].any()
    assert not finished.weights["B"].any()
    tuned = events(PAIRS, "image", steps=4)[-1]
    assert isinstance(tuned, LessonFinished)
    assert tuned.weights["dV"].any()


def test_a_stopped_lesson_gives_what_it_has() -> None:
    run = lesson(PAIRS, "image", steps=200)
    for event in run:
        if isinstance(event, LessonStep) and event.step > 0:
            break
    finished = run.throw(Stop())  # type: ignore[attr-defined]
    assert isinstance(finished, LessonFinished)
    assert finished.stopped == "by_visitor"
    assert 0 < finished.last.step < 200


def test_a_lesson_goes_on_from_another(taught: list[object]) -> None:
    before = taught[-1]
    assert isinstance(before, LessonFinished)
    buffer = io.BytesIO()
    PillowImage.new("RGB", (64, 48), "red").save(buffer, "PNG")
    own = pairs.own_pair("mine.png", buffer.getvalue(), ["a zebra crossing in the fog", "plain red"])
    assert own.shown == "plain red"
    steps = [
        event
        for event in events([*PAIRS, own], "image", steps=2, begin=before)
        if isinstance(event, LessonStep)
    ]
    assert steps[0].zero_shot == pytest.approx(before.last.zero_shot, abs=0.02)


def test_the_tower_of_a_lesson_can_be_asked(taught: list[object]) -> None:
    finished = taught[-1]
    assert isinstance(finished, LessonFinished)
    shown = [pair.shown for pair in PAIRS[:8]]
    images = embed_images([decode(pair.image) for pair in PAIRS[:8]])
    assert images @ embed(finished, shown).T == pytest.approx(finished.last.matrix, abs=1e-4)
    words = embed(finished, ["a word that no caption has: quokka", "猫"])
    assert np.linalg.norm(words, axis=1) == pytest.approx(1, abs=1e-5)


def test_the_unlocked_tower_forgets() -> None:
    steps = [event for event in events(PAIRS[:4], "none", steps=3) if isinstance(event, LessonStep)]
    assert steps[0].agreement == 1.0
    assert steps[-1].agreement < 1.0
    assert np.abs(steps[-1].matrix - steps[0].matrix).max() > 0.01


@pytest.mark.parametrize("count", [0, 1, pairs.MOST_PAIRS + 1])
def test_too_few_or_too_many_pairs_are_a_sentence(count: int) -> None:
    with pytest.raises(GlassboxError, match=str(count)):
        lesson([PAIRS[0]] * count, "image")


def test_a_picture_without_a_caption_is_a_sentence() -> None:
    with pytest.raises(GlassboxError, match=r"cat\.jpg"):
        pairs.own_pair("cat.jpg", b"", ["  "])


def test_every_sample_has_captions_in_both_languages() -> None:
    for language in pairs.LANGUAGES:
        for pair in pairs.sample_pairs(language):
            assert len(pair.captions) == 4
            assert pair.shown not in pair.captions
            assert pair.shown.isascii() == (language == "en")


def test_the_left_out_classes_are_not_learned() -> None:
    learned, out = pairs.split()
    assert len(out) == 100
    assert not set(learned) & set(out)
    assert len(learned) + len(out) == 1000
