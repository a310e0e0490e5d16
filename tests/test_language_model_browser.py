"""The page "Language model" as a person uses it: Chromium against a server of its own."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from core.language.generation import Draft, Sampling, language_model, prompt
from core.language.generation.sampling import Choice
from tests.browser import Visitor, visit

pytestmark = pytest.mark.browser
SLOWLY = 60_000  # a busy machine
PROMPT = "明月明月"

# Moves the sliders as a hand does that has not let go yet, and reads the bars.
DRAG = """(box, values) => {
  const root = box.querySelector(".gb") ? box : [...box.querySelectorAll("*")].find((each) => each.shadowRoot?.querySelector(".bars")).shadowRoot;
  for (const [name, value] of Object.entries(values)) {
    const input = root.querySelector(`input[name="${name}"]`);
    input.value = value;
    input.dispatchEvent(new Event("input"));
  }
  return [...root.querySelectorAll(".bars > button")].map((bar) => [
    bar.querySelector(".name").textContent, bar.querySelector(".share").textContent, bar.classList.contains("out"),
  ]);
}"""


def bars(page: Page) -> list[str]:
    """What the bars say."""
    return page.locator(".st-key-language_next_token .bars > button").all_inner_texts()


def written(page: Page) -> int:
    """How many tokens were written."""
    return page.locator(".st-key-language_page .token:not(.given)").count()


def choice(rules: Sampling) -> tuple[Draft, Choice]:
    model = language_model("poems", "transformer")
    draft = Draft(model, prompt(model, PROMPT, "five_4"))
    return draft, draft.choice(rules)


@pytest.mark.parametrize(
    "rules",
    [
        Sampling(temperature=0.3, top_p=1.0),
        Sampling(temperature=1.7, top_k=5, top_p=1.0),
        Sampling(temperature=1.0, top_p=0.4),
        Sampling(temperature=0.6, top_k=12, top_p=0.8, repetition_penalty=1.6),
        Sampling(temperature=0.0),
    ],
    ids=["cold", "hot_k", "p", "all", "greedy"],
)
def test_a_dragged_slider_moves_the_bars_as_the_core_would(visitor: Visitor, rules: Sampling) -> None:
    page = visitor.open(f"/language_model?lang=en&kind=poems&form=five_4&text={PROMPT}")
    box = page.locator(".st-key-language_next_token")
    expect(box.locator(".bars > button").first).to_be_visible(timeout=SLOWLY)
    values = {name: getattr(rules, name) for name in ("temperature", "top_k", "top_p", "repetition_penalty")}
    shown = box.evaluate(DRAG, values)
    draft, own = choice(rules)
    expected = draft.candidates(own, 8)
    for (_, text, out), one in zip(shown, expected, strict=True):
        share = float(text.strip("<%")) / 100
        assert share == pytest.approx(one.probability, abs=0.0011)
        assert out == (one.probability == 0)
    kept = int((own.in_top_p & np.isfinite(own.scores)).sum())
    if rules.temperature > 0:
        expect(box.locator(".kept")).to_contain_text(f"{kept:,} of")


def test_tokens_are_chosen_taken_back_and_written_on(visitor: Visitor) -> None:
    page = visitor.open("/language_model?lang=en&kind=poems&form=seven_8&text=")
    expect(page.locator(".st-key-language_next_token .bars > button").first).to_be_visible(timeout=SLOWLY)
    before = bars(page)
    page.locator(".st-key-language_next_token .bars > button").nth(2).click()
    expect(page.locator(".st-key-language_page .token.by-hand")).to_have_count(1, timeout=SLOWLY)
    visitor.ready()
    assert bars(page) != before
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".st-key-language_page .token:not(.given)")).to_have_count(0, timeout=SLOWLY)
    page.get_by_role("button", name="Write on").click()
    expect(page.locator(".st-key-language_page .token:not(.given)").nth(3)).to_be_visible(timeout=SLOWLY)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Write on")).to_be_visible(timeout=SLOWLY)
    visitor.ready()
    stopped = written(page)
    page.wait_for_timeout(1500)
    assert written(page) == stopped  # nothing is written behind the visitor's back
    token = page.locator(".st-key-language_page .token:not(.given)").first
    token.hover()
    tip = page.locator(".st-key-language_page .tip")
    expect(tip).to_be_visible()
    expect(tip).to_contain_text("bits")
    assert tip.locator(".row").count() == 5
    token.click()  # back to that choice
    expect(page.locator(".st-key-language_page .token:not(.given)")).to_have_count(0, timeout=SLOWLY)


def test_a_chinese_poem_in_both_scripts(visitor: Visitor) -> None:
    page = visitor.open("/language_model?lang=zh&kind=poems&temperature=0&text=空山不见人，")
    given = page.locator(".st-key-language_page .token.given")
    expect(given).to_contain_text("空山不见人", timeout=SLOWLY)
    page.get_by_role("button", name="写一个词元").click()
    expect(page.locator(".st-key-language_page .token:not(.given)")).to_have_count(1, timeout=SLOWLY)
    visitor.ready()
    page.get_by_text("繁体", exact=True).click()
    expect(given).to_contain_text("空山不見人", timeout=SLOWLY)
    visitor.ready()
    model = language_model("poems", "transformer")
    draft = Draft(model, prompt(model, "空山不見人，", "five_4"))
    best = int(draft.choice(Sampling(temperature=0)).probabilities.argmax())
    letters = page.locator(".st-key-language_page .token:not(.given)").inner_text()
    assert letters == model.vocabulary.piece(best)
    assert "script=traditional" in page.url


@pytest.mark.parametrize("tab", ["Attention", "Layer by layer", "Side by side", "Read a text back"])
def test_the_tabs_open(visitor: Visitor, tab: str) -> None:
    page = visitor.open("/language_model?lang=en&kind=poems&text=明月")
    page.get_by_role("tab", name=tab).click()
    visitor.ready()
    panel = page.locator(".st-key-language_inside")
    expect(panel.locator(".gb").first).to_be_attached(timeout=SLOWLY)
    expect(page.locator('[data-testid="stAlertContentError"]')).to_have_count(0)


def test_a_typed_prompt_is_answered_and_html_stays_text(visitor: Visitor) -> None:
    page = visitor.open("/language_model?lang=en&kind=poems")
    area = page.locator(".st-key-language_field textarea")
    area.fill("明月<img src=x onerror=alert(1)>")
    area.press("Enter")
    given = page.locator(".st-key-language_page .token.given")
    expect(given).to_have_text("明月<imgsrc=xonerror=alert(1)>", timeout=SLOWLY)
    visitor.ready()
    assert page.locator(".st-key-language_page img").count() == 0
    assert "text=" in page.url


def test_a_model_learns_here_writes_and_goes_home(visitor: Visitor) -> None:
    page = visitor.open("/language_model?lang=en&tab=teach")
    page.get_by_text("Sums", exact=True).click()
    visitor.ready()
    page.get_by_role("button", name="Learn it").click()
    sample = page.locator(".st-key-language_inside").get_by_text(re.compile(r"Step \d+"))
    expect(sample.first).to_be_visible(timeout=180_000)
    page.locator(".st-key-language_teach_stop button").first.click()
    talk = page.locator(".st-key-language_teach_talk button").first
    expect(talk).to_be_visible(timeout=120_000)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the model").click()
    assert download.value.suggested_filename == "glassbox-language-model.zip"
    talk.click()
    expect(page.locator(".st-key-language_writing_own textarea")).to_be_visible(timeout=SLOWLY)
    page.get_by_role("button", name="One token").click()
    expect(page.locator(".st-key-language_page .token:not(.given)")).to_have_count(1, timeout=SLOWLY)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_fits_a_phone(chromium: Browser, address: str, lang: str) -> None:
    visitor = visit(chromium, address, viewport={"width": 390, "height": 844}, has_touch=True)
    page = visitor.open(f"/language_model?lang={lang}")
    expect(page.locator(".st-key-language_next_token .bars > button").first).to_be_visible(timeout=SLOWLY)
    width = page.evaluate("document.scrollingElement.scrollWidth")
    assert width <= 391
    visitor.context.close()
    assert not visitor.complaints()
    assert np.isfinite(width)
