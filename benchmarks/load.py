"""Twenty visitors with real browser pages on a small host: how long they wait, what it takes, what goes wrong.

    python -m benchmarks.load                       # 20 visitors, 10 minutes
    python -m benchmarks.load --soak 500            # 500 actions in a row: does the memory grow?

Each visitor goes through the three minutes again and again, with a photo, sentences and classes of their own, and
stops for 5 to 15 seconds after every answer. Every page that they are shown is searched for the words and the
pictures of the others. Before them comes one visitor alone, as a presenter prepares the room: the models that are
loaded at their first use are loaded then, and what that visitor sees too is nobody's own.

The clock of an action runs in the browser, from the event (the click, the key, the chosen file) to the moment when
the answer stands on the page and its pictures are decoded. Twenty browsers take two to three times what the server
takes, and in a room they are twenty other machines. Here they get the machine's other cores; where it has none, what
the server leaves of its two. They are then late to draw what they have long been sent: so each visitor's way to the
server leads through a door of its own (`benchmarks.door`), at which the server's part of an answer is timed, and a
click is told in two ways, as it was on this machine, and as the server's part with the browser's own part added, as
the visitor who was alone had it.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import math
import random
import signal
import statistics
import sys
import time
from collections.abc import Iterator, Set
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image as Pillow
from playwright.async_api import Browser, async_playwright
from playwright.async_api import Error as BrowserError

from benchmarks import marks, three_minutes
from benchmarks.audience import ALONE, PATIENCE, Over, Person, Record, launch
from benchmarks.figures import tell
from benchmarks.host import Limit, Watch, limited, percentile, seconds_of_cores, step_back, two_cores
from tests.browser import ROOT, Server, serve

FIRST = 200  # the number of the visitor who comes before the others
TURNS = 4  # files that are made for each visitor; after them they begin again
ARRIVE = 120.0  # seconds within which all have come
GIVE_UP = 3  # turns in a row that failed: this visitor leaves
QUICK = ("classify: another class, to its map", "classify: a sample", "classify: the own photo again")
AFTER = 100  # actions of a soak from which on the memory is compared
GIGABYTE = 1e9


def common(record: Record, shipped: Set[str] = frozenset()) -> Iterator[str]:
    """Pictures that two visitors were shown and that are not everybody's; one of a single colour tells nothing.

    Nor does one that all of them were shown in a sample's place: a stranger's own also stands elsewhere at its owner.
    """
    everybodys = record.seen[FIRST] | shipped
    for picture in sorted(set().union(*record.seen.values()) - everybodys):
        who = sorted(number for number, seen in record.seen.items() if picture in seen)
        of_a_sample = all(picture in record.samples[number] for number in who)
        if len(who) > 1 and not of_a_sample and not _plain(record.pictures.get(picture)):
            yield f"the visitors {who} were shown the same picture, {picture}"


def foreign(record: Record) -> Iterator[str]:
    """Pictures with the code of another visitor."""
    codes = {name: _code(data) for name, data in record.pictures.items()}
    for number, seen in sorted(record.seen.items()):
        for picture in sorted(seen):
            if codes.get(picture) in record.seen.keys() - {number}:
                yield f"visitor {number} was shown a picture of {codes[picture]}"


def _pixels(data: bytes | None, least: int = 0) -> np.ndarray | None:
    """A picture, unless it cannot be read or its shorter side is less than that."""
    with suppress(OSError, ValueError):
        if data:
            found = Pillow.open(io.BytesIO(data))
            if min(found.size) >= least:
                return np.asarray(found.convert("RGB"))
    return None


def _plain(data: bytes | None) -> bool:
    pixels = _pixels(data)
    return pixels is not None and bool((pixels == pixels[0, 0]).all())


def _code(data: bytes) -> int | None:
    pixels = _pixels(data, marks.LEAST)
    return None if pixels is None else marks.read_code(pixels)


async def visitor(
    browser: Browser, server: Server, number: int, record: Record, folder: Path, **how: Any
) -> None:
    """One visitor, until the time is up; who meets an error begins again."""
    failed = turn = 0
    await asyncio.sleep(random.Random(number).uniform(0, ARRIVE))
    while time.monotonic() < how["until"] and failed < GIVE_UP:
        person = await Person.enter(browser, server.address, number, record, folder, **how)
        with suppress(Over, TimeoutError, BrowserError):
            failed += 1
            while True:
                await three_minutes.walk(person, turn % TURNS)
                failed, turn = 0, turn + 1
        await person.leave()


async def before(browser: Browser, server: Server, record: Record, folder: Path, **how: Any) -> float:
    """The first visitor, alone; returns the seconds."""
    begun = time.monotonic()
    person = await Person.enter(browser, server.address, FIRST, record, folder, pause=(0.3, 0.5), **how)
    await three_minutes.walk(person, 0)
    await person.leave()
    return time.monotonic() - begun


def table(record: Record, alone: Record) -> None:
    """Prints the times of each action."""
    width = max(map(len, record.answered))
    head = f"{'times':>5}  median    95 %   worst   to the end: 95 %   server's part: median    95 %   alone"
    print(f"\n{'seconds from the click':{width}}  {head}")
    for name, taken in record.answered.items():
        served, before = record.served[name] or [math.nan], alone.answered[name] or [math.nan]
        print(
            f"{name:{width}}  {len(taken):5d}  {statistics.median(taken):6.2f}  {percentile(taken, 0.95):6.2f}  "
            f"{max(taken):6.2f}  {percentile(record.ended[name], 0.95):17.2f}  "
            f"{statistics.median(served):22.2f}  {percentile(served, 0.95):6.2f}  {statistics.median(before):6.2f}"
        )


def clicks(times: dict[str, list[float]]) -> dict[str, list[float]]:
    """Of the times of all actions those of clicks on classify or preprocess, the opening of a page apart."""
    return {
        name: taken
        for name, taken in times.items()
        if name in QUICK or (name.startswith("preprocess:") and not name.endswith("open"))
    }


def on_own_machines(record: Record, alone: Record) -> list[float]:
    """The clicks as visitors with machines of their own have them: the server's part, and the browser's alone."""
    found = []
    for name, served in clicks(record.served).items():
        own = [whole - part for whole, part in zip(alone.answered[name], alone.served[name], strict=False)]
        found += [part + statistics.median(own) for part in served if own]
    return found


def verdict(met: bool) -> str:
    return "met" if met else "MISSED"


async def crowd(chosen: argparse.Namespace, limit: Limit, server: Server, folder: Path) -> None:
    """The visitors, and what came of them."""
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        step_back(server.process)
        alone = Record(loud=chosen.loud)
        watch = Watch(server.process)
        seconds = await before(browser, server, alone, folder, patience=chosen.patience)
        print(f"before them one visitor alone, {alone.actions} actions in {seconds:.0f} s", flush=True)
        record = Record(pictures=alone.pictures, seen=alone.seen, loud=chosen.loud)
        processes = (
            [server.process],
            [one.pid for one in psutil.Process().children() if one.pid != server.process],
        )
        computed = [seconds_of_cores(each) for each in processes]
        begun = time.monotonic()
        until = begun + chosen.minutes * 60
        how = {"until": until, "pause": tuple(chosen.pause), "patience": chosen.patience}
        numbers = range(1, chosen.visitors + 1)
        await asyncio.gather(*(visitor(browser, server, one, record, folder, **how) for one in numbers))
        lasted = time.monotonic() - begun
        computed = [seconds_of_cores(each) - was for each, was in zip(processes, computed, strict=True)]
        watch.end()
        await browser.close()
    _report(record, alone, limit, watch, lasted, computed)


def _report(
    record: Record, alone: Record, limit: Limit, watch: Watch, lasted: float, computed: list[float]
) -> None:
    table(record, alone)
    shares = [f"{share / lasted:.2f}" for share in computed]
    print(f"\ncores taken on average over {lasted:.0f} s: server and worker {shares[0]}, browser {shares[1]}")
    taken = [one for times in clicks(record.answered).values() for one in times]
    apart = on_own_machines(record, alone)
    for told, times, names in (
        ("on this machine, which draws for all", taken, ("median", "late")),
        ("for browsers on machines of their own", apart, ("median_own", "late_own")),
    ):
        if times:
            middle, late = statistics.median(times), percentile(times, 0.95)
            print(
                f"a click on classify or preprocess {told}, {len(times)} times: median {middle:.2f} s, "
                f"95th percentile {late:.2f} s (target under 1.5 s: {verdict(late < 1.5)})"
            )
            tell("load", **{names[0]: f"{middle:.1f}", names[1]: f"{late:.1f}"})
    print(
        f"peak memory: server {watch.server / GIGABYTE:.2f} GB resident (target under 1.2: "
        f"{verdict(watch.server < 1.2e9)}); worker {watch.worker / GIGABYTE:.2f} GB resident; server and worker "
        f"{watch.both / GIGABYTE:.2f} GB resident, {watch.shared_once / GIGABYTE:.2f} GB with what they share counted "
        f"once (target under 2.3: {verdict(watch.both < 2.3e9)})"
    )
    if limit.peak() is not None:
        print(
            f"  the control group held {limit.peak() / GIGABYTE:.2f} GB at most, files it read included",
            end="",
        )
        print(f"; killed for their memory: {limit.killed()}")
    errors = alone.errors + record.errors
    print(f"errors: {sum(errors.values())} (target 0: {verdict(not errors)})")
    for error, times in errors.most_common():
        print(f"  {times} times {error}")
    tell("load", errors=str(sum(errors.values())), server=f"{watch.server / GIGABYTE:.2f}")
    leaks = [*alone.leaks, *record.leaks, *common(record, marks.shipped()), *foreign(record)]
    print(
        f"traces of one visitor at another: {len(leaks)} (target 0: {verdict(not leaks)}); {record.pages_read} pages and "
        f"{len(set().union(*record.seen.values()))} different pictures were searched"
    )
    for leak in leaks[:20]:
        print(f"  {leak}")


def prepare(numbers: range, folder: Path) -> None:
    """Makes the visitors' files, where they are not there yet, so that it costs nothing during the run."""
    for number in (FIRST, *numbers):
        for turn in range(1 if number == FIRST else TURNS):
            three_minutes.files(number, turn, folder)


