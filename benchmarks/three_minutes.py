"""The three minutes as a visitor goes through them, with a photo, words and classes of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks import marks
from benchmarks.audience import Person
from core import i18n

BRINGS = ("change",)
WRITES = ("keydown",)
LESSON = 6.0  # seconds of a lesson that are watched at least: then its pictures are there


def files(number: int, turn: int, folder: Path) -> tuple[Path, Path]:
    """A visitor's photo and zip file of a turn; made before the run, so that it costs nothing then."""
    photo = folder / f"{marks.word(number)}-{turn}.jpg"
    archive = folder / f"{marks.word(number)}-{turn}.zip"
    if not archive.exists():
        photo.write_bytes(marks.photo(number, turn))
        archive.write_bytes(marks.archive(number, turn))
    return photo, archive


async def walk(one: Person, turn: int, *, lesson: bool = True) -> None:
    """All seven stations once; without the `lesson` at the end, nothing is tuned that takes longer than a second."""
    photo, archive = files(one.number, turn, one.folder)
    await home(one, photo)
    await classify(one)
    await preprocess(one)
    await inside(one)
    await sentiment(one, turn)
    await fine_tune(one, archive)
    await locked(one, turn)
    if lesson:
        await the_lesson(one)


async def home(one: Person, photo: Path) -> None:
    await one.open("home: open the link", f"/?lang={one.language}", ".st-key-home_way", "img")
    await one.act(
        "home: bring a photo, to its name",
        lambda: one.page.locator('[class*=st-key-photo_upload] input[type="file"]').set_input_files(photo),
        ".st-key-headline",
        "h2",
        BRINGS,
    )


async def classify(one: Person) -> None:
    page = one.page
    bars = page.locator(".st-key-classify_bars [role=radio]")
    gallery = page.locator(".st-key-photo_gallery .row > button")
    for place in (1, 2):
        await one.act(
            "classify: another class, to its map",
            bars.nth(place).click,
            ".st-key-classify_overlay",
            "img.heat",
        )
    await one.act("classify: a sample", gallery.last.click, ".st-key-classify_overlay", "img.photo")
    await one.act(
        "classify: the own photo again", gallery.first.click, ".st-key-classify_overlay", "img.photo"
    )


async def preprocess(one: Person) -> None:
    page = one.page
    await one.act("preprocess: open", _following(one), ".st-key-studio_picture", "img")
    await page.locator(".st-key-studio_add button").first.click()
    noise = page.locator(".st-key-studio_families").get_by_text(
        i18n.text(one.language, "step.gaussian_noise"), exact=True
    )
    await noise.first.wait_for()
    await one.act("preprocess: add noise", noise.first.click, ".st-key-studio_picture", "img.after")
    for key in ("PageUp", "PageUp", "ArrowLeft"):
        slider = page.locator('[class*="_sigma"] [data-testid=stSlider] input[type=range]').first
        await one.act(
            "preprocess: move the noise",
            lambda slider=slider, key=key: slider.press(key),
            ".st-key-studio_picture",
            "img.after",
            WRITES,
        )
    await page.locator(".st-key-studio_presets button").first.click()
    rescue = page.locator(".st-key-studio_preset_button_popover_rescue button")
    await rescue.wait_for()
    await one.act("preprocess: rescue", rescue.click, ".st-key-studio_picture", "img.after")
    cards = page.locator(".st-key-studio_strip .card .pick")
    for place in (1, 2):
        await one.act(
            "preprocess: look at a step", cards.nth(place).click, ".st-key-studio_picture", "img.after"
        )


async def inside(one: Person) -> None:
    page = one.page
    network = page.locator(".st-key-inside_network")
    await one.act("inside: open", _following(one), ".st-key-inside_network", ".head")
    for layer in ("block5_add", "block1_project_norm"):
        await one.act(
            "inside: a layer, taken apart",
            network.locator(f'.head[title^="{layer}"]').click,
            ".st-key-inside_apart",
            "img",
        )
    tabs = page.locator(".st-key-inside_tabs [role=tab]")
    if await page.locator(".st-key-inside_pixel .stage").count() == 0:
        await one.act("inside: open the arithmetic", tabs.nth(1).click, ".st-key-inside_tabs", "h4")
    stage = page.locator(".st-key-inside_pixel .stage")
    box = await stage.bounding_box() or {"width": 100.0, "height": 100.0}
    for share in (0.3, 0.6):
        at = {"x": share * box["width"], "y": (1 - share) * box["height"]}
        await one.act(
            "inside: a pixel, recomputed",
            lambda at=at: stage.click(position=at),
            ".st-key-inside_tabs",
            "h4",
        )


