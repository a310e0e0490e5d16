"""The components for acting on a picture: their numbers, under AppTest, and in a real browser."""

from __future__ import annotations

import base64
import importlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from playwright.sync_api import Browser
from streamlit.testing.v1 import AppTest

from tests.browser import serve
from ui import components
from ui.components import colours, picture

ROOT = Path(__file__).parents[1]
APP = ROOT / "tests" / "apps" / "components_app.py"


def decoded(uri: str) -> Pillow.Image:
    return Pillow.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


# --- pictures and colours ---------------------------------------------------------------------------


def test_a_map_is_of_the_part_that_is_seen_also_where_it_has_the_photos_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = importlib.import_module("ui.components.overlay")
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(module, "_mount", lambda **how: sent.append(how["data"]))
    heat = np.zeros((224, 224), np.float32)
    heat[:8] = 1  # at the very top, which a cut would take away
    words = dict.fromkeys(("alt", "label", "legend_low", "legend_high", "photo_only"), "")
    photo = np.zeros((224, 224, 3), np.uint8)
    components.overlay(photo, heat, key="x", seen=(14, 14, 210, 210), **words)
    top, bottom = (np.asarray(decoded(sent[0]["heat"]).convert("RGB"))[row].mean() for row in (0, -1))
    assert top > bottom + 50


def test_a_tiny_picture_keeps_every_pixel() -> None:
    image = np.random.default_rng(1).integers(0, 256, (14, 9, 3)).astype(np.uint8)
    uri = components.data_uri(image)
    assert uri.startswith("data:image/png;base64,")
    assert np.array_equal(np.asarray(decoded(uri)), image)


def test_a_large_picture_is_scaled_down_to_what_a_page_shows() -> None:
    image = np.full((1500, 3000, 3), (200, 30, 60), np.uint8)
    small = decoded(components.data_uri(image, max_side=1000))
    assert (small.format, small.size) == ("JPEG", (1000, 500))
    assert np.abs(np.asarray(small).astype(int) - (200, 30, 60)).max() <= 2


def test_the_encoded_picture_is_kept_under_its_digest_and_only_so_many() -> None:
    first = np.zeros((20, 20, 3), np.uint8)
    uri = components.data_uri(first, digest="kept")
    assert components.data_uri(first + 255, digest="kept") == uri  # the digest names the pixels
    assert components.data_uri(first + 255) != components.data_uri(first)
    for i in range(picture._ROOM):
        components.data_uri(first, digest=f"other {i}")
    assert components.data_uri(first + 255, digest="kept") != uri
    assert len(picture._kept) == picture._ROOM


def test_a_view_into_a_picture_has_its_own_fingerprint() -> None:
    image = np.arange(300, dtype=np.uint8).reshape(10, 10, 3)
    assert components.fingerprint(image[:, ::-1]) != components.fingerprint(image)
    assert components.fingerprint(image[:, ::-1]) == components.fingerprint(image[:, ::-1].copy())
    assert components.fingerprint(image.reshape(5, 20, 3)) != components.fingerprint(image)


@pytest.mark.parametrize("scale", ["viridis", "inferno", "magma"])
def test_a_scale_grows_lighter_evenly(scale: components.Scale) -> None:
    from skimage.color import rgb2lab

    lightness = rgb2lab(colours.table(scale)[None] / 255.0)[0, :, 0]
    steps = np.diff(lightness[::8])
    assert steps.min() > 0
    assert steps.max() < 2 * np.median(steps)


def test_values_are_coloured_by_the_scale() -> None:
    row = np.array([[-3.0, 0.0, 0.5, 1.0, 7.0, np.nan]], np.float32)
    low, zero, middle, high, above, missing = components.colour(row)[0].tolist()
    assert low == zero == missing == [68, 1, 84]  # viridis as published
    assert high == above == [253, 231, 37]
    assert middle == [33, 145, 140]


def test_signed_values_are_white_at_zero_and_equally_dark_at_both_ends() -> None:
    blue, zero, red, missing = components.colour(np.array([[-1, 0, 1, np.nan]], np.float32), "signed")[
        0
    ].tolist()
    assert min(zero) >= 240 and zero == missing
    assert blue[2] > blue[0] and red[0] > red[2]
    half = components.colour(np.array([[-0.5, 0.5]], np.float32), "signed")[0].astype(float) @ (
        0.3,
        0.59,
        0.11,
    )
    assert abs(half[0] - half[1]) < 40


