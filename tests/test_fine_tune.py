"""Fine-tuning: the head's arithmetic, every plan's run, where it may be stopped, and that it repeats."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import fine_tune as benchmark
from core import tuning, vision
from core.errors import GlassboxError
from core.tuning import augment, evaluation, features, head, locked, training
from core.tuning.course import Course
from core.tuning.schedule import learning_rate
from core.tuning.tuned import distances, distances_in, tuned_model, tuned_text_classifier
from core.tuning.types import (
    Augmentation,
    Dataset,
    Epoch,
    Event,
    Example,
    Finished,
    Plan,
    Progress,
    Started,
    Unlocked,
)
from core.vision import efficientnet
from core.vision.lite import softmax

pytestmark = pytest.mark.filterwarnings(  # of Keras, when it saves a model or hands out its weights
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)


def few(dataset: Dataset, training: int, validation: int) -> Dataset:
    """So many examples of each class on each side."""
    kept: list[Example] = []
    for label in range(len(dataset.labels)):
        for side, count in (("train", training), ("validation", validation)):
            some = [e for e in dataset.examples if e.label == label and e.split == side]
            assert len(some) >= count
            kept += some[:count]
    return replace(dataset, examples=tuple(kept))


@pytest.fixture(scope="module")
def textures() -> Dataset:
    return few(tuning.builtin("textures"), 8, 3)


@pytest.fixture(scope="module")
def sentences() -> Dataset:
    return few(tuning.builtin("feelings", "en"), 8, 3)


@pytest.fixture(scope="module")
def locked_run(textures: Dataset) -> Finished:
    return finished(tuning.fine_tune(textures))


def finished(run: Iterator[Event]) -> Finished:
    events = list(run)
    assert isinstance(events[-1], Finished)
    assert sum(isinstance(event, Finished) for event in events) == 1
    return events[-1]


# --- the arithmetic -----------------------------------------------------------------------------------


def test_the_gradient_of_the_head_is_the_slope_of_its_loss() -> None:
    random = np.random.default_rng(0)
    kernel, bias = random.standard_normal((5, 3)), random.standard_normal(3)
    x, target = random.standard_normal((7, 5)), random.dirichlet(np.ones(3), 7)
    _, kernel_slope, bias_slope = head.cross_entropy(kernel, bias, x, target)
    step = 1e-6
    for place in np.ndindex(kernel.shape):
        more, less = kernel.copy(), kernel.copy()
        more[place] += step
        less[place] -= step
        slope = (
            head.cross_entropy(more, bias, x, target)[0] - head.cross_entropy(less, bias, x, target)[0]
        ) / (2 * step)
        assert kernel_slope[place] == pytest.approx(slope, abs=1e-8)
    for place in range(3):
        change = np.eye(3)[place] * step
        slope = (
            head.cross_entropy(kernel, bias + change, x, target)[0]
            - head.cross_entropy(kernel, bias - change, x, target)[0]
        ) / (2 * step)
        assert bias_slope[place] == pytest.approx(slope, abs=1e-8)


def test_a_batch_by_hand() -> None:
    """One example, two classes, zero weights: p = (1/2, 1/2), loss ln 2, error (-1/2, 1/2)."""
    x, target = np.array([[2.0, -4.0]]), np.array([[1.0, 0.0]])
    loss, kernel, bias = head.cross_entropy(np.zeros((2, 2)), np.zeros(2), x, target)
    assert loss == pytest.approx(math.log(2))
    assert kernel.tolist() == [[-1.0, 1.0], [2.0, -2.0]]
    assert bias.tolist() == [-0.5, 0.5]


def test_a_head_learns_what_can_be_learned_and_its_last_epoch_can_be_asked_for() -> None:
    random = np.random.default_rng(1)
    labels = np.repeat([0, 1, 2], 20)
    x = np.asarray(random.standard_normal((60, 30)) + 3 * np.eye(3, 30)[labels], np.float32)
    plan = Plan(epochs=10, batch=16)
    heads = list(head.learn(x[:, np.newaxis], labels, 3, plan))
    assert len(heads) == 10
    assert (heads[-1].probabilities(x).argmax(axis=1) == labels).mean() > 0.95
    assert evaluation.loss(heads[-1].probabilities(x), labels) < evaluation.loss(
        heads[0].probabilities(x), labels
    )
    third = head.after(3, x[:, np.newaxis], labels, 3, plan)
    assert np.array_equal(third.kernel, heads[2].kernel)


def test_the_nearest_mean_is_a_dense_layer() -> None:
    random = np.random.default_rng(2)
    x = np.asarray(random.random((40, 6)), np.float32)
    labels = np.arange(40) % 4
    found = head.nearest_mean(x, labels, 4).logits(x).argmax(axis=1)
    means = np.stack([x[labels == label].mean(axis=0) for label in range(4)])
    by_distance = ((x[:, np.newaxis] - means) ** 2).sum(axis=2).argmin(axis=1)
    assert np.array_equal(found, by_distance)


def test_targets_are_smoothed() -> None:
    assert head.smoothed(np.array([1]), 4, 0.2)[0] == pytest.approx([0.05, 0.85, 0.05, 0.05])


def test_the_learning_rate_rises_and_falls_along_a_cosine() -> None:
    rates = [learning_rate(step, 100, 1.0) for step in range(100)]
    assert rates[:10] == pytest.approx(np.arange(1, 11) / 10)
    assert rates[10] == 1.0
    assert rates[55] == pytest.approx(0.5)
    assert rates[99] < 0.001
    assert learning_rate(0, 1, 0.3) == pytest.approx(0.3)


def test_wilson_by_hand() -> None:
    """8 of 10: z^2 = 3.8415; (0.8 + 0.19207) / 1.38415 +- 1.96 sqrt(0.016 + 0.0096036) / 1.38415."""
    low, high = evaluation.wilson(8, 10)
    assert (low, high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert evaluation.wilson(0, 0) == (0.0, 1.0)
    assert evaluation.wilson(5, 5)[1] == pytest.approx(1.0)


@given(st.integers(0, 300), st.integers(1, 300))
def test_wilson_holds_the_share(right: int, more: int) -> None:
    low, high = evaluation.wilson(right, right + more)
    assert 0 <= low <= right / (right + more) <= high <= 1


def test_loss_calibration_and_confusion_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7], [0.35, 0.65]], np.float32)
    labels = np.array([0, 1, 1, 1])
    assert evaluation.loss(probabilities, labels) == pytest.approx(
        -(math.log(0.9) + math.log(0.1) + math.log(0.7) + math.log(0.65)) / 4, abs=1e-6
    )
    # bins: 0.9 twice (one right), 0.7 and 0.65 (both right): |1 - 1.8| + |1 - 0.7| + |1 - 0.65|
    assert evaluation.calibration_error(probabilities, labels) == pytest.approx((0.8 + 0.3 + 0.35) / 4)
    assert evaluation.confusion(probabilities, labels).tolist() == [[1, 0], [1, 2]]


def test_the_threshold_of_none_leaves_out_one_in_twenty() -> None:
    angles = np.linspace(0, 1, 21) ** 2
    rows = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    threshold = evaluation.none_threshold(rows)
    alone = [
        evaluation.nearest(np.delete(rows, place, axis=0), rows[place : place + 1])[0][0]
        for place in range(21)
    ]
    assert sum(distance > threshold for distance in alone) in (1, 2)
    found, which = evaluation.nearest(rows, np.array([[0.0, -3.0], [5.0, 0.0]], np.float32))
    assert found == pytest.approx([1.0, 0.0], abs=1e-6)
    assert which.tolist() == [0, 0]


def test_what_moved_by_hand() -> None:
    before = {"conv/kernel": np.ones((1, 1, 1, 4), np.float32), "same/kernel": np.ones((2, 2), np.float32)}
    after = {name: array.copy() for name, array in before.items()}
    after["conv/kernel"][..., 2] += 2
    moved, channels = evaluation.changes(before, after)
    assert moved == {"conv": pytest.approx(1.0)}  # |(0, 0, 2, 0)| / |(1, 1, 1, 1)|
    assert channels["conv"][0] == (2, pytest.approx(2.0))


def test_early_stopping_waits_and_keeps_the_best() -> None:
    course = Course(Plan(epochs=20), [])
    example = Example("a" * 16, "", 0, "validation")
    for number, probability in enumerate([0.5, 0.7, 0.9, 0.6, 0.6, 0.6, 0.6], start=1):
        row = np.array([[probability, 1 - probability]], np.float32)
        course.told(number, f"state {number}", 0.0, 1.0, row, [example])
        assert not course.should_end(number)
    course.told(8, "state 8", 0.0, 1.0, np.array([[0.6, 0.4]], np.float32), [example])
    assert course.should_end(8)
    assert (course.best, course.best_epoch, course.stopped) == ("state 3", 3, "early")


# --- augmentation -------------------------------------------------------------------------------------


def test_no_augmentation_changes_nothing(noise: np.ndarray) -> None:
    square = noise[:200, :200]
    nothing = Augmentation(flip=False, crop=0, rotate=0, colour=0)
    for seed in range(5):
        found = augment.augmented(square, nothing, np.random.default_rng(seed))
        assert np.array_equal(found, square)


def test_a_flip_alone_is_the_picture_or_its_mirror(noise: np.ndarray) -> None:
    square = noise[:150, :150]
    flips = Augmentation(flip=True, crop=0, rotate=0, colour=0)
    seen = set()
    for seed in range(20):
        found = augment.augmented(square, flips, np.random.default_rng(seed))
        mirrored = np.array_equal(found, square[:, ::-1])
        assert mirrored or np.array_equal(found, square)
        seen.add(mirrored)
    assert seen == {True, False}


@given(
    st.builds(
        Augmentation,
        flip=st.booleans(),
        crop=st.floats(0, 0.5),
        rotate=st.floats(0, 45),
        colour=st.floats(0, 0.5),
    ),
    st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_an_augmented_picture_is_a_picture(augmentation: Augmentation, seed: int) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (64, 64, 3), np.uint8)
    before = pixels.copy()
    found = augment.augmented(pixels, augmentation, np.random.default_rng(seed))
    assert found.shape == pixels.shape and found.dtype == np.uint8
    assert np.array_equal(pixels, before)
    assert np.array_equal(found, augment.augmented(pixels, augmentation, np.random.default_rng(seed)))


# --- the locked tower ---------------------------------------------------------------------------------


def test_the_events_of_a_locked_run(textures: Dataset) -> None:
    plan = training.default_plan(textures)
    events = list(tuning.fine_tune(textures, plan))
    started, last = events[0], events[-1]
    assert isinstance(started, Started) and isinstance(last, Finished)
    assert (started.training, started.validation) == (24, 9)
    epochs = [event for event in events if isinstance(event, Epoch)]
    assert [epoch.epoch for epoch in epochs] == list(range(1, len(epochs) + 1))
    assert last.history == tuple(epochs)
    assert last.best_epoch == min(epochs, key=lambda epoch: epoch.validation_loss).epoch
    progress = [event for event in events if isinstance(event, Progress)]
    assert [event.done for event in progress if event.stage == "tuning.stage.features"][-1] == 33
    for epoch in epochs:
        assert 1 <= len(epoch.previews) <= 6
        for digest, row in epoch.previews.items():
            assert row.sum() == pytest.approx(1, abs=1e-5)
            assert digest in last.evaluation.digests
    assert last.evaluation.accuracy == epochs[last.best_epoch - 1].validation_accuracy
    assert last.evaluation.loss == pytest.approx(epochs[last.best_epoch - 1].validation_loss)


def test_textures_are_told_apart(locked_run: Finished) -> None:
    found = locked_run.evaluation
    assert found.accuracy > 0.75
    low, high = found.interval
    assert low < found.accuracy <= high
    assert found.confusion.sum() == 9 and found.confusion.sum(axis=1).tolist() == [3, 3, 3]
    assert set(locked_run.tuned.weights) == {"logits/kernel", "logits/bias"}
    assert locked_run.tuned.weights["logits/kernel"].shape == (efficientnet.JOINED, 3)


def test_the_head_that_is_taken_learned_from_all_and_the_evaluation_did_not(textures: Dataset) -> None:
    refit = finished(tuning.fine_tune(textures, Plan(refit=True)))
    plain = finished(tuning.fine_tune(textures, Plan(refit=False)))
    assert refit.evaluation.probabilities.tobytes() == plain.evaluation.probabilities.tobytes()
    assert len(refit.tuned.features) == 33 and len(plain.tuned.features) == 24
    assert not np.array_equal(refit.tuned.weights["logits/kernel"], plain.tuned.weights["logits/kernel"])
    model = tuned_model(plain.tuned)
    assert isinstance(vision.classifier(model), vision.models.LiteClassifier)
    by_digest = {example.digest: example for example in textures.examples}
    pictures = [features.prepared(by_digest[digest]) for digest in plain.evaluation.digests]
    again = vision.classifier(model).predict_prepared(pictures)
    assert np.abs(again - plain.evaluation.probabilities).max() < 1e-5


def test_a_held_out_side_is_never_learned_from(textures: Dataset) -> None:
    assert training.default_plan(replace(textures, held_out=False)).refit
    assert not training.default_plan(replace(textures, held_out=True)).refit


def test_the_same_seed_gives_the_same_figures_to_the_last_digit(textures: Dataset) -> None:
    plan = replace(training.default_plan(textures), augmentation=Augmentation(), epochs=5)
    first, second = (finished(tuning.fine_tune(textures, plan)) for _ in range(2))
    other = finished(tuning.fine_tune(textures, replace(plan, seed=1)))
    assert same(first, second)
    assert not same(first, other)


def same(one: Finished, other: Finished) -> bool:
    """To the last digit."""
    arrays = [
        (one.evaluation.probabilities, other.evaluation.probabilities),
        (one.tuned.features, other.tuned.features),
        *((array, other.tuned.weights[name]) for name, array in one.tuned.weights.items()),
    ]
    losses = [[epoch.validation_loss for epoch in run.history] for run in (one, other)]
    return losses[0] == losses[1] and all(a.tobytes() == b.tobytes() for a, b in arrays)


def stops(dataset: Dataset, plan: Plan) -> Iterator[tuple[Event, Finished]]:
    """The run stopped at each of its events in turn."""
    place = 0
    while True:
        run = tuning.fine_tune(dataset, plan)
        for _ in range(place + 1):
            event = next(run)
        if isinstance(event, Finished):
            return
        yield event, training.stop(run)
        assert next(run, None) is None, "nothing comes after the end"
        place += 1


def test_a_locked_run_may_be_stopped_at_any_event(textures: Dataset) -> None:
    plan = Plan(epochs=3, batch=8, refit=True)
    seen = 0
    for event, last in stops(few(textures, 2, 1), plan):
        assert last.stopped == "by_visitor", event
        assert last.evaluation.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
        answer = vision.classifier(tuned_model(last.tuned)).predict([np.zeros((50, 50, 3), np.uint8)])
        assert answer.shape == (1, 3)
        if isinstance(event, Epoch):
            assert last.best_epoch == min(last.history, key=lambda epoch: epoch.validation_loss).epoch
            assert len(last.history) == event.epoch
        seen += 1
    assert seen == 1 + 4 + 3 + 1  # started, features, epochs, evaluating


def test_closing_a_run_just_ends_it(textures: Dataset) -> None:
    run = tuning.fine_tune(textures)
    next(run)
    run.close()  # type: ignore[attr-defined]
    assert next(run, None) is None


def test_nothing_to_learn_is_told() -> None:
    example = Example("a" * 16, "one", 0, "train", text="word")
    with pytest.raises(GlassboxError) as refused:
        tuning.fine_tune(Dataset("texts", ("a",), (example,)))
    assert refused.value.key.startswith("tuning_data.check.")


def test_an_estimate_grows_with_the_work(textures: Dataset) -> None:
    def seconds(unlocked: Unlocked) -> float:
        return training.estimate(textures, training.default_plan(textures, unlocked))

    assert seconds("head") < seconds("last") < seconds("all")
    assert seconds("head") < 12


# --- the tuned model on the pages ---------------------------------------------------------------------


def test_a_tuned_head_is_used_like_any_model_without_tensorflow(locked_run: Finished) -> None:
    """In a process of its own, so that TensorFlow cannot have been there before."""
    import subprocess
    import sys
    import tempfile
    from pathlib import Path

    from core.tuning import saved

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "saved.zip"
        file.write_bytes(saved.save(locked_run.tuned))
        script = f"""