async def sentiment(one: Person, turn: int) -> None:
    await one.act("sentiment: open", _following(one), ".st-key-sentiment_running", "path")
    field = one.page.locator(".st-key-sentiment_writing textarea")
    for text in (marks.sentence(one.number, turn), f"{marks.word(one.number)} {turn}: not bad at all"):

        async def write(text: str = text) -> None:
            await field.fill(text)
            await field.press("Enter")

        await one.act("sentiment: a sentence", write, ".st-key-sentiment_running", ".tokens", WRITES)


async def fine_tune(one: Person, archive: Path) -> None:
    page = one.page
    await one.act(
        "fine-tune: open",
        _sidebar(one, "fine_tune"),
        ".st-key-fine_tune_sets, .st-key-fine_tune_headline",
        "button, h2",
    )
    if await page.locator(".st-key-fine_tune_sets").count() == 0:  # as it was left the last time
        await page.locator('[class*="st-key-fine_tune_tab"] [role=tab]').first.click()
        await page.locator(".st-key-fine_tune_sets").wait_for()
    upload = page.locator('.st-key-fine_tune_zip input[type="file"]')
    if await upload.count() == 0:
        zips = i18n.text(one.language, "fine_tune.set.zip")
        await page.locator(".st-key-fine_tune_sets button", has_text=zips).click()
        await upload.wait_for(state="attached")
    await one.act(
        "fine-tune: bring 30 pictures",
        lambda: upload.set_input_files(archive),
        ".st-key-fine_tune_bins_images",
        "img",
        BRINGS,
    )
    start = page.locator(".st-key-fine_tune_start button").first
    await one.act("fine-tune: tune, to the end", start.click, ".st-key-fine_tune_see", "button")
    see = page.locator(".st-key-fine_tune_see button").first
    await one.act("fine-tune: what it can do", see.click, ".st-key-fine_tune_headline", "h2")


async def locked(one: Person, turn: int) -> None:
    page = one.page
    await one.act(
        "locked: open",
        _sidebar(one, "locked_image_tuning"),
        ".st-key-lit_fits, .st-key-lit_locks",
        ".text, .title",
    )
    tabs = page.locator('[class*="st-key-lit_tab_"] [role=tab]')
    field = page.locator(".st-key-lit_fits textarea")
    if await field.count() == 0:  # as it was left the last time
        await tabs.first.click()
        await field.wait_for()
    for words in ("a red bicycle", "一只猫"):

        async def write(words: str = f"{words} {marks.word(one.number)} {turn}") -> None:
            await field.fill(words)
            await field.press("Enter")

        await one.act("locked: words", write, ".st-key-lit_fits", ".text", WRITES)


async def the_lesson(one: Person) -> None:
    """A look at the matrix: the lesson is begun, watched for a while and ended."""
    page = one.page
    tabs = page.locator('[class*="st-key-lit_tab_"] [role=tab]')
    await one.act("locked: open the lesson", tabs.nth(2).click, ".st-key-lit_locks", ".title")
    start = page.locator(".st-key-lit_start button").first
    if await start.count():
        await one.act("locked: begin the lesson", start.click, ".st-key-lit_status", "p")
        await one.think(least=LESSON)
        await one.look_around("locked: the lesson")
        # not timed: a lesson that is over by itself has no button, and may be over at any moment
        await page.evaluate("() => document.querySelector('.st-key-lit_stop button')?.click()")
        await page.locator(".st-key-lit_start button").first.wait_for()


def _following(one: Person) -> Callable[[], Awaitable[object]]:
    """Clicks the button at the end of the page."""
    return one.page.locator(".st-key-footer a").last.click


def _sidebar(one: Person, page: str) -> Callable[[], Awaitable[object]]:
    """Clicks a page's link in the sidebar."""
    return one.page.locator(f'[data-testid=stSidebar] a[href*="{page}"]').click
