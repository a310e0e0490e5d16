"""Every page in both languages, without a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import i18n
from core.errors import GlassboxError
from ui import answers, cache, frame, state

ROOT = Path(__file__).resolve().parent.parent


def words_of(app: AppTest) -> str:
    shown = [*app.markdown, *app.caption, *app.title, *app.metric, *app.info, *app.success, *app.warning]
    return " ".join(str(element.value) + str(getattr(element, "label", "")) for element in shown)


def opened(path: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
    if path != "streamlit_app.py":
        app.switch_page(path)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


@pytest.mark.parametrize("language", i18n.LANGUAGES)
@pytest.mark.parametrize("entry", frame.PAGES, ids=lambda entry: entry.name)
def test_a_page_speaks_the_language_of_its_link(entry: frame.Entry, language: str) -> None:
    app = opened(entry.path, lang=language)
    assert not app.error
    assert app.title[0].value == i18n.text(language, f"{entry.name}.title")
    assert i18n.text(language, f"{entry.name}.lead") in words_of(app)


@pytest.mark.parametrize("entry", frame.PAGES, ids=lambda entry: entry.name)
def test_the_language_switch_turns_the_whole_page(entry: frame.Entry) -> None:
    app = opened(entry.path, lang="en")
    switch = next(group for group in app.button_group if group.key == "language")
    switch.set_value("zh").run()
    assert app.title[0].value == i18n.text("zh", f"{entry.name}.title")
    assert app.query_params["lang"] in ("zh", ["zh"])


def test_an_address_that_the_browser_has_not_changed_yet_changes_nothing_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = opened("pages/questions.py", lang="en")
    next(group for group in app.button_group if group.key == "language").set_value("zh").run()
    app.query_params["lang"] = "en"  # as a browser sends it that has not heard yet
    app.run()
    assert app.title[0].value == i18n.text("zh", "questions.title")
    monkeypatch.setattr(state, "STALE", 0.0)
    app.query_params["lang"] = "en"  # as it was typed
    app.run()
    assert app.title[0].value == i18n.text("en", "questions.title")


def test_a_link_restores_the_sample_and_the_class() -> None:
    app = opened("pages/classify.py", lang="en", image="red_panda", **{"class": "n02123045"})
    assert app.session_state["visit"].photo.sample == "red_panda"
    assert any("red panda" in str(element.value) for element in app.markdown)
    assert app.session_state["visit"].kept["classify_class"]


@pytest.mark.parametrize(
    "query", [{"lang": "xx"}, {"image": "../etc/passwd"}, {"class": "n0"}, {"layer": "x"}]
)
def test_a_link_that_lies_opens_the_page_all_the_same(query: dict[str, str]) -> None:
    app = opened("pages/classify.py", **query)
    assert not app.error
    assert app.session_state["visit"].photo.sample == "tabby_cat"


def test_the_photo_and_language_follow_from_page_to_page() -> None:
    app = opened("streamlit_app.py", lang="zh", image="espresso")
    app.switch_page("pages/classify.py").run()
    assert not app.exception
    assert app.session_state["visit"].photo.sample == "espresso"
    assert app.title[0].value == i18n.text("zh", "classify.title")


def test_forgetting_empties_the_visit_but_keeps_the_language() -> None:
    app = opened("pages/classify.py", lang="zh", image="espresso")
    next(button for button in app.button if button.key == "forget").click().run()
    assert not app.exception
    assert app.session_state["visit"].photo.sample == "tabby_cat"
    assert not app.session_state["visit"].recent
    assert app.title[0].value == i18n.text("zh", "classify.title")


def test_only_the_open_tab_of_classify_is_computed_and_a_link_opens_it() -> None:
    first, linked = (
        opened("pages/classify.py", lang="en"),
        opened("pages/classify.py", lang="en", tab="maths"),
    )
    assert not first.latex and any(box.key.startswith("classify_search") for box in first.selectbox)
    assert linked.latex and not any(box.key.startswith("classify_search") for box in linked.selectbox)
    for app in (first, linked):  # the files that were brought stay in any tab
        assert any(box.key == "classify_many" for box in app.file_uploader)


def test_a_search_for_a_class_shows_that_class() -> None:
    app = opened("pages/classify.py", lang="en")
    search = next(box for box in app.selectbox if box.key.startswith("classify_search"))
    search.set_value("n02510455").run()  # giant panda
    assert not app.exception
    assert "n02510455" in app.session_state["visit"].kept["classify_class"].values()


def test_a_file_that_is_no_picture_is_told_and_nothing_is_lost() -> None:
    app = opened("pages/classify.py", lang="zh", image="espresso")
    uploader = next(box for box in app.file_uploader if box.key.startswith("photo_upload"))
    uploader.upload("holiday.jpg", b"this is no picture", "image/jpeg").run()
    assert not app.exception
    assert any("\u4e00" <= letter <= "\u9fff" for letter in app.error[0].value)
    assert app.session_state["visit"].photo.sample == "espresso"


def test_our_own_mistake_is_told_without_its_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from ui import answers

    secret = "-".join(("words", "of", "a", "visitor"))

    def broken(*_: object) -> None:
        raise RuntimeError(secret)

    monkeypatch.setattr(answers, "classify", broken)
    app = opened("pages/classify.py")
    assert len(app.error) == 1
    assert secret not in app.error[0].value
    assert "RuntimeError" in caplog.text
    assert secret not in caplog.text


def test_what_is_made_of_a_photo_goes_with_it() -> None:
    from ui.components import picture

    app = opened("pages/classify.py", lang="en", image="crab")
    digest = app.session_state["visit"].photo.digest
    assert any(key[0].startswith(digest) for key in picture._kept)
    next(button for button in app.button if button.key == "forget").click().run()
    assert not app.exception
    assert not any(key[0].startswith(digest) for key in picture._kept)


def test_what_a_sample_is_compared_with_is_found_once_for_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    from ui import cache

    found: list[object] = []
    comparison = cache.comparison

    def counted(*given: object) -> object:
        found.append(given)
        return comparison(*given)  # type: ignore[arg-type]

    cache.sample_beside.clear()
    monkeypatch.setattr(cache, "comparison", counted)
    app = opened("pages/classify.py", lang="en", image="crab")
    assert len(found) == 1
    next(button for button in app.button if button.key == "forget").click().run()
    before = len(found)  # the page shows its first sample now
    opened("pages/classify.py", lang="en", image="crab")
    assert len(found) == before, "forgetting a visit leaves what is everybody's"


def test_a_page_that_stands_sends_its_answer_before_what_stands_around_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[str] = []

    def told(module: object, name: str) -> None:
        draw = getattr(module, name)

        def drawing(*how: object) -> object:
            drawn.append(name)
            return draw(*how)

        monkeypatch.setattr(module, name, drawing)

    told(frame, "_sidebar")
    told(answers, "top_bars")
    told(cache, "answer")
    app = opened("pages/classify.py", lang="en", image="red_panda")
    assert drawn == ["_sidebar", "answer", "top_bars"]
    drawn.clear()
    app.query_params["image"] = "goldfish"
    app.run()
    assert not app.exception and "goldfish" in words_of(app)
    assert drawn == ["answer", "answer", "top_bars", "_sidebar"]  # the second of them is the kept one
    drawn.clear()
    next(group for group in app.button_group if group.key == "language").set_value("zh").run()
    assert drawn == ["_sidebar", "answer", "top_bars"]


def test_what_goes_wrong_ahead_of_a_page_is_told_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened("pages/classify.py", lang="en")

    def none(*_: object) -> None:
        raise GlassboxError("error.no_photo")

    monkeypatch.setattr(cache, "answer", none)
    app.run()
    assert not app.exception
    assert [one.value for one in app.error] == [i18n.text("en", "error.no_photo")]
    assert any(button.key == "forget" for button in app.button)