import sys
import numpy as np
from core import vision
from core.tuning.saved import load_saved
from core.tuning.tuned import distances, tuned_model
tuned = load_saved(open({str(file)!r}, "rb").read())
model = tuned_model(tuned)
image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
print(vision.classifier(model).predict([image]).shape, vision.grad_cam(model, image, 1).shape)
print(distances(tuned, [image])[0].shape, "tensorflow" in sys.modules, "streamlit" in sys.modules)
"""
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["(1, 3) (90, 120)", "(1,) False False"]


def test_the_keras_twin_of_a_tuned_head_agrees(locked_run: Finished, textures: Dataset) -> None:
    from core.vision import inside

    model = tuned_model(locked_run.tuned)
    pictures = [features.prepared(example) for example in textures.examples[::8]]
    quick = vision.classifier(model).predict_prepared(pictures)
    numbers = model.preparation.numbers(np.stack(pictures))
    slow = np.concatenate([inside.probabilities(model, one[np.newaxis]) for one in numbers])
    assert np.abs(quick - slow).mean() < 0.05
    image = pictures[0]
    layers = dict(vision.feature_maps(model, image, ["block3_project_norm", "pool"]))
    assert layers["block3_project_norm"].shape == (56, 56, 24)
    index = int(quick[0].argmax())
    lite = vision.grad_cam(model, image, index)
    deep = vision.grad_cam(model, image, index, efficientnet.outputs()[-2])
    assert lite.shape == deep.shape == image.shape[:2]
    assert 0.8 < lite.max() <= 1


def test_what_was_learned_from_is_near_and_what_is_foreign_is_far(
    locked_run: Finished, textures: Dataset, photos: dict[str, np.ndarray]
) -> None:
    tuned = locked_run.tuned
    by_digest = {example.digest: example for example in textures.examples}
    known = features.prepared(by_digest[tuned.feature_digests[5]])
    from core.tuning.images import pixels

    own, which = distances(tuned, [pixels(by_digest[tuned.feature_digests[5]])])
    assert own[0] < 0.01 and which == [tuned.feature_digests[5]]
    assert known.shape == (224, 224, 3)
    foreign, _ = distances(tuned, [photos[name] for name in ("tabby_cat", "space_shuttle", "espresso")])
    assert (foreign > tuned.none_threshold).all()
    distance, digest = distances_in(tuned, tuned_model(tuned), photos["tabby_cat"])
    assert distance == pytest.approx(foreign[0], abs=1e-6)
    assert digest in tuned.feature_digests


# --- the plans that unlock more -----------------------------------------------------------------------

WATCHED = {"last": "block16_project_norm", "all": "block5_project_norm", "scratch": "conv2"}


def small_plan(dataset: Dataset, unlocked: Unlocked) -> Plan:
    return replace(training.default_plan(dataset, unlocked), epochs=2, batch=8)


@pytest.mark.parametrize("unlocked", ["last", "all", "scratch"])
def test_a_picture_run_changes_what_its_plan_unlocks(textures: Dataset, unlocked: Unlocked) -> None:
    dataset, plan = few(textures, 4, 2), small_plan(textures, unlocked)
    base = {name: array.copy() for name, array in shipped_weights().items()}
    events = list(tuning.fine_tune(dataset, plan, watched=WATCHED[unlocked]))
    last = events[-1]
    assert isinstance(last, Finished)
    epochs = [event for event in events if isinstance(event, Epoch)]
    assert [epoch.epoch for epoch in epochs] == [0, 1, 2]
    assert epochs[0].maps is not None and epochs[2].maps is not None
    assert epochs[0].maps.ndim == 3 and not np.array_equal(epochs[0].maps, epochs[2].maps)
    assert all(epoch.maps is None for epoch in last.history)
    assert WATCHED[unlocked] in training.watchable(dataset, plan)
    after = shipped_weights()
    assert all(array.tobytes() == after[name].tobytes() for name, array in base.items()), "bit-identical"
    if last.best_epoch:
        moved = set(last.evaluation.moved)
        assert moved, "something learned"
        if unlocked == "last":
            assert all(layer.startswith(("block15", "block16", "head", "logits")) for layer in moved)
        assert set(last.evaluation.channels) == moved
    assert not any(name.endswith(("moving_mean", "moving_variance")) for name in last.tuned.weights)
    model = tuned_model(last.tuned)
    from core.tuning.images import pixels

    by_digest = {example.digest: example for example in dataset.examples}
    pictures = [pixels(by_digest[digest]) for digest in last.evaluation.digests]
    again = vision.classifier(model).predict(pictures)
    assert np.abs(again - last.evaluation.probabilities).max() < 2e-3
    assert vision.grad_cam(model, pictures[0], 0).shape == pictures[0].shape[:2]
    found, _ = distances(last.tuned, pictures[:1])
    assert 0 <= found[0] <= 1


def shipped_weights() -> dict[str, np.ndarray]:
    """The base model's own numbers."""
    return {weight.path: weight.numpy() for weight in efficientnet.load().weights}


