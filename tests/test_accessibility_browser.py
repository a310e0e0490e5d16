"""For everyone: axe-core finds nothing serious, alt texts are in the visitor's language, motion stops on demand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from core import i18n
from tests.accessibility import ALTS, MOVING, findings
from tests.browser import Visitor, visit
from ui import frame

pytestmark = pytest.mark.browser

PAGES = tuple(entry.name for entry in frame.PAGES)
ON_A_PHONE = ("home", "classify", "preprocess", "sentiment")
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
LATIN = re.compile("[A-Za-z]")
CHINESE = re.compile("[\u4e00-\u9fff]")
CASES = [
    (theme, name, i18n.LANGUAGES[(number + shift) % len(i18n.LANGUAGES)])
    for shift, theme in enumerate(("light", "dark"))
    for number, name in enumerate(PAGES)
]


@pytest.fixture(scope="module")
def readers(chromium: Browser, address: str) -> Iterator[Callable[..., Visitor]]:
    """One visitor a theme and a size, for all the pages."""
    held: dict[str, Visitor] = {}

    def reader(theme: str, **how: object) -> Visitor:
        name = f"{theme} {bool(how)}"
        if name not in held:
            held[name] = visit(chromium, address, color_scheme=theme, reduced_motion="reduce", **how)
        return held[name]

    yield reader
    for one in held.values():
        one.context.close()
        assert not one.complaints()


def path(name: str, language: str) -> str:
    return f"/{'' if name == 'home' else name}?lang={language}"


def check(page: Page) -> None:
    found = findings(page)
    assert not found, "\n".join(map(str, found))


@pytest.mark.parametrize(("theme", "name", "language"), CASES, ids=["-".join(case) for case in CASES])
def test_a_page_has_no_serious_finding(
    readers: Callable[..., Visitor], theme: str, name: str, language: str
) -> None:
    page = readers(theme).open(path(name, language))
    check(page)
    told = page.evaluate(ALTS)
    letters = CHINESE if language == "zh" else LATIN  # names are shown in both, sentences in one
    assert [text for text in told if not letters.search(text) and not text.isdigit()] == []


@pytest.mark.parametrize("name", ON_A_PHONE)
def test_nor_has_it_on_a_phone(readers: Callable[..., Visitor], name: str) -> None:
    language = i18n.LANGUAGES[ON_A_PHONE.index(name) % 2]
    check(readers(("light", "dark")[ON_A_PHONE.index(name) // 2], **PHONE).open(path(name, language)))


def test_a_fault_is_found_also_in_a_component(readers: Callable[..., Visitor]) -> None:
    page = readers("light").open("/classify?lang=en")
    page.evaluate(
        """() => {
          const box = [...document.querySelectorAll(".st-key-photo_gallery *")].find((each) => each.shadowRoot);
          box.shadowRoot.querySelector(".gb").insertAdjacentHTML("beforeend", '<img class="planted" src="/favicon.png" width="9" height="9">');
          document.querySelector(".st-key-heading p").style.color = "#ccc";
        }"""
    )
    assert {"image-alt", "color-contrast"} <= {found.rule for found in findings(page)}


# --- motion ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_nothing_moves_where_less_motion_is_asked_for(readers: Callable[..., Visitor], name: str) -> None:
    assert readers("light").open(path(name, "en")).evaluate(MOVING) == []


def test_it_moves_where_it_is_not(visitor: Visitor) -> None:
    assert any("<button" in found for found in visitor.open("/classify?lang=en").evaluate(MOVING))
