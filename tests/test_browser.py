"""The app as a person uses it: Chromium against a server of its own."""

from __future__ import annotations

import csv
import io
import re
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image as Pillow
from playwright.sync_api import Browser, expect

from core import i18n
from core.imaging.samples import samples
from tests.browser import Visitor, serve, visit

pytestmark = pytest.mark.browser

TOOLS = ("frame.share", "share.qr", "report.download")  # beside the switch of the language


@pytest.fixture
def holiday(tmp_path: Path) -> Path:
    """A photo as a phone makes it: 12 megapixels, turned by EXIF, its name Chinese."""
    photo = Pillow.open(io.BytesIO(samples()["golden_retriever"].read()))
    large = photo.resize((3000, 3000)).rotate(90, expand=True)
    exif = Pillow.Exif()
    exif[0x0112] = 6
    file = tmp_path / "假期 IMG_0001.jpg"
    large.save(file, quality=90, exif=exif)
    return file


def test_a_photo_is_uploaded_and_named(visitor: Visitor, holiday: Path) -> None:
    page = visitor.open("/classify?lang=en")
    expect(page.get_by_role("heading", level=2)).to_contain_text("tabby cat")
    page.locator('input[type="file"]').first.set_input_files(holiday)
    expect(page.get_by_role("heading", level=2)).to_contain_text("golden retriever", timeout=20_000)
    expect(page.get_by_text("Your own photo stays with this visit")).to_be_visible()
    assert "image=own" in page.url
    visitor.ready()
    expect(page.locator('[data-testid="stAlertContentError"]')).to_have_count(0)
    # it follows to the next page and is one click away after another was chosen
    page.get_by_role("link", name="Home").click()
    visitor.ready()
    expect(page.get_by_role("button", name=re.compile("golden retriever.*sure"))).to_be_visible()
    # a click on a sample leads to the answer
    page.get_by_role("button", name="Espresso").click()
    expect(page.get_by_role("heading", level=2)).to_contain_text("espresso")
    page.get_by_role("button", name="Your photo").click()
    expect(page.get_by_role("heading", level=2)).to_contain_text("golden retriever")


def test_the_language_turns_and_stays(visitor: Visitor) -> None:
    page = visitor.open("/classify?lang=en")
    page.locator(".st-key-language").get_by_role("radio", name="中文").or_(
        page.locator(".st-key-language").get_by_role("button", name="中文")
    ).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("这是什么？")
    assert "lang=zh" in page.url
    expect(page.get_by_role("heading", level=2)).to_contain_text("虎斑猫")
    page.get_by_role("link", name="首页").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("看神经网络怎样工作")


