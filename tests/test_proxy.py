"""Two copies of the app behind nginx, with the very file that `docs/deploy.md` gives."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests import browser
from tests.browser import PATIENCE, Server, Visitor

SITE = browser.ROOT / "docs" / "nginx.conf"
NAME = "glassbox.example"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(NGINX is None, reason="nginx is not there: apt-get install nginx"),
]


@dataclass(frozen=True)
class Proxy:
    """nginx in front of two copies."""

    port: int
    log: Path
    copies: tuple[Server, ...]

    def lines(self, since: int = 0) -> list[tuple[str, str, str, str]]:
        """(status, method, path, copy) of what was asked for after the first `since` requests."""
        found = [line.split() for line in self.log.read_text().splitlines()]
        return [(line[1], line[2], line[3], line[4]) for line in found[since:]]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def site(log: Path, port: int, copies: tuple[Server, ...]) -> str:
    """The file as it is, but for where it listens, where the copies are, and where its log goes."""
    text = SITE.read_text()
    changes = {
        "listen 80;": f"listen 127.0.0.1:{port};",
        "127.0.0.1:8501": copies[0].address.removeprefix("http://"),
        "127.0.0.1:8502": copies[1].address.removeprefix("http://"),
        "/var/log/nginx/glassbox.log": str(log),
    }
    for old, new in changes.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


@contextmanager
def behind_nginx(folder: Path) -> Iterator[Proxy]:
    """Two copies and nginx before them, whose own files go into `folder`."""
    assert NGINX is not None
    hosts = ("--server.allowedHosts", NAME)
    with (
        browser.serve(browser.ROOT / "streamlit_app.py", *hosts) as one,
        browser.serve(browser.ROOT / "streamlit_app.py", *hosts) as two,
    ):
        found = Proxy(free_port(), folder / "requests.log", (one, two))
        (folder / "site.conf").write_text(site(found.log, found.port, found.copies))
        places = "".join(
            f"{kind}_temp_path {folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
            f"events {{}}\nhttp {{\n{places}include {folder}/site.conf;\n}}\n"
        )
        command = [
            NGINX,
            "-p",
            str(folder),
            "-c",
            str(folder / "nginx.conf"),
            "-e",
            str(folder / "error.log"),
        ]
        nginx = subprocess.Popen(command)
        try:
            until = time.monotonic() + 30
            while True:
                try:
                    socket.create_connection(("127.0.0.1", found.port)).close()
                    break
                except OSError:
                    assert nginx.poll() is None, "nginx ended"
                    assert time.monotonic() < until
                    time.sleep(0.05)
            yield found
        finally:
            nginx.terminate()
            nginx.wait(30)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with behind_nginx(tmp_path_factory.mktemp("nginx")) as found:
        yield found


@pytest.fixture(scope="module")
def outside(driver: Playwright) -> Iterator[Browser]:
    """A browser to which the name of the app leads here."""
    found = browser.launch(driver, f"--host-resolver-rules=MAP {NAME} 127.0.0.1")
    yield found
    found.close()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of over two megabytes: nginx lets one through, if it is not told."""
    file = tmp_path_factory.mktemp("pictures") / "large.png"
    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 3), np.uint8)
    assert cv2.imwrite(str(file), noise) and file.stat().st_size > 2_000_000
    return file


def arrive(outside: Browser, proxy: Proxy) -> Visitor:
    return browser.visit(outside, f"http://{NAME}:{proxy.port}")


def leave(visitor: Visitor, proxy: Proxy, since: int) -> set[str]:
    """Close the pages; which copies answered this visitor, the connection of each page among it."""
    visitor.context.close()
    until = time.monotonic() + 30  # a connection is written down when it ends
    while not any(line[0] == "101" for line in proxy.lines(since)):
        assert time.monotonic() < until, "no page was connected"
        time.sleep(0.1)
    return {line[3] for line in proxy.lines(since)}


def test_each_visitor_stays_on_one_copy_and_an_upload_works(
    outside: Browser, proxy: Proxy, large: Path
) -> None:
    seen: set[str] = set()
    for number in range(20):  # by chance both copies are met in a few
        since = len(proxy.lines())
        visitor = arrive(outside, proxy)
        page = visitor.open("/classify")
        page.locator('input[type="file"]').first.set_input_files(large)
        expect(page.get_by_text("large.png").first).to_be_visible(timeout=2 * PATIENCE * 1000)
        visitor.ready()
        other = visitor.context.new_page()  # a second tab of the same browser
        other.goto(f"{visitor.address}/preprocess")
        other.locator(".st-key-footer").wait_for(timeout=2 * PATIENCE * 1000)
        assert not visitor.complaints()
        copies = leave(visitor, proxy, since)
        assert len(copies) == 1, f"visitor {number} was sent from copy to copy"
        sent = [line for line in proxy.lines(since) if "upload_file" in line[2]]
        assert sent and all(line[0].startswith("2") for line in sent)
        seen |= copies
        if len(seen) == 2:
            break
    assert seen == {copy.address.removeprefix("http://") for copy in proxy.copies}


def test_the_log_of_requests_holds_no_words_of_a_visitor(outside: Browser, proxy: Proxy) -> None:
    visitor = arrive(outside, proxy)
    visitor.open("/sentiment?text=nobody+should+read+this")
    visitor.context.close()
    assert "/sentiment" in proxy.log.read_text()
    assert "nobody" not in proxy.log.read_text()


def test_a_name_that_is_not_the_apps_gets_no_connection(proxy: Proxy) -> None:
    def status(host: str) -> int:
        asked = urllib.request.Request(
            f"http://127.0.0.1:{proxy.port}/_stcore/stream", headers={"Host": host}
        )
        for name, value in (
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
        ):
            asked.add_header(name, value)
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=60) as plain:
            lines = [f"{key}: {value}" for key, value in asked.header_items()]
            plain.sendall(("GET /_stcore/stream HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode())
            return int(plain.recv(100).split()[1])

    assert status(f"{NAME}:{proxy.port}") == 101
    assert status("evil.example") == 403


def test_when_a_copy_is_down_its_visitors_come_to_the_other(outside: Browser, tmp_path: Path) -> None:
    with behind_nginx(tmp_path) as proxy:
        visitor = arrive(outside, proxy)
        page = visitor.open("/fine_tune")
        page.wait_for_load_state("networkidle")
        copy = proxy.lines()[-1][3]
        down = next(one for one in proxy.copies if one.address.endswith(copy))
        psutil.Process(down.process).kill()
        since = len(proxy.lines())
        visitor.open("/fine_tune")
        assert page.get_by_role("heading", level=1).first.is_visible()
        answered = {line[3] for line in proxy.lines(since) if line[0] == "200"}
        assert answered and copy not in answered
        visitor.context.close()
