"""The small experiments of the questions page: what is drawn, what is learned, and that the figures follow."""

from __future__ import annotations

import ast
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import i18n
from core.language import recurrence
from core.language import sentiment as text_model
from core.resources import RESOURCES
from core.tuning import applications, builtin, experiments, features
from core.tuning.experiments import DRAWS, Guards, Setting, Shelf

ROOT = Path(__file__).resolve().parent.parent


def small(classes: int = 3, each: int = 6) -> Shelf:
    labels = np.repeat(np.arange(classes), each)
    rows = np.eye(classes, dtype=np.float32)[labels]
    names = tuple(str(one) for one in range(classes))
    return Shelf(names, rows, labels, rows, labels)


@settings(deadline=None)
@given(st.integers(1, 6), st.sampled_from([0.0, 0.2, 0.5]), st.booleans(), st.integers(0, 50))
def test_what_is_drawn_is_what_was_asked_for(count: int, wrong: float, starved: bool, seed: int) -> None:
    shelf = small()
    rows, given_ = experiments.drawn(shelf, Setting(count, wrong, starved), seed)
    true = shelf.learn_labels[rows]
    assert np.bincount(true, minlength=3).tolist() == [1 if starved else count, count, count]
    assert len(set(rows.tolist())) == len(rows)
    assert (given_ != true).sum() == round(wrong * len(rows))
    assert set(given_.tolist()) <= {0, 1, 2}


def test_more_pictures_of_one_seed_hold_the_fewer() -> None:
    few, _ = experiments.drawn(small(), Setting(2), 7)
    many, _ = experiments.drawn(small(), Setting(5), 7)
    assert set(few.tolist()) < set(many.tolist())


def test_the_shipped_features_are_those_of_the_locked_tower() -> None:
    examples = [one for one in builtin("textures").examples if one.split == "train"][:3]
    found = experiments.shelf("textures").learn[:3]
    wanted = features.of_examples("images", examples)[:, : found.shape[1]]
    np.testing.assert_allclose(found, wanted, atol=0.01)


def test_pixels_are_grey_and_between_nothing_and_one() -> None:
    shelf = experiments.shelf("surfaces", "pixels")
    assert shelf.learn.shape == (40, experiments.SIDE**2)
    assert 0 <= shelf.learn.min() < shelf.learn.max() <= 1


def test_more_and_cleaner_data_is_better() -> None:
    score = experiments.score
    assert score("digits", Setting(20)).accuracy > score("digits", Setting(2)).accuracy + 0.2
    assert score("digits", Setting(10, 0.4)).accuracy < score("digits", Setting(10)).accuracy - 0.1
    starved = score("digits", Setting(10, starved=True))
    assert starved.starved < score("digits", Setting(10)).starved - 0.4
    assert starved.interval[0] < starved.accuracy < starved.interval[1]


def test_a_network_learns_wrong_labels_by_heart_and_the_guards_help() -> None:
    bare = experiments.course(Guards())
    assert bare.learned > 0.99  # those that are wrong too
    assert bare.kept < 0.8
    for guards in (Guards(weight_decay=True), Guards(dropout=True), Guards(more_pictures=True)):
        assert experiments.course(guards).kept > bare.kept + 0.03, guards
    early = experiments.course(Guards(early_stopping=True))
    np.testing.assert_array_equal(early.history, bare.history)  # the same run, stopped
    assert early.learned < 0.95


def test_a_locked_tower_helps_where_it_knows_something() -> None:
    tower = experiments.score("surfaces", Setting(5), "tower")
    assert tower.interval[0] > experiments.score("surfaces", Setting(5), "pixels").accuracy
    assert DRAWS > 1


# --- the article's formulas, tools and applications ------------------------------------------------


def test_without_the_recurrent_term_only_the_last_token_counts() -> None:
    first, second = recurrence.memory("A waste of time, not good"), recurrence.memory("good")
    assert first.forgotten[-1] == pytest.approx(second.forgotten[-1], abs=1e-6)
    assert first.remembered[-1] < 0.5 < second.remembered[-1]
    probability = text_model("rnn").predict(["A waste of time, not good"])[0, 1]
    assert first.remembered[-1] == pytest.approx(probability, abs=1e-5)  # it is the network's own answer
    assert first.remembered[0] == pytest.approx(first.forgotten[0], abs=1e-6)  # h_0 is zero


@pytest.mark.parametrize("one", RESOURCES, ids=lambda one: one.name)
def test_a_tool_is_at_work_where_the_page_says(one: object) -> None:
    from core.resources import Resource

    assert isinstance(one, Resource)
    for file in one.files:
        assert (ROOT / file).exists()
        if one.module:
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            names = {
                alias.name.split(".")[0]
                for node in ast.walk(tree)
                if isinstance(node, ast.Import)
                for alias in node.names
            }
            names |= {
                str(node.module).split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
            }
            assert one.module in names, file
    if one.package:
        assert one.version in {found.version for found in metadata.distributions(name=one.package)} | {
            found.version for found in metadata.distributions(name=f"{one.package}-cpu")
        }


def test_every_application_has_its_result_in_every_language() -> None:
    found = applications.results()
    for name in applications.SETS:
        for language in applications.languages(name, i18n.LANGUAGES):
            one = found[name, language]
            assert one.interval[0] <= one.accuracy <= one.interval[1]
            assert one.accuracy > 1 / len(builtin(name).labels)


def test_a_recorded_result_comes_again() -> None:
    from training.applications import result

    again, recorded = result("surfaces", ""), applications.results()["surfaces", ""]
    assert (again.training, again.tests, again.splits) == (recorded.training, recorded.tests, recorded.splits)
    assert again.accuracy == pytest.approx(recorded.accuracy, abs=1.01 / recorded.tests)
