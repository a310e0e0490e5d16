"""The talk without a browser: its stops are links, its keys open them, and what is prepared is what is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
import segno
from plotly import graph_objects
from streamlit.testing.v1 import AppTest

from core import i18n
from core.imaging import apply, decode
from core.imaging.chain import PRESETS, from_url
from core.imaging.samples import samples
from core.language import read
from core.vision import classifier
from tests.test_pages import opened, words_of
from ui import charts, frame, presenter, sentiment, share, state
from ui.presenter import STOPS

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The pages that are prepared and with which text, instead of preparing them."""
    found: list[tuple[str, str]] = []

    def noted(page: str) -> Callable[[presenter.Job], None]:
        return lambda job: found.append((page, job.text))

    monkeypatch.setattr(presenter, "PREPARATIONS", {page: noted(page) for page in presenter.PREPARATIONS})
    return found


def waited() -> None:
    for thread in threading.enumerate():
        if thread.name == "glassbox-prepare":
            thread.join(60)


def kept(app: AppTest) -> dict[str, object]:
    found: dict[str, object] = app.session_state["visit"].kept
    return found


def go(app: AppTest, number: int) -> AppTest:
    """What an arrow key leads to."""
    kept(app)["present_to"] = number
    app.run()
    assert not app.exception
    return app


def test_the_noise_turns_the_cat_and_the_rescue_brings_it_back() -> None:
    photo = decode(samples()[state.FIRST_SAMPLE].read())
    results = apply(photo, presenter.RESCUE)
    chosen = classifier("efficientnet_lite0").predict([photo, results[0].image, results[-1].image]).argmax(1)
    assert chosen[0] != chosen[1]
    assert chosen[0] == chosen[2]
    assert presenter.RESCUE[1:] == PRESETS["rescue"][1:]


def test_every_stop_has_a_page_a_name_and_a_chain_that_can_be_read() -> None:
    names = {entry.name for entry in frame.PAGES}
    for stop in STOPS:
        assert stop.page in names | {"locked_image_tuning"}
        for language in i18n.LANGUAGES:
            assert i18n.text(language, f"presenter.stop.{stop.name}")
        if "chain" in stop.query:
            assert from_url(stop.query["chain"])
    assert [stop.page for stop in STOPS][:2] == ["home", "classify"]


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_the_keys_go_through_pages_and_over_one_page(language: str) -> None:
    app = opened("pages/classify.py", lang=language, present="1")
    assert kept(app)["presenting"]
    assert app.query_params["stop"] in ("2", ["2"])
    go(app, 2)
    assert app.title[0].value == i18n.text(language, "preprocess.title")
    assert [call.step for call in kept(app)["studio"].chain.calls] == ["gaussian_noise"]  # type: ignore[attr-defined]
    go(app, 3)  # the same page
    assert len(kept(app)["studio"].chain.calls) == len(presenter.RESCUE)  # type: ignore[attr-defined]
    go(app, 2)
    assert len(kept(app)["studio"].chain.calls) == 1  # type: ignore[attr-defined]


def test_a_link_presents_and_leaving_gives_the_page_back() -> None:
    app = opened("pages/sentiment.py", lang="zh", present="1", stop="7")
    assert kept(app)["present_stop"] == 6
    assert kept(app)["presenting"]
    app.session_state["visit"].kept["presenting"] = False
    app.run()
    assert not app.exception
    assert app.title[0].value == i18n.text("zh", "sentiment.title")


def test_a_stop_shows_its_text_in_the_language_of_the_visit() -> None:
    app = opened("streamlit_app.py", lang="zh", present="1")
    number = next(number for number, stop in enumerate(STOPS) if stop.name == "turn")
    go(app, number)
    assert i18n.text("zh", "presenter.text.turn") == str(app.session_state["visit"].kept["sentiment_text"])


@pytest.mark.parametrize("lie", ["0", "99", "x", "-1", "1e9", "９"])
def test_a_stop_that_there_is_not_does_no_harm(lie: str) -> None:
    app = opened("pages/classify.py", lang="en", present="1", stop=lie)
    assert not app.error
    assert kept(app)["presenting"]


def test_the_next_stop_is_prepared_and_no_other(asked: list[tuple[str, str]]) -> None:
    app = opened("streamlit_app.py", lang="en", present="1")
    waited()
    assert asked == [("classify", "")]
    app.run()  # the same stop: once is enough
    go(app, 5)
    waited()
    assert asked == [("classify", ""), ("sentiment", i18n.text("en", "presenter.text.turn"))]


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_a_verdict_turns_at_one_word(language: str) -> None:
    text = i18n.text(language, "presenter.text.turn")
    curves = [np.asarray(read(model, text).running) for model in sentiment.CURVES]
    turned = [
        bool((((one[1:] > 0.5) != (one[:-1] > 0.5)) & (np.abs(np.diff(one)) > 0.3)).any()) for one in curves
    ]
    assert sum(turned) >= 2


