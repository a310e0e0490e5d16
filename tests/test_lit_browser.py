"""Locked-image tuning as a person does it: a picture of their own, words in two languages, the lesson begun and stopped."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from core.imaging.samples import samples
from tests.browser import Visitor, visit

pytestmark = pytest.mark.browser

PAGE = "/locked_image_tuning"


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture as a visitor has it."""
    file = tmp_path_factory.mktemp("own") / "holiday.jpg"
    file.write_bytes(samples()["bridge"].read())
    return file


def write(page: Page, words: str, label: str = "A prompt, in English or Chinese") -> None:
    """Adds a prompt and waits until it has its bar."""
    field = page.get_by_label(label)
    field.fill(words)
    field.press("Enter")
    expect(page.locator(".fit .text").filter(has_text=words).first).to_be_visible(timeout=20_000)
    expect(field).to_have_value("")


def test_a_picture_of_one_s_own_is_asked_in_two_languages(visitor: Visitor, bridge: Path) -> None:
    page = visitor.open(f"{PAGE}?lang=en&prompts=a%20cat%0Aa%20dog")
    expect(page.get_by_role("heading", level=2).first).to_contain_text("a cat")
    page.locator('[class*="st-key-photo_upload"] input[type="file"]').set_input_files(bridge)
    expect(page.get_by_text("Your own photo stays with this visit")).to_be_visible(timeout=30_000)
    visitor.ready()
    write(page, "a bridge at night")
    visitor.ready()
    expect(page.get_by_role("heading", level=2).first).to_contain_text("a bridge at night")
    write(page, "夜晚的一座桥")
    write(page, "<b>a cup</b> of coffee")  # shown as it is written, and no markup
    visitor.ready()
    assert page.locator(".stMain b", has_text="a cup").count() == 0
    chosen = page.get_by_role("radio", name=re.compile("夜晚的一座桥"))
    chosen.click()
    visitor.ready()
    expect(chosen).to_have_attribute("aria-checked", "true")
    expect(
        page.get_by_alt_text("The photo, and where in it the words “夜晚的一座桥” matched")
    ).to_be_visible()
    expect(page.get_by_text("The map is the answer taken apart")).to_be_visible()
    # what was typed is in the link, a step back takes the last away
    assert "prompts=" in page.url
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.locator(".fit .text", has_text="a cup")).to_have_count(0)
    # and everything is still there after another page
    page.get_by_role("link", name="Classify").click()
    visitor.ready()
    page.get_by_role("link", name="Locked-image tuning").click()
    visitor.ready()
    expect(page.locator(".fit .text", has_text="夜晚的一座桥")).to_be_visible()


def test_several_lines_that_are_pasted_are_several_prompts(visitor: Visitor) -> None:
    page = visitor.open(f"{PAGE}?lang=zh&prompts=%E7%8C%AB")
    page.get_by_label("一条提示词，中文或英文").fill("一只狗\na bird\n一只狗")
    page.get_by_label("一条提示词，中文或英文").press("Enter")
    expect(page.locator(".fit:not(.none)")).to_have_count(3, timeout=20_000)
    expect(page.get_by_text("只计一次")).to_be_visible()
    page.get_by_role("button", name="删去“猫”").click()
    expect(page.locator(".fit:not(.none)")).to_have_count(2)


def test_a_folder_in_a_zip_file_is_searched(visitor: Visitor, bridge: Path, tmp_path: Path) -> None:
    archive = tmp_path / "holiday.zip"
    with zipfile.ZipFile(archive, "w") as files:
        files.write(bridge, "2026/river.jpg")
        files.writestr("2026/notes.txt", "no picture")
    page = visitor.open(f"{PAGE}?lang=en&tab=search")
    page.locator('[class*="st-key-lit_folder_"] input[type="file"]').set_input_files(archive)
    expect(page.get_by_text("1 of yours")).to_be_visible(timeout=30_000)
    visitor.ready()
    field = page.get_by_label("What to look for, in English or Chinese")
    field.fill("一座桥")
    field.press("Enter")
    found = page.get_by_role("button", name=re.compile("river.jpg|Bridge"))
    expect(found.nth(1)).to_be_visible(timeout=20_000)
    found.first.click()
    expect(page.get_by_text("Most like")).to_be_visible(timeout=20_000)


def test_the_lesson_is_begun_watched_and_stopped(visitor: Visitor) -> None:
    page = visitor.open(f"{PAGE}?lang=en&tab=lesson")
    expect(page.get_by_role("radio", name=re.compile("Image tower locked"))).to_be_checked(timeout=60_000)
    page.get_by_role("button", name="Start", exact=True).click()
    cells = page.locator(".st-key-lit_matrix td > button")
    expect(cells).to_have_count(64, timeout=120_000)
    expect(page.get_by_text(re.compile(r"step [1-9]\d* of \d+"))).to_be_visible(timeout=120_000)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("Stopped after")).to_be_visible(timeout=120_000)
    visitor.ready()
    expect(page.get_by_text("the lesson itself told")).to_be_visible()
    cells.nth(9).click()  # on the diagonal
    expect(page.get_by_text("The chosen cell, “Dog”")).to_be_visible(timeout=20_000)
    expect(page.get_by_role("button", name="Tune on")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Figures (CSV)").click()
    assert Path(download.value.path()).read_text("utf-8-sig").startswith("step,loss,zero_shot")


def test_on_a_phone_nothing_is_cut(chromium: Browser, address: str) -> None:
    phone = visit(chromium, address, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    for tab in ("ask", "search", "lesson", "map", "honest"):
        page = phone.open(f"{PAGE}?lang=zh&tab={tab}")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, tab
        expect(page.locator('[data-testid="stAlertContentError"]')).to_have_count(0)
    phone.context.close()
    assert not phone.complaints()
