"""The talk, the QR code and the report in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from core import i18n
from tests.browser import Visitor, visit

pytestmark = pytest.mark.browser

VOID = {"meta", "img", "hr", "br", "link", "input"}


class Report(HTMLParser):
    """What is in a report: its elements, its words, and what it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.loads: list[str] = []
        self.handlers: list[str] = []
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "srcset", "action", "data", "poster"):
                self.loads.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1] == tag, f"<{self.open[-1]}> is closed by </{tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words += data


def saved(page: Page, label: str) -> str:
    with page.expect_download(timeout=60_000) as download:
        page.locator(".st-key-tools").get_by_role("button", name=label, exact=True).click()
    assert re.fullmatch(r"glassbox-\w+\.html", download.value.suggested_filename)
    return Path(download.value.path()).read_text("utf-8")


def is_whole(text: str) -> Report:
    """A report is valid, loads nothing and holds no script."""
    report = Report(text)
    assert not report.open
    assert not {"script", "iframe", "object", "embed", "link", "a", "form", "input", "button"} & set(
        report.tags
    )
    assert not report.handlers
    assert all(re.match(r"data:image/|#", load) for load in report.loads), [
        load[:60] for load in report.loads
    ]
    assert not re.search(r"url\((?![\"']?(data:image/|data:font/|#))", text)
    assert "default-src 'none'" in text
    return report


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_a_report_holds_what_is_on_the_screen(
    visitor: Visitor, chromium: Browser, language: str, tmp_path: Path
) -> None:
    page = visitor.open(f"/classify?lang={language}&image=red_panda")
    heading = page.get_by_role("heading", level=2).first.inner_text().split("\u2002")[0]
    text = saved(page, i18n.text(language, "report.download"))
    report = is_whole(text)
    assert f'lang="{language}"' in text
    assert i18n.text(language, "classify.title") in report.words
    assert heading in report.words
    assert any(load.startswith("data:image/") for load in report.loads)
    file = tmp_path / "report.html"
    file.write_text(text, "utf-8")
    reader = chromium.new_page(viewport={"width": 1300, "height": 900})  # it opens without the server
    asked: list[str] = []
    reader.on("request", lambda request: asked.append(request.url))
    reader.goto(file.as_uri())
    assert all(url.startswith(("file:", "data:")) for url in asked)
    expect(reader.get_by_text(heading).first).to_be_visible()
    broken = "[...document.images].filter((image) => image.src && !image.naturalWidth).length"
    assert reader.evaluate(broken) == 0
    reader.close()


def test_a_visitors_words_stay_words_in_a_report(visitor: Visitor) -> None:
    evil = '</style><script>alert(1)</script><img src=x onerror=alert(2)> "good" & bad'
    page = visitor.open("/sentiment?lang=en")
    page.locator(".stMain textarea").first.fill(evil)
    page.locator(".stMain textarea").first.press("Control+Enter")
    page.wait_for_timeout(500)
    visitor.ready()
    text = saved(page, "Report")
    report = is_whole(text)
    assert "alert(1)" in report.words
    assert "<script" not in text
    assert {"svg", "path"} <= set(report.tags)  # the curve is a drawing


def test_a_formula_and_a_chart_are_in_the_report_of_the_questions(visitor: Visitor) -> None:
    page = visitor.open("/questions?lang=en")
    visitor.settle()
    report = is_whole(saved(page, "Report"))
    assert {"math", "mfrac", "msub"} & set(report.tags)
    assert report.tags.count("svg") > 3
    assert "pictures a class to learn from" in report.words