def test_tensorflow_waits_for_the_stop_before_the_one_that_needs_it() -> None:
    script = """
import sys, threading
from tests.test_pages import opened
from ui import presenter
came, real = [], presenter.prepared
presenter.prepared = lambda prepare, job: came.append((prepare.__name__, real(prepare, job)))
for page in ("streamlit_app.py", "pages/classify.py", "pages/sentiment.py"):
    opened(page, lang="en", present="1")
    for thread in threading.enumerate():
        if thread.name == "glassbox-prepare":
            thread.join()
assert came == [("_classify", True), ("_classify", True), ("_sentiment", True)], came
assert "tensorflow" not in sys.modules and "keras" not in sys.modules
"""
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert ran.returncode == 0, ran.stderr[-2000:]


def test_a_preparation_that_fails_is_left_to_the_stop_itself() -> None:
    photo = state.photo_of(b"no photo", "holiday.jpg")

    def broken(job: presenter.Job) -> None:
        assert job.photo.image is not None

    assert not presenter.prepared(broken, presenter.Job(photo, "en", "", "someone"))


def test_a_page_aside_keeps_the_talk() -> None:
    app = opened("pages/applications.py", lang="en", present="1", stop="5")
    assert not app.error
    assert kept(app)["presenting"]
    assert kept(app)["present_stop"] == 4


# --- charts ----------------------------------------------------------------------------------------


def letters(figure: graph_objects.Figure) -> list[float]:
    layout, note = figure.layout, figure.layout.annotations[0]
    fonts = [
        layout.xaxis.tickfont,
        layout.yaxis.tickfont,
        layout.xaxis.title.font,
        layout.legend.font,
        note.font,
    ]
    return [font.size for font in fonts]


def test_the_letters_of_a_chart_grow_and_the_chart_with_them() -> None:
    figure = graph_objects.Figure(
        graph_objects.Scatter(x=[0, 1], y=[0, 1], text=["a", "b"], textfont={"size": [12, 20]})
    )
    figure.add_scatter(x=[0], y=[0], text=["c"])
    figure.add_annotation(text="d", font={"size": 10})
    figure.update_layout(height=300, margin={"l": 8, "r": 18, "t": 0, "b": 8})
    charts.enlarge(figure)
    assert letters(figure) == [12 * charts.LARGER] * 4 + [10 * charts.LARGER]
    assert list(figure.data[0].textfont.size) == [12 * charts.LARGER, 20 * charts.LARGER]
    assert figure.data[1].textfont.size == 12 * charts.LARGER
    assert figure.layout.height == 300 * charts.LARGER
    assert figure.layout.margin.r == 18 * charts.LARGER


def test_they_do_so_only_for_who_presents() -> None:
    def heights(**query: str) -> list[float]:
        app = opened("pages/questions.py", lang="en", **query)
        specs = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
        assert specs
        return [spec["layout"]["height"] for spec in specs]

    assert heights(present="1") == [charts.LARGER * height for height in heights()]


# --- the QR code -----------------------------------------------------------------------------------


def test_a_code_is_what_segno_draws_black_on_white() -> None:
    address = "https://glassbox.example/classify?lang=zh&image=red_panda"
    drawing = ElementTree.fromstring(unquote(share.code(address).split(",", 1)[1]))
    modules = len(segno.make(address, error="m", micro=False).matrix)
    side = (modules + 2 * share.BORDER) * share.SIZE
    assert (int(drawing.attrib["width"]), int(drawing.attrib["height"])) == (side, side)
    colours = {
        path.attrib.get("stroke", path.attrib.get("fill")) for path in drawing.iter() if "path" in path.tag
    }
    assert colours == {"#000", "#fff"}


def test_a_code_reads_as_its_address() -> None:
    import cv2

    address = "https://glassbox.example/preprocess?chain=gaussian_noise.sigma_80&lang=en"
    matrix = np.array([list(row) for row in segno.make(address, error="m", micro=False).matrix], np.uint8)
    picture = (
        np.kron(np.pad(1 - np.minimum(matrix, 1), 4, constant_values=1), np.ones((8, 8), np.uint8)) * 255
    )
    text, *_ = cv2.QRCodeDetector().detectAndDecode(picture)
    assert text == address


def test_too_long_a_link_is_too_long() -> None:
    with pytest.raises(segno.DataOverflowError):
        share.code("x" * 3000)
    assert share.code("x" * 2500)


def test_the_head_has_its_tools_in_both_languages() -> None:
    for language in i18n.LANGUAGES:
        app = opened("streamlit_app.py", lang=language)
        assert i18n.text(language, "home.lead") in words_of(app)
        assert any(button.label == i18n.text(language, "presenter.begin") for button in app.sidebar.button)
