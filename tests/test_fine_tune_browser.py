"""Fine-tuning as a person does it: from a zip file to a tuned network, a mended label and a download."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from playwright.sync_api import Browser, Page, expect

from tests.browser import Visitor, visit

pytestmark = pytest.mark.browser

COLOURS = {"red <b>things": (200, 50, 40), "蓝色": (40, 60, 200), "green 🍀": (50, 170, 60)}


def picture(colour: tuple[int, int, int], seed: int) -> bytes:
    random = np.random.default_rng(seed)
    pixels = np.clip(np.array(colour) + random.integers(-50, 50, (120, 160, 3)), 0, 255).astype(np.uint8)
    top, left = random.integers(10, 60, 2)
    pixels[top : top + 40, left : left + 50] //= 2
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "JPEG", quality=90)
    return file.getvalue()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of ten pictures, one of them in the wrong folder, and a file that is no picture."""
    file = tmp_path_factory.mktemp("upload") / "things.zip"
    with zipfile.ZipFile(file, "w") as found:
        for label, (name, colour) in enumerate(COLOURS.items()):
            for number in range(10):
                wrong = label == 0 and number == 9
                seen = COLOURS["蓝色"] if wrong else colour
                found.writestr(f"{name}/{number}.jpg", picture(seen, 100 * label + number))
        found.writestr("蓝色/notes.txt", "not a picture")
    return file


def tune(page: Page) -> None:
    page.get_by_role("button", name="Tune", exact=True).click()
    page.get_by_role("button", name="See what it can do").click(timeout=60_000)


def test_from_a_zip_to_a_tuned_network_and_its_files(visitor: Visitor, archive: Path, tmp_path: Path) -> None:
    page = visitor.open("/fine_tune?lang=en")
    page.get_by_role("button", name=re.compile("A zip file")).click()
    expect(page.get_by_text("At most 60 MB, 1,000 pictures and 20 classes")).to_be_visible()
    page.locator('.st-key-fine_tune_zip input[type="file"]').set_input_files(archive)
    expect(page.get_by_text("30 pictures, 3 classes")).to_be_visible(timeout=30_000)
    visitor.ready()
    # names are shown as they are written, and are no markup
    expect(
        page.get_by_label("Name of class 3").or_(page.get_by_label("Name of class 2")).first
    ).to_be_visible()
    names = [page.get_by_label(f"Name of class {number}").input_value() for number in (1, 2, 3)]
    assert set(names) == set(COLOURS)
    page.get_by_text("What was left out or changed").click()
    expect(page.get_by_text("notes.txt")).to_be_visible()

    tune(page)
    expect(page.get_by_role("heading", level=2).first).to_contain_text("new pictures", timeout=20_000)
    assert page.locator(".stMain b", has_text="things").count() == 0
    # any photo: the cat is none of them
    expect(page.get_by_role("heading", name="None of your classes")).to_be_visible(timeout=20_000)
    visitor.ready()

    page.get_by_role("tab", name="4 · Take it along").click()
    page.get_by_role("button", name="Make the files").click()
    with page.expect_download(timeout=240_000) as download:
        page.get_by_role("button", name=re.compile("Download the network")).click(timeout=240_000)
    with zipfile.ZipFile(download.value.path()) as files:
        held = set(files.namelist())
        assert {"model.keras", "model.tflite", "labels.txt", "classify.py", "glassbox.zip"} <= held
        assert set(files.read("labels.txt").decode().splitlines()) == set(COLOURS)

    # the tuned network on another page, for this visitor
    page.get_by_role("button", name="Classify photos with it").click()
    visitor.ready()
    expect(page.get_by_role("heading", level=1)).to_have_text("What is it?")
    expect(page.get_by_role("radio", name="Your network")).to_be_checked()
    # and what was taken away can be brought back
    page.get_by_role("link", name="Fine-tune").click()
    visitor.ready()
    page.get_by_role("tab", name="4 · Take it along").click()
    saved = tmp_path / "network.zip"
    download.value.save_as(saved)
    page.locator('[class*="st-key-fine_tune_saved"] input[type="file"]').set_input_files(saved)
    expect(page.get_by_text("This network was brought back")).to_be_visible(timeout=30_000)
    expect(page.locator('[data-testid="stAlertContentError"]')).to_have_count(0)


