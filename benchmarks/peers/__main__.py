"""The app that most people would write, its Gradio twin and ours, in the same browser in one run.

    python -m benchmarks.peers                # makes build/peers/venv for the two others, once
    python -m benchmarks.peers --rounds 5

For each: the seconds from the server's start to a page that takes a photo; from a photo that is chosen to its name
and to the whole answer, the name and the five most probable classes, on the page, for one visitor and for ten who
choose theirs at the same moment; and what the server takes of memory. All three have the same network with the same
weights, and are asked the same photos; the two others have it in Keras, ours in LiteRT. Ours goes on to draw much
more than an answer, and its clock stops at the same point as the others'.

Ten browsers draw here on the cores of the server; ten visitors bring machines of their own. So for ten there is also
a sum: the server's part while it answers all ten, timed at a door between each browser and the server from the last
that the browser says to the last of the answer, plus the browser's own part, the sending of the photo included, when
one visitor was alone. For this their last questions are held at the doors until all ten are there, as slow browsers
would else come one after the other, and what they then draw gets what the server leaves of the cores.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from benchmarks.audience import CLOCK, launch
from benchmarks.door import Door, asks_for_a_run
from benchmarks.figures import tell
from benchmarks.host import Watch, percentile, resident, step_back, two_cores
from benchmarks.marks import SIZE
from core import i18n
from core.imaging.samples import samples
from core.vision import vision_model
from tests.browser import ROOT
from ui.words import label_key

HERE = Path(__file__).resolve().parent
BUILD = ROOT / "build" / "peers"
CROWD = 10
PHOTOS = (
    "golden_retriever",
    "red_panda",
    "goldfish",
    "espresso",
    "lorikeet",
    "sunflower",
    "bee",
    "chameleon",
)


@dataclass(frozen=True)
class App:
    """An app, how it is started, and where its answer stands."""

    name: str
    python: Path
    command: tuple[str, ...]  # after Python; {port} is filled in
    path: str  # of the page
    area: str  # in which the name appears
    css: str
    five: tuple[str, str]  # area and css of the five classes
    asks: Callable[[bytes], bool]  # whether this is the browser's last question before an answer
    begins: bytes  # what the server sends when it begins to work for that
    last: bytes = b""  # and with the end of the answer; nothing: it sends no more than that


@dataclass
class Found:
    """What was measured of an app, in seconds and bytes."""

    start: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    named: list[float] = field(default_factory=list)  # one visitor, to the name
    one: list[float] = field(default_factory=list)  # one visitor, to the whole answer
    own: list[float] = field(default_factory=list)  # one visitor, what the browser adds to the server's part
    ten_named: list[float] = field(default_factory=list)
    ten: list[float] = field(default_factory=list)
    ten_served: list[float] = field(default_factory=list)  # the server's part
    alone: int = 0  # resident after one visitor
    peak: int = 0
    names: dict[str, str] = field(default_factory=dict)  # photo -> what stood on the page

    @property
    def ten_apart(self) -> list[float]:
        """Ten visitors with machines of their own."""
        return [served + statistics.median(self.own) for served in self.ten_served]


@dataclass
class Guest:
    """A visitor: a browser context, its page, and the door to the server."""

    context: BrowserContext
    page: Page
    door: Door
    address: str

    async def leave(self) -> None:
        await self.context.close()
        self.door.close()


@dataclass(frozen=True)
class Asked:
    """An answer: seconds until its name, until all of it, the server's part of these, and the name."""

    named: float
    whole: float
    served: float
    name: str