async def soak(chosen: argparse.Namespace, limit: Limit, server: Server, folder: Path) -> None:
    """Actions in a row by a few visitors, and how the server's memory goes on after the first hundred."""
    record = Record(loud=chosen.loud)
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        watch = Watch(server.process)
        memory: list[tuple[int, int]] = []
        turn = 0
        people = [
            await Person.enter(
                browser, server.address, number, record, folder, pause=(0.0, 0.1), patience=chosen.patience
            )
            for number in range(1, chosen.visitors + 1)
        ]
        while record.actions < chosen.soak:
            for person in people:
                await three_minutes.walk(person, turn % TURNS, lesson=False)
                resident = watch.looks[-1].server if watch.looks else 0
                memory.append((record.actions, resident))
                print(f"after {record.actions} actions: server {resident / 2**20:.0f} MiB", flush=True)
            record.pictures.clear()
            turn += 1
        watch.end()
        await browser.close()
    early = [taken for actions, taken in memory if actions >= AFTER]
    print(
        f"peak memory of the server: {watch.server / GIGABYTE:.2f} GB resident; of the worker {watch.worker / GIGABYTE:.2f}"
    )
    if len(early) > 1:
        grown = (early[-1] - early[0]) / 1e6
        print(
            f"growth after the first {AFTER} actions: {grown:+.0f} MB (target under 30: {verdict(grown < 30)})"
        )
        tell("load", growth=f"{grown:.0f}")
    print(f"errors: {sum(record.errors.values())}")
    for error, times in record.errors.most_common():
        print(f"  {times} times {error}")