def test_the_arrow_keys_go_through_the_talk(visitor: Visitor) -> None:
    page = visitor.page
    page.goto(visitor.address + "/?lang=en&present=1")
    counter = page.locator(".st-key-presenter .place")
    expect(counter).to_have_text(re.compile(r"^1 / \d+$"), timeout=60_000)
    expect(page.locator('[data-testid="stSidebar"]')).to_be_hidden()
    expect(page.locator(".st-key-tools")).to_be_hidden()
    page.keyboard.press("ArrowLeft")  # there is nothing before the first
    page.keyboard.press("ArrowRight")
    expect(counter).to_have_text(re.compile("^2 / "), timeout=60_000)
    expect(page.get_by_role("heading", level=2).first).to_contain_text("tabby")
    assert "present=1" in page.url
    assert "stop=2" in page.url
    page.keyboard.press("PageDown")
    expect(counter).to_have_text(re.compile("^3 / "), timeout=60_000)
    expect(page.get_by_role("heading", level=2).first).to_contain_text("Persian cat", timeout=60_000)
    page.keyboard.press("ArrowRight")  # the same page: it comes back
    expect(counter).to_have_text(re.compile("^4 / "), timeout=60_000)
    expect(page.get_by_role("heading", level=2).first).to_contain_text("tabby", timeout=60_000)
    page.keyboard.press("ArrowLeft")
    expect(counter).to_have_text(re.compile("^3 / "), timeout=60_000)
    page.keyboard.press("Escape")
    expect(page.locator('[data-testid="stSidebar"]')).to_be_visible(timeout=60_000)
    expect(page.locator(".st-key-presenter")).to_have_count(0)
    visitor.ready()
    assert "present" not in page.url


def test_the_code_leads_to_the_page_as_it_is(chromium: Browser, address: str) -> None:

    phone = visit(chromium, address, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = phone.open("/classify?lang=zh&image=espresso")
    page.locator(".st-key-qr button").click()
    picture = page.get_by_alt_text(re.compile("二维码"))
    expect(picture).to_be_visible(timeout=20_000)
    assert picture.evaluate("image => image.naturalWidth") > 150
    named = str(picture.get_attribute("alt"))
    assert "espresso" in named
    expect(page.get_by_text("只在本机有效")).to_be_visible()
    phone.context.close()
    assert not phone.complaints()


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_the_way_home_leads_home_in_a_new_tab_too(visitor: Visitor, language: str) -> None:
    title = i18n.text(language, "home.title")
    page = visitor.open(f"/preprocess?lang={language}&image=espresso")
    link = page.get_by_role("link", name=i18n.text(language, "home.nav"))
    ways: tuple[Callable[[], None], ...] = (
        lambda: link.click(button="middle"),
        lambda: link.click(modifiers=["ControlOrMeta"]),
        lambda: link.press("ControlOrMeta+Enter"),
    )
    for way in ways:
        with visitor.context.expect_page() as opened:
            way()
        other = opened.value
        expect(other.get_by_role("heading", level=1)).to_have_text(title)
        assert "image=espresso" in other.url and f"lang={language}" in other.url
        other.close()
    expect(page.get_by_role("heading", level=1)).to_have_text(i18n.text(language, "preprocess.title"))
    link.click()  # in this tab it is Streamlit's, and the visit goes on
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_the_list_of_pages_goes_once_one_was_chosen_on_a_phone(
    chromium: Browser, address: str, language: str
) -> None:
    phone = visit(chromium, address, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = phone.open(f"/?lang={language}")
    for name in ("preprocess", "sentiment"):
        page.get_by_test_id("stExpandSidebarButton").tap()
        page.locator(f'[data-testid=stSidebar] a[href*="{name}"]').tap()
        expect(page.get_by_role("heading", level=1)).to_have_text(i18n.text(language, f"{name}.title"))
        expect(page.get_by_test_id("stExpandSidebarButton")).to_be_visible()
        expect(page.locator("[data-testid=stSidebar] a").first).not_to_be_in_viewport()
    phone.context.close()
    assert not phone.complaints()


def test_the_list_of_pages_stays_on_a_wide_page(visitor: Visitor) -> None:
    page = visitor.open("/?lang=en")
    link = page.locator('[data-testid=stSidebar] a[href*="preprocess"]')
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(i18n.text("en", "preprocess.title"))
    page.wait_for_timeout(500)
    expect(link).to_be_in_viewport()
