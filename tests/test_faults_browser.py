"""Faults as a visitor meets them, in a real browser: what was there is there again, or it is said why not."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from core import i18n
from core.imaging.samples import samples
from tests.browser import Visitor, visit

pytestmark = pytest.mark.browser

LEFT = i18n.text("en", "frame.left_behind")
CUT = """
    const sockets = [];
    const Before = window.WebSocket;
    window.WebSocket = class extends Before {
        constructor(...how) { super(...how); sockets.push(this); }
    };
    window.cut = () => sockets.forEach((one) => one.close());
"""


@pytest.fixture
def retriever(tmp_path: Path) -> Path:
    file = tmp_path / "my dog.jpg"
    file.write_bytes(samples()["golden_retriever"].read())
    return file


def bring(page: Page, photo: Path) -> None:
    page.locator('input[type="file"]').first.set_input_files(photo)
    expect(page.get_by_role("heading", level=2)).to_contain_text("golden retriever", timeout=30_000)
    expect(page).to_have_url(re.compile("image=own"))


def test_two_tabs_of_one_visitor(visitor: Visitor, retriever: Path) -> None:
    first = visitor.open("/classify?lang=en")
    bring(first, retriever)
    visitor.ready()
    second = visitor.context.new_page()
    other = Visitor(visitor.context, second, visitor.address)
    other.open("/classify?lang=zh&image=espresso")
    expect(second.get_by_role("heading", level=2)).to_contain_text("浓缩咖啡")
    expect(first.get_by_role("heading", level=2)).to_contain_text("golden retriever")
    # the address of the first tab, opened in another one, says what it cannot show
    second.goto(first.url)
    expect(second.get_by_text(LEFT)).to_be_visible(timeout=30_000)
    expect(second.get_by_role("heading", level=2)).to_contain_text("tabby cat")
    # emptying one leaves the other
    other.ready()
    second.get_by_role("button", name="Forget my data").click()
    other.ready()
    first.get_by_role("link", name="Home").click()
    expect(first.get_by_role("button", name=re.compile("golden retriever.*sure"))).to_be_visible(
        timeout=30_000
    )


def test_a_phone_sleeps_and_goes_on(chromium: Browser, address: str, retriever: Path) -> None:
    phone = visit(chromium, address, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    phone.context.add_init_script(CUT)
    page = phone.open("/classify?lang=en")
    bring(page, retriever)
    phone.ready()
    phone.context.set_offline(True)
    page.evaluate("window.cut()")
    time.sleep(3)
    phone.context.set_offline(False)
    page.evaluate("window.cut()")
    page.locator(".st-key-language_on_page").get_by_text("中文").click(timeout=60_000)
    expect(page.get_by_role("heading", level=2)).to_contain_text("金毛", timeout=60_000)
    assert "image=own" in page.url
    expect(page.get_by_text(i18n.text("zh", "frame.left_behind"))).to_have_count(0)
    phone.context.close()
