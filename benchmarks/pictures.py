"""The README's pictures, taken with a real browser of the app as it runs, in English and in Chinese.

    python -m benchmarks.pictures                       # all of them, into docs/
    python -m benchmarks.pictures classify glassbox     # those whose names begin so
    python -m benchmarks.pictures --to FOLDER

Each is taken when nothing runs, every picture of the page is decoded and two looks at it are the same. So is each
frame of the film: how long one is shown is no measure of the app, `benchmarks.slider` and `benchmarks.typing`
measure that.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from PIL import Image, ImageOps
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect, sync_playwright

from benchmarks.audience import CLOCK
from core import i18n
from core.imaging.samples import samples
from tests.browser import PATIENCE, ROOT, Visitor, launch, serve, visit

FOLDER = ROOT / "docs"
WIDE, HIGH = 1440, 900  # of the window
LONG_SIDE, QUALITY = 1280, 77  # of a still picture
MARGIN = 8  # below the last thing on it
FILM, FILM_WIDE, FILM_BYTES = "glassbox", 960, 480_000
QUALITIES = range(84, 48, -4)  # of the film: the first that fits
ALL_BYTES = 1_300_000  # of the whole folder
LANGUAGES = ("en", "zh")
PROMPTS = {
    "en": ("a cup of coffee on a table", "一杯咖啡", "something warm to drink", "a red bicycle", "一只猫"),
    "zh": ("一杯热咖啡", "something warm to drink", "一只猫", "a red bicycle", "夜晚的一座桥"),
}
SENTENCE = "A bad start, yet a great film: I loved it"
# Opened before: what the pictures show of time is not of the first visit.
WARM = ("/classify?lang=en", "/sentiment?lang=zh&text=好")

CALM = """async () => {
  const images = (root) => [
    ...root.querySelectorAll('img'),
    ...[...root.querySelectorAll('*')].filter((one) => one.shadowRoot).flatMap((one) => images(one.shadowRoot)),
  ];
  await window.clock.calm();
  await document.fonts.ready;
  const due = (one) => one.src && (one.complete || one.loading !== 'lazy'); // the rest is out of sight
  await Promise.all(images(document).filter(due).map((one) => one.decode().catch(() => {})));
}"""
WRONG = "[data-testid=stException], [data-testid=stAlertContentError], [data-testid=stSpinner], [data-testid=stSkeleton]"

# The film's pointer: a browser that nobody sees has none. A ring is around it while the button is down.
POINTER = """document.addEventListener('DOMContentLoaded', () => {
  const pointer = document.createElement('div');
  pointer.style.cssText = 'position:fixed;left:0;top:0;z-index:2147483647;pointer-events:none;display:none';
  pointer.innerHTML = `<svg width="44" height="44" viewBox="-14 -14 44 44" style="margin:-14px;display:block">
    <circle r="12" fill="#E07A3F" fill-opacity="0.35" stroke="#E07A3F" stroke-width="2" visibility="hidden"/>
    <path d="M0 0 L0 20 L4.8 15.6 L8 23 L11.4 21.5 L8.2 14.3 L14.5 14 Z" fill="#16211F" stroke="#fff" stroke-width="1.6"/>
  </svg>`;
  document.documentElement.append(pointer);
  const ring = pointer.querySelector('circle');
  const follow = (event) => {
    pointer.style.display = 'block';
    pointer.style.transform = `translate(${event.clientX}px, ${event.clientY}px)`;
    ring.setAttribute('visibility', event.buttons ? 'visible' : 'hidden');
  };
  for (const name of ['pointermove', 'pointerdown', 'pointerup']) window.addEventListener(name, follow, true);
});"""


@dataclass(frozen=True)
class Still:
    """A picture that does not move."""

    name: str  # docs/NAME.jpg
    path: str
    query: dict[str, str]
    last: str  # what it ends below, so that nothing is cut, as a CSS selector
    high: int = 1000  # of the window


def settled(page: Page) -> Image.Image:
    """The screen once nothing moves on it.

    Raises:
        RuntimeError: it does not come to rest, or shows an error, or that something is still computed.
    """
    seen = b""
    for _ in range(10 * PATIENCE):
        page.evaluate(CALM)
        now = page.screenshot()
        if now == seen and page.locator(WRONG).filter(visible=True).count() == 0:
            return Image.open(io.BytesIO(now)).convert("RGB")
        seen = now
        page.wait_for_timeout(100)
    raise RuntimeError(f"{page.url}: not calm, or {page.locator(WRONG).all_inner_texts()}")


def small(image: Image.Image, wide: int) -> Image.Image:
    """The picture so wide, in its own proportions."""
    return image.resize((wide, round(image.height * wide / image.width)), Image.Resampling.LANCZOS)


def entered(browser: Browser, address: str, **how: Any) -> Visitor:
    """A visitor whose pages can be waited for, and stand still by themselves."""
    visitor = visit(browser, address, color_scheme="light", reduced_motion="reduce", **how)
    visitor.context.add_init_script(CLOCK)
    return visitor


def take(browser: Browser, address: str, still: Still, folder: Path) -> Path:
    """Takes one picture; where it is."""
    visitor = entered(browser, address, viewport={"width": WIDE, "height": still.high})
    page = visitor.open(f"{still.path}?{urlencode(still.query)}")
    image = settled(page)
    ends = [page.locator(each).last.bounding_box() for each in (still.last, ".st-key-forget")]
    bottom = max(box["y"] + box["height"] for box in ends if box) + MARGIN
    assert bottom <= still.high, f"{still.name} needs a window {bottom:.0f} high"
    assert not visitor.complaints(), visitor.complaints()
    visitor.context.close()
    image = image.crop((0, 0, WIDE, round(bottom)))
    file = folder / f"{still.name}.jpg"
    small(image, round(LONG_SIDE * image.width / max(image.size))).save(
        file, quality=QUALITY, optimize=True, progressive=True
    )
    return file


def stills(language: str) -> list[Still]:
    """The pictures of a language; the film shows the English sentiment page, so it has no other."""
    photo = {"lang": language, "image": "red_panda"}
    channel = {"model": "article_cnn", "image": "golden_retriever", "layer": "conv2", "channel": "18"}
    text = {"model": "transformer", "text": i18n.text(language, "presenter.text.turn")}
    prompts = {"image": "espresso", "prompts": "\n".join(PROMPTS[language])}
    read = Still(
        f"sentiment-{language}", "/sentiment", photo | text, ".st-key-sentiment_method_leave_one_out", 1200
    )
    return [
        Still(f"classify-{language}", "/classify", photo, ".st-key-photo_ways"),
        Still(f"inside-{language}", "/feature_maps", photo | channel, ".st-key-inside_apart", 1400),
        *([read] if language != "en" else []),
        Still(f"tuning-{language}", "/locked_image_tuning", photo | prompts, "[data-testid=stExpander]"),
    ]


# --- the film --------------------------------------------------------------------------------------


@dataclass
class Film:
    """Frames of a page, and for how many milliseconds each is shown."""

    page: Page
    frames: list[Image.Image] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)  # the frames that begin a scene
    at: tuple[float, float] = (0.92 * WIDE, 0.55 * HIGH)  # the pointer

    def frame(self, milliseconds: int, image: Image.Image) -> None:
        """One more frame; one that is like the last is only shown for longer."""
        shown = small(image, FILM_WIDE)
        begins = bool(self.cuts) and self.cuts[-1] == len(self.frames)
        if self.frames and not begins and shown.tobytes() == self.frames[-1].tobytes():
            self.lengths[-1] += milliseconds
        else:
            self.frames.append(shown)
            self.lengths.append(milliseconds)

    def hold(self, milliseconds: int) -> None:
        """The page at rest."""
        self.frame(milliseconds, settled(self.page))

    def cut(self, milliseconds: int) -> None:
        """The page at rest, which is another one: the picture is drawn anew.

        Where a frame is told as its difference from the one before, a trace of that one stays at the edges.
        """
        self.cuts.append(len(self.frames))
        self.hold(milliseconds)

    def passing(self, milliseconds: int) -> None:
        """The page as it is at this moment, while a hand moves over it."""
        self.frame(milliseconds, Image.open(io.BytesIO(self.page.screenshot())).convert("RGB"))

    def move(self, x: float, y: float, steps: int = 5) -> None:
        """The pointer goes to a place, faster in the middle of its way."""
        (left, top), self.at = self.at, (x, y)
        for step in range(1, steps + 1):
            share = step / steps
            share = share * share * (3 - 2 * share)
            self.page.mouse.move(left + share * (x - left), top + share * (y - top))
            self.passing(40)

    def to(self, where: Locator, across: float = 0.5, down: float = 0.5) -> None:
        """The pointer goes to a part of the page."""
        where.scroll_into_view_if_needed()
        box = where.bounding_box()
        assert box is not None, where
        self.move(box["x"] + across * box["width"], box["y"] + down * box["height"])

    def click(self, where: Locator, across: float = 0.5, down: float = 0.5) -> None:
        """The pointer goes there and clicks."""
        self.to(where, across, down)
        self.page.mouse.down()
        self.passing(110)
        self.page.mouse.up()

    def packed(self, quality: int) -> bytes:
        """As an animated WebP that loops: the scenes between the cuts, each packed by itself, one after another.

        References:
            WebP Container Specification: `RIFF`, size, `WEBP`, then chunks; those of frames are `ANMF`.
        """
        scenes = []
        for begin, end in pairwise([*self.cuts, len(self.frames)]):
            one = io.BytesIO()
            self.frames[begin].save(
                one,
                "WEBP",
                save_all=True,
                append_images=self.frames[begin + 1 : end],
                duration=self.lengths[begin:end],
                loop=0,
                quality=quality,
                method=6,
                minimize_size=True,
            )
            scenes.append(chunks(one.getvalue()))
        head = [chunk for chunk in scenes[0] if chunk[:4] != b"ANMF"]  # VP8X and ANIM
        frames = [chunk for scene in scenes for chunk in scene if chunk[:4] == b"ANMF"]
        assert len(frames) == len(self.frames), (
            "a scene of one frame is packed as a picture that does not move"
        )
        body = b"".join(head + frames)
        return b"RIFF" + (4 + len(body)).to_bytes(4, "little") + b"WEBP" + body

    def save(self, file: Path) -> None:
        """Writes it in the best quality that is small enough, or the least."""
        quality, data = next(
            (quality, data)
            for quality in QUALITIES
            if len(data := self.packed(quality)) <= FILM_BYTES or quality == QUALITIES[-1]
        )
        file.write_bytes(data)
        seconds = sum(self.lengths) / 1000
        print(f"{file}: {seconds:.1f} s, {len(self.frames)} frames, quality {quality}")


def chunks(webp: bytes) -> list[bytes]:
    """The chunks of a WebP file, each with its name and its size."""
    found, at = [], 12
    while at < len(webp):
        size = int.from_bytes(webp[at + 4 : at + 8], "little")
        found.append(webp[at : at + 8 + size + size % 2])
        at += 8 + size + size % 2
    return found


def side_by_side(left: str, right: str) -> FilePayload:
    """Two of the sample photos as one file: a photo in which there is more than one thing to look at."""
    both = Image.new("RGB", (800, 600))
    for number, name in enumerate((left, right)):
        part = Image.open(io.BytesIO(samples()[name].read())).convert("RGB")
        both.paste(ImageOps.fit(part, (400, 600)), (400 * number, 0))
    packed = io.BytesIO()
    both.save(packed, "JPEG", quality=92)
    return {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": packed.getvalue()}


def follow(page: Page, name: str) -> Locator:
    """A page's link in the sidebar, which keeps the visit: an address that is opened anew begins another."""
    return page.locator(f'[data-testid=stSidebar] a[href*="{name}"]')