def test_the_stops_of_a_legend_are_the_colours_of_its_map() -> None:
    stops = components.stops("magma", 3)
    ends = components.colour(np.array([[0.0, 1.0]], np.float32), "magma")[0]
    assert [stops[0], stops[2]] == ["#{:02x}{:02x}{:02x}".format(*end) for end in ends.tolist()]


# --- under AppTest ----------------------------------------------------------------------------------


def texts(app: AppTest) -> dict[str, str]:
    assert not app.exception
    return dict(text.value.split(": ", 1) for text in app.text)


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_file(str(APP), default_timeout=30).run()


def test_a_page_with_components_runs_under_apptest(app: AppTest) -> None:
    told = texts(app)
    nothing = {name: told[name] for name in ("clicked", "point", "cell", "patch", "rectangle", "pasted")}
    assert set(nothing.values()) == {"None"}


def act(app: AppTest, key: str, token: str, value: Any) -> None:
    """What the browser sends when a visitor marks something."""
    app.session_state[key] = {"choice": {"token": token, "value": value}}
    app.run()


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()


def test_the_newer_of_the_visitors_and_the_pages_mark_holds(app: AppTest) -> None:
    act(app, "point", "a", [30, 20])
    assert texts(app)["point"] == "(30, 20)"
    press(app, "Set the marks")
    assert texts(app)["point"] == "(5, 6)"
    assert texts(app)["rectangle"] == "(0.1, 0.2, 0.3, 0.4)"
    act(app, "point", "b", [31, 21])
    assert texts(app)["point"] == "(31, 21)"
    press(app, "Run again")
    assert texts(app)["point"] == "(31, 21)"
    press(app, "Forget the marks")
    assert texts(app)["point"] == "None"


def test_a_mark_beside_the_picture_is_nobodys(app: AppTest) -> None:
    act(app, "point", "a", [300, 20])  # the photo is 300 wide: 0 to 299
    assert texts(app)["point"] == "None"
    act(app, "rectangle", "b", [0.5, 0.1, 0.5, 0.9])
    assert texts(app)["rectangle"] == "None"
    for broken in ("nonsense", [1], {"x": 1}, [float("nan")] * 4):
        act(app, "rectangle", str(broken), broken)
        assert texts(app)["rectangle"] == "None"


def test_a_mark_goes_with_the_pixel_it_stood_on(app: AppTest) -> None:
    act(app, "point", "a", [200, 20])
    app.toggle[0].set_value(True).run()  # the photo is now 60 wide
    assert texts(app)["point"] == "None"


def test_a_mark_outlives_its_widget(app: AppTest) -> None:
    act(app, "point", "a", [200, 20])
    app.toggle[1].set_value(False).run()
    assert "point" not in texts(app)
    app.toggle[1].set_value(True).run()
    assert texts(app)["point"] == "(200, 20)"


def test_what_is_pasted_is_checked_again_on_the_server(app: AppTest) -> None:
    for text, heard in (("aGVsbG8=", "5 bytes 68656c"), ("not base64!", "None"), ("A" * 600_000, "None")):
        app.session_state["paste"] = {"paste": text}
        if heard == "None":
            app.run()
            assert texts(app)["pasted"] == "None"
        else:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Pillow, "open", lambda _: Pillow.new("RGB", (1, 1)))
                app.run()
            assert texts(app)["pasted"] == heard


def test_a_gallery_knows_only_its_own_ids(app: AppTest) -> None:
    app.session_state["grid"] = {"pick": "plain0"}
    app.run()
    assert texts(app)["grid clicked"] == "plain0"
    app.session_state["grid"] = {"pick": "somebody else's"}
    app.run()
    assert texts(app)["grid clicked"] == "None"


# --- in a browser -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The test app, with a slash at the end."""
    with serve(APP) as server:
        yield f"{server.address}/"


