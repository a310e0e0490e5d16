"""Faults as a visitor meets them, in a real browser: what was there is there again, or it is said why not."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, Playwright, expect
from streamlit import config

from core import i18n
from core.imaging.samples import samples
from tests.browser import ROOT, Visitor, launch, serve, visit

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
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


def bring(page: Page, photo: Path, name: str = "golden retriever") -> None:
    page.locator('input[type="file"]').first.set_input_files(photo)
    expect(page.get_by_role("heading", level=2)).to_contain_text(name)
    expect(page).to_have_url(re.compile("image=own"))


class Asked:
    """How often a page asked the server for something, over all its connections."""

    def __init__(self, page: Page) -> None:
        self.times = 0
        page.on("websocket", lambda socket: socket.on("framesent", self._count))

    def _count(self, _: object) -> None:
        self.times += 1


def connection(page: Page, state: str) -> None:
    page.locator(f'[data-testid="stApp"][data-test-connection-state="{state}"]').wait_for(timeout=60_000)


# --- the server is started anew --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "dog", "cat", "fox"),
    [("en", "golden retriever", "tabby", "red panda"), ("zh", "金毛", "虎斑猫", "小熊猫")],
)
def test_a_page_that_is_open_when_the_server_is_started_anew(
    chromium: Browser, retriever: Path, language: str, dog: str, cat: str, fox: str
) -> None:
    lost, gone = i18n.text(language, "frame.lost"), i18n.text(language, "frame.left_behind")
    with serve() as server:
        port = int(server.address.rpartition(":")[2])
        guest = visit(chromium, server.address)
        asked = Asked(guest.page)
        page = guest.open(f"/classify?lang={language}")
        heading = page.get_by_role("heading", level=2)
        page.locator('input[type="file"]').first.set_input_files(retriever)
        expect(heading).to_contain_text(dog)
        guest.ready()
        expect(page.get_by_text(lost)).to_have_count(0)
    connection(page, "PINGING_SERVER")
    expect(page.get_by_text(lost)).to_be_visible()
    expect(page.get_by_text(gone)).to_have_count(0)
    expect(page.get_by_role("dialog")).to_have_count(0)  # Streamlit's own, in English
    before = asked.times
    with serve(port=port):
        expect(page.get_by_text(gone)).to_be_visible(timeout=90_000)  # and nobody touched it
        expect(page.get_by_text(lost)).to_have_count(0)
        expect(heading).to_contain_text(cat)
        guest.ready()
        assert asked.times == before + 1
        expect(page).to_have_url(re.compile("image=tabby_cat"))
        page.get_by_role("button", name=i18n.text(language, "sample.red_panda")).click()
        expect(heading).to_contain_text(fox)
        guest.ready()
        guest.context.close()


def test_a_page_that_is_never_lost_asks_once_and_nothing_is_moved(visitor: Visitor) -> None:
    asked = Asked(visitor.page)
    page = visitor.open("/classify?lang=en")
    page.wait_for_timeout(1000)
    assert asked.times == 1
    above = page.evaluate(
        """() => {
          const block = document.querySelector('[data-testid="stMainBlockContainer"]');
          const header = document.querySelector(".st-key-header");
          const air = parseFloat(getComputedStyle(block).paddingTop);
          return header.getBoundingClientRect().top - block.getBoundingClientRect().top - air;
        }"""
    )
    assert above == 0


# --- visits and their ends -------------------------------------------------------------------------


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


# --- a phone ---------------------------------------------------------------------------------------


def test_a_phone_that_loses_its_network_goes_on(chromium: Browser, address: str, retriever: Path) -> None:
    phone = visit(chromium, address, **PHONE)
    phone.context.add_init_script(CUT)
    page = phone.open("/classify?lang=en")
    bring(page, retriever)
    phone.ready()
    phone.context.set_offline(True)
    page.evaluate("window.cut()")
    connection(page, "PINGING_SERVER")
    time.sleep(3)
    phone.context.set_offline(False)
    connection(page, "CONNECTED")
    page.locator(".st-key-language_on_page").get_by_text("中文").click()
    expect(page.get_by_role("heading", level=2)).to_contain_text("金毛")
    assert "image=own" in page.url
    expect(page.get_by_text(i18n.text("zh", "frame.left_behind"))).to_have_count(0)
    phone.context.close()


@contextmanager
def a_browser_that_can_sleep(driver: Playwright) -> Iterator[tuple[Browser, list[psutil.Process]]]:
    """A browser of its own, and its processes: one that is suspended is a device with its screen off."""
    here = psutil.Process()
    before = set(here.children(recursive=True))
    browser = launch(driver)
    processes = [found for found in here.children(recursive=True) if found not in before]
    try:
        yield browser, processes
    finally:
        browser.close()


def sleep(processes: list[psutil.Process], seconds: float) -> None:
    """None of the browser's processes runs for a while, those that were started later neither."""
    every = {each for one in processes for each in (one, *one.children(recursive=True))}
    for one in every:
        one.suspend()
    try:
        time.sleep(seconds)
    finally:
        for one in every:
            one.resume()


