"""What a reading holds, of tiny models with random weights."""

from __future__ import annotations

import pickle
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import assets
from core.errors import GlassboxError
from core.language import NAMES, reading, sentiment
from core.language.attribution import attribute
from core.language.calibration import softmax
from core.language.cleaning import LONGEST
from core.language.reading import Reading, read
from core.language.types import TextModel
from tests import tiny_texts

TEXT = "This film is not good, but I love it. 我不喜欢电影 👍"
MODELS = pytest.mark.parametrize("model", tiny_texts.every(), ids=lambda model: model.name)
ODD = st.text(max_size=60) | st.text(st.sampled_from("Good bad不好👍\u200d\u202e\0<br/>&שלום"), max_size=60)


@MODELS
def test_the_running_verdict_is_that_of_each_beginning(model: TextModel) -> None:
    found = read(model, TEXT)
    ids = np.array([token.id for token in found.tokens], np.int32)
    beginnings = [ids[: place + 1] for place in range(len(ids))]
    expected = softmax(model.logits(beginnings) / model.temperature)[:, 1]
    np.testing.assert_allclose(found.running, expected, atol=1e-6)
    assert found.measured == tuple(range(len(ids)))
    assert found.running[-1] == pytest.approx(found.positive, abs=1e-6)


@MODELS
def test_a_reading_tells_of_the_text_as_it_was_typed(model: TextModel) -> None:
    found = read(model, TEXT)
    assert found.text == TEXT and found.name == model.name
    assert found.total == len(found.tokens) and (found.window, found.windows) == (0, 1)
    assert not found.truncated and found.seconds > 0
    np.testing.assert_array_equal(found.probabilities, model.predict([TEXT])[0])
    np.testing.assert_allclose(found.inside.logits, model.logits([_ids(found)])[0], atol=1e-5)
    starts = [start for start, _ in found.spans]
    assert starts == sorted(starts)
    good = found.pieces.index("good")
    assert TEXT[slice(*found.spans[good])] == "good"


def _ids(found: Reading) -> np.ndarray:
    return np.array([token.id for token in found.tokens], np.int32)


def test_what_is_inside_depends_on_the_model() -> None:
    rnn, gru = (read(tiny_texts.recurrent(name), TEXT) for name in ("rnn", "gru"))
    count = len(rnn.tokens)
    assert {key: value.shape for key, value in rnn.states.items()} == {"hidden": (count, 5)}
    assert set(gru.states) == {"hidden", "update", "reset", "candidate"}
    assert rnn.attention is None
    transformer = read(tiny_texts.transformer(), TEXT)
    assert transformer.attention is not None and not transformer.states
    np.testing.assert_allclose(transformer.attention.sum(axis=-1), 1, atol=1e-5)


@pytest.mark.parametrize("name", ["rnn", "transformer"])
def test_a_long_text_is_shown_window_by_window(name: str) -> None:
    model = (
        tiny_texts.transformer(length=8) if name == "transformer" else tiny_texts.recurrent(name, length=8)
    )
    text = "good film bad film not love it " * 3
    first = read(model, text)
    assert first.total == 24 and first.windows == 3
    every = [read(model, text, window) for window in range(3)]
    assert [token for found in every for token in found.tokens] == model.tokenizer.encode(text)
    mean = np.mean([found.inside.logits for found in every], axis=0)
    np.testing.assert_allclose(first.probabilities, softmax(mean / model.temperature), atol=1e-6)
    assert read(model, text, 99).window == 2
    assert read(model, text, -1).window == 0


def test_a_large_transformer_reads_fewer_beginnings_and_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_texts.transformer()
    text = "good film is bad and boring " * 10
    whole = read(model, text)
    monkeypatch.setattr(reading, "RUNNING_WORK", 1.0)
    few = read(model, text)
    assert len(few.measured) == reading.FEWEST_PREFIXES < len(few.tokens) == len(whole.measured)
    assert few.measured[0] == 0 and few.measured[-1] == len(few.tokens) - 1
    at = list(few.measured)
    np.testing.assert_allclose(few.running[at], whole.running[at], atol=1e-6)
    between = (at[3] + at[4]) // 2
    assert min(few.running[at[3:5]]) - 1e-6 <= few.running[between] <= max(few.running[at[3:5]]) + 1e-6