def write(page: Page, text: str) -> None:
    """Writes a text for the five networks and waits until it is read."""
    area = page.locator(".st-key-sentiment_writing textarea")
    area.fill(text)
    area.press("Enter")
    expect(page.locator(".st-key-sentiment_running .tokens")).to_have_text("".join(text.split()))


def prepared(visitor: Visitor) -> Page:
    """The classify page of a visit that has been everywhere, so that each page opens as it is filmed."""
    page = visitor.open("/preprocess?lang=en&image=red_panda&chain=gaussian_noise.sigma_1")
    follow(page, "feature_maps").click()
    page.locator(".st-key-inside_network .head").first.wait_for()
    settled(page)
    page.locator(".st-key-inside_tabs [role=tab]").nth(1).click()
    page.locator(".st-key-inside_pixel .stage").wait_for()
    follow(page, "sentiment").click()
    page.locator(".st-key-sentiment_answer").wait_for()
    settled(page)
    write(page, SENTENCE.split(",")[0])
    settled(page)
    follow(page, "classify").click()
    page.locator(".st-key-headline h2").wait_for()
    return page


def film(browser: Browser, address: str, folder: Path) -> Path:
    """A photo is named and its map moves, noise turns the name, a pixel is recomputed, a sentence turns."""
    visitor = entered(browser, address, viewport={"width": WIDE, "height": HIGH})
    visitor.context.add_init_script(POINTER)
    reel = Film(prepared(visitor))
    reel.page.mouse.move(*reel.at)
    for scene in (a_name, noise, a_pixel, a_sentence):
        scene(reel)
    assert not visitor.complaints(), visitor.complaints()
    visitor.context.close()
    file = folder / f"{FILM}.webp"
    reel.save(file)
    return file


