"""Visitors with real browser pages: what they do, how long each answer takes them, and all that they are shown."""

from __future__ import annotations

import asyncio
import base64
import random
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright
from playwright.async_api import Error as BrowserError

from benchmarks.door import Door
from benchmarks.marks import strangers

PATIENCE = 60.0  # seconds that a visitor waits for an answer before it counts as none
ALONE = 5.0, 15.0  # seconds of looking and thinking between two actions, at least and at most

# Runs in every page before its own scripts. `arm` remembers what stands in a part of the page, starts the clock
# with the visitor's own event and stops it when something else stands there and every picture of it is decoded;
# `more`, another part and what is compared there, has an end of its own, `rest`.
# Shadow roots, in which the app's components live, are looked into. A look costs a layout, and twenty pages wait
# at the same time on the cores that the server has too: it is taken only after something changed.
CLOCK = """window.clock = (() => {
  let changes = 0;
  const observer = new MutationObserver(() => { changes += 1; });
  const observe = (root) =>
    observer.observe(root, { attributes: true, characterData: true, childList: true, subtree: true });
  observe(document);
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (how) {
    const root = attach.call(this, how);
    observe(root);
    return root;
  };
  for (const one of ['input', 'change']) document.addEventListener(one, () => { changes += 1; }, true);
  const deep = (root, css) => [
    ...root.querySelectorAll(css),
    ...[...root.querySelectorAll('*')].filter((one) => one.shadowRoot).flatMap((one) => deep(one.shadowRoot, css)),
  ];
  const look = (area, css) => {
    const all = [...document.querySelectorAll(area)].flatMap((one) => deep(one, css));
    if (all.some((one) => one.tagName === 'IMG' && one.src && !one.complete)) return null;
    return all.map((one) =>
      (one.tagName === 'IMG' ? one.src : one.getAttribute('d') ?? (one.innerText || one.value || '').trim())
    ).filter(Boolean).join('|');
  };
  const piece = (before, now) => { // of the answer, by which it is found in what was sent
    const known = new Set((before || '').split('|'));
    const parts = now.split('|').filter((one) => !known.has(one)).sort((one, other) => other.length - one.length);
    const longest = parts[0] || '';
    const from = Math.max(0, Math.floor(longest.length / 2) - 100);
    return longest.slice(from, from + 200);
  };
  const idle = () => {
    const app = document.querySelector('[data-testid=stApp]');
    return !app || app.dataset.testScriptState === 'notRunning'; // an app that is not Streamlit's says nothing of it
  };
  const wait = (area, css, before, begun) => new Promise((done) => {
    let answer = 0, looked = -1, found = '';
    const every = setInterval(() => {
      if (!answer && looked !== changes) {
        const seen = changes, now = look(area, css);
        if (now !== null) looked = seen; // else a picture is still coming
        if (now && now !== before) {
          answer = performance.now() - begun;
          found = piece(before, now);
        }
      }
      if (answer && idle()) {
        clearInterval(every);
        done([answer, performance.now() - begun, found]);
      }
    }, 20);
  });
  const hash = (text) => {
    let a = 0xdeadbeef, b = 0x41c6ce57;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      a = Math.imul(a ^ code, 2654435761);
      b = Math.imul(b ^ code, 1597334677);
    }
    return `${(a >>> 0).toString(16)}.${(b >>> 0).toString(16)}.${text.length}`;
  };
  const pictures = () => {
    const found = new Map();
    const sources = new Set();
    for (const one of deep(document, 'img, image, [style*="url("]')) {
      if (one.tagName === 'IMG') sources.add(one.currentSrc || one.src);
      else if (one.tagName === 'image') sources.add(one.getAttribute('href'));
      else sources.add(one.style.backgroundImage.replace(/^url\\("|"\\)$/g, ''));
    }
    for (const source of sources) if (source) found.set(hash(source), source);
    return found;
  };
  return {
    calm: () => new Promise((done) => {
      let seen = 0;
      const every = setInterval(() => {
        seen = idle() ? seen + 1 : 0;
        if (seen === 5) {
          clearInterval(every);
          done();
        }
      }, 30);
    }),
    arm: (events, area, css, more) => {
      const before = look(area, css);
      const others = more && look(...more);
      let rest;
      window.clock.rest = new Promise((done) => { rest = done; });
      window.clock.answer = new Promise((done) => {
        const start = () => {
          const begun = performance.now();
          for (const one of events) document.removeEventListener(one, start, true);
          wait(area, css, before, begun).then(done);
          if (more) wait(...more, others, begun).then(([answered]) => rest(answered));
        };
        for (const one of events) document.addEventListener(one, start, true);
      });
    },
    first: (area, css) => wait(area, css, '', 0),
    shown: () => {
      const words = [document.title, location.href];
      const walk = (root) => {
        words.push(root.textContent);
        for (const one of root.querySelectorAll('*')) {
          for (const name of ['alt', 'title', 'aria-label']) words.push(one.getAttribute(name) ?? '');
          if ('value' in one && typeof one.value === 'string') words.push(one.value);
          if (one.shadowRoot) walk(one.shadowRoot);
        }
      };
      walk(document.body);
      const told = [...document.querySelectorAll('[data-testid=stAlertContentError], [data-testid=stException]')];
      // beside the visitor's own photo, Inside shows the same channel on a sample
      const samples = deep(document, '.st-key-inside_overlay_other').flatMap((one) => deep(one, 'img'));
      return [
        words.join(' '), [...pictures().keys()], told.map((one) => one.innerText),
        samples.map((one) => hash(one.currentSrc || one.src)),
      ];
    },
    bytes: async (wanted) => {
      const found = pictures();
      const read = async (name) => {
        const answer = await fetch(found.get(name)).catch(() => null);
        if (!answer?.ok) return null;
        const data = new Uint8Array(await answer.arrayBuffer());
        return btoa(Array.from(data, (one) => String.fromCharCode(one)).join(''));
      };
      return Object.fromEntries(await Promise.all(wanted.map(async (name) => [name, await read(name)])));
    },
  };
})();"""