@pytest.mark.parametrize("unlocked", ["last", "scratch"])
def test_an_unlocked_run_repeats_to_the_last_digit(textures: Dataset, unlocked: Unlocked) -> None:
    dataset, plan = few(textures, 4, 2), replace(small_plan(textures, unlocked), early_stopping=False)
    first, second = (finished(tuning.fine_tune(dataset, plan)) for _ in range(2))
    assert same(first, second)


def test_an_unlocked_run_may_be_stopped_at_any_event(textures: Dataset) -> None:
    dataset = few(textures, 2, 1)
    plan = replace(small_plan(textures, "scratch"), batch=4)
    kinds = set()
    for event, last in stops(dataset, plan):
        assert last.stopped == "by_visitor"
        answer = vision.classifier(tuned_model(last.tuned)).predict([np.zeros((50, 50, 3), np.uint8)])
        assert answer.sum() == pytest.approx(1, abs=1e-5)
        kinds.add(getattr(event, "stage", type(event).__name__))
    assert {"Started", "Epoch", "tuning.stage.features", "tuning.stage.training"} <= kinds


def test_a_run_stopped_while_the_network_is_built_still_names(textures: Dataset) -> None:
    run = tuning.fine_tune(few(textures, 2, 1), small_plan(textures, "last"))
    for event in run:
        if isinstance(event, Progress) and event.stage == "tuning.stage.locked":
            break
    last = training.stop(run)
    assert set(last.tuned.weights) == {"logits/kernel", "logits/bias"}
    answer = vision.classifier(tuned_model(last.tuned)).predict([np.zeros((50, 50, 3), np.uint8)])
    assert answer.sum() == pytest.approx(1, abs=1e-5)