def test_a_phone_that_sleeps_for_ten_minutes_finds_its_visit_and_after_thirty_is_told(
    driver: Playwright, retriever: Path
) -> None:
    """A minute is a second here: how long a visit is kept is a sixtieth of what the app is configured for."""
    config.get_config_options(force_reparse=True)
    kept = config.get_option("server.disconnectedSessionTTL") // 60
    how = ("--server.disconnectedSessionTTL", str(kept), "--server.websocketPingInterval", "1")
    with (
        a_browser_that_can_sleep(driver) as (browser, processes),
        serve(ROOT / "streamlit_app.py", *how) as found,
    ):
        phone = visit(browser, found.address, **PHONE)
        page = phone.open("/classify?lang=en")
        bring(page, retriever)
        phone.ready()
        asked = Asked(page)
        sleep(processes, 10)
        connection(page, "CONNECTED")
        page.locator(".st-key-language_on_page").get_by_text("中文").click()
        heading = page.get_by_role("heading", level=2)
        expect(heading).to_contain_text("金毛")
        gone = page.get_by_text(i18n.text("zh", "frame.left_behind"))
        expect(gone).to_have_count(0)
        assert "image=own" in page.url
        assert asked.times > 0, "its connection was lost, and there is a new one"
        phone.ready()
        sleep(processes, 30)
        expect(gone).to_be_visible(timeout=60_000)  # and nobody touched it
        expect(heading).to_contain_text("虎斑猫")
        too_wide = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert too_wide <= 0
        bring(page, retriever, "金毛")
        expect(gone).to_have_count(0)


# --- the worker is killed --------------------------------------------------------------------------


def worker_of(server: int) -> psutil.Process:
    """The process that tunes."""
    [found] = [
        each
        for each in psutil.Process(server).children(recursive=True)
        if "core.tuning.worker" in each.cmdline()
    ]
    return found


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_the_worker_is_killed_in_the_middle_of_a_run(chromium: Browser, language: str) -> None:
    def words(key: str) -> str:
        return i18n.text(language, key)

    with serve() as server:
        guest = visit(chromium, server.address)
        page = guest.open(f"/fine_tune?lang={language}&set=digits&plan=last")
        page.locator(".st-key-fine_tune_start button").click()
        status = page.locator(".st-key-fine_tune_status")
        expect(status).to_contain_text(words("tuning.stage.locked"), timeout=120_000)
        first = worker_of(server.process)
        first.kill()
        alert = status.locator('[data-testid="stAlertContentError"]')
        expect(alert).to_contain_text(words("tuning.error.crashed"))
        expect(page.get_by_text("Traceback")).to_have_count(0)
        guest.ready()
        # what was chosen is there, and a second run, in a new process, comes to its end
        page.get_by_role("button", name=words("fine_tune.watch.go")).click()
        assert "set=digits" in page.url and "plan=last" in page.url
        page.locator(".st-key-fine_tune_unlocked").get_by_text(
            words("fine_tune.unlocked.head"), exact=True
        ).click()
        page.wait_for_url(lambda url: "plan=last" not in url)
        guest.ready()
        page.locator(".st-key-fine_tune_start button").click()
        page.get_by_role("button", name=words("fine_tune.see")).click(timeout=120_000)
        expect(page.get_by_role("heading", level=2).first).to_contain_text("80")
        assert worker_of(server.process).pid != first.pid
        guest.context.close()
        assert not guest.complaints()
