"""The page "Language model": what it shows is what the models say, whatever is typed, in both languages.

Most tests use models with random weights: what a model has learned is not the point here.
"""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import i18n
from core.language import generation
from core.language.generation import Draft, Sampling, lesson, prompt, read_back, sampling, saved
from core.language.generation.types import LanguageModel
from core.language.generation.vocabulary import Characters, Pieces
from core.language.generation.writing import BEGIN, FORMS
from core.language.shipped import read_weights, write_weights
from core.language.tokenizer import shared
from tests.test_generation import tiny
from tests.test_pages import opened, words_of
from tests.test_sentiment_page import component
from ui import frame, language_model, language_model_circle, language_model_read, language_model_teach
from ui.language_model import KINDS, NETWORKS, TABS, Desk, Step, changed, steps_of
from ui.words import percent

PAGE = "pages/language_model.py"
POEM = "明月空山不見人但聞語響返景入深林復照青苔上春風，。黃河遠白雲間"
WORDS = [
    "this",
    "movie",
    "is",
    "not",
    "bad",
    "at",
    "all",
    "the",
    "food",
    "was",
    "good",
    "and",
    "i",
    "bought",
    "it",
    "房间",
    "很",
    "好",
    "味道",
    "不",
    "错",
    "这",
    "本",
    "书",
    ",",
    ".",
    "!",
]


@functools.cache
def stand_in(training: str, kind: str) -> LanguageModel:
    """A model with random weights and the special tokens of the shipped one."""
    if training == "poems":
        return tiny(kind, vocabulary("poems"), "poems")
    if training == "reviews":
        return tiny(kind, vocabulary("reviews"), "reviews")
    raise KeyError(training)