class Over(Exception):
    """The time of the run is up."""


@dataclass
class Record:
    """What came of a run."""

    answered: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # seconds
    ended: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    served: dict[str, list[float]] = field(
        default_factory=lambda: defaultdict(list)
    )  # the server's part of it
    errors: Counter[str] = field(default_factory=Counter)
    leaks: list[str] = field(default_factory=list)
    pictures: dict[str, bytes] = field(default_factory=dict)  # by the hash of their address
    seen: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))  # hashes by visitor
    samples: dict[int, set[str]] = field(
        default_factory=lambda: defaultdict(set)
    )  # of `seen`, in a sample's place
    pages_read: int = 0
    loud: bool = False

    @property
    def actions(self) -> int:
        return sum(map(len, self.answered.values()))


async def launch(playwright: Playwright) -> Browser:
    """The system's Chromium, or Playwright's own; its pages all count as looked at."""
    system = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    return await playwright.chromium.launch(
        executable_path=system,
        args=[
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-timer-throttling",
            "--disable-renderer-backgrounding",
            "--disable-backgrounding-occluded-windows",
        ],
    )


@dataclass
class Person:
    """A visitor: a browser context of their own with one page."""

    number: int
    language: str
    context: BrowserContext
    page: Page
    address: str
    door: Door
    record: Record
    folder: Path
    pause: tuple[float, float] = ALONE
    until: float = float("inf")  # of time.monotonic()
    patience: float = PATIENCE
    random: random.Random = field(default_factory=random.Random)

    @classmethod
    async def enter(
        cls,
        browser: Browser,
        address: str,
        number: int,
        record: Record,
        folder: Path,
        **how: Any,
    ) -> Person:
        """A new visitor; those with an odd number read Chinese. `how` says pause, until, patience."""
        language = "zh" if number % 2 else "en"
        locale = {"zh": "zh-CN", "en": "en-US"}[language]
        context = await browser.new_context(
            viewport={"width": 1440, "height": 900},
            locale=locale,
            reduced_motion="reduce",  # drawn by the processor here, and it is the server's too
        )
        await context.add_init_script(CLOCK)
        page = await context.new_page()
        door = Door(address)
        person = cls(number, language, context, page, await door.open(), door, record, folder, **how)
        context.set_default_timeout(person.patience * 1000)
        person.random.seed(number)
        page.on("pageerror", lambda error: person.failed(f"in the page: {error}"))
        page.on("console", person._console)
        return person

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "_stcore/" not in message.text + message.location.get("url", ""):
            self.failed(f"in the console: {message.text}")

    def failed(self, what: str) -> None:
        self.record.errors[" ".join(what.split())[:200]] += 1

    async def open(self, name: str, path: str, area: str, css: str) -> None:
        """Opens an address; counted from the beginning of the navigation."""
        self.door.mark()
        await self._timed(
            name,
            lambda: self.page.goto(self.address + path, wait_until="commit"),
            lambda: self.page.evaluate("([area, css]) => window.clock.first(area, css)", [area, css]),
        )

    async def act(
        self,
        name: str,
        do: Callable[[], Awaitable[object]],
        area: str,
        css: str,
        events: tuple[str, ...] = ("click",),
    ) -> None:
        """Does something and waits for its answer.

        Args:
            name: of the action in the table; its times are counted under it.
            do: causes one of `events`, from which the clock runs.
            area: the part of the page in which something else then stands, as a CSS selector,
            css: and what is compared there: pictures by their address, drawings by their path, words.
        """
        await self.page.evaluate(
            "() => window.clock.calm()"
        )  # nothing of what was done before is still coming
        await self.page.evaluate("(how) => window.clock.arm(...how)", [list(events), area, css])
        self.door.mark()
        await self._timed(name, do, lambda: self.page.evaluate("() => window.clock.answer"))

    async def _timed(
        self, name: str, do: Callable[[], Awaitable[object]], answer: Callable[[], Awaitable[list[Any]]]
    ) -> None:
        try:
            async with asyncio.timeout(self.patience):
                await do()
                answered, ended, piece = await answer()
        except TimeoutError:
            self.failed(f"no answer in {self.patience:.0f} s: {name}")
            raise
        except BrowserError as error:
            self.failed(f"{name}: {error.message.splitlines()[0]}")
            raise
        self.record.answered[name].append(answered / 1000)
        self.record.ended[name].append(ended / 1000)
        served = self.door.passed.until(piece)
        if served is not None:
            self.record.served[name].append(min(served, answered / 1000))
        if self.record.loud:
            print(
                f"  visitor {self.number}: {name}, {answered / 1000:.2f} s, {ended / 1000:.2f} s, served {served}",
                flush=True,
            )
        await self.look_around(name)
        await self.think()

    async def think(self, least: float = 0.0) -> None:
        """Looks at the page for a while, at least for so many seconds."""
        await asyncio.sleep(max(least, self.random.uniform(*self.pause)))
        if time.monotonic() > self.until:
            raise Over

    async def look_around(self, name: str) -> None:
        """Notes every word and picture of the page, and what does not belong to this visitor."""
        words, pictures, told, samples = await self.page.evaluate("() => window.clock.shown()")
        self.record.pages_read += 1
        for error in told:
            self.failed(f"told on the page after {name}: {error}")
        for stranger in strangers(words, self.number):
            self.record.leaks.append(f"visitor {self.number} read a word of {stranger} after {name}")
        self.record.seen[self.number].update(pictures)
        self.record.samples[self.number].update(samples)
        new = [one for one in pictures if one not in self.record.pictures]
        if new:
            found = await self.page.evaluate("(wanted) => window.clock.bytes(wanted)", new)
            for one, data in found.items():
                if data is not None:
                    self.record.pictures[one] = base64.b64decode(data)

    async def leave(self) -> None:
        await self.context.close()
        self.door.close()
