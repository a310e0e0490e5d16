"""The pretrained model: its tokenizer, its numpy pass against other implementations, its files, its training."""

from __future__ import annotations

import itertools
import json
import math
import struct
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import assets
from core.errors import GlassboxError
from core.language import pretrained
from core.language.pretrained import HEADS, LAYERS, WIDTH, Pretrained, Table
from core.language.wordpiece import SPECIAL, WordPieces
from core.types import ModelCard
from training import pretrained as training
from training import pretrained_reference as reference
from training import pretrained_vocabulary as vocabulary

PIECES = (*SPECIAL, "film", "films", "un", "##watch", "##able", "!", "a", "好", "吃", "好吃", "的", "😀")
SCORES = {"好": -3.0, "吃": -3.0, "好吃": -4.0, "的": -1.0}
CARD = ModelCard("pretrained", (512,), 0, "", "", "")


@pytest.fixture(scope="module")
def small() -> WordPieces:
    """A tokenizer of a few pieces, small enough to cut by hand."""
    return WordPieces(PIECES, SCORES, {"饣": "吃"})


@pytest.fixture(scope="module")
def drawn() -> Pretrained:
    """The network with the random weights of the reference; id i is the reference's i-th word vector."""
    words, _ = reference.random_words()
    rows = words.reshape(-1, WIDTH)
    head = {
        "head/kernel": np.random.default_rng(1).normal(0, 0.2, (WIDTH, 2)).astype(np.float32),
        "head/bias": np.array([0.1, -0.2], np.float32),
    }
    table = Table(rows, np.ones((len(rows), 1), np.float32))
    tokenizer = WordPieces(PIECES, SCORES, {})
    return Pretrained("drawn", {**reference.random_weights(), **head}, table, tokenizer, CARD, 1.0)


# --- The tokenizer ---------------------------------------------------------------------------------------


def test_pieces_carry_their_places_in_the_text_as_typed(small: WordPieces) -> None:
    text = "Ünwatchable FILMS<br />好吃的!😀"
    tokens = small.encode(text)
    assert [token.piece for token in tokens] == ["un", "-watch", "-able", "films", "好吃", "的", "!", "😀"]
    spans = ["Ün", "watch", "able", "FILMS", "好吃", "的", "!", "😀"]
    assert [text[token.start : token.end] for token in tokens] == spans
    assert small.encode_ids(text).tolist() == [token.id for token in tokens]


def test_chinese_is_cut_into_the_most_probable_words() -> None:
    likely = WordPieces(PIECES, SCORES, {})
    unlikely = WordPieces(PIECES, SCORES | {"好吃": -6.5}, {})  # less than 好 and 吃 together: -6
    assert [token.piece for token in likely.encode("好吃")] == ["好吃"]
    assert [token.piece for token in unlikely.encode("好吃")] == ["好", "吃"]


def test_a_traditional_character_is_read_as_the_simplified_one(small: WordPieces) -> None:
    [token] = small.encode("好饣")
    assert (token.piece, token.span) == ("好吃", (0, 2))


def test_what_is_unknown_is_shown_as_typed_and_has_the_id_0(small: WordPieces) -> None:
    tokens = small.encode("Qx 鱻")
    assert [(token.id, token.piece) for token in tokens] == [(0, "Qx"), (0, "鱻")]


def test_skin_tones_joiners_and_spaces_are_not_read(small: WordPieces) -> None:
    assert [token.piece for token in small.encode("😀🏽\u200d \t")] == ["😀"]
    assert small.encode("") == small.encode(" \n\u200b") == []


@settings(deadline=None)  # the first one loads the model
@given(st.text(max_size=60))
def test_any_text_can_be_cut(text: str) -> None:
    tokenizer = pretrained.load().tokenizer
    tokens = tokenizer.encode(text)
    assert all(0 <= token.start < token.end <= len(text) for token in tokens)
    assert all(first.start <= second.start for first, second in itertools.pairwise(tokens))
    assert all(0 <= token.id < tokenizer.size for token in tokens)
    covered = {place for token in tokens for place in range(token.start, token.end)}
    letters = (place for place, letter in enumerate(text) if unicodedata.category(letter)[0] in "LN")
    assert all(place in covered for place in letters)  # nothing that could mean something is passed over