def test_a_mistake_is_opened_mended_and_learned(visitor: Visitor) -> None:
    page = visitor.open("/fine_tune?lang=en&set=digits")
    tune(page)
    wrong = page.locator("td > button", has_text=re.compile(r"^✗"))
    expect(wrong.first).to_be_visible(timeout=30_000)
    wrong.last.click()
    visitor.ready()
    expect(page.get_by_text("It really is")).to_be_visible()
    expect(page.get_by_role("button", name="Tune again")).to_have_count(0)
    page.get_by_role("button", name="Drop it", exact=True).click()
    visitor.ready()
    page.get_by_role("button", name="Tune again").click()
    page.get_by_role("button", name="See what it can do").click(timeout=60_000)
    expect(page.get_by_text("points")).to_be_visible(timeout=30_000)  # more or fewer than before
    expect(page.get_by_role("heading", level=2).first).to_contain_text("79 new pictures")


def test_pictures_are_put_into_named_classes_on_a_phone(
    chromium: Browser, address: str, tmp_path: Path
) -> None:
    phone = visit(chromium, address, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = phone.open("/fine_tune?lang=en")
    page.get_by_role("button", name=re.compile("Your pictures")).click()
    expect(page.get_by_text("Name your classes")).to_be_visible()
    for number, (name, colour) in enumerate(list(COLOURS.items())[:2], 1):
        field = page.get_by_label(f"Name of class {number}")
        field.fill(name)
        field.press("Enter")
        phone.ready()
        files = []
        for seed in range(18):  # more than one message holds
            file = tmp_path / f"{number}-{seed}.jpg"
            file.write_bytes(picture(colour, 1000 * number + seed))
            files.append(file)
        page.locator('.lane input[type="file"]').nth(number - 1).set_input_files(files)
        expect(page.get_by_text(f"{18 * number} pictures")).to_be_visible(timeout=30_000)
    phone.ready()
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert too_wide <= 0
    button = page.get_by_role("button", name="Tune", exact=True)
    expect(button).to_be_enabled()
    button.click()
    page.get_by_role("button", name="See what it can do").click(timeout=60_000)
    expect(page.get_by_role("heading", level=2).first).to_contain_text("100% right", timeout=20_000)
    phone.context.close()
    assert not phone.complaints()


def test_locks_are_opened_by_clicking_them(visitor: Visitor) -> None:
    page = visitor.open("/fine_tune?lang=en")
    last = page.get_by_role("button", name=re.compile("Last blocks"))
    expect(last).to_have_attribute("aria-pressed", "false")
    last.click()
    expect(last).to_have_attribute("aria-pressed", "true")
    visitor.ready()
    assert "plan=last" in page.url
    expect(page.get_by_role("radio", name="Last layers")).to_be_checked()


def test_the_camera_takes_pictures_while_the_button_is_held(chromium: Browser, address: str) -> None:
    guest = visit(chromium, address)
    page = guest.page
    page.add_init_script(
        """navigator.mediaDevices.getUserMedia = async () => {
             const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
             const paint = canvas.getContext("2d");
             setInterval(() => {
               paint.fillStyle = `hsl(${performance.now() / 5 % 360} 80% 50%)`;
               paint.fillRect(0, 0, 320, 240);
               paint.fillStyle = "#fff";
               for (let i = 0; i < 30; i++) paint.fillRect(Math.random() * 300, Math.random() * 220, 40, 40);
             }, 40);
             return canvas.captureStream(25);
           };"""
    )
    page = guest.open("/fine_tune?lang=en")
    page.get_by_role("button", name=re.compile("Your pictures")).click()
    expect(page.get_by_text("Name your classes")).to_be_visible()
    page.locator(".lane .film").first.click()
    shoot = page.get_by_role("button", name="Hold to take pictures")
    expect(shoot).to_be_enabled()
    page.wait_for_timeout(500)
    shoot.hover()
    page.mouse.down()
    page.wait_for_timeout(1200)
    page.mouse.up()
    expect(page.locator(".lane").first.locator(".items > button[data-id]").nth(3)).to_be_visible(
        timeout=20_000
    )
    page.get_by_role("button", name="Close").click()
    expect(page.locator("video")).to_have_count(0)
    guest.context.close()
    assert not guest.complaints()
