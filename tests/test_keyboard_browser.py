"""The keyboard alone: whatever can be done with a mouse, in an order that makes sense, and the focus always seen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FileChooser, Page, expect

from core import i18n
from core.imaging.samples import samples
from tests.browser import Visitor, visit
from ui import frame

pytestmark = pytest.mark.browser

MOST = 150  # presses of Tab from one end of a page to the other
# Tells what has the focus, also within a component, and what ring it has: the element itself, the box that a field
# fills, or one that Streamlit marks as focused instead. And whether what had it before has the same ring still.
FOCUS = """
() => {
  let node = document.activeElement;
  let host = node;
  while (node.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
  const boxes = [node];
  for (let box = node; box; box = box.parentElement) {
    const field = box === node.parentElement && node.matches("input, textarea");
    if (box !== node && (field || box.dataset.focusVisible === "true")) boxes.push(box);
  }
  const look = (box) => {
    const { outlineStyle, outlineWidth, outlineColor, boxShadow } = getComputedStyle(box);
    const outlined = outlineStyle !== "none" && parseFloat(outlineWidth) >= 1 && outlineColor !== "rgba(0, 0, 0, 0)";
    return [outlined ? `${outlineStyle} ${outlineWidth} ${outlineColor}` : "", boxShadow === "none" ? "" : boxShadow];
  };
  const before = (window.focused ?? []).filter(([, was]) => was.some(Boolean));
  const stayed = before.some(([box, was]) => box !== node && box.isConnected && String(look(box)) === String(was));
  window.focused = boxes.map((box) => [box, look(box)]);
  const place = node.getBoundingClientRect();
  const keys = host.closest('[class*="st-key-"]')?.classList ?? [];
  return {
    tag: node.localName,
    role: node.getAttribute("role") ?? "",
    name: (node.getAttribute("aria-label") || node.innerText || node.value || "").trim(),
    key: [...keys].find((one) => one.startsWith("st-key-"))?.slice(7) ?? "",
    ringed: window.focused.some(([, seen]) => seen.some(Boolean)),
    stayed,
    shown: place.width > 0 && place.bottom > 0 && place.top < innerHeight && place.right > 0 && place.left < innerWidth,
  };
}
"""


@dataclass(frozen=True)
class Focus:
    """What has the focus."""

    tag: str
    role: str
    name: str
    key: str  # of the nearest element with one
    ringed: bool  # it has an outline or a shadow
    stayed: bool  # what had the focus before has its ring still
    shown: bool  # it is on the screen


class Keys:
    """A visitor's hands, with no mouse in them: each press must leave a focus that can be seen."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> Focus:
        for key in keys:
            self.page.keyboard.press(key)
        return self.focus()

    def focus(self) -> Focus:
        return Focus(**self.page.evaluate(FOCUS))

    def tab(self, key: str = "Tab") -> Focus:
        found = self.press(key)
        if found.tag not in ("body", "canvas"):  # a table draws the ring of its cells itself
            assert found.ringed, f"the focus cannot be seen: {found}"
            assert found.shown, f"the focus is off the screen: {found}"
        assert not found.stayed, f"what looked focused before {found} still does"
        return found

    def through(self) -> list[Focus]:
        """All stops of the page from here."""
        found = []
        while len(found) < MOST:
            found.append(self.tab())
            if found[-1].tag == "body":
                return found[:-1]
        raise AssertionError(f"Tab never leaves the page: {found[-5:]}")

    def to(self, key: str = "", name: str = "", back: bool = False) -> Focus:
        """Tab, until the focus is on what has this key and this name."""
        for _ in range(MOST):
            found = self.tab("Shift+Tab" if back else "Tab")
            if (not key or found.key == key) and re.search(name, found.name):
                return found
        raise AssertionError(f"there is no way to {key} {name}")


@pytest.fixture
def typist(chromium: Browser, address: str) -> Iterator[Visitor]:
    """A visitor without a mouse."""
    found = visit(chromium, address, reduced_motion="reduce")
    yield found
    found.context.close()
    assert not found.complaints()


# --- the whole of a page ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", [entry.name for entry in frame.PAGES])
def test_the_focus_is_seen_everywhere_and_nothing_keeps_it(typist: Visitor, name: str) -> None:
    page = typist.open(f"/{'' if name == 'home' else name}?lang=en")
    typist.settle()
    stops = Keys(page).through()
    assert stops[0].name == "Skip to main content"
    assert stops[-1].key == "footer"
    main = next(number for number, stop in enumerate(stops) if stop.tag == "main")
    tools = [stop.key for stop in stops[main + 1 : main + 4]]
    assert tools == ["share", "qr", "report"]
    assert len(stops) > main + 8
    assert all(stop.name for stop in stops if stop.tag != "canvas")


def test_the_order_is_the_one_in_which_a_page_is_read(typist: Visitor) -> None:
    keys = Keys(typist.open("/classify?lang=en"))
    typist.settle()
    stops = keys.through()
    named = (re.sub("_[0-9a-f]{20,}$", "", stop.key) for stop in stops if stop.key)
    assert list(dict.fromkeys(named)) == [
        *("language", "present", "forget"),
        *("share", "qr", "report"),
        *("classify_overlay", "classify_model", "classify_bars", "figures"),
        *("photo_gallery", "photo_upload_0", "photo_ways", "photo_paste"),
        *("classify_tab_en", "classify_search", "classify_layer", "footer"),
    ]
    back = [keys.tab("Shift+Tab") for _ in stops]
    assert [stop.name for stop in reversed(back)] == [stop.name for stop in stops]


# --- the way from the first page to an answer of one's own -----------------------------------------


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_a_photo_is_chosen_and_explained_without_a_mouse(
    typist: Visitor, language: str, tmp_path: Path
) -> None:
    def words(key: str) -> str:
        return i18n.text(language, key)

    typist.page.on("filechooser", lambda _: None)  # so that each is caught, also one that is opened at once
    page = typist.open(f"/?lang={language}")
    keys = Keys(page)
    heading = page.get_by_role("heading", level=2)
    typist.settle()

    # a sample leads to its answer
    keys.to("photo_gallery")
    for _ in range(len(samples())):
        if keys.press("ArrowRight").name == words("sample.red_panda"):
            break
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(words("classify.title"))
    expect(heading).to_contain_text(words("sample.red_panda").lower())
    typist.ready()

    # another class, and its map
    bar = keys.to("classify_bars")
    second = keys.press("ArrowDown")
    assert second.ringed and second.name != bar.name
    keys.press("Space")
    typist.ready()
    expect(page.locator(".st-key-classify_bars [role=radio]").nth(1)).to_be_checked()
    expect(page).to_have_url(re.compile("class=n"))
    assert keys.focus().name == second.name, "the focus stays where the visitor is"

    # the map of another layer
    keys.to(name=f"^{words('classify.layer')}$")
    keys.press("ArrowLeft", "ArrowLeft")
    expect(page).to_have_url(re.compile("layer="))
    typist.ready()

    # other methods of explaining
    closer, _, ways = (words(f"classify.tab.{tab}") for tab in ("closer", "worth", "ways"))
    keys.to(name=f"^{closer}$", back=True)
    assert keys.press("ArrowRight", "ArrowRight").name == ways
    typist.ready()
    page.locator(".st-key-ways_ask").wait_for()
    assert keys.focus().name == ways
    assert keys.tab().key == "ways_ask"
    keys.press("Enter")
    maps = page.get_by_role("tabpanel").get_by_role("img")
    expect(maps.first).to_be_visible(timeout=120_000)
    if page.locator(".st-key-ways_stop").count():  # there is more to come
        keys.to("ways_stop")
        keys.press("Enter")
    typist.ready()
    assert maps.count() >= 1

    # another sample, from here
    keys.to("photo_gallery", back=True)
    beside = keys.press("ArrowLeft").name
    keys.press("Enter")
    expect(heading).not_to_contain_text(words("sample.red_panda").lower())
    typist.ready()
    assert keys.focus().name == beside

    # a photo of one's own
    photo = tmp_path / "my dog.jpg"
    photo.write_bytes(samples()["golden_retriever"].read())
    keys.to("photo_upload_0")
    with page.expect_file_chooser() as chosen:
        keys.press("Enter")
    opened: FileChooser = chosen.value
    opened.set_files(photo)
    expect(page).to_have_url(re.compile("image=own"))
    typist.ready()
    around = ("photo_gallery", "photo_upload_1", "photo_ways")
    assert keys.tab().key in around, "the way goes on from there, not from the top of the page"
    expect(page.locator('[data-testid="stAlertContentError"]')).to_have_count(0)