def test_the_shipped_vocabulary_spells_everything_common() -> None:
    tokenizer = pretrained.load().tokenizer
    for text in ("supercalifragilistic zxqj 12:30", "这家酒店的服务态度真不错", "這個產品質量太差了", "😂👍"):
        assert all(token.id for token in tokenizer.encode(text)), text
    assert [token.piece for token in tokenizer.encode("性价比很高")] == ["性价比", "很", "高"]


# --- The pass --------------------------------------------------------------------------------------------


def test_the_pass_equals_another_implementation(drawn: Pretrained) -> None:
    """The numbers come out of `transformers` (training/pretrained_reference.py); the second text is masked."""
    words, mask = reference.random_words()
    ids = np.arange(mask.size, dtype=np.int32).reshape(mask.shape)
    with np.load(reference.FILE, allow_pickle=False) as expected:
        np.testing.assert_allclose(drawn.pooled(ids, mask), expected["pooled"], atol=3e-5)
        inside = drawn.inside(ids[0])
        assert inside.layers is not None and inside.attention is not None
        np.testing.assert_allclose(inside.layers[:, -1], expected["layers"], atol=3e-5)
        np.testing.assert_allclose(inside.attention[:, :, -1], expected["attention"], atol=3e-5)
    np.testing.assert_array_equal(inside.embeddings, words[0])


