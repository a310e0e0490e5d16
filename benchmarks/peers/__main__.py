"""The app that most people would write, its Gradio twin and ours, in the same browser in one run.

    python -m benchmarks.peers                # makes build/peers/venv for the two others, once
    python -m benchmarks.peers --rounds 5

For each: the seconds from the server's start to a page that takes a photo; from a photo that is chosen to its name
and to the whole answer, the name and the five most probable classes, on the page, for one visitor and for ten who
choose theirs at the same moment; and what the server takes of memory. All three have the same network with the same
weights, and are asked the same photos; the two others have it in Keras, ours in LiteRT. Ours goes on to draw much
more than an answer, and its clock stops at the same point as the others'.
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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from benchmarks.audience import CLOCK, launch
from benchmarks.figures import tell
from benchmarks.host import Watch, percentile, resident, two_cores
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


@dataclass
class Found:
    """What was measured of an app, in seconds and bytes."""

    start: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    named: list[float] = field(default_factory=list)  # one visitor, to the name
    one: list[float] = field(default_factory=list)  # one visitor, to the whole answer
    ten_named: list[float] = field(default_factory=list)
    ten: list[float] = field(default_factory=list)
    alone: int = 0  # resident after one visitor
    peak: int = 0
    names: dict[str, str] = field(default_factory=dict)  # photo -> what stood on the page


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
        ),
        App(
            "Streamlit, model.predict",
            python,
            (*streamlit, str(HERE / "usual_app.py"), *port, "--server.headless", "true"),
            "/",
            "[data-testid=stMain]",
            "h3",
            ("[data-testid=stMain] [data-testid=stElementContainer]:nth-child(5)", "img"),
        ),
        App(
            "Gradio, model.predict",
            python,
            (str(HERE / "gradio_app.py"),),
            "/",
            "gradio-app",
            "[data-testid=label-output-value]",
            ("gradio-app", "[data-testid=label-output-value], [data-testid$='-confidence-set']"),
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


async def guest(browser: Browser) -> tuple[BrowserContext, Page]:
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    await context.add_init_script(CLOCK)
    context.set_default_timeout(600_000)
    return context, await context.new_page()


async def opened(page: Page, app: App, address: str) -> None:
    """Opens the app's page as soon as its server listens, and waits until it takes a photo."""
    host, port = address.removeprefix("http://").split(":")
    while True:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
            writer.close()
            break
        except OSError:
            await asyncio.sleep(0.05)
    await page.goto(address + app.path, wait_until="commit")
    await page.locator('input[type="file"]').first.wait_for(state="attached")
    if app.area != "gradio-app":
        await page.locator('[data-testid=stApp][data-test-script-state="notRunning"]').wait_for()


async def asked(page: Page, app: App, photo: Path) -> tuple[float, float, str]:
    """Chooses a photo; the seconds until its name and until the whole answer stands there, and the name."""
    await page.evaluate("() => window.clock.calm()")
    parts = [[app.area, app.css], list(app.five)]
    await page.evaluate("(parts) => window.clock.arm(['change'], ...parts[0], parts[1])", parts)
    await page.locator('input[type="file"]').first.set_input_files(photo)
    named, _ = await page.evaluate("() => window.clock.answer")
    whole = await page.evaluate("() => window.clock.rest")
    name = (await page.locator(app.css).first.inner_text()).strip()
    return named / 1000, max(named, whole) / 1000, name


async def measured(
    app: App, browser: Browser, photos: list[Path], settings: dict[str, str], rounds: int
) -> Found:
    """One fresh server: cold start, one visitor, ten visitors, memory."""
    found = Found()
    log = BUILD / f"{app.name.split(',')[0].lower()}.log"
    begun = time.monotonic()
    with started(app, settings, log) as (address, process):
        watch = Watch(process)
        context, page = await guest(browser)
        await opened(page, app, address)
        found.start.append(time.monotonic() - begun)
        _, taken, _ = await asked(page, app, photos[0])
        found.first.append(taken)
        say(f"{app.name}: first {taken:.2f} s")
        for photo in photos[1:] * rounds:
            await opened(page, app, address)
            named, taken, name = await asked(page, app, photo)
            found.named.append(named)
            found.one.append(taken)
            say(f"{app.name}: {name!r} after {named:.2f} s, all of it after {taken:.2f} s")
            found.names[photo.stem] = name
        await context.close()
        found.alone = sum(resident(process)[:2])
        for turn in range(rounds):
            guests = [await guest(browser) for _ in range(CROWD)]
            for _, page in guests:
                await opened(page, app, address)
            chosen = [photos[(turn + place) % len(photos)] for place in range(CROWD)]
            answers = await asyncio.gather(
                *(asked(page, app, photo) for (_, page), photo in zip(guests, chosen, strict=True))
            )
            found.ten_named += [named for named, _, _ in answers]
            found.ten += [taken for _, taken, _ in answers]
            say(f"{app.name}: ten at once, {[round(taken, 2) for _, taken, _ in answers]}")
            for context, _ in guests:
                await context.close()
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
        f"{CROWD} visitors at once, to name: median, s": lambda one: statistics.median(one.ten_named),
        "  to the whole answer: median, s ": lambda one: statistics.median(one.ten),
        "  the last of them (95th percentile), s": lambda one: percentile(one.ten, 0.95),
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
    )
    for name, other in others:
        one = statistics.median(other.one) / statistics.median(ours[1].one)
        ten = statistics.median(other.ten) / statistics.median(ours[1].ten)
        memory = ours[1].peak / other.peak
        print(
            f"{name}: one visitor waits {one:.1f} x as long for the answer as with ours (target 3: {_met(one >= 3)}), ten {ten:.1f} x "
            f"(target 5: {_met(ten >= 5)}); ours takes {memory:.2f} of its memory (target 0.67: {_met(memory <= 2 / 3)})"
        )
        about = name.split(",")[0].lower()
        ratios = {
            f"{about}_one": f"{one:.1f}",
            f"{about}_ten": f"{ten:.1f}",
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
