"""The page "Sentiment" as a person uses it: Chromium against a server of its own."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from core import language
from tests.browser import Visitor, serve, visit

pytestmark = pytest.mark.browser
SLOWLY = 60_000  # a busy machine


def write(visitor: Visitor, text: str) -> None:
    """Types a text and sends it with Enter."""
    area = visitor.page.locator(".st-key-sentiment_writing textarea")
    area.fill(text)
    area.press("Enter")
    curve = visitor.page.locator(".st-key-sentiment_running .tokens")
    expect(curve).to_have_text(re.sub(r"\s", "", text), timeout=SLOWLY)
    visitor.ready()


def test_a_chinese_and_an_english_sentence_are_read(visitor: Visitor) -> None:
    page = visitor.open("/sentiment?lang=zh")
    expect(page.get_by_role("heading", level=1)).to_have_text("它是怎样读的？")
    text = "服务太差了，再也不会来"
    write(visitor, text)
    answers = page.get_by_role("radio").filter(has_text=re.compile("正面|负面|说不准"))
    expect(answers).to_have_count(5)
    own = float(language.sentiment("gru").predict([text])[0, 1])
    share = f"{round(100 * max(own, 1 - own))}%"
    expect(answers.filter(has_text="GRU")).to_contain_text(share)
    write(visitor, "not bad at all")
    assert "text=not" in page.url
    page.locator(".st-key-language").get_by_text("EN").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("How does it read?")
    expect(page.locator(".st-key-sentiment_writing textarea")).to_have_value("not bad at all")


def test_typing_is_answered_without_a_key(visitor: Visitor) -> None:
    page = visitor.open("/sentiment?lang=en")
    area = page.locator(".st-key-sentiment_writing textarea")
    area.fill("what a fine day")
    expect(page.locator(".st-key-sentiment_running .tokens")).to_have_text("whatafineday", timeout=SLOWLY)
    visitor.ready()
    expect(area).to_have_value("what a fine day")
    area.press("Shift+Enter")
    area.type("again")
    expect(area).to_have_value("what a fine day\nagain")  # nothing was taken away by the rerun
    expect(page.locator(".st-key-sentiment_running .tokens")).to_have_text(
        "whatafinedayagain", timeout=SLOWLY
    )


def test_the_attention_opens_and_tells_what_a_token_reads(visitor: Visitor) -> None:
    page = visitor.open("/sentiment?lang=en&model=transformer&text=not+bad+at+all")
    page.get_by_role("tab", name="Attention").click()
    shown = page.locator(".st-key-sentiment_attention_transformer")
    expect(shown.locator(".most")).to_be_visible(timeout=SLOWLY)
    visitor.ready()
    shown.locator(".token", has_text="bad").hover()
    expect(shown.locator(".most")).to_have_text("“bad” reads")
    inside = language.read("transformer", "not bad at all")
    assert inside.attention is not None
    shares = shown.locator(".row span:last-child").all_inner_texts()
    assert sum(float(share.rstrip("%")) for share in shares) == pytest.approx(100, abs=3)
    # with the keyboard: the next token, and Enter opens its arithmetic
    shown.locator(".token[tabindex='0']").focus()
    page.keyboard.press("Home")
    expect(shown.locator(".most")).to_have_text("“not” reads")
    page.keyboard.press("Enter")
    expect(page.get_by_text("How “not” reads")).to_be_visible(timeout=SLOWLY)
    expect(page.locator('[data-testid="stAlertContentSuccess"]')).to_contain_text("own number")
    visitor.ready()


def test_a_state_is_chosen_on_the_picture(visitor: Visitor) -> None:
    page = visitor.open("/sentiment?lang=en&model=rnn&tab=inside&text=not+bad+at+all")
    picture = page.locator(".st-key-sentiment_states_rnn_hidden .stage")
    box = picture.bounding_box()
    assert box is not None
    picture.click(position={"x": 4, "y": box["height"] / 2})
    expect(page.get_by_text("after token 1, “not”")).to_be_visible(timeout=SLOWLY)
    expect(page.locator('[data-testid="stAlertContentSuccess"]')).to_have_count(1)
    visitor.ready()


def test_a_word_is_edited_beside_the_pinned_version(visitor: Visitor) -> None:
    page = visitor.open("/sentiment?lang=en&model=gru&tab=edit&text=a+good+film")
    page.get_by_role("button", name="Pin this version").click()
    mine = page.locator(".st-key-sentiment_rewriting textarea")
    expect(mine).to_have_value("a good film", timeout=SLOWLY)
    visitor.ready()
    mine.fill("a bad film")
    mine.press("Enter")
    expect(page.locator(".st-key-sentiment_version_second .token.new")).to_have_text("bad", timeout=SLOWLY)
    expect(page.locator(".st-key-sentiment_version_first .token.gone")).to_have_text("good")
    visitor.ready()
    expect(page.locator(".st-key-sentiment_writing textarea")).to_have_value("a bad film")  # the same text
    expect(page.locator(".st-key-sentiment_compared .before:visible")).to_have_count(5)


def test_a_gbk_file_becomes_a_table_and_a_csv(visitor: Visitor, tmp_path: Path) -> None:
    file = tmp_path / "评论.csv"
    file.write_bytes("编号,评论\n1,房间很大，服务也好\n2,又贵又难吃，再也不来了\n3,=1+1\n".encode("gbk"))
    page = visitor.open("/sentiment?lang=zh&model=gru&tab=many")
    page.locator(".st-key-sentiment_file input[type=file]").set_input_files(file)
    expect(page.get_by_text("按 GB18030 读取")).to_be_visible(timeout=SLOWLY)
    visitor.ready()
    page.get_by_role("button", name="全部读一遍").click()
    with page.expect_download(timeout=SLOWLY) as download:
        page.get_by_role("button", name="下载 CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig"))))
    assert [row["评论"] for row in rows[:2]] == ["房间很大，服务也好", "又贵又难吃，再也不来了"]
    assert rows[2]["评论"] == "'=1+1"
    own = language.sentiment("gru").predict(["又贵又难吃，再也不来了"])[0, 1]
    assert float(rows[1]["positive"]) == pytest.approx(float(own), abs=1e-3)
    visitor.ready()


def test_no_html_of_a_visitor_is_rendered(visitor: Visitor) -> None:
    page = visitor.open("/sentiment?lang=en&model=gru&tab=inside")
    evil = '<img src=x onerror="document.title=1"><b class=evil>great</b> film'
    for tab in ("Gates", "Neighbours of a word", "Which words?"):
        page.get_by_role("tab", name=tab).click()
        visitor.ready()
        area = page.locator(".st-key-sentiment_writing textarea")
        area.fill(f"{evil} {len(tab)}")
        area.press("Enter")
        expect(page.locator(".st-key-sentiment_running .tokens")).to_contain_text("onerror", timeout=SLOWLY)
        visitor.ready()
        expect(page.locator("img[src=x], b.evil")).to_have_count(0)
        expect(page.locator('[data-testid="stAlertContentError"]')).to_have_count(0)


def test_a_phone_shows_one_column_and_nothing_is_cut(chromium: Browser, address: str) -> None:
    phone = visit(chromium, address, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    for tab in ("words", "inside", "space", "edit", "many", "fails"):
        page = phone.open(f"/sentiment?lang=zh&model=transformer&tab={tab}")
        wide = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
        assert wide <= 390, tab
    phone.context.close()
    assert not phone.complaints()


def test_verdicts_curve_and_attention_need_no_tensorflow(chromium: Browser) -> None:
    with serve() as server:
        first = visit(chromium, server.address)
        page = first.open("/sentiment?lang=en&model=transformer&tab=inside")
        expect(page.locator(".st-key-sentiment_attention_transformer .most")).to_be_visible(timeout=SLOWLY)
        page.get_by_role("tab", name="Which words?").click()
        expect(page.get_by_role("button", name="Compute")).to_be_visible(timeout=SLOWLY)
        first.ready()
        assert not server.has_tensorflow()
        page.get_by_role("button", name="Compute").click()
        tokens = page.locator(".st-key-sentiment_tokens_integrated_gradients .token")
        expect(tokens.first).to_be_visible(timeout=120_000)
        first.ready()
        assert server.has_tensorflow()
        first.context.close()
        assert not first.complaints()
