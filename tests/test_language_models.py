"""The four small text models: their arithmetic by hand, their Keras twins, their files, odd texts."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import assets
from core.errors import GlassboxError
from core.language import NAMES, bag_of_words, calibration, recurrent, sentiment, transformer, windows
from core.language.cleaning import LONGEST, clean
from core.language.shipped import Shipped, read_weights, write_weights
from core.language.tokenizer import UNKNOWN, shared
from core.language.types import LABELS
from core.language.words import WordTokenizer
from core.types import ModelCard

SMALL = ("bag_of_words", "rnn", "gru", "transformer")
NETWORKS = ("rnn", "gru", "transformer")
SENTENCES = (
    "I love it",
    "This is not bad at all, I would come back!",
    "太难吃了",
    "这部电影不算好看，但是结尾让我哭了",
    "The plot is dull and the acting is worse. " * 12,
    "ok",
)


def model(name: str) -> Shipped:
    found = sentiment(name)
    assert isinstance(found, Shipped)
    return found


def ids(name: str, text: str) -> np.ndarray:
    return model(name).readable(text)[: model(name).length]


# Tokens


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("I don't love it!!!", ["i", "do", "n't", "love", "it", "!!!"]),
        ("I do n't love it!!!", ["i", "do", "n't", "love", "it", "!!!"]),
        ("don’t", ["do", "n't"]),
        ("电影good", ["电影", "good"]),
        ("ＧＯＯＤ", ["good"]),
    ],
)
def test_a_text_falls_into_readable_pieces(text: str, pieces: list[str]) -> None:
    assert [token.piece for token in shared().encode(text)] == pieces


def test_a_negation_is_the_same_token_after_every_verb() -> None:
    kinds = [shared().encode(text)[1].id for text in ("don't", "isn't", "wouldn't", "didn’t")]
    assert len(set(kinds)) == 1 and kinds[0] != UNKNOWN


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_every_token_is_a_piece_of_the_text_as_typed(text: str) -> None:
    for tokenizer in (shared(), model("bag_of_words").tokenizer):
        tokens = tokenizer.encode(text)
        for token in tokens:
            assert 0 <= token.id < tokenizer.size
            assert 0 <= token.start < token.end <= len(text)
            if token.id == UNKNOWN:
                assert token.piece == text[token.start : token.end]
            else:
                assert tokenizer.piece(token.id)[:2] == token.piece[:2]
        assert all(before.start <= after.start for before, after in pairwise(tokens))
        covered = {place for token in tokens for place in range(*token.span)}
        cleaned, places = clean(text)
        assert all(place in covered for c, place in zip(cleaned, places, strict=True) if c.isalnum())


def test_no_piece_holds_a_broken_or_invisible_character() -> None:
    tokenizer = shared()
    pieces = [tokenizer.piece(id) for id in range(1, tokenizer.size)]
    assert len(set(pieces)) == len(pieces)
    assert not any("\ufffd" in piece or piece != piece.strip() or not piece for piece in pieces)
    assert max(len(piece) for piece in pieces if "\u4e00" <= piece[0] <= "\u9fff") <= 4


def test_a_character_that_was_never_seen_is_unknown_with_its_place() -> None:
    text = "good \U0001f9ff 好"
    tokens = shared().encode(text)
    assert [(token.id == UNKNOWN, token.span) for token in tokens] == [
        (False, (0, 4)),
        (True, (5, 6)),
        (False, (7, 8)),
    ]


def test_words_are_whole_and_characters_single() -> None:
    tokenizer = WordTokenizer(["not", "bad", "好", "!", "!!"])
    assert [(token.id, token.piece) for token in tokenizer.encode("Not bad 好看!!!!")] == [
        (1, "not"),
        (2, "bad"),
        (3, "好"),
        (0, "看"),
        (5, "!!!!"),
    ]


# Windows


@given(st.integers(1, 700), st.integers(1, 300))
@settings(max_examples=100, deadline=None)
def test_windows_hold_every_token_once_and_are_as_equal_as_can_be(tokens: int, length: int) -> None:
    parts = windows.cut(np.arange(tokens, dtype=np.int32), length)
    assert np.concatenate(parts).tolist() == list(range(tokens))
    sizes = [len(part) for part in parts]
    assert max(sizes) <= length and max(sizes) - min(sizes) <= 1
    assert len(parts) == -(-tokens // length)


def test_a_long_text_is_the_average_of_its_windows() -> None:
    def logits(batch: object) -> np.ndarray:
        return np.array([[0.0, part.sum()] for part in batch], np.float32)  # type: ignore[attr-defined]

    texts = [np.array([1, 2, 3, 4, 5], np.int32), np.array([7], np.int32)]
    assert windows.averaged(logits, texts, 2)[:, 1].tolist() == pytest.approx([(3 + 7 + 5) / 3, 7])


def test_a_batch_answers_as_each_alone() -> None:
    for name in SMALL:
        alone = np.concatenate([sentiment(name).predict([text]) for text in SENTENCES])
        np.testing.assert_allclose(sentiment(name).predict(SENTENCES), alone, atol=1e-5)


# Arithmetic


def test_the_simple_network_by_hand() -> None:
    weights = {
        "embedding": np.array([[0, 0], [1, 0], [0, 1]], np.float32),
        "rnn/kernel": np.array([[0.5], [-0.25]], np.float32),
        "rnn/recurrent_kernel": np.array([[2.0]], np.float32),
        "rnn/bias": np.array([0.1], np.float32),
        "dense/kernel": np.array([[-1.0, 1.0]], np.float32),
        "dense/bias": np.array([0.0, 0.5], np.float32),
    }
    network = recurrent.SimpleRecurrent("rnn", weights, ModelCard("rnn", (8,), 0, "", "", ""), 1.0)
    first = np.tanh(0.5 + 0.1)
    second = np.tanh(-0.25 + 2 * first + 0.1)
    inside = network.inside(np.array([1, 2], np.int32))
    np.testing.assert_allclose(inside.states["hidden"].ravel(), [first, second], atol=1e-6)
    np.testing.assert_allclose(inside.logits, [-second, second + 0.5], atol=1e-6)
    both = network.logits([np.array([1, 2], np.int32), np.array([1], np.int32)])
    np.testing.assert_allclose(both, [[-second, second + 0.5], [-first, first + 0.5]], atol=1e-6)


def test_attention_by_hand() -> None:
    shape = transformer.Shape(length=4, width=4, layers=1, inner=4)  # four heads, one number wide each
    random = np.random.default_rng(0)
    network = transformer.Transformer(
        "transformer", random_weights(shape, 5), ModelCard("t", (4,), 0, "", "", ""), 1.0
    )
    x = random.normal(size=(1, 3, 4)).astype(np.float32)
    attended = network.attend(1, x, np.ones((1, 3), np.float32))
    for head in range(4):
        q, k, v = (part[0, head, :, 0] for part in (attended.queries, attended.keys, attended.values))
        for i in range(3):
            powers = np.exp([q[i] * k[j] for j in range(3)])
            np.testing.assert_allclose(attended.weights[0, head, i], powers / powers.sum(), atol=1e-5)
            assert np.isfinite(v[i])


def random_weights(shape: transformer.Shape, pieces: int) -> dict[str, np.ndarray]:
    """Weights of a small Transformer, with the twin's names."""
    from core.language.shipped import get_weights

    network = transformer.build(shape)
    random = np.random.default_rng(1)
    weights = {
        key: random.normal(0, 0.5, value.shape).astype(np.float32)
        for key, value in get_weights(network).items()
    }
    return {"embedding": random.normal(size=(pieces, shape.width)).astype(np.float32), **weights}


