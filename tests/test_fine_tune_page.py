"""The page Fine-tune without a browser: from a set that ships to a network that other pages use."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from streamlit.testing.v1 import AppTest

from core import i18n
from core.tuning import builtin, review, saved
from core.tuning.queue import queue
from core.tuning.types import Augmentation, Dataset, Finished, Plan
from tests.pressing import no_worker_is_left, press  # noqa: F401  (a fixture that works by being here)
from tests.test_pages import opened, words_of
from ui import networks, tuning, tuning_data, tuning_plan, tuning_races, tuning_watch
from ui.components import bins
from ui.components.bins import Act
from ui.words import plain

PAGE = "pages/fine_tune.py"


def workshop(app: AppTest) -> tuning.Workshop:
    found: tuning.Workshop = app.session_state["visit"].kept["tuning"]
    return found


def tuned(app: AppTest) -> Finished:
    """Presses the big button and waits until the run is over and seen."""
    press(app, "fine_tune_start")
    job = workshop(app).job
    assert job is not None
    assert job.run.wait(120)
    app.run()
    assert not app.error, app.error[0].value
    assert isinstance(job.run.result, Finished)
    return job.run.result


def photo(colour: tuple[int, int, int], seed: int) -> bytes:
    """A noisy picture of one colour, as a camera gives it."""
    noise = np.random.default_rng(seed).integers(-40, 40, (96, 96, 3))
    pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def shop(dataset: Dataset | None = None) -> tuning.Workshop:
    return tuning.Workshop(dataset or Dataset("images", ("Class 1", "Class 2"), ()), tuning.OWN)


# --- the whole way ---------------------------------------------------------------------------------


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_from_a_set_that_ships_to_a_network_on_the_other_pages(language: str) -> None:
    app = opened(PAGE, lang=language, set="surfaces")
    finished = tuned(app)
    evaluation = finished.evaluation
    right = round(evaluation.accuracy * len(evaluation.labels))
    assert len(evaluation.labels) == 24
    assert right >= 20  # of 24
    bar = i18n.text(language, "fine_tune.gap.early")
    assert bar not in words_of(app)  # the curves have come
    press(app, "fine_tune_see")
    assert app.query_params["tab"] in ("result", ["result"])
    shown = words_of(app)
    told = i18n.text(
        language, "fine_tune.accuracy.images", share=f"{evaluation.accuracy:.0%}", right=right, count=24
    )
    assert told in shown
    assert i18n.text(language, "fine_tune.none") in shown  # the cat is no surface
    done = workshop(app).done
    assert done is not None
    assert done.finished is finished
    # the labels of a set that ships are told in the visitor's language
    names = [i18n.text(language, f"tuning_set.surfaces.{one}") for one in done.tuned.labels]
    # leaving the page and coming back keeps everything
    app.session_state["visit"].kept["classify_model"] = networks.TUNED  # as its button does
    app.switch_page("pages/classify.py").run()
    assert not app.exception
    assert not app.error
    headline = next(str(one.value) for one in app.markdown if str(one.value).startswith("## "))
    assert any(name in headline for name in names), headline
    app.switch_page(PAGE).run()
    assert workshop(app).done is done


def test_a_mended_label_is_what_the_next_run_learns_from() -> None:
    app = opened(PAGE, lang="en", set="surfaces")
    tuned(app)
    press(app, "fine_tune_see")
    found = workshop(app)
    picked = found.picked
    assert picked is not None
    box = next(box for box in app.selectbox if box.key == f"fine_tune_mend_{picked}")
    box.set_value("stain").run()
    assert not app.exception
    assert {one.label for one in found.dataset.examples if one.digest == picked} == {2}
    press(app, "fine_tune_again")
    job = found.job
    assert job is not None
    assert {one.label for one in job.dataset.examples if one.digest == picked} == {2}
    assert job.run.wait(120)
    app.run()
    assert found.done is not None
    assert found.done.dataset is job.dataset
    assert found.done.before is not None
    # one step back, and the label is the old one
    tuning.undo(found)
    assert {one.label for one in found.dataset.examples if one.digest == picked} != {2}


def test_a_network_that_is_brought_back_takes_the_place_of_the_tuned_one() -> None:
    app = opened(PAGE, lang="en", set="surfaces")
    finished = tuned(app)
    found = workshop(app)
    data = saved.save(finished.tuned)
    app.session_state["fine_tune_tab"] = "away"
    app.run()
    field = next(box for box in app.file_uploader if str(box.key).startswith("fine_tune_saved"))
    field.upload("glassbox.zip", data, "application/zip").run()
    assert not app.exception
    assert not app.error
    app.run()
    assert found.done is not None
    assert found.done.finished is None
    assert np.array_equal(found.done.tuned.features, finished.tuned.features)
    assert i18n.text("en", "fine_tune.none") in words_of(app)
    app.session_state["fine_tune_tab"] = "away"
    app.run()
    field = next(box for box in app.file_uploader if str(box.key).startswith("fine_tune_saved"))
    field.upload("glassbox.zip", data[:999], "application/zip").run()
    assert len(app.error) == 1
    assert found.done.finished is None


def test_a_network_for_texts_is_asked_beside_the_others() -> None:
    app = opened("pages/sentiment.py", lang="en")
    name = i18n.text("en", "networks.tuned")
    assert name not in words_of(app)
    app.switch_page(PAGE)
    app.query_params["set"] = "feelings"
    app.run()
    tuned(app)
    app.switch_page("pages/sentiment.py").run()
    assert not app.exception and not app.error
    assert name in words_of(app)
    said = ("fine_tune.sentiment.about", "networks.foreign")
    assert any(i18n.text("en", key) in words_of(app) for key in said)


def test_a_run_goes_on_while_its_visitor_is_elsewhere_and_ends_with_the_visit() -> None:
    app = opened(PAGE, lang="en", set="surfaces")
    press(app, "fine_tune_start")
    job = workshop(app).job
    assert job is not None
    app.switch_page("pages/classify.py").run()
    assert job.run.wait(120)
    app.switch_page(PAGE).run()
    assert workshop(app).done is not None
    press(app, "forget")
    assert not queue().runs(job.run.owner)
    assert workshop(app).done is None


def test_a_stopped_run_leaves_a_sentence() -> None:
    app = opened(PAGE, lang="en", set="digits")
    press(app, "fine_tune_start")
    job = workshop(app).job
    assert job is not None
    job.run.stop()
    assert job.run.wait(120)
    app.run()
    assert not app.error
    assert not app.exception
    if isinstance(job.run.result, Finished):
        assert workshop(app).done is not None


# --- what a link and the visitor's choices say -----------------------------------------------------


def test_a_link_reopens_set_and_plan() -> None:
    app = opened(PAGE, lang="en", set="digits", plan="last~epochs~7~seed~3~augmentation~0_0.1_15_0.2")
    found = workshop(app)
    assert found.chosen == "digits"
    plan = found.plan
    assert (plan.unlocked, plan.epochs, plan.seed) == ("last", 7, 3)
    assert plan.augmentation == Augmentation(flip=False, crop=0.1, rotate=15, colour=0.2)
    assert app.query_params["plan"] in (tuning.written_plan(found), [tuning.written_plan(found)])


@pytest.mark.parametrize(
    "query",
    [
        {"set": "../etc"},
        {"plan": "<b>"},
        {"plan": "last~epochs~1e99~seed"},
        {"plan": "all~augmentation~9_9_9"},
        {"plan": "head~dropout~nan~weights~7"},
        {"tab": "none"},
    ],
)
def test_a_link_that_lies_opens_the_page_all_the_same(query: dict[str, str]) -> None:
    app = opened(PAGE, lang="en", **query)
    assert not app.error
    plan = workshop(app).plan
    assert plan.epochs <= 100
    assert plan.dropout == plan.dropout  # not nan


def test_another_part_unlocked_brings_its_usual_plan() -> None:
    app = opened(PAGE, lang="en")
    found = workshop(app)
    switch = next(group for group in app.button_group if group.key == "fine_tune_unlocked")
    switch.set_value("scratch").run()
    assert not app.exception
    assert found.unlocked == "scratch"
    assert found.plan.augmentation is not None
    assert found.watched == "pool3"
    slider = next(slider for slider in app.slider if slider.key == "fine_tune_epochs")
    slider.set_value(11).run()
    assert found.plan.epochs == 11
    press(app, "fine_tune_usual")
    assert found.plan.epochs != 11


@pytest.mark.parametrize(
    ("unlocked", "part", "then"),
    [
        ("head", "last", "last"),
        ("head", "early", "all"),
        ("last", "last", "head"),
        ("last", "early", "all"),
        ("all", "early", "last"),
        ("all", "last", "head"),
    ],
)
def test_a_click_on_a_lock(unlocked: Any, part: str, then: str) -> None:
    assert tuning_plan._after(unlocked, part) == then


def test_texts_that_ship_follow_the_language_until_they_are_changed() -> None:
    app = opened(PAGE, lang="en", set="feelings")
    found = workshop(app)
    english = found.dataset
    switch = next(group for group in app.button_group if group.key == "language")
    switch.set_value("zh").run()
    assert any("\u4e00" <= letter <= "\u9fff" for letter in found.dataset.examples[0].text)
    tuning_data.drop(found, [found.dataset.examples[0].digest])
    kept = found.dataset
    next(group for group in app.button_group if group.key == "language").set_value("en").run()
    assert found.dataset is kept
    assert english != kept


# --- what a visitor brings -------------------------------------------------------------------------


def test_pictures_come_into_named_classes() -> None:
    found = shop()
    for label, colour in enumerate(((200, 40, 40), (40, 60, 200))):
        pictures = tuple((f"{label}-{n}.png", photo(colour, 10 * label + n)) for n in range(5))
        tuning_data.acted(found, Act("add", label, pictures=pictures), f"token {label}")
    assert review.counts(found.dataset) == ((4, 1), (4, 1))
    assert found.problem is None
    # the same message once more changes nothing
    before = found.dataset
    tuning_data.acted(found, Act("remove", 0), "token 1")
    assert found.dataset is before
    tuning_data.acted(found, Act("rename", 0, name="苹果 <b>🍎</b>"), "name")
    assert found.dataset.labels[0] == "苹果 <b>🍎</b>"
    ids = tuple(one.digest for one in found.dataset.examples if one.label == 0)[:2]
    tuning_data.acted(found, Act("move", 1, ids=ids), "move")
    assert [sum(pair) for pair in review.counts(found.dataset)] == [3, 7]
    tuning.undo(found)
    assert [sum(pair) for pair in review.counts(found.dataset)] == [5, 5]
    tuning_data.acted(found, Act("drop", 0, ids=(*ids, "unknown")), "drop")
    assert [sum(pair) for pair in review.counts(found.dataset)] == [3, 5]
    tuning_data.acted(found, Act("remove", 1), "away")
    assert found.dataset.labels == ("苹果 <b>🍎</b>",)
    assert found.problem is not None


def test_what_cannot_be_done_is_told_and_nothing_is_lost() -> None:
    found = shop()
    good = tuple((f"{n}.png", photo((200, 40, 40), n)) for n in range(3))
    tuning_data.acted(found, Act("add", 0, pictures=(*good, ("holiday.jpg", b"no picture"))), "1")
    assert len(found.dataset.examples) == 3
    assert [problem.name for problem in found.dataset.problems if problem.name] == ["holiday.jpg"]
    before = found.dataset
    tuning_data.acted(found, Act("rename", 0, name="class 2"), "2")  # there is one already
    assert found.dataset is before
    assert found.refused is not None
    assert found.refused.key == "tuning_data.error.name_taken"


def test_lines_are_taken_and_a_table_without_classes_is_told() -> None:
    app = opened(PAGE, lang="zh")
    found = workshop(app)
    tuning.choose_set(found, "texts")
    app.run()
    lines = "\n".join(f"今天第{n}次很开心,喜\n昨天第{n}回好难过,哀" for n in range(8))
    next(area for area in app.text_area if area.key == "fine_tune_pasted").set_value(lines)
    next(button for button in app.button if "fine_tune_lines" in str(button.key)).click().run()
    assert not app.exception
    assert not app.error
    assert found.dataset.kind == "texts"
    assert set(found.dataset.labels) == {"喜", "哀"}
    kept = found.dataset
    tuning.choose_set(found, "texts")
    app.run()
    next(area for area in app.text_area if area.key == "fine_tune_pasted").set_value("一句话\n又一句话")
    next(button for button in app.button if "fine_tune_lines" in str(button.key)).click().run()
    assert len(app.error) == 1
    assert any("\u4e00" <= letter <= "\u9fff" for letter in app.error[0].value)
    assert found.dataset is kept


def test_a_broken_zip_is_told_and_nothing_is_lost() -> None:
    app = opened(PAGE, lang="en")
    found = workshop(app)
    before = found.dataset
    tuning.choose_set(found, "zip")
    app.run()
    field = next(box for box in app.file_uploader if str(box.key).startswith("fine_tune_zip"))
    field.upload("pictures.zip", b"PK\x03\x04 cut off", "application/zip").run()
    assert not app.exception
    assert len(app.error) == 1
    assert found.dataset is before


def test_a_class_name_is_never_markup() -> None:
    found = shop(Dataset("images", ("<img src=x>", "[a](http://b)"), ()))
    sentence = tuning.told(
        "tuning_data.check.small.images", {"label": "[a](http://b)", "count": 1, "least": 2}
    )
    assert "\\[a\\]\\(http\\:" in sentence
    assert "\\<img" in plain(found.dataset.labels[0])
    assert networks.harmless("<b>[x](y)*") == "＜b＞［x］（y）＊"


# --- messages of the browser -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "add",
        {"act": "explode", "label": 0},
        {"act": "remove", "label": 7},
        {"act": "remove", "label": 2},  # there are two: only something new comes behind them
        {"act": "rename", "label": True, "name": "x"},
        {"act": "rename", "label": 0, "name": 5},
        {"act": "drop", "label": 0, "ids": [1]},
    ],
)
def test_a_message_that_is_none_is_not_read(raw: Any) -> None:
    assert bins.read(raw, 2) is None


def test_pictures_of_a_message_are_read_and_bounded() -> None:
    data = base64.b64encode(b"abc").decode()
    many = [{"name": f"{n}", "data": data} for n in range(40)]
    act = bins.read(
        {"act": "add", "label": 2, "name": "x", "pictures": [*many[:2], {"name": "y", "data": "%"}]}, 2
    )
    assert act is not None
    assert act.pictures == (("0", b"abc"), ("1", b"abc"), ("y", b""))
    act = bins.read({"act": "add", "label": 0, "pictures": many}, 2)
    assert act is not None
    assert len(act.pictures) == bins.AT_ONCE


# --- races, maps -----------------------------------------------------------------------------------


def test_a_small_race_has_few_to_learn_from_and_the_same_to_test_with() -> None:
    dataset = builtin("textures")
    raced = tuning_races.small(dataset, 5)
    assert review.counts(raced) == tuple((5, test) for _, test in review.counts(dataset))
    assert set(tuning_races.plans(raced)) == {"head", "last", "all", "scratch"}
    assert all(isinstance(plan, Plan) for plan in tuning_races.plans(raced).values())


def test_the_usual_race_is_short() -> None:
    dataset = builtin("textures")
    size = tuning_races.usual_size(dataset, (3, 5, 10))
    raced = tuning_races.small(dataset, size)
    assert tuning_races.seconds(raced, tuning_races.QUICK) <= tuning_races.SHORT
    assert tuning_races.seconds(raced, tuning_races.UNLOCKED) > tuning_races.seconds(
        raced, tuning_races.QUICK
    )
    huge = replace(dataset, examples=dataset.examples * 40)  # so much to test with that no race is short
    assert tuning_races.usual_size(huge, (3, 5, 10)) == 3


def test_a_race_tells_who_runs_and_can_be_stopped() -> None:
    app = opened(PAGE, lang="en", tab="races")
    press(app, "fine_tune_race")
    race = workshop(app).race
    assert [job.plan.unlocked for job in race] == list(tuning_races.QUICK)
    share, told = tuning_races._progress(race)
    assert 0 <= share < 1
    assert any(i18n.text("en", f"fine_tune.unlocked.{way}") in told for way in tuning_races.QUICK)
    app.run()
    press(app, "fine_tune_race_stop")
    assert all(job.run.wait(60) for job in race)
    assert {job.run.state for job in race} <= {"stopped", "finished"}
    app.run()
    assert any(button.key == "fine_tune_race" for button in app.button)  # another one may begin


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_home_tells_what_a_few_pictures_are_worth(language: str) -> None:
    app = opened("streamlit_app.py", lang=language)
    assert i18n.text(language, "fine_tune.home") in words_of(app)


def test_recorded_races_are_means_over_their_seeds() -> None:
    rows: list[dict[str, Any]] = [
        {"accuracy": 0.8, "interval": [0.7, 0.9]},
        {"accuracy": 0.6, "interval": [0.5, 0.7]},
    ]
    assert tuning_races.mean(rows) == pytest.approx((0.7, 0.6, 0.8))


@pytest.mark.parametrize("there", [False, True])
def test_the_races_tab_tells_what_was_recorded_or_that_nothing_was(
    monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    plan = {"epochs": 9}
    row: dict[str, Any] = {"accuracy": 0.5, "interval": [0.4, 0.6], "tests": 250, "seed": 4, "plan": plan}
    row |= {"made": "2026-01-02T03:04:05+00:00", "best_epoch": 1, "training_accuracy": 0.97}
    row |= {"last_validation_accuracy": 0.41, "history": [[1, 0.9, 0.5, 1.0, 0.4], [2, 0.1, 0.97, 1.4, 0.41]]}
    kinds = (
        ("sizes", "head", 5),
        ("sizes", "scratch", 5),
        ("plans", "last", 10),
        ("settings", "nothing", 20),
    )
    rows = [row | {"race": race, "name": name, "count": count} for race, name, count in kinds]
    record = {"classes": 5, "made_by": "training/races.py", "rows": rows}
    monkeypatch.setattr(tuning_races, "record", lambda: record if there else None)
    app = opened(PAGE, lang="en", tab="races")
    assert not app.error
    shown = words_of(app)
    assert ("2026-01-02 with the seeds 4" in shown) == there
    assert ("97% right on what it learned from, 41%" in shown) == there
    assert (i18n.text("en", "fine_tune.races.missing") in shown) != there


def test_maps_stand_side_by_side_on_one_scale() -> None:
    maps = np.zeros((2, 2, 3), np.float32)
    maps[..., 1] = 0.5
    maps[..., 2] = 1.0
    picture = tuning_watch.tiles(maps, 1.0)
    assert picture.shape == (72, 3 * 78 - 6, 3)
    assert (picture[:, 72:78] == 255).all()
    assert not np.array_equal(picture[0, 0], picture[0, 80])
    assert not np.array_equal(picture[0, 80], picture[0, 160])


def test_tabs_of_the_page_are_told_in_every_language() -> None:
    for language in i18n.LANGUAGES:
        names = [i18n.text(language, f"fine_tune.tab.{name}") for name in tuning.TABS]
        assert len(set(names)) == len(names)
    assert Path("pages/fine_tune.py").exists()
