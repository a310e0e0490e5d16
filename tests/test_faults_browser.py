"""Faults as a visitor meets them, in a real browser: what was there is there again, or it is said why not."""

from __future__ import annotations

import re
import time
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from core import i18n
from core.imaging.samples import samples
from tests.browser import ROOT, Server, Visitor, serve, visit

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


def test_the_server_is_started_anew_under_open_pages(chromium: Browser, retriever: Path) -> None:
    with serve() as server:
        linked, brought = visit(chromium, server.address), visit(chromium, server.address)
        linked.open("/classify?lang=zh&image=red_panda&class=n02123045")
        bring(brought.open("/classify?lang=en"), retriever)
        brought.ready()
        port = int(server.address.rpartition(":")[2])
    with serve(port=port):
        expect(linked.page.get_by_role("heading", level=2)).to_contain_text("小熊猫", timeout=60_000)
        linked.ready()
        expect(linked.page.get_by_role("radio", name=re.compile("虎斑猫"))).to_be_checked()
        expect(brought.page.get_by_text(LEFT)).to_be_visible(timeout=60_000)
        brought.ready()
        expect(brought.page.get_by_role("heading", level=2)).to_contain_text("tabby cat")
        bring(brought.page, retriever)
        expect(brought.page.get_by_text(LEFT)).to_have_count(0)
        linked.context.close()
        brought.context.close()


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


def worker(server: Server) -> psutil.Process:
    """The process that trains, once there is one."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for child in psutil.Process(server.process).children(recursive=True):
            if "core.tuning.worker" in child.cmdline():
                return child
        time.sleep(0.05)
    raise AssertionError("no worker was started")


def test_the_worker_is_killed_in_the_middle_of_a_run(chromium: Browser) -> None:
    with serve() as server:
        teacher = visit(chromium, server.address)
        page = teacher.open("/fine_tune?lang=en&set=surfaces&plan=last")
        page.get_by_role("button", name="Tune", exact=True).click()
        worker(server).kill()
        told = page.get_by_text("The process that worked on this run ended before it was done")
        expect(told).to_be_visible(timeout=60_000)
        teacher.ready()
        # the examples and the plan are still there, and another run goes through
        page.get_by_role("tab").first.click()
        teacher.ready()
        expect(page).to_have_url(re.compile("set=surfaces"))
        expect(page).to_have_url(re.compile("plan=last"))
        teacher.open("/fine_tune?lang=en&set=textures")
        page.get_by_role("button", name="Tune", exact=True).click()
        page.get_by_role("button", name="See what it can do").click(timeout=90_000)
        teacher.context.close()


def test_nothing_of_a_visitor_is_in_the_log(chromium: Browser, tmp_path: Path) -> None:
    word = "Kryptogramm4711"
    good, broken = tmp_path / f"{word}.jpg", tmp_path / f"broken {word}.jpg"
    good.write_bytes(samples()["espresso"].read())
    broken.write_bytes(samples()["espresso"].read()[:5000] + word.encode())
    table = tmp_path / f"{word}.csv"
    table.write_text(f"text,label\n{word} is good,{word}\n")
    network = tmp_path / f"{word}.keras"
    network.write_bytes(b"PK\x03\x04" + word.encode())
    log = tmp_path / "log.txt"
    with serve(ROOT / "streamlit_app.py", "--logger.level", "info", log=log) as server:
        someone = visit(chromium, server.address)
        page = someone.open("/classify?lang=en")
        for file in (good, broken):
            page.locator('input[type="file"]').first.set_input_files(file)
            expect(page.locator('[data-testid="stFileUploaderFile"]')).to_have_count(0, timeout=30_000)
            someone.ready()
        expect(page.locator('[data-testid="stAlertContentError"]')).to_be_visible(timeout=30_000)
        someone.open(f"/sentiment?lang=en&text={word}%20is%20wonderful")
        expect(page.get_by_text(word).first).to_be_visible(timeout=30_000)
        someone.open("/fine_tune?lang=en")
        page.get_by_role("button", name=re.compile("Texts")).first.click()
        someone.ready()
        page.locator('.st-key-fine_tune_texts input[type="file"]').set_input_files(table)
        someone.ready()
        someone.open("/feature_maps?lang=en&model=own")
        page.locator('.st-key-inside_upload input[type="file"]').set_input_files(network)
        expect(page.locator('[data-testid="stAlertContentError"]')).to_be_visible(timeout=60_000)
        someone.open(f"/classify?lang={word}&image={word}&class={word}&layer={word}")
        someone.context.close()
    written = log.read_text(encoding="utf-8")
    assert "You can now view" in written or "URL" in written, "the log is the server's"
    assert word not in written
    assert "Traceback" not in written