def test_the_bag_of_words_by_hand() -> None:
    units = ["not", "good", "bad"]
    size = 1 + len(units)
    grams = {2: 1.5, 3: -2.0, 1 * size + 2: -3.0}  # good, bad, "not good"
    weights = bag_of_words.pack(units, grams, 0.25)
    bag = bag_of_words.BagOfWords("bag_of_words", weights, ModelCard("b", (100,), 0, "", "", ""), 1.0)
    found = bag.found("Not GOOD, good")
    assert [(gram.start, gram.end) for gram in found] == [(4, 8), (0, 8)]
    assert [gram.weight for gram in found] == pytest.approx([1.5 / 2**0.5, -3.0 / 2**0.5])
    logits = bag.logits([bag.readable("Not GOOD, good")])[0]
    assert logits[1] - logits[0] == pytest.approx(0.25 - 1.5 / 2**0.5, abs=1e-6)
    assert bag.logits([bag.readable("what?")])[0].tolist() == pytest.approx([-0.125, 0.125])


@pytest.mark.parametrize("text", SENTENCES)
def test_the_n_grams_of_the_shipped_bag_add_up_to_its_logit(text: str) -> None:
    bag = sentiment("bag_of_words")
    assert isinstance(bag, bag_of_words.BagOfWords)
    logits = bag.logits([bag.readable(text)])[0]
    assert bag.bias + sum(gram.weight for gram in bag.found(text)) == pytest.approx(
        float(logits[1] - logits[0]), abs=1e-4
    )