def main() -> None:
    """Limit, serve, drive, print."""
    ask = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    ask.add_argument("--visitors", type=int, help="20; of a soak 2")
    ask.add_argument("--minutes", type=float, default=10.0)
    ask.add_argument("--megabytes", type=int, default=2700, help="that server and worker may take")
    ask.add_argument("--pause", type=float, nargs=2, default=ALONE, help="seconds between two actions")
    ask.add_argument(
        "--patience", type=float, default=PATIENCE, help="seconds without an answer that are an error"
    )
    ask.add_argument("--soak", type=int, default=0, metavar="ACTIONS")
    ask.add_argument("--loud", action="store_true", help="print every action as it is answered")
    ask.add_argument("--port", type=int, default=0)
    chosen = ask.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is ended too
    chosen.visitors = chosen.visitors or (2 if chosen.soak else 20)
    print(f"{chosen.visitors} visitors; {two_cores()}")
    folder = ROOT / "build" / "load"
    folder.mkdir(parents=True, exist_ok=True)
    prepare(range(1, chosen.visitors + 1), folder)
    with limited(chosen.megabytes) as limit:
        print(f"memory of server and worker: {limit.told}")
        with serve(port=chosen.port, prefix=limit.prefix, **limit.environment) as server:
            run = soak if chosen.soak else crowd
            asyncio.run(run(chosen, limit, server, folder))


if __name__ == "__main__":
    main()