def a_name(reel: Film) -> None:
    """A file is chosen and named; another class is chosen and the map moves to it."""
    page = reel.page
    reel.cut(600)
    button = page.locator('[class*=st-key-photo_upload] [data-testid="stFileUploaderDropzone"] button')
    with page.expect_file_chooser() as chooser:
        reel.click(button.first)
    chooser.value.set_files([side_by_side("balloon", "tabby_cat")])
    expect(page.locator(".st-key-headline h2")).to_contain_text("tabby cat")
    reel.cut(1000)
    reel.click(page.locator(".st-key-classify_bars [role=radio]").filter(has_text="balloon"))
    reel.hold(1000)


def noise(reel: Film) -> None:
    """The slider of the noise is dragged; the picture is taken at each stop as it is when the slider is let go."""
    page = reel.page
    reel.click(follow(page, "preprocess"))
    page.locator(".st-key-studio_picture img.after").wait_for()
    slider = page.locator('[class*="_sigma"] [data-testid=stSlider]')
    reel.cut(350)
    reel.to(slider.locator("input[type=range]").first, across=0.0)
    left, top = reel.at
    wide = (slider.bounding_box() or {"width": 0})["width"] - 12
    for share in (0.08, 0.2, 0.36, 0.54, 0.72):
        page.mouse.down()
        reel.at = (left + share * wide, top)
        page.mouse.move(*reel.at, steps=4)
        page.mouse.up()
        reel.hold(150)
    reel.hold(600)