@pytest.fixture(scope="module")
def browser(chromium: Browser) -> Browser:
    return chromium


class Visit:
    """A page opened on the app, what its console complained of, and what the app told."""

    def __init__(self, browser: Any, address: str, query: str = "", **context: Any) -> None:
        self.context = browser.new_context(**({"viewport": {"width": 1200, "height": 900}} | context))
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.received = 0
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        self.page.on("websocket", self._listen)
        self.page.goto(address + query)
        self.box("link").locator("button").wait_for()
        self.settled()

    def _listen(self, socket: Any) -> None:
        def count(payload: Any) -> None:
            self.received += len(payload)

        socket.on("framereceived", count)

    def box(self, key: str) -> Any:
        return self.page.locator(f".st-key-{key}")

    def tells(self, name: str, value: str | re.Pattern[str]) -> None:
        from playwright.sync_api import expect

        pattern = value.pattern if isinstance(value, re.Pattern) else re.escape(value)
        expect(self.page.get_by_text(re.compile(f"^{name}: {pattern}$"))).to_be_visible()

    def settled(self) -> None:
        self.page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()

    def runs(self, count: int) -> None:
        """The script ran so often and no more: one run more is asked for, and must be the next."""
        self.settled()
        self.page.get_by_role("button", name="Run again").click()
        self.tells("runs", str(count + 1))
        self.settled()


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Visit]:
    visit = Visit(browser, address)
    yield visit
    visit.context.close()
    assert visit.complaints == []


def frame(locator: Any) -> dict[str, float]:
    locator.scroll_into_view_if_needed()
    box: dict[str, float] = locator.bounding_box()
    return box