# --- texts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unlocked", ["head", "last", "scratch"])
def test_a_text_run_answers_as_it_was_evaluated(sentences: Dataset, unlocked: Unlocked) -> None:
    plan = training.default_plan(sentences, unlocked)
    last = finished(tuning.fine_tune(sentences, replace(plan, epochs=min(plan.epochs, 5), refit=False)))
    by_digest = {example.digest: example.text for example in sentences.examples}
    classifier = tuned_text_classifier(last.tuned)
    answers = classifier.predict([by_digest[digest] for digest in last.evaluation.digests])
    assert classifier.labels == sentences.labels
    assert np.abs(answers - last.evaluation.probabilities).max() < 1e-3
    found, which = distances(last.tuned, [by_digest[last.tuned.feature_digests[0]]])
    assert found[0] < 0.01
    assert unlocked == "scratch" or which == [last.tuned.feature_digests[0]]
    with pytest.raises(GlassboxError):
        classifier.predict([" "])


def test_a_text_is_read_at_every_depth_of_the_encoder() -> None:
    from core.language import pretrained
    from core.tuning import sentences

    encoder = pretrained.load()
    texts = ["The kettle is on.", "雨停了", "It rained for most of the match, and nobody minded."]
    ids = [sentences.readable(encoder, text) for text in texts]
    rows = sentences.vectors(encoder, ids)  # side by side, filled up
    assert rows.shape == (3, 7 * 384) and np.abs(np.linalg.norm(rows, axis=1) - 1).max() < 1e-5
    for row, one in zip(rows, ids, strict=True):  # beside what the page shows of each text alone
        means = encoder.inside(one).layers.mean(axis=1)  # (7, 384)
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        assert np.abs(row.reshape(7, 384) - means / np.sqrt(7)).max() < 1e-4