def apps(python: Path) -> tuple[App, ...]:
    """Ours first."""
    port = ("--server.port", "{port}", "--server.address", "127.0.0.1", "--server.fileWatcherType", "none")
    streamlit = ("-m", "streamlit", "run")
    return (
        App(
            "Glassbox",
            Path(sys.executable),
            (*streamlit, str(ROOT / "streamlit_app.py"), *port),
            "/classify?lang=en",
            ".st-key-headline",
            "h2",
            (".st-key-classify_bars", "[role=radio]"),
            asks_for_a_run,
            b"streamlit_app.py",
            b'"key": "classify_bars"',
        ),
        App(
            "Streamlit, model.predict",
            python,
            (*streamlit, str(HERE / "usual_app.py"), *port, "--server.headless", "true"),
            "/",
            "[data-testid=stMain]",
            "h3",
            ("[data-testid=stMain] [data-testid=stElementContainer]:nth-child(5)", "img"),
            asks_for_a_run,
            b"usual_app.py",
        ),
        App(
            "Gradio, model.predict",
            python,
            (str(HERE / "gradio_app.py"),),
            "/",
            "gradio-app",
            "[data-testid=label-output-value]",
            ("gradio-app", "[data-testid=label-output-value], [data-testid$='-confidence-set']"),
            lambda chunk: b"/queue/join" in chunk,
            b"process_starts",
        ),
    )


def environment() -> Path:
    """The Python of a virtual environment with the two others' packages, made where it is not there yet."""
    folder, wanted = BUILD / "venv", (HERE / "requirements.txt").read_text()
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / "installed.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        print("making build/peers/venv (about 3 GB with TensorFlow) …", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]
        subprocess.run([*pip, HERE / "requirements.txt"], check=True)
        stamp.write_text(wanted)
    return python


def network() -> tuple[Path, Path]:
    """Our network as a `.keras` file that ends in probabilities, and its classes' English names."""
    model, labels = BUILD / "efficientnet_lite0.keras", BUILD / "labels.json"
    if not (model.exists() and labels.exists()):
        BUILD.mkdir(parents=True, exist_ok=True)
        code = (
            "import sys, keras; from core.vision import efficientnet\n"
            "found = efficientnet.load()\n"
            "keras.Model(found.input, keras.layers.Softmax()(found.output)).save(sys.argv[1])\n"
        )
        subprocess.run([sys.executable, "-c", code, model], cwd=ROOT, check=True)
        labels.write_text(json.dumps(_labels()))
    return model, labels


def _labels() -> list[str]:
    found: list[str] = []
    for label in vision_model("efficientnet_lite0").labels:
        name = i18n.text("en", label_key("efficientnet_lite0", label))
        found.append(name if name not in found else f"{name} ({label})")  # two names occur twice
    return found


@contextmanager
def started(app: App, settings: dict[str, str], log: Path) -> Iterator[tuple[str, int]]:
    """A fresh server: its address and the id of its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(app.python), *(part.format(port=port) for part in app.command)]
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with log.open("ab") as written:
        server = subprocess.Popen(
            command, cwd=ROOT, env=variables | settings | {"PORT": str(port)}, stdout=written, stderr=written
        )
    try:
        yield f"http://127.0.0.1:{port}", server.pid
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def say(what: str) -> None:
    """How far it is, apart from the figures."""
    print(f"  {what}", file=sys.stderr, flush=True)


async def guest(browser: Browser, address: str) -> Guest:
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    await context.add_init_script(CLOCK)
    context.set_default_timeout(600_000)
    door = Door(address)
    return Guest(context, await context.new_page(), door, await door.open())


async def opened(one: Guest, app: App) -> None:
    """Opens the app's page and waits until it takes a photo."""
    await one.page.goto(one.address + app.path, wait_until="commit")
    await one.page.locator('input[type="file"]').first.wait_for(state="attached")
    if app.area != "gradio-app":
        await one.page.locator('[data-testid=stApp][data-test-script-state="notRunning"]').wait_for()


async def listens(address: str) -> None:
    """Waits until the server does."""
    host, port = address.removeprefix("http://").split(":")
    while True:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
            writer.close()
            return
        except OSError:
            await asyncio.sleep(0.05)


async def asked(one: Guest, app: App, photo: Path) -> Asked:
    """Chooses a photo and waits for the whole answer."""
    page = one.page
    await page.evaluate("() => window.clock.calm()")
    parts = [[app.area, app.css], list(app.five)]
    await page.evaluate("(parts) => window.clock.arm(['change'], ...parts[0], parts[1])", parts)
    one.door.mark()
    await page.locator('input[type="file"]').first.set_input_files(photo)
    whole = await page.evaluate("() => window.clock.rest") / 1000
    passed = one.door.passed
    begun, ended = passed.when(app.begins), passed.when(app.last) if app.last else passed.times[-1]
    if begun is None or ended is None:
        raise RuntimeError(f"{app.name}: the answer was not found in what was sent")
    served = ended - max(asked for asked in passed.questions if asked <= begun)
    named, *_ = await page.evaluate("() => window.clock.answer")
    name = (await page.locator(app.css).first.inner_text()).strip()
    whole = max(named / 1000, whole)
    return Asked(named / 1000, whole, min(served, whole), name)