def a_pixel(reel: Film) -> None:
    """The network, and below it the arithmetic of one pixel."""
    page = reel.page
    reel.click(follow(page, "feature_maps"))
    page.locator(".st-key-inside_pixel .stage").wait_for()
    reel.cut(450)
    reel.to(page.locator(".st-key-inside_network .head").nth(4), down=1.0)
    reel.hold(300)
    page.locator(".st-key-inside_tabs").evaluate("(one) => one.scrollIntoView()")
    reel.cut(250)
    reel.click(page.locator(".st-key-inside_pixel .stage"), 0.62, 0.45)
    reel.hold(1300)


def a_sentence(reel: Film) -> None:
    """A sentence is written on, and the verdicts turn."""
    page = reel.page
    reel.click(follow(page, "sentiment"))
    page.locator(".st-key-sentiment_running .tokens").wait_for()
    reel.cut(400)
    reel.click(page.locator(".st-key-sentiment_writing textarea"), 0.4)
    words = SENTENCE.split()
    for count in range(len(SENTENCE.split(",")[0].split()) + 1, len(words) + 1):
        write(page, " ".join(words[:count]))
        reel.hold(150)
    reel.hold(1400)


def main() -> int:
    """Take them; 1 when the folder has become too large."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", help="what their names begin with")
    parser.add_argument("--to", type=Path, default=FOLDER)
    asked = parser.parse_args()

    def wanted(name: str) -> bool:
        return not asked.names or any(name.startswith(begin) for begin in asked.names)

    with sync_playwright() as playwright, serve() as server:
        chromium = launch(playwright)
        warm = entered(chromium, server.address)
        for path in WARM:
            settled(warm.open(path))
        warm.context.close()
        for still in (still for language in LANGUAGES for still in stills(language) if wanted(still.name)):
            file = take(chromium, server.address, still, asked.to)
            print(f"{file}: {file.stat().st_size / 1000:.0f} kB", flush=True)
        if wanted(FILM):
            file = film(chromium, server.address, asked.to)
            print(f"{file}: {file.stat().st_size / 1000:.0f} kB", flush=True)
        chromium.close()
    total = sum(file.stat().st_size for file in asked.to.iterdir())
    print(f"{asked.to}: {total / 1000:.0f} kB, at most {ALL_BYTES / 1000:.0f}")
    return int(total > ALL_BYTES)


if __name__ == "__main__":
    raise SystemExit(main())