# The Keras twins


@pytest.mark.parametrize("name", NETWORKS)
def test_numpy_and_keras_agree(name: str) -> None:
    network, batch = model(name), [ids(name, text) for text in SENTENCES]
    padded, mask = windows.padded(batch)
    embeddings = network.weights["embedding"][padded]
    twin = np.asarray(network.network()([embeddings, mask]))
    np.testing.assert_allclose(network.logits(batch), twin, atol=1e-4)
    for row, one in enumerate(batch):
        np.testing.assert_allclose(network.inside(one).logits, twin[row], atol=1e-4)


@pytest.mark.parametrize("name", ["rnn", "gru"])
def test_hidden_states_are_keras_s(name: str) -> None:
    import keras

    network, one = model(name), ids(name, SENTENCES[4])
    layer = network.network().get_layer(name)
    again = type(layer).from_config({**layer.get_config(), "return_sequences": True})
    inputs = keras.Input((None, network.weights["embedding"].shape[1]))
    twin = keras.Model(inputs, again(inputs))
    again.set_weights(layer.get_weights())
    states = np.asarray(twin(network.weights["embedding"][one][np.newaxis]))[0]
    np.testing.assert_allclose(network.inside(one).states["hidden"], states, atol=1e-4)


def test_a_gru_s_gates_make_its_states() -> None:
    network = model("gru")
    states = network.inside(ids("gru", SENTENCES[1])).states
    hidden, update = states["hidden"], states["update"]
    before = np.vstack([np.zeros_like(hidden[:1]), hidden[:-1]])
    np.testing.assert_allclose(hidden, update * before + (1 - update) * states["candidate"], atol=1e-6)
    for gate in (update, states["reset"]):
        assert ((gate > 0) & (gate < 1)).all()


def test_attention_is_keras_s() -> None:
    import keras

    network, one = model("transformer"), ids("transformer", SENTENCES[4])
    twin = network.network()
    attentions = [layer.output for layer in twin.layers if layer.name.endswith(".attention")]
    inside = network.inside(one)
    assert inside.attention is not None and len(attentions) == len(inside.attention)
    embeddings = network.weights["embedding"][one][np.newaxis]
    found = keras.Model(twin.inputs, attentions)([embeddings, np.ones((1, len(one)), np.float32)])
    np.testing.assert_allclose(inside.attention, np.stack([np.asarray(part)[0] for part in found]), atol=1e-4)
    np.testing.assert_allclose(inside.attention.sum(axis=-1), 1, atol=1e-5)