def test_the_inside_holds_together(drawn: Pretrained) -> None:
    ids = np.arange(7, dtype=np.int32)
    inside = drawn.inside(ids)
    assert inside.attention is not None and inside.values is not None and inside.layers is not None
    assert inside.queries is not None and inside.keys is not None
    assert inside.attention.shape == (LAYERS, HEADS, 7, 7) and inside.layers.shape == (1 + LAYERS, 7, WIDTH)
    scores = inside.queries @ inside.keys.swapaxes(2, 3) / math.sqrt(WIDTH // HEADS)
    powers = np.exp(scores - scores.max(axis=3, keepdims=True))
    np.testing.assert_allclose(inside.attention, powers / powers.sum(axis=3, keepdims=True), atol=1e-5)
    np.testing.assert_allclose(inside.logits, drawn.logits([ids])[0], atol=1e-5)
    weights = drawn.weights
    by_hand = inside.layers[-1].mean(axis=0) @ weights["head/kernel"] + weights["head/bias"]
    np.testing.assert_allclose(inside.logits, by_hand, atol=1e-5)


def test_a_text_reads_the_same_beside_longer_ones(drawn: Pretrained) -> None:
    texts = [np.arange(length, dtype=np.int32) for length in (1, 22, 5)]
    together = drawn.logits(texts)
    alone = np.concatenate([drawn.logits([ids]) for ids in texts])
    np.testing.assert_allclose(together, alone, atol=2e-5)


def test_gelu_is_the_exact_one() -> None:
    x = np.linspace(-8, 8, 4001).astype(np.float32)
    exact = [value * 0.5 * (1 + math.erf(value / math.sqrt(2))) for value in x.tolist()]
    np.testing.assert_allclose(pretrained.gelu(x), exact, atol=1e-6)


def test_the_keras_twin_agrees_and_gives_gradients() -> None:
    import tensorflow as tf

    model = pretrained.load()
    texts = ["Not a bad film, but I would not see it twice.", "服务态度很差，再也不来了！", "好"]
    ids = [model.readable(text) for text in texts]
    longest = max(map(len, ids))
    words = np.zeros((len(ids), longest, WIDTH), np.float32)
    mask = np.zeros((len(ids), longest), np.float32)
    for row, sequence in enumerate(ids):
        words[row, : len(sequence)] = model.embed(sequence)
        words[row, len(sequence) :] = 7  # must not be read
        mask[row, : len(sequence)] = 1
    with tf.GradientTape() as tape:
        variable = tf.Variable(words)
        logits = model.network()([variable, tf.constant(mask)])
    np.testing.assert_allclose(model.logits(ids), logits.numpy(), atol=1e-4)
    gradient = tape.gradient(logits, variable).numpy()
    assert (
        np.abs(gradient[1, len(ids[1]) :]).max() < 1e-8 < np.abs(gradient[1, : len(ids[1])]).min(axis=1).max()
    )


# --- What ships ------------------------------------------------------------------------------------------


def test_it_reads_both_languages() -> None:
    model = pretrained.load()
    praise = ["A wonderful film, I loved every minute.", "房间很干净，服务态度非常好，推荐！"]
    blame = ["A dreadful waste of time.", "太难吃了，包装也是坏的，差评。"]
    positive = model.predict([*praise, *blame])[:, 1]
    assert positive[:2].min() > 0.8 and positive[2:].max() < 0.2


def test_negation_turns_the_verdict() -> None:
    positive = pretrained.load().predict(["The film is good.", "The film is not good.", "好吃", "不好吃"])[
        :, 1
    ]
    assert positive[0] > 0.5 > positive[1] and positive[2] > 0.5 > positive[3]


def test_the_first_word_is_read_too() -> None:
    """MiniLM's first position holds [CLS] and passes over what stands there: a text must not begin at it."""
    words = ["great", "terrible", "好吃", "难吃", "😀", "😡"]
    positive = pretrained.load().predict(words)[:, 1]
    assert positive[::2].min() > 0.5 > positive[1::2].max()


def test_probabilities_are_the_softmax_of_calibrated_logits() -> None:
    model = pretrained.load()
    text = "An odd, slow film with one great scene."
    logits = model.logits([model.readable(text)])[0] / model.temperature
    powers = np.exp(logits - logits.max())
    np.testing.assert_allclose(model.predict([text])[0], powers / powers.sum(), atol=1e-6)


def test_a_long_text_is_read_in_windows_and_averaged() -> None:
    model = pretrained.load()
    ids = model.readable("the plot is slow and " * 260)
    assert len(ids) > 2 * model.length
    windows = np.array_split(ids, -(-len(ids) // model.length))
    expected = model.logits(windows).mean(axis=0) / model.temperature
    said = model.predict(["the plot is slow and " * 260])[0]
    assert math.log(said[1] / said[0]) == pytest.approx(expected[1] - expected[0], abs=1e-3)


def test_what_cannot_be_read_is_told() -> None:
    with pytest.raises(GlassboxError):
        pretrained.load().predict([" \u200b "])
    with pytest.raises(GlassboxError):
        pretrained.load().predict(["هذا فيلم جيد"])


def test_sentence_vectors_bring_alike_sentences_together() -> None:
    vectors = pretrained.load().sentence_vectors(
        ["What a great film!", "这部电影太好看了", "The soup was cold."]
    )
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_a_verdict_needs_no_tensorflow() -> None:
    code = (
        "import sys; from core.language import pretrained; print(pretrained.load().predict(['Good.'])[0, 1]);"
        "assert not {'tensorflow', 'keras', 'scipy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) > 0.5


def test_the_files_are_small_and_safe() -> None:
    files = [assets.path("language", f"pretrained.{end}") for end in ("npz", "vocabulary.json", "json")]
    assert sum(file.stat().st_size for file in files) <= 27_000_000
    with np.load(files[0], allow_pickle=False) as stored:
        kernels = [key for key in stored.files if key.startswith(("qkv", "output", "inner", "outer"))]
        assert all(stored[key].dtype == np.int8 for key in kernels if key.endswith("/kernel"))
    model = pretrained.load()
    assert model.card.parameters == sum(array.size for array in model.weights.values())
    assert model.card.made_by == "training/pretrained.py"
    with pytest.raises(ValueError):
        model.weights["head/kernel"][0, 0] = 1


def test_rounding_to_int8_stays_within_half_a_step(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    weights = {
        "embedding": random.normal(0, 0.05, (9, 16)).astype(np.float32),
        "qkv0/kernel": random.normal(0, [0.01] * 8 + [1.0] * 8, (12, 16)).astype(np.float32),
        "qkv0/bias": random.normal(0, 1, 16).astype(np.float32),
    }
    pretrained.write_weights(tmp_path / "some.npz", weights)
    found, table = pretrained.read_weights(tmp_path / "some.npz")
    np.testing.assert_array_equal(found["qkv0/bias"], weights["qkv0/bias"])
    step = np.abs(weights["qkv0/kernel"]).max(axis=0) / 127
    assert (np.abs(found["qkv0/kernel"] - weights["qkv0/kernel"]) <= 0.6 * step).all()
    rows = table.rows(np.arange(9, dtype=np.int32))
    step = np.abs(weights["embedding"]).max(axis=1, keepdims=True) / 127
    assert (np.abs(rows - weights["embedding"]) <= 0.6 * step).all()


# --- How it is trained -----------------------------------------------------------------------------------


def test_safetensors_are_read(tmp_path: Path) -> None:
    first, second = np.arange(6, dtype=np.float32).reshape(2, 3), np.array([7, 8], np.int64)
    header = json.dumps(
        {
            "__metadata__": {"format": "pt"},
            "b": {"dtype": "I64", "shape": [2], "data_offsets": [24, 40]},
            "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        }
    ).encode()
    raw = struct.pack("<Q", len(header)) + header + first.tobytes() + second.tobytes()
    (tmp_path / "model.safetensors").write_bytes(raw)
    found = training.read_safetensors(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(found["a"], first)
    np.testing.assert_array_equal(found["b"], second)


def test_an_epoch_reads_each_text_once() -> None:
    lengths = [3, 400, 30, 200, 12, 1, 90, 45] * 12
    ids = [np.full(length, number, np.int32) for number, length in enumerate(lengths)]
    kinds = np.arange(len(ids)) % 3
    data = training.Encoded(ids, np.arange(len(ids)) % 2, kinds)
    seen: list[int] = []
    for batch, mask, labels in training.batches(data, training.Plan(tokens=1000, most=16), 0, 160):
        assert batch.shape == mask.shape and batch.shape[1] <= 160 and batch.size <= 3000
        numbers = batch[:, 0].tolist()
        seen += numbers
        assert labels.tolist() == [number % 2 for number in numbers]
        assert len({kinds[number] for number in numbers}) == 1
    assert sorted(seen) == list(range(len(ids)))


def test_a_window_keeps_the_end_or_a_stretch() -> None:
    random = np.random.default_rng(0)
    ids = np.arange(1000)
    found = [training.window(ids, 100, random) for _ in range(50)]
    assert all(len(window) == 100 and (np.diff(window) > 0).all() for window in found)
    with_both_ends = [window for window in found if window[0] == 0 and window[-1] == 999]
    assert 15 < len(with_both_ends) < 45
    assert training.window(ids[:80], 100, random) is not None


def test_the_rate_rises_stays_and_falls() -> None:
    plan = training.Plan(steps=100, warm_up=10, cool_down=40)
    rates = [training.rate_at(step, plan) for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and rates[9:60] == [1.0] * 51
    assert rates[80] == pytest.approx(0.5) and rates[99] == pytest.approx(1 / 40)


def test_a_chinese_word_begins_where_its_gloss_is(tmp_path: Path) -> None:
    (tmp_path / "cedict.txt").write_text(
        "# comment\n狗 狗 [gou3] /dog/CL:隻|只[zhi1]/\n貓 猫 [mao1] /cat/CL:隻|只[zhi1]/\n李 李 [Li3] /surname Li/plum/\n",
        encoding="utf-8",
    )
    glosses, traditional = vocabulary.cedict(tmp_path / "cedict.txt")
    assert glosses == {"狗": ["dog"], "猫": ["cat"], "李": ["plum"]} and traditional == {"貓": "猫"}
    pieces = [*SPECIAL, "dog", "cat", "plum", "the"]
    vectors = np.random.default_rng(0).normal(0, 1, (len(pieces), 8)).astype(np.float32)
    first = vocabulary.first_vectors([glosses["狗"], glosses["猫"], ["the"]], pieces, vectors)
    centred = vectors - vectors.mean(axis=0)
    for row, piece in ((0, "dog"), (1, "cat")):
        given, found = centred[pieces.index(piece)], first[row] - vectors.mean(axis=0)
        assert given @ found / np.linalg.norm(given) / np.linalg.norm(found) == pytest.approx(1, abs=1e-5)
    assert np.isnan(first[2]).all()  # a gloss that says nothing


def test_a_run_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    plan = training.Plan(dropout=0.0, warm_up=1, steps=10, cool_down=1)
    weights = reference.random_weights()
    embedding = np.random.default_rng(0).normal(0, 0.05, (20, WIDTH)).astype(np.float32)
    random = np.random.default_rng(1)
    batches = [
        (random.integers(0, 20, (4, 8)).astype(np.int32), np.ones((4, 8), np.float32), np.array([0, 1, 0, 1]))
        for _ in range(3)
    ]
    run = training.Training(plan, weights, embedding, 10)
    losses = [run.learn(*batch) for batch in batches[:2]]
    run.save(tmp_path, 3, 2)
    losses.append(run.learn(*batches[2]))
    again = training.Training(plan, weights, embedding, 10)
    assert again.restore(tmp_path) == (3, 2) and again.step == 2
    assert again.learn(*batches[2]) == pytest.approx(losses[2], rel=1e-3)
    assert losses[2] != pytest.approx(losses[0], rel=1e-3)