async def crowd(
    app: App, browser: Browser, address: str, photos: list[Path], server: int | None = None
) -> list[Asked]:
    """As many visitors as photos choose theirs at the same moment; with `server` its part alone is meant."""
    guests = [await guest(browser, address) for _ in photos]
    for each in guests:
        await opened(each, app)
    if server is not None:
        step_back(server)
        barrier = asyncio.Barrier(len(guests))
        for each in guests:
            each.door.hold(barrier, app.asks)
    answers = await asyncio.gather(
        *(asked(each, app, photo) for each, photo in zip(guests, photos, strict=True))
    )
    for each in guests:
        await each.leave()
    if server is not None:
        step_back(server, back=False)
    return answers


async def measured(
    app: App, browser: Browser, photos: list[Path], settings: dict[str, str], rounds: int
) -> Found:
    """One fresh server: cold start, one visitor, ten visitors, memory."""
    found = Found()
    log = BUILD / f"{app.name.split(',')[0].lower()}.log"
    begun = time.monotonic()
    with started(app, settings, log) as (address, process):
        watch = Watch(process)
        one = await guest(browser, address)
        await listens(address)
        await opened(one, app)
        found.start.append(time.monotonic() - begun)
        first = await asked(one, app, photos[0])
        found.first.append(first.whole)
        say(f"{app.name}: first {first.whole:.2f} s")
        for photo in photos[1:] * rounds:
            await opened(one, app)
            answer = await asked(one, app, photo)
            found.named.append(answer.named)
            found.one.append(answer.whole)
            found.own.append(answer.whole - answer.served)
            say(
                f"{app.name}: {answer.name!r} after {answer.named:.2f} s, all of it after {answer.whole:.2f} s, "
                f"of which the server {answer.served:.2f} s"
            )
            found.names[photo.stem] = answer.name
        await one.leave()
        found.alone = sum(resident(process)[:2])
        for turn in range(rounds):
            chosen = [photos[(turn + place) % len(photos)] for place in range(CROWD)]
            answers = await crowd(app, browser, address, chosen)
            found.ten_named += [answer.named for answer in answers]
            found.ten += [answer.whole for answer in answers]
            say(f"{app.name}: ten at once, {[round(answer.whole, 2) for answer in answers]}")
            answers = await crowd(app, browser, address, chosen, server=process)
            found.ten_served += [answer.served for answer in answers]
            say(f"{app.name}: of which the server {[round(answer.served, 2) for answer in answers]}")
        watch.end()
        found.peak = watch.both
    return found


def make_photos(folder: Path) -> list[Path]:
    """Photos of 1600 x 1200 pixels, as a phone's are after they were sent."""
    made = []
    for name in PHOTOS:
        photo = Pillow.open(io.BytesIO(samples()[name].read())).convert("RGB").resize(SIZE)
        noise = np.random.default_rng(len(made)).integers(-4, 5, (SIZE[1], SIZE[0], 3), np.int16)
        pixels = np.clip(np.asarray(photo, np.int16) + noise, 0, 255).astype(np.uint8)
        made.append(folder / f"{name}.jpg")
        Pillow.fromarray(pixels).save(made[-1], quality=90)
    return made