def test_a_bag_of_many_words_is_read_in_seconds() -> None:
    begun = time.process_time()
    found = read(tiny_texts.bag(), "good film not bad " * 5_500)
    assert len(found.tokens) == 22_000 and found.windows == 1
    assert reading.FEWEST_PREFIXES <= len(found.measured) < 1_000
    left_out = attribute("leave_one_out", tiny_texts.bag(), found.text)
    assert left_out.group > 10 and left_out.scores.shape == (22_000,)
    assert time.process_time() - begun < 30


def test_a_text_longer_than_is_read_is_cut_and_told() -> None:
    model = tiny_texts.recurrent("rnn")
    found = read(model, "good film " * (LONGEST // 10) + " bad bad bad")
    assert found.truncated
    assert found.total == 2 * LONGEST // 10
    assert found.seconds < 20


@MODELS
@pytest.mark.parametrize("text", ["", "   ", "\n\t\0", "\u200b\u202e", "<br/>"])
def test_nothing_to_read_is_told(model: TextModel, text: str) -> None:
    with pytest.raises(GlassboxError) as caught:
        read(model, text)
    assert "nothing to read" in str(caught.value)


@MODELS
@pytest.mark.parametrize(
    "text",
    ["1", "好", "!", "<b>good</b>", "😀👩‍👩‍👧", "\x07good\x1b[31m", "½ ﬁlm Ｇｏｏｄ", "good שלום film"],
)
def test_odd_texts_are_read(model: TextModel, text: str) -> None:
    found = read(model, text)
    assert found.tokens and all(0 <= start < end <= len(text) for start, end in found.spans)
    assert np.isfinite(found.running).all()


@MODELS
@settings(deadline=None)
@given(text=ODD)
def test_any_text_is_read_or_told_why_not(model: TextModel, text: str) -> None:
    try:
        found = read(model, text)
    except GlassboxError as error:
        assert str(error)
    else:
        assert found.running.shape == (len(found.tokens),)
        assert found.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert all(0 <= start < end <= len(text) for start, end in found.spans)


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        read("no such model", TEXT)


def test_a_reading_may_be_kept_by_a_cache() -> None:
    found = read(tiny_texts.transformer(), TEXT)
    again: Reading = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.running, found.running)
    assert again.tokens == found.tokens
    assert replace(again, window=1).window == 1


# --- the shipped models -----------------------------------------------------------------------------

SHIPPED = [name for name in NAMES if assets.path("language", f"{name}.npz").exists()]
SENTENCES = {
    "en": "I had waited a whole year for this film, and for the first half hour I thought that the wait had "
    "been worth it, but then it fell apart.",
    "zh": "这家酒店离地铁站只有五分钟，位置没得挑，可是一进房间就有点失望，服务员的态度倒是很热情，总的来说还是不太推荐。",
}


@pytest.mark.parametrize("text", SENTENCES.values(), ids=SENTENCES)
def test_everything_inside_of_all_models_takes_two_cores_less_than_a_second(text: str) -> None:
    for name in SHIPPED:
        read(name, text)
    seconds = []
    for _ in range(3):  # the least: a machine that runs all the tests collects garbage in between
        begun = time.process_time()
        found = [read(name, text) for name in SHIPPED]
        seconds.append(time.process_time() - begun)
    assert min(seconds) < 2
    assert all(len(one.tokens) >= 25 for one in found)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "好",
        "Привет, как дела?",
        "שלום עולם",
        "\x00\x07\x1b[31m",
        "<script>alert(1)</script> great",
        "👍👍👍",
        "good " * 20_000,
        "好" * 100_001,
    ],
    ids=lambda text: ascii(text[:12]),
)
def test_a_shipped_model_answers_or_says_why_not(name: str, text: str) -> None:
    if name == "pretrained" and len(text) > 500:
        text = text[:500]  # half a minute otherwise
    try:
        found = read(name, text)
    except GlassboxError as error:
        assert error.key.startswith("language.error.")
    else:
        assert np.isfinite(found.probabilities).all() and np.isfinite(found.running).all()
        assert found.truncated == (len(text) > LONGEST)
        assert found.windows == -(-found.total // sentiment(name).length)