def test_a_text_that_cannot_be_read_is_named(sentences: Dataset) -> None:
    broken = replace(sentences.examples[0], text="\u200b", name="line 7")
    dataset = replace(sentences, examples=(broken, *sentences.examples[1:]))
    with pytest.raises(GlassboxError) as refused:
        list(tuning.fine_tune(dataset))
    assert refused.value.values["name"] == "line 7"


def test_views_do_not_depend_on_what_came_before(textures: Dataset) -> None:
    example, augmentation = textures.examples[0], Augmentation()
    one = features.view(example, 3, augmentation, 0)
    features.view(example, 1, augmentation, 0)
    assert np.array_equal(one, features.view(example, 3, augmentation, 0))
    assert not np.array_equal(one, features.view(example, 2, augmentation, 0))
    assert np.array_equal(features.view(example, 0, augmentation, 0), features.prepared(example))
    assert features.views(10, None) == 0
    assert features.views(1000, augmentation) == 1 and features.views(10, augmentation) == 8


def test_the_features_are_those_of_the_network(textures: Dataset) -> None:
    known: dict[str, np.ndarray] = {}
    list(locked.compute(few(textures, 2, 1), known, Plan()))
    example = textures.examples[0]
    kernel, bias = efficientnet.head()
    logits = known[example.digest][0][: len(kernel)] @ kernel + bias
    plain = vision.classifier("efficientnet_lite0")
    assert isinstance(plain, vision.models.PreparedClassifier)
    answer = plain.predict_prepared([features.prepared(example)])[0]
    assert np.abs(softmax(logits) - answer).max() < 1e-5


# --- the benchmark ------------------------------------------------------------------------------------


def test_every_sentence_is_tested_with_once_in_the_benchmark() -> None:
    whole = tuning.builtin("feelings", "en")
    tested = [
        [e.digest for e in benchmark.turned(whole, fold).examples if e.split == "validation"]
        for fold in range(benchmark.FOLDS)
    ]
    assert all(len(some) == 3 * 5 for some in tested)
    assert sorted(one for some in tested for one in some) == sorted(e.digest for e in whole.examples)


def test_the_comparison_says_so_where_plain_keras_never_gets_there() -> None:
    course = [(1.0, 0.5), (2.0, 0.86), (8.0, 0.87)]
    told = benchmark.beside(course, goal=0.885, ours=2.0)
    assert "never" in told and "more than 4.0 times" in told
    assert "within three points after 2.0 s: 1.0 times" in told
    told = benchmark.beside(course, goal=0.872, ours=2.0)
    assert "never" not in told and "after 4.0 times our seconds" in told