def told(everything: dict[str, Found]) -> None:
    """Prints the table and what the ratios are."""
    rows = {
        "start to a page that takes a photo, s": lambda one: statistics.median(one.start),
        "the first photo to its name, s": lambda one: statistics.median(one.first),
        "one visitor, photo to name: median, s": lambda one: statistics.median(one.named),
        "  to the whole answer: median, s": lambda one: statistics.median(one.one),
        "  95th percentile, s": lambda one: percentile(one.one, 0.95),
        "  the browser's own part of it: median, s": lambda one: statistics.median(one.own),
        f"{CROWD} visitors at once, to name: median, s": lambda one: statistics.median(one.ten_named),
        "  to the whole answer: median, s ": lambda one: statistics.median(one.ten),
        "  the last of them (95th percentile), s": lambda one: percentile(one.ten, 0.95),
        f"{CROWD} visitors with machines of their own: median, s": lambda one: statistics.median(
            one.ten_apart
        ),
        "  the last of them (95th percentile), s ": lambda one: percentile(one.ten_apart, 0.95),
        "resident memory after one visitor, MB": lambda one: one.alone / 1e6,
        "  its peak, MB": lambda one: one.peak / 1e6,
    }
    width = max(map(len, rows)) + 2
    print(f"\n{'':{width}}" + "".join(f"{name:>28}" for name in everything))
    for name, of in rows.items():
        digits = 0 if name.endswith("MB") else 2
        print(f"{name:{width}}" + "".join(f"{of(one):28.{digits}f}" for one in everything.values()))
    ours, *others = everything.items()
    tell(
        "peers",
        one=f"{statistics.median(ours[1].one):.2f}",
        ten=f"{statistics.median(ours[1].ten):.1f}",
        ten_own=f"{statistics.median(ours[1].ten_apart):.1f}",
    )
    for name, other in others:
        one = statistics.median(other.one) / statistics.median(ours[1].one)
        ten = statistics.median(other.ten) / statistics.median(ours[1].ten)
        apart = statistics.median(other.ten_apart) / statistics.median(ours[1].ten_apart)
        memory = ours[1].peak / other.peak
        print(
            f"{name}: one visitor waits {one:.1f} x as long for the answer as with ours (target 3: {_met(one >= 3)}), ten "
            f"with machines of their own {apart:.1f} x (target 5: {_met(apart >= 5)}), ten whose browsers share the "
            f"server's cores {ten:.1f} x; ours takes {memory:.2f} of its memory (target 0.67: {_met(memory <= 2 / 3)})"
        )
        about = name.split(",")[0].lower()
        ratios = {
            f"{about}_one": f"{one:.1f}",
            f"{about}_ten": f"{ten:.1f}",
            f"{about}_ten_own": f"{apart:.1f}",
            f"{about}_memory": f"{memory:.2f}",
        }
        tell("peers", **ratios)
        same = sum(_same(ours[1].names[photo], named) for photo, named in other.names.items())
        print(f"  {same} of {len(other.names)} photos are named alike")


def _same(ours: str, other: str) -> bool:
    """Whether two answers begin with the same class; ours goes on with its share, others too."""
    return other.replace(":", " ").split("  ")[0].lower().startswith(ours.split("\u2002")[0].lower())


def _met(met: bool) -> str:
    return "met" if met else "MISSED"


async def run(rounds: int, which: list[str]) -> None:
    """Measures every app after the other in one browser."""
    python = environment()
    model, labels = network()
    settings = {
        "MODEL": str(model),
        "LABELS": str(labels),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    }
    everything = {}
    with tempfile.TemporaryDirectory() as folder:
        photos = make_photos(Path(folder))
        async with async_playwright() as playwright:
            browser = await launch(playwright)
            for app in apps(python):
                if which and not any(word.lower() in app.name.lower() for word in which):
                    continue
                everything[app.name] = await measured(app, browser, photos, settings, rounds)
                print(f"{app.name}: measured", flush=True)
            await browser.close()
    told(everything)


def main() -> None:
    """Two cores, and the three apps."""
    ask = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    ask.add_argument("--rounds", type=int, default=3)
    ask.add_argument("--only", nargs="*", default=[], help="words of the apps' names")
    ask.add_argument(
        "--prepare", action="store_true", help="only make the virtual environment and the network"
    )
    chosen = ask.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are ended too
    if chosen.prepare:
        environment()
        network()
        return
    print(f"{two_cores()}; photos of {SIZE[0]} x {SIZE[1]} pixels")
    asyncio.run(run(chosen.rounds, chosen.only))


if __name__ == "__main__":
    main()