def test_what_a_transformer_leaves_behind_fits_together() -> None:
    network, one = model("transformer"), ids("transformer", SENTENCES[3])
    inside = network.inside(one)
    assert inside.queries is not None and inside.keys is not None and inside.attention is not None
    layers, heads, tokens, part = inside.queries.shape
    assert tokens == len(one) and heads * part == inside.embeddings.shape[1]
    scores = inside.queries @ inside.keys.swapaxes(-1, -2) / np.sqrt(part)
    np.testing.assert_allclose(inside.attention, calibration.softmax(scores), atol=1e-5)
    assert inside.layers is not None and inside.layers.shape == (1 + layers, tokens, heads * part)


# Files


@pytest.mark.parametrize("name", SMALL)
def test_a_card_tells_what_was_measured(name: str) -> None:
    found = sentiment(name)
    assert found.labels == LABELS and found.name == name == found.card.name
    assert found.card.input_size == (found.length,)
    figures = found.card.figures
    assert figures["imdb_texts"] == 25_000
    for key in ("imdb", "chinese", "english"):
        assert 0.5 < figures[f"{key}_accuracy"] < 1
        assert figures[f"{key}_nll"] > 0
    assert figures["file_bytes"] == assets.path("language", f"{name}.npz").stat().st_size


def test_the_files_are_small_and_hold_no_pickle() -> None:
    files = [assets.path("language", f"{name}.npz") for name in SMALL]
    assert sum(file.stat().st_size for file in [*files, assets.path("language", "tokenizer.json")]) < 10e6
    for file in files:
        with np.load(file, allow_pickle=False) as stored:
            assert all(stored[key].dtype != object for key in stored.files)


def test_small_weights_come_back_close(tmp_path) -> None:  # type: ignore[no-untyped-def]
    values = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    values[3] *= 100
    write_weights(tmp_path / "w.npz", {"embedding": values, "bias": values[0]})
    again = read_weights(tmp_path / "w.npz")
    largest = np.abs(values).max(axis=1, keepdims=True)
    assert (np.abs(again["embedding"] - values) <= largest * 0.0051).all()
    assert again["embedding"].dtype == again["bias"].dtype == np.float32


@pytest.mark.parametrize("name", SMALL)
def test_weights_cannot_be_changed(name: str) -> None:
    with pytest.raises(ValueError, match="read-only"):
        next(iter(sentiment(name).weights.values()))[:] = 0


def test_a_verdict_imports_no_tensorflow() -> None:
    command = (
        "import sys; from core.language import sentiment\n"
        f"for name in {SMALL!r}: sentiment(name).predict(['I love it', '很好'])\n"
        "print(sorted({'tensorflow', 'keras', 'streamlit', 'scipy'} & {*sys.modules}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, cwd=assets.ROOT.parent
    )
    assert run.stdout.strip() == "[]", run.stderr


def test_an_unknown_name_is_refused() -> None:
    assert set(SMALL) < set(NAMES)
    with pytest.raises(KeyError):
        sentiment("lstm")


# Probabilities and verdicts


@pytest.mark.parametrize("name", SMALL)
def test_probabilities_are_calibrated_softmaxes(name: str) -> None:
    found = sentiment(name)
    said = found.predict(SENTENCES)
    assert said.shape == (len(SENTENCES), 2) and said.dtype == np.float32
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-6)
    logits = windows.averaged(found.logits, [ids(name, SENTENCES[0])], found.length)
    np.testing.assert_allclose(said[0], calibration.softmax(logits / found.temperature)[0], atol=1e-6)
    assert found.predict([]).shape == (0, 2)


