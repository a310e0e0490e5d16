"""The page "Sentiment": what it shows is what the networks say, in both languages, whatever is typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import assets, i18n, language
from core.errors import GlassboxError
from core.language import calibration, tables
from tests.test_pages import opened, words_of
from ui import charts, sentiment, sentiment_fails, sentiment_many, sentiment_recurrent, sentiment_space, state
from ui.components import states as states_component
from ui.sentiment import MODELS, TABS, turns
from ui.words import plain

PAGE = "pages/sentiment.py"
MIXED = "这部电影不算好看，但是结尾让我哭了"


def page(lang: str = "en", **query: str) -> AppTest:
    return opened(PAGE, lang=lang, **({"model": "gru"} | query))


def write(app: AppTest, text: str, token: str = "a") -> AppTest:
    """What the browser sends when a visitor has written something."""
    app.session_state["sentiment_writing"] = {"choice": {"token": token, "value": text}}
    app.run()
    assert not app.exception
    return app


def component(app: AppTest, key: str) -> dict[str, Any]:
    """The data of one of our components, by its key."""
    found = [data for data in map(_data, _nodes(app.main)) if data is not None and data.get("key") == key]
    assert found, f"no component {key}"
    return found[-1]


def _nodes(block: Any) -> list[Any]:
    below = [node for child in getattr(block, "children", {}).values() for node in _nodes(child)]
    return [block, *below]


def _data(node: Any) -> dict[str, Any] | None:
    proto = getattr(node, "proto", None)
    text = getattr(proto, "json", "") or getattr(getattr(proto, "bidi_component", None), "json", "")
    return json.loads(text) if text else None


# --- what is shown is what the networks say ---------------------------------------------------------


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
@pytest.mark.parametrize("tab", TABS)
def test_every_tab_opens_in_both_languages(tab: str, lang: str) -> None:
    app = page(lang, tab=tab)
    assert not app.error
    assert app.title[0].value == i18n.text(lang, "sentiment.title")


@pytest.mark.parametrize("model", MODELS)
def test_every_network_can_be_looked_into(model: str) -> None:
    app = page(model=model, tab="inside", text="not bad at all")
    assert not app.error
    assert len(app.success) == 1  # the recomputed number is the network's own


def test_the_verdicts_are_the_networks_own() -> None:
    app = page(text=MIXED)
    shown = component(app, "sentiment_verdicts")
    assert [item["id"] for item in shown["items"]] == list(MODELS)
    assert tuple(shown["band"]) == calibration.NEITHER
    for item in shown["items"]:
        own = float(language.sentiment(item["id"]).predict([MIXED])[0, 1])
        assert item["positive"] == pytest.approx(own, abs=1e-6)
        assert item["word"] == i18n.text("en", f"sentiment.{calibration.verdict(own)}")


def test_the_curve_ends_at_the_verdict_and_has_the_visitors_own_letters() -> None:
    text = "Not BAD at all, 一点也不差"
    app = page(text=text)
    shown = component(app, "sentiment_running")
    assert "".join(shown["tokens"]) == text.replace(" ", "")
    for strand, name in zip(shown["strands"], sentiment.CURVES, strict=True):
        own = float(language.sentiment(name).predict([text])[0, 1])
        assert strand["values"][-1] == pytest.approx(own, abs=1e-3)
        assert len(strand["values"]) == len(shown["tokens"])


def test_a_long_text_is_read_in_windows_and_the_page_says_so() -> None:
    app = write(page(tab="many"), "The plot is thin. " * 120)
    shown = component(app, "sentiment_running")
    model = language.sentiment("rnn")
    strand = shown["strands"][0]
    total = len(model.tokenizer.encode("The plot is thin. " * 120))
    assert total > model.length
    assert strand["starts"], "the line of a network that reads less at once begins anew"
    first = float(language.read("rnn", "The plot is thin. " * 120, 0).running[0])
    assert strand["values"][0] == pytest.approx(first, abs=1e-3)
    assert any("windows" in caption.value for caption in app.caption)
    assert any("a link carries at most" in caption.value for caption in app.caption)
    assert "text" not in app.query_params


def test_windows_tile_the_text_as_the_models_cut_it() -> None:
    from core.language import windows

    for total, length in ((1, 4), (8, 4), (9, 4), (1000, 96), (129, 128)):
        cut = windows.cut(np.arange(total, dtype=np.int32), length)
        ours = sentiment.windows_of(total, len(cut))
        assert [list(part) for part in ours] == [part.tolist() for part in cut]


def test_a_network_turns_where_it_takes_the_other_side() -> None:
    assert turns([0.9, 0.8, 0.2, 0.1]) == (2,)
    assert turns([0.9, 0.5, 0.5, 0.1]) == (3,)  # undecided in between
    assert turns([0.9, 0.5, 0.9]) == ()  # it only hesitated
    assert turns([0.5, 0.5, 0.9]) == ()  # its first side is no turn
    assert turns([0.9, 0.1] * 4)[-1] == 7 and len(turns([0.9, 0.1] * 4)) == sentiment.TURNS


# --- whatever is typed ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["a", "😍", "<img src=x onerror=alert(1)>", "x" * 300, "great \u202efilm", "12345", "!?", "好"]
)
@pytest.mark.parametrize("tab", ["words", "inside", "space", "edit"])
def test_odd_texts_are_answered(text: str, tab: str) -> None:
    app = write(page(tab=tab), text)
    assert not app.error
    assert component(app, "sentiment_verdicts")["items"]


@pytest.mark.parametrize("text", ["\x00\x01\u200b", "هذا فيلم", "отличный фильм"])
def test_what_cannot_be_read_is_told_in_one_sentence(text: str) -> None:
    for lang in i18n.LANGUAGES:
        app = write(page(lang), text)
        assert len(app.error) == 1
        chinese = any("\u4e00" <= letter <= "\u9fff" for letter in app.error[0].value)
        assert chinese == (lang == "zh")


def test_an_empty_field_says_what_to_do() -> None:
    app = write(page(), "  \n ")
    assert [box.value for box in app.info] == [i18n.text("en", "sentiment.empty")]
    assert not app.error
    app = write(page(tab="many"), "")
    assert app.text_area  # many texts need no text above


def test_a_hundred_thousand_characters_are_read_and_the_rest_is_told() -> None:
    app = write(page(tab="many"), "not bad at all, 一点也不差。" * 5000)
    assert not app.error
    assert any("100,000" in box.value for box in app.warning)
    shown = component(app, "sentiment_verdicts")["items"]
    assert [item["positive"] is None for item in shown] == [name == sentiment.SLOW for name in MODELS]
    assert any(button.key == "sentiment_ask_slow" for button in app.button)


def test_no_letter_of_a_visitor_is_markdown() -> None:
    for text in ("**a**", "[x](javascript:1)", ":material/delete:", "$x$", "<b>", ":red[x]", "`a`", "~~a~~"):
        escaped = plain(text)
        assert escaped.replace("\\", "") == text
        assert all(escaped[place - 1] == "\\" for place, sign in enumerate(escaped) if sign in "*[]<$`~")
    assert charts.literal('<a href="x">&') == '&lt;a href="x"&gt;&amp;'
    assert sentiment.printable("a\u202eb\u2066c\x07d 好\u200d") == "abcd 好\u200d"


# --- the link and the visit -------------------------------------------------------------------------


def test_a_link_restores_text_network_and_tab() -> None:
    app = page("zh", text=MIXED, model="rnn", tab="inside")
    assert app.session_state["visit"].kept["sentiment_text"] == MIXED
    assert component(app, "sentiment_writing")["value"] == MIXED
    assert component(app, "sentiment_states_rnn_hidden")["key"] == "sentiment_states_rnn_hidden"


def test_the_text_outlives_the_page() -> None:
    app = write(page(), "a quiet little film")
    app.switch_page("pages/classify.py").run()
    assert not app.exception
    app.switch_page(PAGE).run()
    assert app.session_state["visit"].kept["sentiment_text"] == "a quiet little film"
    assert component(app, "sentiment_running")["tokens"][0] == "a"


@pytest.mark.parametrize("query", [{"model": "bert"}, {"tab": "x"}, {"text": ""}, {"text": "x" * 9000}])
def test_a_link_that_lies_opens_the_page_all_the_same(query: dict[str, str]) -> None:
    app = page(**query)
    assert not app.error and not app.exception


def test_an_example_is_one_click() -> None:
    app = page()
    next(button for button in app.button if button.key == "sentiment_example_other").click().run()
    assert app.session_state["visit"].kept["sentiment_text"] == MIXED
    assert component(app, "sentiment_writing")["value"] == MIXED


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
def test_the_examples_are_there_in_both_languages(lang: str) -> None:
    found = assets.read_json("language", "examples.json")
    for name, texts in found.items():
        assert texts[lang].strip()
        assert f"sentiment.example.{name}" in i18n.catalogue(lang)
    assert found["mixed"]["zh"] == MIXED
    assert found["negation"]["en"] == "not bad at all"
    assert len(found["long"][lang]) > 200


# --- edits ------------------------------------------------------------------------------------------


def test_a_pinned_version_stands_beside_the_new_one() -> None:
    app = write(page(tab="edit"), "a good film")
    next(button for button in app.button if button.key == "sentiment_pin").click().run()
    write(app, "a bad film", "b")
    assert not app.error
    first, second = (component(app, f"sentiment_version_{which}")["pieces"] for which in ("first", "second"))
    assert [piece[1] for piece in first if piece[4] == "gone"] == ["good"]
    assert [piece[1] for piece in second if piece[4] == "new"] == ["bad"]
    for item in component(app, "sentiment_compared")["items"]:
        before, after = language.sentiment(item["id"]).predict(["a good film", "a bad film"])[:, 1]
        assert item["before"] == pytest.approx(float(before), abs=1e-5)
        assert item["positive"] == pytest.approx(float(after), abs=1e-5)


def test_a_suggested_edit_can_be_tried() -> None:
    app = write(page(tab="edit"), "a good film")
    next(button for button in app.button if button.key == "sentiment_suggest").click().run()
    assert not app.error
    tries = [button for button in app.button if str(button.key).startswith("sentiment_try")]
    assert tries
    tries[0].click().run()
    kept = app.session_state["visit"].kept
    assert kept["sentiment_pinned"] == "a good film" != kept["sentiment_text"]


# --- many texts -------------------------------------------------------------------------------------


def test_a_gbk_file_becomes_a_table() -> None:
    app = page("zh", tab="many")
    data = "编号,评论\n1,房间很大，服务也好\n2,又贵又难吃\n3,=1+1\n4,\u3000\n".encode("gbk")
    app.file_uploader[0].upload("评论.csv", data, "text/csv").run()
    next(button for button in app.button if button.key == "sentiment_many_ask").click().run()
    assert not app.exception and not app.error
    job = app.session_state["visit"].kept["sentiment_job"]
    assert job.done and not job.running
    assert job.table.texts[:2] == ("房间很大，服务也好", "又贵又难吃")
    own = language.sentiment(job.model).predict(job.table.texts[:2])[:, 1]
    assert job.answers[:2] == pytest.approx([float(each) for each in own], abs=1e-6)
    frame = app.dataframe[0].value
    assert list(frame.iloc[:, 0])[:2] == list(job.table.texts[:2])
    back = tables.read_texts(sentiment_many.csv_of(job))
    assert back.encoding == "utf-8-sig" and back.columns[-4:] == ("model", "verdict", "positive", "problem")
    assert back.rows[2][1] == "'=1+1"  # no cell is a formula


def test_one_text_that_cannot_be_read_does_not_stop_the_others() -> None:
    good, bad = sentiment_many.read("gru", ("not bad", "\x01"))
    assert isinstance(good, float) and isinstance(bad, GlassboxError)


def test_pasted_lines_can_be_stopped_and_are_kept() -> None:
    app = page(tab="many")
    app.text_area[0].set_value("good\nbad\nfine").run()
    next(button for button in app.button if button.key == "sentiment_many_ask").click().run()
    assert len(app.session_state["visit"].kept["sentiment_job"].answers) == 3
    job = app.session_state["visit"].kept["sentiment_job"]
    job.answers.pop()
    job.running = False
    app.run()
    assert any("Stopped after 2 of 3" in caption.value for caption in app.caption)


def test_a_file_that_is_no_table_is_told() -> None:
    app = page("zh", tab="many")
    app.file_uploader[0].upload("x.csv", b"PK\x03\x04" + bytes(200), "text/csv").run()
    assert len(app.error) == 1 and "CSV UTF-8" in app.error[0].value


# --- where it fails ---------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
def test_the_weakest_spots_come_first(lang: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def row(texts: int, share: float) -> dict[str, Any]:
        return {"texts": texts, "accuracy": dict.fromkeys(MODELS, share)}

    found = {
        "groups": {
            "language": {"en": row(900, 0.91), "zh": row(800, 0.9)},
            "length": {"en_1_60": row(100, 0.77), "zh_301": row(90, 0.88), "zh_1_10": row(3, 0.1)},
            "negation": {"en_with": row(50, 0.79), "en_without": row(60, 0.93)},
            "source": {"sst2": row(70, 0.81), "unheard_of": row(70, 0.95)},
            "other_kind": {"en": row(40, 0.5), "en_mixed": row(8, 0.4)},
            "sure": {"0.9": {"texts": dict.fromkeys(MODELS, 5000), "accuracy": dict.fromkeys(MODELS, 0.97)}},
        },
        "worst": {"gru": [{"text": "*no* wonder", "label": 1, "positive": 0.02}]},
    }
    file = tmp_path / "failures.json"
    file.write_text(json.dumps(found))
    monkeypatch.setattr(sentiment_fails.assets, "path", lambda *_: file)
    monkeypatch.setattr(sentiment_fails.assets, "read_json", lambda *_: found)
    app = AppTest.from_function(_fails_alone, default_timeout=60)
    app.session_state["visit"] = state.Visit(lang)
    app.run()
    assert not app.exception
    weakest = next(str(text.value) for text in app.markdown if "77.0%" in str(text.value))
    assert weakest.index("77.0%") < weakest.index("79.0%") < weakest.index("81.0%")
    assert "10.0%" not in weakest and "40.0%" not in weakest  # three texts say nothing; ours stand apart
    assert r"\*no\* wonder" in app.button[0].label
    app.button[0].click().run()
    assert app.session_state["visit"].kept["sentiment_text"] == "*no* wonder"


def _fails_alone() -> None:
    from ui import sentiment_fails

    sentiment_fails.fails("gru")


def test_the_home_page_reads_the_visitors_sentence() -> None:
    app = write(page(), "a quiet little film")
    app.switch_page("streamlit_app.py").run()
    assert not app.exception and not app.error
    assert component(app, "sentiment_running")["tokens"] == ["a", "quiet", "little", "film"]


# --- small parts ------------------------------------------------------------------------------------


def test_own_words_are_split_at_the_marks_of_both_languages() -> None:
    assert sentiment_space.own_words(" superb, 糟糕，banana、superb；x ") == ("superb", "糟糕", "banana", "x")
    assert len(sentiment_space.own_words(" ".join(map(str, range(900))))) == sentiment_space.MOST


@pytest.mark.parametrize(
    "value", [None, [1], [1, 2, 3], [5, 0], [0, 9], [-1, 0], ["1", 0], [True, 0], [1.5, 0]]
)
def test_a_place_that_cannot_be_meant_is_not_taken(value: Any) -> None:
    assert states_component._read(value, 5, 9) is None


def test_a_place_is_taken() -> None:
    assert states_component._read([4, 8], 5, 9) == (4, 8)


def test_a_formula_has_brackets_where_signs_would_meet() -> None:
    assert sentiment_recurrent.n(-0.5) == "-0.500"
    assert sentiment_recurrent.n(-0.5, True) == "(-0.500)"
    assert sentiment_recurrent.n(0.25, True) == "0.250"


def test_the_page_says_what_the_article_leaves_out() -> None:
    app = page(model="rnn", tab="inside", text="not bad at all")
    assert any("U h_{t-1}" in str(latex.value) for latex in app.latex)
    assert i18n.text("en", "sentiment.states.article") in words_of(app)


def test_the_card_of_a_text_model_counts_tokens() -> None:
    app = page(model="rnn")
    length = language.sentiment("rnn").card.input_size[0]
    assert any(f"reads {length} tokens at once" in caption.value for caption in app.caption)


def test_the_source_of_the_page_is_thin() -> None:
    root = Path(__file__).resolve().parent.parent
    assert len((root / PAGE).read_text("utf-8").splitlines()) <= 120