def test_the_browsers_language_is_the_first(chromium: Browser, address: str) -> None:
    chinese = visit(chromium, address, locale="zh-CN")
    page = chinese.open("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("看神经网络怎样工作")
    chinese.context.close()
    assert not chinese.complaints()


def test_a_cold_deep_link_reopens_what_it_showed(visitor: Visitor) -> None:
    page = visitor.open("/classify?lang=zh&image=red_panda&class=n02123045")
    expect(page.get_by_role("heading", level=2)).to_contain_text("小熊猫")
    expect(page.get_by_role("radio", name=re.compile("虎斑猫"))).to_be_checked()


def test_a_class_is_chosen_and_its_map_is_shown(visitor: Visitor) -> None:
    page = visitor.open("/classify?lang=en")
    second = page.get_by_role("radio").filter(has_text="tiger cat")
    second.click()
    expect(page.get_by_text("speaks for “tiger cat”")).to_be_visible()
    visitor.ready()
    expect(second).to_be_checked()
    assert "class=n02123159" in page.url


def test_another_layer_is_explained(visitor: Visitor) -> None:
    page = visitor.open("/classify?lang=en&layer=block3_project_norm")
    expect(page.get_by_role("heading", level=2)).to_contain_text("tabby cat")
    page.locator(".st-key-classify_layer").wait_for(timeout=60_000)
    visitor.ready()
    expect(page.locator(".st-key-classify_layer")).to_contain_text("block3_project")
    expect(page.locator('[data-testid="stAlertContentError"]')).to_have_count(0)


def test_a_broken_file_is_told_in_words(visitor: Visitor, tmp_path: Path) -> None:
    file = tmp_path / "broken.jpg"
    file.write_bytes(samples()["espresso"].read()[:9000])
    page = visitor.open("/classify?lang=en")
    page.locator('input[type="file"]').first.set_input_files(file)
    expect(page.locator('[data-testid="stAlertContentError"]')).to_be_visible(timeout=10_000)
    expect(page.get_by_role("heading", level=2)).to_contain_text("tabby cat")
    expect(page.get_by_text("Traceback")).to_have_count(0)


def test_several_photos_become_a_table(visitor: Visitor, tmp_path: Path) -> None:
    names = ("espresso", "red_panda", "goldfish")
    for name in names:
        (tmp_path / f"{name}.jpg").write_bytes(samples()[name].read())
    (tmp_path / "=evil.jpg").write_bytes(b"no picture")
    page = visitor.open("/classify?lang=en")
    page.get_by_role("tab", name="Many photos").click()
    page.locator(".st-key-classify_many input[type=file]").set_input_files(sorted(tmp_path.glob("*.jpg")))
    with page.expect_download(timeout=30_000) as download:
        page.get_by_role("button", name="Download as CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig"))))
    assert len(rows) == 4
    assert {row["first"] for row in rows if row["id"]} == {"espresso", "red panda", "goldfish"}
    assert any(row["file"] == "'=evil.jpg" and row["problem"] for row in rows)


def test_a_phone_has_the_switch_on_the_page_and_nothing_is_cut(chromium: Browser, address: str) -> None:
    phone = visit(chromium, address, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = phone.open("/classify?lang=en")
    expect(page.locator(".st-key-phone_language")).to_be_visible()
    page.locator(".st-key-language_on_page").get_by_text("中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("这是什么？")
    phone.ready()
    wide = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert wide <= 390
    named = [page.get_by_role("button", name=i18n.text("zh", key)) for key in TOOLS]
    switch = page.locator(".st-key-language_on_page").bounding_box()
    boxes = [switch, *(one.first.bounding_box() for one in named)]
    assert max(box["y"] for box in boxes) - min(box["y"] for box in boxes) < 10  # one row
    assert all(left["x"] + left["width"] < right["x"] for left, right in pairwise(boxes))
    phone.open("/applications?lang=en")
    expect(page.locator(".st-key-applications_glimpse_digits img")).to_have_count(6)
    cut = """[...document.querySelectorAll('[class*="st-key-applications_glimpse_"]')].filter((one) => {
      const { right, bottom } = one.getBoundingClientRect();
      return [...one.querySelectorAll("p, img")].some((each) => {
        const box = each.getBoundingClientRect();
        return box.right > right + 1 || box.bottom > bottom + 1;
      });
    }).map((one) => one.className)"""
    assert page.evaluate(cut) == []
    phone.context.close()
    assert not phone.complaints()


def test_the_first_answers_need_no_tensorflow(chromium: Browser, holiday: Path) -> None:
    """How quick they are is measured by `benchmarks/first_use.py`: a test machine may be busy."""
    with serve() as server:
        first = visit(chromium, server.address)
        page = first.open("/classify?lang=en")
        page.locator('input[type="file"]').first.set_input_files(holiday)
        heading = page.get_by_role("heading", level=2)
        expect(heading).to_contain_text("golden retriever", timeout=20_000)
        first.ready()
        assert not server.has_tensorflow()
        assert server.resident() < 300
        first.open("/classify?lang=en&layer=stem_relu")
        assert server.has_tensorflow()  # the test above can see it
        first.context.close()