def drag(visit: Visit, locator: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Press, move and let go the mouse on an element, at fractions of it."""
    box = frame(locator)
    places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in (start, end)]
    visit.page.mouse.move(*places[0])
    visit.page.mouse.down()
    visit.page.mouse.move(*places[1], steps=8)
    visit.page.mouse.up()


def swipe(visit: Visit, locator: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """The same with a finger."""
    box = frame(locator)
    touch = visit.context.new_cdp_session(visit.page)

    def send(kind: str, share: float | None) -> None:
        points = []
        if share is not None:
            x, y = (a + (b - a) * share for a, b in zip(start, end, strict=True))
            points = [{"x": box["x"] + box["width"] * x, "y": box["y"] + box["height"] * y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", 0)
    for step in range(1, 9):
        send("touchMove", step / 8)
    send("touchEnd", None)


@pytest.mark.browser
def test_compare_is_dragged_in_the_browser_alone(visit: Visit) -> None:
    stage, line = visit.box("compare").locator(".stage"), visit.box("compare").get_by_role("slider")
    assert line.get_attribute("aria-valuenow") == "50"
    drag(visit, stage, (0.5, 0.5), (0.2, 0.6))
    assert line.get_attribute("aria-valuenow") == "20"
    assert line.get_attribute("aria-valuetext") == "before 20%, after 80%"
    box = frame(stage)
    assert frame(line)["x"] == pytest.approx(box["x"] + 0.2 * box["width"], abs=3)
    line.press("ArrowRight")
    line.press("Shift+ArrowRight")
    assert line.get_attribute("aria-valuenow") == "32"
    visit.runs(1)
    assert line.get_attribute("aria-valuenow") == "32"
    visit.page.get_by_text("Small photo").click()  # other pictures: the line stays
    visit.tells("runs", "3")
    visit.settled()
    assert line.get_attribute("aria-valuenow") == "32"


@pytest.mark.browser
def test_compare_shows_the_one_picture_left_and_the_other_right(visit: Visit) -> None:
    stage = visit.box("compare").locator(".stage")
    frame(stage)
    shot = np.asarray(Pillow.open(io.BytesIO(stage.screenshot())).convert("RGB")).astype(int)
    height, width = shot.shape[:2]
    for x, photo_shows in ((0.25, True), (0.75, False)):  # red grows to the right: 64 there, then 191
        red = shot[height // 3, int(width * x), 0]
        assert red == pytest.approx(255 * x if photo_shows else 255 * (1 - x), abs=8)


@pytest.mark.browser
def test_the_heatmap_fades_in_the_browser_alone(visit: Visit) -> None:
    from playwright.sync_api import expect

    box = visit.box("overlay")
    heat, dial, alone = (
        box.locator(".heat"),
        box.get_by_role("slider", name="Heatmap"),
        box.get_by_role("button"),
    )
    expect(heat).to_have_css("opacity", "0.5")
    dial.press("Home")
    expect(heat).to_have_css("opacity", "0")
    dial.fill("80")
    expect(heat).to_have_css("opacity", "0.8")
    alone.click()
    expect(heat).to_have_css("opacity", "0")
    expect(alone).to_have_attribute("aria-pressed", "true")
    alone.click()
    expect(heat).to_have_css("opacity", "0.8")
    stage = frame(box.locator(".stage"))
    visit.page.mouse.move(stage["x"] + 50, stage["y"] + 50)
    visit.page.mouse.down()
    expect(heat).to_have_css("opacity", "0")
    visit.page.mouse.up()
    expect(heat).to_have_css("opacity", "0.8")
    visit.runs(1)
    expect(heat).to_have_css("opacity", "0.8")


@pytest.mark.browser
def test_a_click_chooses_the_pixel_under_it(visit: Visit) -> None:
    cell, stage = visit.box("cell").locator(".stage"), visit.box("point").locator(".stage")
    box = frame(cell)
    visit.page.mouse.click(box["x"] + box["width"] * 3.5 / 14, box["y"] + box["height"] * 12.5 / 14)
    visit.tells("cell", "(3, 12)")
    box = frame(stage)
    visit.page.mouse.move(box["x"] + box["width"] * 0.8017, box["y"] + box["height"] * 0.5025)
    assert stage.locator(".chip").inner_text() == "x 240, y 100"  # told before it is chosen
    visit.tells("point", "None")
    visit.page.mouse.click(box["x"] + box["width"] * 0.8017, box["y"] + box["height"] * 0.5025)
    visit.tells("point", "(240, 100)")
    visit.runs(3)
    visit.tells("point", "(240, 100)")
    mark, box = frame(stage.locator(".mark")), frame(stage)
    assert mark["x"] + mark["width"] / 2 == pytest.approx(box["x"] + box["width"] * 240.5 / 300, abs=1)


@pytest.mark.browser
def test_a_choice_does_not_bring_the_picture_over_the_wire_again(visit: Visit) -> None:
    visit.settled()
    before = visit.received
    visit.box("cell").locator(".stage").click(position={"x": 5, "y": 5})
    visit.tells("cell", "(0, 0)")
    visit.settled()
    picture = len(visit.box("overlay").locator(".photo").get_attribute("src"))
    assert picture > 10_000  # there would be something to notice
    assert visit.received - before < 20_000


@pytest.mark.browser
def test_the_keyboard_chooses_a_pixel(visit: Visit) -> None:
    stage = visit.box("cell").locator(".stage")
    stage.focus()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowDown"):
        stage.press(key)
    visit.tells("cell", "None")
    stage.press("Enter")
    visit.tells("cell", "(5, 8)")
    stage.press("Shift+ArrowRight")
    stage.press("Enter")
    visit.tells("cell", "(13, 8)")


@pytest.mark.browser
def test_a_grid_gives_the_middle_of_its_cell(visit: Visit) -> None:
    stage = visit.box("patch").locator(".stage")
    box = frame(stage)
    visit.page.mouse.click(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.05)
    visit.tells("patch", "(125, 25)")  # third of six columns: 100 to 149; first of four rows: 0 to 49


@pytest.mark.browser
def test_the_page_may_set_and_forget_the_marks(visit: Visit) -> None:
    from playwright.sync_api import expect

    mark, rectangle = visit.box("point").locator(".mark"), visit.box("rectangle").locator(".rectangle")
    visit.box("point").locator(".stage").click()
    visit.tells("point", re.compile(r"\(1\d\d, \d+\)"))
    visit.page.get_by_role("button", name="Set the marks").click()
    visit.tells("point", "(5, 6)")
    box, stage = frame(mark), frame(visit.box("point").locator(".stage"))
    assert box["x"] + box["width"] / 2 == pytest.approx(stage["x"] + stage["width"] * 5.5 / 300, abs=1)
    box, stage = frame(rectangle), frame(visit.box("rectangle").locator(".stage"))
    assert box["x"] == pytest.approx(stage["x"] + stage["width"] * 0.1, abs=1)
    assert box["height"] == pytest.approx(stage["height"] * 0.2, abs=1)
    visit.page.get_by_role("button", name="Forget the marks").click()
    visit.tells("point", "None")
    expect(mark).to_be_hidden()
    expect(rectangle).to_be_hidden()


def numbers(visit: Visit, name: str) -> list[float]:
    visit.settled()
    line = visit.page.get_by_text(re.compile(rf"^{name}: \(")).inner_text()
    return [float(number) for number in re.findall(r"[\d.]+", line)]


@pytest.mark.browser
def test_a_rectangle_is_drawn_moved_and_pulled_and_told_when_let_go(visit: Visit) -> None:
    stage = visit.box("rectangle").locator(".stage")
    drag(visit, stage, (0.7, 0.8), (0.2, 0.3))  # against the grain: from the lower right
    visit.tells("runs", "2")
    assert numbers(visit, "rectangle") == pytest.approx([0.2, 0.3, 0.7, 0.8], abs=0.005)
    drag(visit, stage, (0.45, 0.55), (0.35, 0.45))
    visit.tells("runs", "3")
    assert numbers(visit, "rectangle") == pytest.approx([0.1, 0.2, 0.6, 0.7], abs=0.005)
    drag(visit, stage, (0.6, 0.7), (0.9, 0.9))
    visit.tells("runs", "4")
    assert numbers(visit, "rectangle") == pytest.approx([0.1, 0.2, 0.9, 0.9], abs=0.01)
    drag(visit, stage, (0.5, 0.5), (-0.4, 0.5))  # not over the edge, and not smaller for it
    visit.tells("runs", "5")
    left, _, right, _ = numbers(visit, "rectangle")
    assert (left, right) == pytest.approx((0, 0.8), abs=0.01)
    visit.runs(5)
    assert numbers(visit, "rectangle")[0] == pytest.approx(0, abs=0.01)
    drag(visit, stage, (0.95, 0.05), (0.95, 0.05))
    visit.tells("rectangle", "None")


@pytest.mark.browser
def test_the_keyboard_draws_a_rectangle(visit: Visit) -> None:
    box = visit.box("rectangle")
    box.locator(".stage").focus()
    visit.page.keyboard.press("Enter")
    visit.tells("rectangle", "(0.25, 0.25, 0.75, 0.75)")
    visit.page.keyboard.press("ArrowRight")
    visit.tells("rectangle", "(0.26, 0.25, 0.76, 0.75)")
    visit.page.keyboard.press("Shift+ArrowUp")
    visit.tells("rectangle", "(0.26, 0.25, 0.76, 0.74)")
    visit.page.keyboard.press("Delete")
    visit.tells("rectangle", "None")


PASTE = """
async ([width, height, fill, type, into]) => {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.fillStyle = fill;
  context.fillRect(0, 0, width, height);
  const data = new DataTransfer();
  if (type === "text/plain") data.setData(type, "words");
  else if (type.startsWith("image/")) data.items.add(new File([await canvas.convertToBlob({ type })], "it", { type }));
  else data.items.add(new File(["what"], "it", { type }));
  const target = into ? document.querySelector(into) : document.body;
  const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true, composed: true });
  return !target.dispatchEvent(event);
}
"""


@pytest.mark.browser
@pytest.mark.parametrize(
    ("size", "fill", "starts", "arrives"),
    [
        ((2400, 1200), "rgb(200 20 40)", "ffd8ff", (1600, 800)),
        ((900, 500), "rgb(200 20 40 / 50%)", "89504e", (900, 500)),  # see-through: a PNG
        ((64, 32), "rgb(200 20 40)", "89504e", (64, 32)),  # tiny: exact
    ],
)
def test_a_pasted_picture_arrives_once(
    visit: Visit, size: tuple[int, int], fill: str, starts: str, arrives: tuple[int, int]
) -> None:
    assert visit.page.evaluate(PASTE, [*size, fill, "image/png", None])
    visit.tells("pasted", re.compile(rf"\d+ bytes {starts}"))
    visit.tells("size", str(arrives))
    visit.runs(2)
    visit.tells("pasted", "None")


@pytest.mark.browser
def test_words_are_not_taken_for_a_picture(visit: Visit) -> None:
    from playwright.sync_api import expect

    error = visit.box("paste").get_by_role("alert")
    visit.page.get_by_role("textbox", name="Writing").wait_for()
    assert not visit.page.evaluate(PASTE, [8, 8, "red", "text/plain", "input[type=text]"])
    assert not visit.page.evaluate(PASTE, [8, 8, "red", "text/plain", None])
    expect(error).to_be_hidden()
    visit.page.evaluate(PASTE, [8, 8, "red", "application/pdf", None])
    expect(error).to_have_text("That is not a picture.")
    visit.runs(1)
    visit.page.evaluate(PASTE, [8, 8, "red", "image/png", None])
    visit.tells("size", "(8, 8)")
    expect(error).to_be_hidden()


@pytest.mark.browser
def test_a_picture_over_the_limit_is_refused_in_the_browser(visit: Visit) -> None:
    from playwright.sync_api import expect

    noise = """async () => {
      const image = new ImageData(900, 900);
      for (let i = 0; i < image.data.length; i += 65536) crypto.getRandomValues(image.data.subarray(i, i + 65536));
      const canvas = new OffscreenCanvas(900, 900);
      canvas.getContext("2d").putImageData(image, 0, 0);
      const data = new DataTransfer();
      data.items.add(new File([await canvas.convertToBlob()], "it.png", { type: "image/png" }));
      document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
    }"""
    visit.page.evaluate(noise)
    expect(visit.box("paste").get_by_role("alert")).to_have_text("That is not a picture.")
    visit.runs(1)


@pytest.mark.browser
def test_a_phone_is_told_of_no_keys(browser: Any, address: str) -> None:
    from playwright.sync_api import expect

    for options, seen in (({}, True), ({"is_mobile": True, "has_touch": True}, False)):
        visit = Visit(browser, address, **options)
        keys = visit.box("paste").locator(".keys")
        expect(keys).to_have_text(re.compile(r"^(Ctrl\+|⌘)V$"))
        expect(keys).to_be_visible(visible=seen)
        visit.context.close()


@pytest.mark.browser
def test_a_click_reads_the_clipboard(browser: Any, address: str) -> None:
    visit = Visit(browser, address, permissions=["clipboard-read", "clipboard-write"])
    area = visit.box("paste").get_by_role("button")
    visit.page.bring_to_front()
    copy = """async () => {
      const canvas = new OffscreenCanvas(40, 30);
      canvas.getContext("2d").fillRect(0, 0, 40, 30);
      await navigator.clipboard.write([new ClipboardItem({ "image/png": await canvas.convertToBlob() })]);
    }"""
    visit.page.evaluate(copy)
    area.click()
    visit.tells("size", "(40, 30)")
    visit.page.evaluate("navigator.clipboard.writeText('words')")
    area.click()
    visit.box("paste").get_by_role("alert").wait_for()
    visit.context.close()
    assert visit.complaints == []


@pytest.mark.browser
def test_the_gallery_tells_a_click_once_and_keeps_the_choice(visit: Visit) -> None:
    from playwright.sync_api import expect

    row = visit.box("gallery")
    expect(row.get_by_role("toolbar", name="Samples")).to_be_visible()
    mirror = row.get_by_role("button", name="mirror 0")
    mirror.click()
    visit.tells("clicked", "mirror0")
    expect(mirror).to_have_attribute("aria-pressed", "true")
    expect(row.locator('[aria-pressed="true"]')).to_have_count(1)
    expect(row.get_by_role("button", name="plain 0").locator(".frame")).to_have_css("opacity", "0.55")
    visit.runs(2)
    visit.tells("clicked", "None")
    expect(mirror).to_have_attribute("aria-pressed", "true")
    mirror.focus()
    visit.page.keyboard.press("ArrowRight")
    visit.page.keyboard.press("Enter")
    visit.tells("clicked", "negative0")


@pytest.mark.browser
def test_the_page_address_is_copied(browser: Any, address: str) -> None:
    from playwright.sync_api import expect

    visit = Visit(browser, address, "?lang=zh", permissions=["clipboard-read", "clipboard-write"])
    button = visit.box("link").get_by_role("button")
    button.click()
    expect(button).to_have_text("已复制")
    assert visit.page.evaluate("navigator.clipboard.readText()") == address + "?lang=zh"
    expect(button).to_have_text("复制链接")
    # Without the permission, the old way; without that, the address stands there to be copied by hand.
    visit.page.evaluate("void (navigator.clipboard.writeText = () => Promise.reject(new Error('forbidden')))")
    button.click()
    expect(button).to_have_text("已复制")
    expect(button).to_have_text("复制链接")
    visit.page.evaluate("void (document.execCommand = () => false)")
    button.click()
    expect(visit.box("link").get_by_role("textbox")).to_have_value(address + "?lang=zh")
    visit.context.close()
    assert visit.complaints == []


@pytest.mark.browser
def test_it_fits_a_phone_in_the_dark_in_chinese(browser: Any, address: str) -> None:
    from playwright.sync_api import expect

    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    visit = Visit(browser, address, "?lang=zh", color_scheme="dark", reduced_motion="reduce", **phone)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
    for key in ("compare", "overlay", "point", "cell", "patch", "rectangle"):
        stage = frame(visit.box(key).locator(".stage"))
        assert 300 <= stage["width"] <= 390
        assert stage["width"] / stage["height"] == pytest.approx(1 if key == "cell" else 1.5, abs=0.01)
    row = visit.box("gallery").locator(".row")
    assert row.evaluate("row => row.scrollWidth > row.clientWidth")
    assert frame(visit.box("gallery"))["height"] < 200  # one row
    assert frame(visit.box("grid"))["height"] > 200  # a grid
    expect(visit.box("overlay").get_by_role("button")).to_have_text("只看照片")
    expect(visit.box("overlay").get_by_role("button")).to_have_css("background-color", "rgb(14, 21, 20)")
    expect(visit.box("overlay").locator(".heat")).to_have_css("transition-duration", "0s")
    visit.box("cell").locator(".stage").tap(position={"x": 5, "y": 5})
    visit.tells("cell", "(0, 0)")
    expect(visit.box("cell").locator(".cursor")).to_be_hidden()  # a finger does not hover
    stage, line = visit.box("compare").locator(".stage"), visit.box("compare").get_by_role("slider")
    swipe(visit, stage, (0.5, 0.5), (0.8, 0.5))
    expect(line).to_have_attribute("aria-valuenow", "80")
    swipe(visit, stage, (0.3, 0.9), (0.3, 0.1))  # this one scrolls the page
    expect(line).to_have_attribute("aria-valuenow", "80")
    stage.tap(position={"x": 5, "y": 60})
    expect(line).to_have_attribute("aria-valuenow", "1")
    swipe(visit, visit.box("rectangle").locator(".stage"), (0.2, 0.3), (0.6, 0.7))
    assert numbers(visit, "rectangle") == pytest.approx([0.2, 0.3, 0.6, 0.7], abs=0.01)
    visit.context.close()
    assert visit.complaints == []


@pytest.mark.browser
def test_a_component_that_is_taken_down_comes_back_with_its_mark(visit: Visit) -> None:
    from playwright.sync_api import expect

    visit.box("point").locator(".stage").click(position={"x": 40, "y": 30})
    visit.tells("point", re.compile(r"\(\d+, \d+\)"))
    before = numbers(visit, "point")
    shown = visit.page.get_by_text("Shown")
    shown.click()
    expect(visit.box("point")).to_be_hidden()
    visit.settled()
    assert not visit.page.evaluate(PASTE, [8, 8, "red", "image/png", None])  # nobody listens any more
    shown.click()
    expect(visit.box("point").locator(".mark")).to_be_visible()
    assert numbers(visit, "point") == before
    visit.page.evaluate(PASTE, [8, 8, "red", "image/png", None])
    visit.tells("size", "(8, 8)")
    visit.runs(5)
