"""The three minutes in front of a room: the arrow keys through the whole talk, and a picture of every stop.

The pictures are for the eyes of whoever changes the look: `build/tour/LANGUAGE/NN-STOP.png`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pytest
from PIL import Image as Pillow
from playwright.sync_api import Browser, Locator, Page, expect

from core import i18n
from tests.browser import ROOT, Visitor, visit
from ui.presenter import PROMPTS, RESCUE, STOPS

pytestmark = pytest.mark.browser

LARGE = 15  # pixels that a letter of a chart has at least
TABBY, PERSIAN = "imagenet.n02123045", "imagenet.n02123394"
DRAWN = "images => images.every((image) => image.complete && image.naturalWidth > 0)"


@pytest.fixture
def speaker(chromium: Browser, address: str) -> Iterator[Visitor]:
    """Who gives the talk, on a laptop."""
    found = visit(chromium, address)
    yield found
    found.context.close()
    assert not found.complaints()


class Seen:
    """A stop as the room sees it."""

    def __init__(self, page: Page, language: str) -> None:
        self.page = page
        self.language = language

    def words(self, key: str) -> str:
        return i18n.text(self.language, key)

    def at(self, key: str, inner: str) -> Locator:
        return self.page.locator(f".st-key-{key}").first.locator(inner)

    def pictures(self, key: str, inner: str, least: int = 1) -> None:
        """There are so many pictures, and all of them have been drawn."""
        found = self.at(key, inner)
        expect(found.nth(least - 1)).to_be_visible()
        assert found.evaluate_all(DRAWN)

    def headline(self, *parts: str) -> None:
        for part in parts:
            expect(self.page.get_by_role("heading", level=2).first).to_contain_text(part)


def home(seen: Seen) -> None:
    seen.pictures("home_way", "img", 8)  # pixels, what it sees, four edges, four parts, where it looked
    expect(seen.at("home_way", "button")).to_have_count(5)
    expect(seen.at("home_way", "button").last).to_contain_text(
        re.compile(f"{seen.words(TABBY)}.*87%", re.DOTALL)
    )


def classify(seen: Seen) -> None:
    seen.headline(seen.words(TABBY), "%")
    seen.pictures("classify_overlay", "img.photo, img.heat", 2)
    expect(seen.at("classify_bars", "[role=radio]")).to_have_count(5)
    figures = seen.at("figures", '[data-testid="stMetricValue"]')
    expect(figures).to_have_count(3)  # and what the explanation is worth, against a random map
    expect(figures.last).to_have_text(re.compile(r"^0\.\d{3}$"))


def noise(seen: Seen) -> None:
    seen.headline(seen.words(PERSIAN))
    expect(seen.at("studio_strip", ".card")).to_have_count(2)
    expect(seen.at("studio_strip", ".card.turned")).to_have_count(1)
    seen.pictures("studio_picture", "img.before, img.after", 2)


def rescue(seen: Seen) -> None:
    seen.headline(seen.words(TABBY))
    expect(seen.at("studio_strip", ".card")).to_have_count(1 + len(RESCUE))
    expect(seen.at("studio_strip", ".card").last).to_contain_text(seen.words(TABBY))
    seen.pictures("studio_picture", "img.before, img.after", 2)


def inside(seen: Seen) -> None:
    assert seen.at("inside_network", ".column").count() >= 12
    assert seen.at("inside_network", ".map").count() > 90
    assert seen.at("inside_network", "path").count() >= 12
    expect(seen.at("inside_network", ".class").first).to_contain_text(seen.words(TABBY))
    cut = seen.at("inside_network", ".head .title").evaluate_all(
        "heads => heads.filter((head) => head.scrollWidth > head.clientWidth + 1).map((head) => head.textContent)"
    )
    assert cut == [], "the name of a layer is cut off"


def pixel(seen: Seen) -> None:
    page = seen.page
    assert "pixel=78-48" in page.url
    proved = seen.at("inside_tabs", '[data-testid="stAlertContentSuccess"]')
    expect(proved).to_be_in_viewport()
    number = re.search(r"5\.8\d+", proved.inner_text())
    assert number and proved.inner_text().count(number[0]) == 2, "recomputed, and in the network"
    expect(seen.at("inside_tabs", ".katex-display").first).to_be_visible()
    # 27 numbers times 27 numbers, none of them padding
    blocks = seen.at("inside_tabs", ".line")
    for channel in range(3):
        grids = blocks.nth(channel).locator(".grid")
        assert [grids.nth(place).locator("span").count() for place in range(3)] == [9, 9, 9]
        assert blocks.nth(channel).locator(".padding").count() == 0
    expect(blocks.first).to_be_in_viewport()


def sentence(key: str) -> Callable[[Seen], None]:
    def read(seen: Seen) -> None:
        text = seen.words(f"presenter.text.{key}")
        expect(seen.at("sentiment_writing", "textarea")).to_have_value(text)
        lines = seen.at("sentiment_running", "svg path")
        assert lines.count() >= 3
        letters = "".join(seen.at("sentiment_running", ".tokens .token").all_inner_texts())
        assert re.sub(r"\W", "", letters) == re.sub(r"\W", "", text)
        expect(seen.at("sentiment_verdicts", ".verdict")).to_have_count(5)
        if key == "turn":
            assert seen.at("sentiment_running", ".token.turned").count() >= 1

    return read


def teach(seen: Seen) -> None:
    seen.pictures("fine_tune_bins_images", "img", 24)
    expect(seen.at("fine_tune_bins_images", ".lane")).to_have_count(3)
    expect(seen.at("fine_tune_start", "button").first).to_be_enabled()
    expect(seen.at("fine_tune_start", "button").first).to_be_in_viewport()


def words(seen: Seen) -> None:
    expect(seen.at("lit_fits", ".fit")).to_have_count(len(PROMPTS) + 1)
    asked = seen.at("lit_fits", ".fit .text").all_inner_texts()
    assert set(PROMPTS) <= set(asked)
    assert asked[0] == "一只猫"
    expect(seen.at("lit_fits", ".number").first).to_have_text(re.compile(r"^[5-9]\d(\.\d)?%$"))
    seen.pictures("lit_overlay", "img.photo, img.heat", 2)


def questions(seen: Seen) -> None:
    chart = seen.page.locator(".st-key-questions_data_chart .js-plotly-plot").first
    expect(chart).to_be_in_viewport()
    expect(chart.locator(".scatterlayer path.point").first).to_be_visible()


LOOKS: Mapping[str, Callable[[Seen], None]] = {
    "home": home,
    "classify": classify,
    "noise": noise,
    "rescue": rescue,
    "inside": inside,
    "pixel": pixel,
    "turn": sentence("turn"),
    "negation": sentence("negation"),
    "teach": teach,
    "words": words,
    "questions": questions,
}


def is_blank(picture: bytes) -> bool:
    """Whether a screenshot shows next to nothing: one colour nearly everywhere."""
    small = np.asarray(Pillow.open(io.BytesIO(picture)).convert("RGB").resize((160, 100)))
    _, counts = np.unique((small // 16).reshape(-1, 3), axis=0, return_counts=True)
    return bool(counts.max() > 0.97 * counts.sum())


def test_a_white_page_with_a_line_of_words_is_blank() -> None:
    pixels = np.full((900, 1440, 3), 255, np.uint8)
    pixels[40:60, 40:400] = 20
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "PNG")
    assert is_blank(file.getvalue())


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_the_three_minutes(speaker: Visitor, language: str) -> None:
    assert set(LOOKS) == {stop.name for stop in STOPS}
    folder = ROOT / "build" / "tour" / language
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    page = speaker.page
    page.goto(f"{speaker.address}/?lang={language}&present=1")
    seen = Seen(page, language)
    pictures = []
    for number, stop in enumerate(STOPS, 1):
        if number > 1:
            page.keyboard.press("ArrowRight")
        expect(page.locator(".st-key-presenter .place")).to_have_text(
            f"{number} / {len(STOPS)}", timeout=90_000
        )
        expect(page.locator(".st-key-presenter .title")).to_have_text(
            seen.words(f"presenter.stop.{stop.name}")
        )
        speaker.settle()
        expect(page.get_by_role("heading", level=1)).to_have_text(seen.words(f"{stop.page}.title"))
        assert f"stop={number}" in page.url and f"lang={language}" in page.url
        for hidden in ('[data-testid="stSidebar"]', ".st-key-tools", ".st-key-footer"):
            expect(page.locator(hidden)).to_be_hidden()
        for fault in ("stAlertContentError", "stException"):
            expect(page.locator(f'[data-testid="{fault}"]')).to_have_count(0)
        LOOKS[stop.name](seen)
        letters = page.locator(".js-plotly-plot :is(.xtick, .ytick) text").evaluate_all(
            "texts => texts.map((text) => parseFloat(getComputedStyle(text).fontSize))"
        )
        assert min(letters, default=LARGE) >= LARGE, "a chart's letters are too small for a room"
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        picture = page.screenshot(path=folder / f"{number:02d}-{stop.name}.png")
        assert not is_blank(picture), stop.name
        pictures.append(picture)
    assert len(set(pictures)) == len(STOPS), "each stop shows something of its own"
    page.keyboard.press("ArrowRight")  # there is nothing after the last
    page.wait_for_timeout(1000)
    expect(page.locator(".st-key-presenter .place")).to_have_text(f"{len(STOPS)} / {len(STOPS)}")


def test_the_name_of_a_stop_makes_room_and_comes_back(speaker: Visitor) -> None:
    page = speaker.page
    page.goto(speaker.address + "/classify?lang=en&present=1")
    title = page.locator(".st-key-presenter .title")
    expect(title).to_have_text(i18n.text("en", "presenter.stop.classify"))
    wide = "title => title.getBoundingClientRect().width"
    assert title.evaluate(wide) > 60
    page.wait_for_timeout(6000)
    assert title.evaluate(wide) == 0
    page.locator(".st-key-presenter .place").hover()
    assert title.evaluate(wide) > 60
    page.mouse.move(10, 10)
    page.keyboard.press("ArrowRight")
    expect(title).to_have_text(i18n.text("en", "presenter.stop.noise"), timeout=60_000)
    assert title.evaluate(wide) > 60
    page.wait_for_timeout(6000)
    page.keyboard.press("ArrowRight")  # the same page: the name is shown anew all the same
    expect(title).to_have_text(i18n.text("en", "presenter.stop.rescue"), timeout=60_000)
    assert title.evaluate(wide) > 20
