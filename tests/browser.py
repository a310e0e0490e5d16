"""The app in a real browser: a server of its own, Chromium, and what must not be in the console."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

ROOT = Path(__file__).resolve().parent.parent
# How many elements a page has, those within components too: it stands still when all of them are drawn.
COUNT = """
() => {
  const count = (root) => [...root.querySelectorAll("*")].reduce((sum, one) => sum + 1 + (one.shadowRoot ? count(one.shadowRoot) : 0), 0);
  return count(document);
}
"""
# A component's script comes a moment after its markup.
LIVE = """
() => [...document.querySelectorAll('[data-testid="stBidiComponentIsolated"]')]
  .every((one) => one.shadowRoot?.querySelector(".gb.ready"))
"""
PATIENCE = int(os.environ.get("GLASSBOX_PATIENCE", "30"))  # seconds that a page may take for what it is asked


@dataclass(frozen=True)
class Server:
    """A running server."""

    address: str  # without a slash at the end
    process: int

    def resident(self) -> float:
        """Its resident memory in MiB."""
        return float(psutil.Process(self.process).memory_info().rss / 2**20)

    def has_tensorflow(self) -> bool:
        """Whether TensorFlow's library is mapped into the process."""
        return "tensorflow" in Path(f"/proc/{self.process}/maps").read_text()


@contextmanager
def serve(
    script: Path = ROOT / "streamlit_app.py",
    *options: str,
    port: int = 0,
    log: Path | None = None,
    prefix: tuple[str, ...] = (),
    **environment: str,
) -> Iterator[Server]:
    """A fresh server on a free port or a given one; what it writes goes to `log`.

    `prefix` is a command that ends by becoming the one that follows it: `nice`, `taskset`, `systemd-run --scope`.
    """
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))
        port = free.getsockname()[1]
    command = [*prefix, sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    command += ["--server.address", "127.0.0.1", "--server.fileWatcherType", "none", *options]
    with (log or Path(os.devnull)).open("ab") as written:
        server = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
            stdout=written,
            stderr=written,
        )
    try:
        until = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health"):
                    break
            except OSError:
                assert server.poll() is None, "the server ended"
                assert time.monotonic() < until, "the server did not start"
                time.sleep(0.1)
        yield Server(f"http://127.0.0.1:{port}", server.pid)
    finally:
        server.terminate()
        server.wait(120)


def launch(playwright: Playwright, *options: str) -> Browser:
    """The system's Chromium, or Playwright's own where it was fetched."""
    system = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    return playwright.chromium.launch(
        executable_path=system, args=["--no-sandbox", "--disable-gpu", *options]
    )


@dataclass
class Visitor:
    """One browser context with its page and what its console said."""

    context: BrowserContext
    page: Page
    address: str
    errors: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> Page:
        """Opens a page of the app and waits until it is drawn to its end."""
        self.page.goto(self.address + path)
        self.ready()
        return self.page

    def ready(self) -> None:
        """Waits until the page has been drawn to its end, nothing runs and every component lives."""
        self.page.locator(".st-key-footer").wait_for(timeout=2 * PATIENCE * 1000)
        self.page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(
            timeout=2 * PATIENCE * 1000
        )
        self.page.wait_for_function(LIVE, timeout=2 * PATIENCE * 1000)

    def settle(self) -> None:
        """Waits until nothing runs and everything is drawn: a component comes a moment after its page."""
        until = time.monotonic() + 2 * PATIENCE
        counts = [-1]
        while len(counts) < 6 or len(set(counts[-5:])) > 1:
            assert time.monotonic() < until, "the page never comes to rest"
            self.page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(
                timeout=2 * PATIENCE * 1000
            )
            self.page.wait_for_timeout(200)
            counts.append(self.page.evaluate(COUNT))

    def complaints(self) -> list[str]:
        """Console errors but the 404s that Streamlit itself causes on a cold deep link."""
        return [text for text in self.errors if "_stcore/" not in text]


def visit(browser: Browser, address: str, **how: Any) -> Visitor:
    """A new visitor; `how` goes to `browser.new_context` (locale, color_scheme, viewport)."""
    context = browser.new_context(**({"viewport": {"width": 1440, "height": 900}, "locale": "en-US"} | how))
    context.set_default_timeout(PATIENCE * 1000)
    page = context.new_page()
    visitor = Visitor(context, page, address)
    page.on("pageerror", lambda error: visitor.errors.append(str(error)))
    page.on(
        "console",
        lambda message: (
            visitor.errors.append(f"{message.text} {message.location.get('url', '')}")
            if message.type == "error"
            else None
        ),
    )
    return visitor