def test_neither_is_said_in_the_band_alone() -> None:
    low, high = calibration.NEITHER
    assert low == pytest.approx(1 - high) and low < 0.5 < high
    assert [calibration.verdict(p) for p in (0.0, low, 0.5, high, 1.0)] == [
        "negative",
        "negative",
        "neither",
        "positive",
        "positive",
    ]


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize(
    ("text", "label"),
    [("I love it", 1), ("太难吃了", 0), ("这家店很好，强烈推荐", 1), ("What a terrible movie", 0)],
)
def test_plain_sentences_are_read_right(name: str, text: str, label: int) -> None:
    assert sentiment(name).predict([text])[0].argmax() == label


# Odd texts


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("text", ["", " ", "\n\t\r", "\x00\x07\u200b\ufeff", "<br /><br/>", "\u202e"])
def test_a_text_without_anything_to_read_is_told(name: str, text: str) -> None:
    with pytest.raises(GlassboxError) as error:
        sentiment(name).predict([text])
    assert error.value.key == "language.error.nothing_to_read"


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("text", ["مرحبا بالعالم", "Привет, мир!", "สวัสดี", "안녕하세요"])
def test_a_script_that_was_never_seen_is_told(name: str, text: str) -> None:
    with pytest.raises(GlassboxError) as error:
        sentiment(name).predict([text])
    assert error.value.key == "language.error.unknown_script"


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize(
    "text",
    [
        "a",
        "好",
        "?",
        "7",
        "😀",
        "👨‍👩‍👧‍👦",
        "مرحبا good",
        "<script>alert('good')</script>",
        "good\x00bad",
        "\ud800 fine",
        "e\u0301te\u0301 magnifique",
        "ﷺ nice",
        "good" * 500,
        "𝓰𝓸𝓸𝓭",
    ],
)
def test_odd_texts_are_answered(name: str, text: str) -> None:
    said = sentiment(name).predict([text])
    assert said.shape == (1, 2) and np.isfinite(said).all()


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("word", ["not so good , ", "不算太好，", "好", "x"])
def test_a_hundred_thousand_characters_are_read_at_once(name: str, word: str) -> None:
    model, seconds = sentiment(name), {}
    for length in (LONGEST // 10, LONGEST + 500):
        text = (word * LONGEST)[:length]
        taken = []
        for _ in range(3):
            begun = time.thread_time()  # of this thread alone: other work on the machine is not counted
            said = model.predict([text])
            taken.append(time.thread_time() - begun)
        seconds[length] = min(taken)  # a collection of all tests' garbage takes longer than the reading
    assert seconds[LONGEST + 500] < 2
    assert seconds[LONGEST + 500] < 25 * seconds[LONGEST // 10]  # quadratic, it would be a hundred
    np.testing.assert_allclose(said, model.predict([text[:LONGEST]]), atol=1e-6)


@given(st.text(max_size=80))
@settings(max_examples=60, deadline=None)
def test_any_text_is_answered_or_refused_in_words(text: str) -> None:
    for name in SMALL:
        try:
            assert np.isfinite(sentiment(name).predict([text])).all()
        except GlassboxError as error:
            assert error.key.startswith("language.error.") and str(error)


# Our own sentences


def test_our_own_sentences_are_balanced_and_unlike() -> None:
    import csv

    with assets.path("language", "own_sentences.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["text"] for row in rows}) == len(rows)
    for language in ("en", "zh"):
        some = [row for row in rows if row["language"] == language]
        assert len(some) >= 60 and sum(int(row["label"]) for row in some) * 2 == len(some)
        assert len({row["kind"] for row in some}) >= 8


def test_failures_were_measured_on_the_test_texts() -> None:
    found = json.loads(assets.path("language", "failures.json").read_text(encoding="utf-8"))
    groups = found["groups"]
    assert groups["source"]["imdb"]["texts"] == 25_000
    for name in SMALL:
        card = sentiment(name).card.figures
        assert groups["source"]["imdb"]["accuracy"][name] == pytest.approx(card["imdb_accuracy"], abs=2e-4)
        assert groups["language"]["zh"]["accuracy"][name] == pytest.approx(card["chinese_accuracy"], abs=2e-4)