@functools.cache
def vocabulary(training: str) -> Any:
    """One vocabulary for the three kinds, as the shipped ones share theirs."""
    if training == "poems":
        return Characters("".join(dict.fromkeys(POEM)), ["end", *FORMS["poems"]])
    letters = list("abcdefghijklmnopqrstuvwxyz")
    pieces = [*WORDS, *(one for one in letters if one not in WORDS), *("##" + one for one in letters)]
    return Pieces(shared(), pieces, ["end", BEGIN, *FORMS["reviews"]])


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The page with models that were made here."""
    monkeypatch.setattr(generation, "language_model", stand_in)
    monkeypatch.setattr(language_model, "ships", lambda training, network: True)
    monkeypatch.setattr(language_model, "AT_ONCE", 50)
    yield


def page(lang: str = "en", **query: str) -> AppTest:
    return opened(PAGE, lang=lang, **query)


def desk_of(app: AppTest) -> Desk:
    found: Desk = app.session_state["visit"].kept["language_desk"]
    return found


def press(app: AppTest, key: str) -> AppTest:
    next(button for button in app.button if button.key == key).click().run()
    assert not app.exception
    return app


def write(app: AppTest, text: str, kind: str = "reviews", token: str = "a") -> AppTest:
    """What the browser sends when a visitor has written a prompt."""
    app.session_state[f"language_writing_{kind}"] = {"choice": {"token": token, "value": text}}
    app.run()
    assert not app.exception
    return app


def scores_of(shown: dict[str, Any]) -> np.ndarray[Any, Any]:
    return np.frombuffer(base64.b64decode(shown["scores"]), "<f4")


# --- in both languages ------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
@pytest.mark.parametrize("tab", TABS)
def test_every_tab_opens_in_both_languages(tab: str, lang: str) -> None:
    app = page(lang, tab=tab)
    assert not app.error
    assert app.title[0].value == i18n.text(lang, "language_model.title")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("tab", ["inside", "lens", "cache", "read", "side"])
def test_every_model_can_be_looked_into_or_says_why_not(kind: str, network: str, tab: str) -> None:
    app = page(kind=kind, model=network, tab=tab)
    assert not app.error


# --- the next token ---------------------------------------------------------------------------------


def test_the_bars_are_the_models_own_scores() -> None:
    app = page(text="this movie", temperature="0.5")
    shown = component(app, "language_next_token")
    model = stand_in("reviews", "transformer")
    draft = Draft(model, prompt(model, "this movie", "en_positive"))
    choice = draft.choice(Sampling(temperature=0.5))
    allowed = np.sort(choice.scores[np.isfinite(choice.scores)])[::-1]
    np.testing.assert_allclose(scores_of(shown), allowed, rtol=1e-5)
    best = int(choice.scores.argmax())
    assert shown["ids"][0] == best
    assert shown["names"][0].lstrip("-") == language_model.piece(model.vocabulary.piece(best), "reviews")
    assert {one["name"]: one["value"] for one in shown["controls"]}["temperature"] == 0.5


def test_tokens_that_were_there_are_told_to_the_browser_for_the_penalty() -> None:
    app = page(text="this movie is this movie")
    shown = component(app, "language_next_token")
    ids = set(desk_of(app).ids)
    told = {shown["ids"][place] for place in shown["before"] if place < len(shown["ids"])}
    assert told and told <= ids


def test_one_token_undo_and_start_over() -> None:
    app = page(text="the food")
    before = desk_of(app).ids
    for count in (1, 2, 3):
        press(app, "language_next")
        assert len(desk_of(app).ids) == len(before) + count
    shown = component(app, "language_written_reviews")["glyphs"]
    assert shown[0][2] is None  # the prompt has no colour
    assert [glyph[2] for glyph in shown[1:]] == [
        pytest.approx(step.bits, abs=1e-3) for step in desk_of(app).steps
    ]
    press(app, "language_undo")
    assert len(desk_of(app).ids) == len(before) + 2
    press(app, "language_anew")
    assert desk_of(app).ids == before


def test_the_bits_of_a_written_token_are_its_surprisal() -> None:
    app = press(page(text="not bad", tab="cache"), "language_next")
    found = desk_of(app)
    logits = found.model.logits(np.array(found.ids[:-1], np.int32))[-1].astype(np.float64)
    own = -(logits - np.logaddexp.reduce(logits))[found.ids[-1]] / np.log(2)
    assert found.steps[-1].bits == pytest.approx(own, rel=1e-4)


def test_writing_on_ends_by_itself_and_is_greedy_at_temperature_zero() -> None:
    app = page(text="this movie", temperature="0")
    press(app, "language_write")
    found = desk_of(app)
    assert not found.running
    assert found.draft.over or len(found.steps) == language_model.MOST
    for step in found.steps[:20]:
        assert step.probability >= 0
    first = [step.id for step in found.steps]
    press(app, "language_anew")
    press(app, "language_write")
    assert [step.id for step in desk_of(app).steps] == first


def test_a_chosen_token_is_written_and_marked() -> None:
    app = page(text="this movie")
    found = desk_of(app)
    shown = component(app, "language_next_token")
    found.take(shown["ids"][3], chosen=True)
    app.run()
    assert component(app, "language_written_reviews")["glyphs"][-1][5] is True
    assert desk_of(app).ids[-1] == shown["ids"][3]


def test_another_model_goes_on_with_the_same_text() -> None:
    app = press(press(page(text="not bad"), "language_next"), "language_next")
    ids = desk_of(app).ids
    next(one for one in app.button_group if one.key == "language_network").set_value("gru").run()
    found = desk_of(app)
    assert found.ids == ids
    assert found.kind == "gru"
    again = steps_of(found.model, ids, len(ids) - 2)
    assert [step.bits for step in found.steps] == [step.bits for step in again]


def test_steps_read_at_once_are_those_that_were_written_one_by_one() -> None:
    model = stand_in("poems", "gru")
    draft = Draft(model, prompt(model, "明月", "five_4"))
    found = Desk("poems", "gru", "five_4", "明月", model, draft)
    for id in draft.candidates(draft.choice(Sampling()), 4):
        row = draft.choice(Sampling()).model
        text = draft.text
        draft.take(id.id)
        found.steps.append(language_model.step(model, row, id.id, text, draft.text, False, 0.0))
    read: list[Step] = steps_of(model, draft.ids, len(draft.ids) - 4)
    for one, other in zip(found.steps, read, strict=True):
        assert (one.id, one.letters, one.rank) == (other.id, other.letters, other.rank)
        assert one.probability == pytest.approx(other.probability, rel=1e-3)


# --- the rules --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({"temperature": 1.5, "top_k": 7}, Sampling(temperature=1.5, top_k=7)),
        ({"temperature": 99}, Sampling(temperature=2.0)),
        ({"top_p": -1}, Sampling(top_p=0.05)),
        ({"temperature": 0.81}, Sampling()),
        ({"temperature": float("nan"), "top_k": "x", "top_p": None, "other": 3}, Sampling()),
        ({"temperature": True}, Sampling()),
    ],
)
def test_rules_from_the_browser_are_checked(given: dict[str, Any], taken: Sampling) -> None:
    assert changed(Sampling(), given) == taken


def test_the_formula_has_the_numbers_of_the_choice() -> None:
    app = page(text="this movie", temperature="0.5", tab="choice")
    found = desk_of(app)
    best = found.draft.candidates(found.draft.choice(Sampling(temperature=0.5)), 1)[0]
    formulas = " ".join(str(one.value) for one in app.latex)
    assert f"{best.score:.3f}" in formulas
    assert f"{best.probability:.4f}" in formulas
    assert "/ 0.50" in formulas


def test_a_link_reopens_model_prompt_temperature_form_and_tab() -> None:
    app = page(kind="poems", model="gru", text="明月", temperature="1.2", tab="read", form="seven_4")
    found = desk_of(app)
    assert (found.training, found.kind, found.form, found.text) == ("poems", "gru", "seven_4", "明月")
    assert app.session_state["visit"].kept["language_sampling"].temperature == 1.2
    assert app.query_params["tab"] in ("read", ["read"])


@pytest.mark.parametrize(
    "query",
    [
        {"kind": "x"},
        {"model": "pretrained"},
        {"temperature": "hot"},
        {"temperature": "1e999"},
        {"form": "five_4"},
    ],
)
def test_a_link_that_lies_opens_the_page_all_the_same(query: dict[str, str]) -> None:
    assert not page(**query).error


# --- poems ------------------------------------------------------------------------------------------


def test_poems_are_shown_in_the_characters_that_are_chosen() -> None:
    app = page(kind="poems", text="明月", script="simplified")
    found = desk_of(app)
    seen = found.model.vocabulary.encode("見")[0].id
    found.take(seen)
    app.run()
    assert component(app, "language_written_poems")["glyphs"][-1][1] == "见"
    next(one for one in app.button_group if one.key == "language_script").set_value("traditional").run()
    assert component(app, "language_written_poems")["glyphs"][-1][1] == "見"
    assert desk_of(app).ids[-1] == seen


def test_a_simplified_prompt_is_read_in_traditional_characters() -> None:
    app = page(kind="poems", text="空山不见人")
    assert desk_of(app).draft.text == "空山不見人"


# --- odd prompts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["reviews", "poems"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t ",
        "a" * 100_000,
        "明" * 100_000,
        "\x00\x1b[31m\u202e\u200f",
        "ᚠᚢᚦᚨᚱᚲ",
        "<end> <zh_positive> <|endoftext|>",
        "<script>alert(1)</script> $x$ **b** :red[x]",
        "\ud800",
        "🙂" * 50,
    ],
    ids=["empty", "blank", "long", "long_zh", "control", "runes", "specials", "html", "surrogate", "emoji"],
)
def test_an_odd_prompt_has_an_answer_or_a_sentence(kind: str, text: str) -> None:
    app = page(kind=kind, tab="inside")
    if text == "\ud800":  # a browser cannot send it: the last line of defence
        with pytest.raises(UnicodeEncodeError):
            json.dumps(text, ensure_ascii=False).encode()
        return
    write(app, text, kind)
    if app.error:
        assert len(app.error) == 1
        assert app.error[0].value == i18n.text(
            "en", "language_model.error.unknown_script", text=text.strip()[:40]
        ) or "no character" in str(app.error[0].value)
    else:
        component(app, "language_next_token")
        press(app, "language_next")


def test_special_tokens_typed_as_text_are_text() -> None:
    app = write(page(), "<end> <zh_positive>")
    found = desk_of(app)
    assert not found.draft.over
    assert not any(found.model.vocabulary.is_special(id) for id in found.ids[2:])


def test_an_error_loses_nothing_and_goes_with_the_next_prompt() -> None:
    app = write(page(kind="poems"), "ᚠᚢᚦᚨ", "poems")
    assert app.error
    assert not write(app, "明月", "poems", "b").error
    assert desk_of(app).draft.text == "明月"


# --- the tabs ---------------------------------------------------------------------------------------


def test_the_attention_is_a_causal_triangle_and_the_models_own() -> None:
    app = page(text="this movie is not bad", tab="inside")
    shown = component(app, "language_attention")
    found = desk_of(app)
    size = len(shown["tokens"])
    weights = np.frombuffer(base64.b64decode(shown["weights"]), "<f4").reshape(size, size)
    assert not np.triu(weights, 1).any()
    what = generation.inside(found.model, found.ids)  # type: ignore[arg-type]
    assert what.attention is not None
    assert any(np.allclose(weights, head, atol=1e-6) for layer in what.attention for head in layer)


def test_the_last_layer_of_the_lens_is_what_the_model_says() -> None:
    app = page(text="this movie is", tab="lens")
    shown = component(app, "language_lens_table")
    found = desk_of(app)
    row = found.choice().model
    name, share, _, _ = shown["rows"][0][1][-1]
    best = int(row.argmax())
    assert name == language_model.piece(language_model.name_of(found.model.vocabulary, best), "reviews")
    assert share == pytest.approx(float(row[best]), abs=1e-3)
    assert len(shown["rows"]) == 3  # the embedding and both layers


def test_the_cache_is_measured_and_changes_nothing() -> None:
    app = press(page(text="this movie", tab="cache"), "language_cache_measure")
    assert not app.error
    timed = app.session_state["visit"].kept["language_timing"][1]
    assert timed.difference < 1e-4
    assert len(timed.cached) == len(timed.lengths)
    assert (timed.anew > 0).all()
    assert f"{timed.factor:.1f} ×" in [metric.value for metric in app.metric]


def test_two_networks_go_on_from_the_same_prompt() -> None:
    app = page(kind="poems", text="明月", tab="side")
    for network in ("transformer", "gru"):
        model = stand_in("poems", network)
        row = Draft(model, prompt(model, "明月", "five_4")).choice(Sampling()).model
        shown = component(app, f"language_side_bars_{network}")["items"]
        assert shown[0]["text"] == percent(float(row.max()))
        assert shown[0]["share"] == 1.0  # the longest bar is as long as can be
        assert component(app, f"language_side_written_{network}")["glyphs"]
    texts = [component(app, "language_side_written_gru")["glyphs"]]
    press(app, "language_side_again")
    assert component(app, "language_side_written_gru")["glyphs"] != texts[0]


def test_a_text_is_read_back_with_the_models_own_figures() -> None:
    app = page(tab="read", text="x")
    app.session_state["visit"].kept["language_read_text"] = {"reviews": "this movie is not bad"}
    app.run()
    assert not app.error
    own = read_back(stand_in("reviews", "transformer"), "this movie is not bad", "en_positive")
    glyphs = component(app, "language_read_written")["glyphs"]
    assert [glyph[2] for glyph in glyphs] == [pytest.approx(one.bits, abs=1e-3) for one in own.tokens]
    assert "".join(glyph[0] + glyph[1] for glyph in glyphs) == "this movie is not bad"
    table = app.dataframe[0].value
    assert table.iloc[0, 1] == pytest.approx(own.bits_per_character, abs=1e-3)
    counted = read_back(stand_in("reviews", "ngram"), "this movie is not bad", "en_positive")
    assert table.iloc[2, 2] == pytest.approx(counted.perplexity, abs=0.06)


def test_a_text_that_cannot_be_read_back_is_told() -> None:
    app = page(tab="read", kind="poems")
    app.session_state["visit"].kept["language_read_text"] = {"poems": "ᚠᚢᚦᚨ"}
    app.run()
    assert len(app.error) == 1


def test_shuffling_keeps_the_words() -> None:
    text = "the plot is thin but the end is good"
    assert sorted(language_model_read.shuffled(text).split()) == sorted(text.split())
    assert sorted(language_model_read.shuffled("明月松間照清泉")) == sorted("明月松間照清泉")


# --- the circle -------------------------------------------------------------------------------------


def test_the_circle_counts_how_often_the_judges_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def review(wished: str, seed: int, **_: object) -> str:
        written.append(wished)
        return "wonderful, I love it" if wished == "positive" else "awful, a waste of time"

    monkeypatch.setattr(language_model_circle, "write", review)
    monkeypatch.setattr(language_model_circle, "COUNT", 4)
    app = press(page(tab="circle"), "language_circle_begin")
    assert not app.error
    found = app.session_state["visit"].kept["language_circle_round"]
    assert not found.running
    assert written == ["positive", "negative", "positive", "negative"]
    assert all(one.agrees("pretrained") for one in found.samples)
    bars = component(app, "language_circle_bars")["items"]
    assert {bar["id"]: bar["share"] for bar in bars}["pretrained"] == 1.0
    assert "100%" in words_of(app)


def test_a_review_against_its_order_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language_model_circle, "write", lambda *_, **__: "awful, a waste of time")
    app = press(page(tab="circle"), "language_circle_write")
    assert "does not read it so" in words_of(app)


def test_a_review_to_order_is_written_by_the_model_under_guidance() -> None:
    text = language_model_circle.write(
        "positive", 1, network="gru", language_="en", rules=Sampling(temperature=0)
    )
    model = stand_in("reviews", "gru")
    draft = Draft(model, prompt(model, "", "en_positive"), guidance=generation.GUIDANCE)
    while not draft.over and len(draft.ids) < language_model_circle.LENGTH + 2:
        draft.take(int(draft.choice(Sampling(temperature=0)).scores.argmax()))
    assert text == draft.text


# --- train one here ---------------------------------------------------------------------------------


def test_a_text_that_is_too_short_is_told_before_anything_runs() -> None:
    app = page(tab="teach")
    next(one for one in app.button_group if one.key == "language_source").set_value("own").run()
    next(one for one in app.text_area if one.key == "language_pasted").set_value("too short").run()
    press(app, "language_teach")
    assert any("9 characters" in str(one.value) for one in app.error)
    assert "language_job" not in app.session_state["visit"].kept


def test_ready_texts_are_long_enough_and_sums_are_right() -> None:
    for source in ("words", "code", "sums"):
        assert len(language_model_teach.ready(source, "zh")) >= 10_000
    for line in language_model_teach.ready("sums", "en").splitlines()[:50]:
        left, right = line.split("=")
        assert sum(map(int, left.split("+"))) == int(right)


def learned() -> lesson.Learned:
    """A small model as a lesson leaves it."""
    text = language_model_teach.ready("sums", "en")[:1200]
    words = Characters("".join(sorted(set(text))))
    ids = np.array([token.id for token in words.encode(text)], np.int32)
    random = np.random.default_rng(0)
    weights = {
        name: random.normal(0, 0.1, shape).astype(np.float32)
        for name, shape in saved._shapes("gru", words.size).items()
    }
    levels = generation.ngram.learn([ids], words.size, lesson.ORDER)
    figures = {"held_out_bits": 2.0, "ngram_bits": 2.5, "characters": 1080.0}
    return lesson.Learned("gru", "".join(words.pieces), weights, generation.ngram.to_arrays(levels), figures)


def test_a_model_that_was_taken_away_is_brought_back_and_writes() -> None:
    app = page(tab="teach", kind="own")
    assert i18n.text("en", "language_model.own.none") in words_of(app)
    upload = next(one for one in app.file_uploader if one.key == "language_saved")
    upload.upload("model.zip", saved.save(learned()), "application/zip").run()
    assert not app.exception
    assert not app.error
    found = desk_of(app)
    assert found.training == "own"
    press(app, "language_next")
    assert desk_of(app).steps[-1].letters in "0123456789+=\n"


def test_a_broken_file_is_told() -> None:
    app = page(tab="teach")
    upload = next(one for one in app.file_uploader if one.key == "language_saved")
    upload.upload("model.zip", b"PK\x03\x04 nothing", "application/zip").run()
    assert not app.exception
    assert [one.value for one in app.error] == [i18n.text("en", "language_model.error.saved")]


# --- files ------------------------------------------------------------------------------------------


def test_the_scale_of_a_norm_comes_back_from_a_file(tmp_path: Any) -> None:
    weights = {
        "embedding/embeddings": np.ones((3, 2), np.float32),
        "last_norm/scale": np.array([0.5, 2.0], np.float32),
    }
    write_weights(tmp_path / "x.npz", weights, ("embedding/embeddings",))
    found = read_weights(tmp_path / "x.npz")
    assert set(found) == set(weights)
    np.testing.assert_allclose(found["last_norm/scale"], weights["last_norm/scale"])


def test_without_weights_the_page_still_teaches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language_model, "ships", lambda training, network: False)
    app = page()
    assert not app.error
    assert i18n.text("en", "language_model.own.none") in words_of(app)
    assert language_model.kinds() == ("own",)
    assert "circle" not in language_model.tab_names()


@pytest.mark.parametrize("tab", ["side", "read", "circle"])
def test_a_training_of_which_one_model_ships_is_offered_alone(
    monkeypatch: pytest.MonkeyPatch, tab: str
) -> None:
    monkeypatch.setattr(
        language_model, "ships", lambda training, network: (training, network) == ("reviews", "transformer")
    )
    app = page(tab=tab, text="this movie", model="gru")
    assert not app.error
    assert language_model.kinds() == ("reviews", "own")
    assert desk_of(app).kind == "transformer"


def test_the_page_is_in_the_navigation() -> None:
    assert any(entry.name == "language_model" for entry in frame.PAGES)
    assert sampling.Sampling().temperature == 0.8
