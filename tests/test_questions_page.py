"""The pages Questions and Applications without a browser."""

from __future__ import annotations

import numpy as np
import pytest

from core import i18n
from core.tuning import applications
from tests.test_pages import opened, words_of
from ui import questions, questions_article
from ui.words import percent

PAGE = "pages/questions.py"


def test_four_by_four_pixels_are_pooled() -> None:
    block = np.array([[1, 2, 3, 4], [9, 0, 1, 2], [5, 5, 0, 0], [5, 6, 0, 7]], np.uint8)
    assert questions_article.pooled(block).tolist() == [[9, 4], [6, 7]]
    assert questions_article.matrix(block[:2, :2]) == r"\begin{bmatrix} 1 & 2 \\ 9 & 0 \end{bmatrix}"


def test_the_liveliest_block_is_found() -> None:
    grey = np.full((14, 18), 90, np.uint8)
    grey[8:10, 12:16] = 255
    assert questions_article.liveliest(grey) == (8, 12)


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_wrong_labels_are_told_in_the_figures_and_in_the_link(language: str) -> None:
    app = opened(PAGE, lang=language, wrong="40", count="20")
    before = app.metric[0].value
    app.select_slider(key="questions_wrong").set_value(0).run()
    assert not app.exception
    assert not app.error
    assert int(app.metric[0].value[:-1]) > int(before[:-1]) + 10
    assert "wrong" not in app.query_params
    assert app.query_params["count"] in ("20", ["20"])


def test_a_link_brings_the_guards_and_lies_do_no_harm() -> None:
    app = opened(PAGE, lang="en", guards="dropout~more_pictures~x", count="7", pictures="cats", each="99")
    assert not app.error
    pills = next(group for group in app.button_group if group.key == "questions_guards")
    assert pills.value == ["dropout", "more_pictures"]
    assert app.metric[-1].delta.startswith("+")


def test_a_text_without_words_is_told_and_the_page_goes_on() -> None:
    app = opened(PAGE, lang="en")
    app.text_input(key="questions_text_en").set_value("  ").run()
    assert not app.exception
    assert len(app.error) == 1
    assert i18n.text("en", "questions.resources") in [one.value for one in app.header]


def test_the_links_to_fine_tune_fill_it_in() -> None:
    app = opened("pages/fine_tune.py", lang="en", set="surfaces", plan=questions.BARE)
    found = app.session_state["visit"].kept["tuning"]
    assert found.chosen == "surfaces"
    plan = found.plan
    assert (plan.unlocked, plan.augmentation, plan.dropout) == ("scratch", None, 0)
    assert (plan.early_stopping, plan.weight_decay) == (False, 0)


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_the_applications_show_their_recorded_results(language: str) -> None:
    app = opened("pages/applications.py", lang=language)
    assert not app.error
    for name in applications.SETS:
        found = applications.results().get((name, language)) or applications.results()[name, ""]
        assert f"**{percent(found.accuracy, 0)}**" in words_of(app)
        assert i18n.text(language, f"tuning_set.{name}") in [one.value for one in app.header]
