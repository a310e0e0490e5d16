"""The language models: numpy against Keras, the cache, sampling by hand and by chance, prompts of all kinds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from core.errors import GlassboxError
from core.language.calibration import softmax
from core.language.generation import (
    Draft,
    Sampling,
    decoder,
    generate,
    gru,
    inside,
    logit_lens,
    next_token,
    ngram,
    prompt,
    read_back,
    sampling,
)
from core.language.generation.types import LanguageModel, NetworkModel
from core.language.generation.vocabulary import Characters, Pieces
from core.language.generation.writing import Ended, Written
from core.language.shipped import get_weights
from core.language.tokenizer import PairTokenizer
from core.types import Floats, ModelCard

LETTERS = "abcdefgh \n"
CONTEXT = 16


def card(context: int = CONTEXT) -> ModelCard:
    return ModelCard("tiny", (context,), 0, "", "", "")


def random_weights(network: Any, seed: int = 0) -> dict[str, Floats]:
    random = np.random.default_rng(seed)
    return {
        key: random.normal(1.0 if "scale" in key else 0.0, 0.3, values.shape).astype(np.float32)
        for key, values in get_weights(network).items()
    }


def transformer_weights(tokens: int, width: int = 64, layers: int = 2, seed: int = 0) -> dict[str, Floats]:
    random = np.random.default_rng(seed)

    def some(*shape: int) -> Floats:
        return random.normal(0, 0.2, shape).astype(np.float32)

    weights = {"embedding/embeddings": some(tokens, width), "last_norm/scale": 1 + some(width)}
    for number in range(1, layers + 1):
        for part in ("query", "key", "value", "output"):
            weights[f"layer{number}.{part}/kernel"] = some(width, width)
        weights[f"layer{number}.inner/kernel"] = some(width, 2 * width)
        weights[f"layer{number}.outer/kernel"] = some(2 * width, width)
        for part in ("attention_norm", "inner_norm"):
            weights[f"layer{number}.{part}/scale"] = 1 + some(width)
    return weights


def tiny(kind: str, vocabulary: Any = None, training: str = "own") -> LanguageModel:
    """A model with random weights."""
    vocabulary = vocabulary or Characters(LETTERS)
    random = np.random.default_rng(1)
    if kind == "transformer":
        return decoder.Decoder(training, vocabulary, card(), transformer_weights(vocabulary.size))
    if kind == "gru":
        weights = {
            "embedding/embeddings": random.normal(0, 0.5, (vocabulary.size, 8)).astype(np.float32),
            "gru/kernel": random.normal(0, 0.5, (8, 36)).astype(np.float32),
            "gru/recurrent_kernel": random.normal(0, 0.5, (12, 36)).astype(np.float32),
            "gru/bias": random.normal(0, 0.5, (2, 36)).astype(np.float32),
            "project/kernel": random.normal(0, 0.5, (12, 8)).astype(np.float32),
            "last_norm/scale": np.ones(8, np.float32),
        }
        return gru.Recurrent(training, vocabulary, card(0), weights)
    texts = [random.integers(1, vocabulary.size, 200).astype(np.int32)]
    return ngram.NGram(training, vocabulary, card(2), ngram.learn(texts, vocabulary.size, 3))


KINDS = ("ngram", "gru", "transformer")


@pytest.fixture(scope="module", params=KINDS)
def model(request: pytest.FixtureRequest) -> LanguageModel:
    return tiny(request.param)


# --- the models ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gru", "transformer"])
def test_numpy_and_keras_agree(kind: str) -> None:
    model = tiny(kind)
    assert isinstance(model, NetworkModel)
    ids = np.random.default_rng(0).integers(0, model.vocabulary.size, CONTEXT).astype(np.int32)
    by_keras = np.asarray(model.network()(ids[np.newaxis], training=False))[0]
    np.testing.assert_allclose(model.logits(ids), by_keras, atol=1e-4)
    np.testing.assert_allclose(inside(model, ids.tolist()).logits, by_keras, atol=1e-4)


@pytest.mark.parametrize("length", [1, 5, CONTEXT, CONTEXT + 1, CONTEXT + 9, 3 * CONTEXT])
def test_reading_along_is_reading_anew(model: LanguageModel, length: int) -> None:
    """With the cache, without, and the whole text at once, behind the edge of the context too."""
    ids = np.random.default_rng(length).integers(1, model.vocabulary.size, length).tolist()
    reader, anew = model.begin(ids[:1]), model.begin(ids[:1], cached=False)
    every = model.logits(np.array(ids, np.int32))
    for place, id in enumerate(ids):
        if place:
            reader.read(id)
            anew.read(id)
        np.testing.assert_allclose(reader.logits, anew.logits, atol=1e-4)
        np.testing.assert_allclose(reader.logits, every[place], atol=1e-4)
    np.testing.assert_allclose(model.begin(ids).logits, reader.logits, atol=1e-4)


def test_the_leading_token_stays_in_sight() -> None:
    vocabulary = Characters(LETTERS, ("form",))
    model = tiny("transformer", vocabulary)
    ids = np.random.default_rng(0).integers(2, vocabulary.size, 2 * CONTEXT).tolist()
    with_form, other = (model.begin([first, *ids]).logits for first in (1, 2))
    assert np.abs(with_form - other).max() > 1e-3
    every = model.logits(np.array([1, *ids], np.int32))
    np.testing.assert_allclose(with_form, every[-1], atol=1e-4)


@pytest.mark.parametrize("length", [CONTEXT + 1, CONTEXT + CONTEXT // 2 + 1])
def test_going_back_brings_into_sight_what_had_gone_out_of_it(length: int) -> None:
    model = tiny("transformer")
    ids = np.random.default_rng(1).integers(1, 10, length).tolist()
    reader = model.begin(ids)
    reader.back()
    np.testing.assert_allclose(reader.logits, model.begin(ids[:-1]).logits, atol=1e-4)


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    ids=st.lists(st.integers(1, 10), min_size=2, max_size=40),
    data=st.data(),
)
def test_going_back_and_on_again_changes_nothing(kind: str, ids: list[int], data: st.DataObject) -> None:
    model = tiny(kind)
    reader = model.begin(ids)
    count = data.draw(st.integers(1, len(ids) - 1))
    reader.back(count)
    assert reader.ids == ids[:-count]
    np.testing.assert_allclose(reader.logits, model.begin(ids[:-count]).logits, atol=1e-4)
    for id in ids[-count:]:
        reader.read(id)
    np.testing.assert_allclose(reader.logits, model.begin(ids).logits, atol=1e-4)
    with pytest.raises(ValueError):
        reader.back(len(ids))


def test_no_token_sees_what_follows() -> None:
    model = tiny("transformer")
    assert isinstance(model, decoder.Decoder)
    ids = np.arange(1, 11, dtype=np.int32)
    changed = ids.copy()
    changed[6:] = 1
    before, after = model.inside(ids), model.inside(changed)
    assert before.attention is not None
    assert before.attention.shape == (2, 2, 10, 10)
    np.testing.assert_allclose(before.attention.sum(axis=-1), 1, atol=1e-5)
    assert np.triu(before.attention, 1).max() == 0
    np.testing.assert_array_equal(before.logits[:6], after.logits[:6])
    assert np.abs(before.logits[6] - after.logits[6]).max() > 1e-3


def test_turned_queries_and_keys_know_only_how_far_apart_they_are() -> None:
    random = np.random.default_rng(0)
    query, key = (random.normal(size=(1, 1, decoder.PART)).astype(np.float32) for _ in range(2))
    products = [
        float((decoder.turn(query, place + 3) @ decoder.turn(key, place).swapaxes(-1, -2)).item())
        for place in (0, 5, 100)
    ]
    np.testing.assert_allclose(products, products[0], atol=1e-3)
    assert abs(products[0] - float((decoder.turn(query, 9) @ decoder.turn(key, 0)[0].T).item())) > 1e-3


def test_the_lens_of_the_last_layer_is_the_answer() -> None:
    model = tiny("transformer")
    assert isinstance(model, NetworkModel)
    what = inside(model, list(range(1, 9)))
    lens = logit_lens(model, what)
    assert lens.probabilities.shape == (3, 8, model.vocabulary.size)
    np.testing.assert_allclose(lens.probabilities[-1], softmax(what.logits), atol=1e-6)
    assert lens.best[-1][-1].id == int(what.logits[-1].argmax())
    assert lens.best[0][3].id == int(lens.probabilities[0, 3].argmax())


# --- sampling -----------------------------------------------------------------------------------------


def scores_of(*probabilities: float) -> Floats:
    return np.log(np.array(probabilities)).astype(np.float32)


def test_temperature_by_hand() -> None:
    choice = sampling.choose(scores_of(0.2, 0.8), Sampling(temperature=0.5, top_p=1.0))
    np.testing.assert_allclose(choice.softmax, [0.04 / 0.68, 0.64 / 0.68], rtol=1e-5)  # squares
    np.testing.assert_allclose(choice.model, [0.2, 0.8], rtol=1e-5)


def test_top_k_by_hand() -> None:
    choice = sampling.choose(scores_of(0.1, 0.4, 0.3, 0.2), Sampling(temperature=1, top_k=2, top_p=1.0))
    np.testing.assert_allclose(choice.probabilities, [0, 4 / 7, 3 / 7, 0], rtol=1e-5)
    assert sampling.top_k(np.full(4, 0.25, np.float32), 3).tolist() == [True, True, True, False]


def test_top_p_by_hand() -> None:
    found = np.array([0.1, 0.4, 0.3, 0.2], np.float32)
    assert sampling.top_p(found, 0.7).tolist() == [False, True, True, False]
    assert sampling.top_p(found, 0.71).tolist() == [False, True, True, True]
    assert sampling.top_p(found, 0.05).tolist() == [False, True, False, False]
    assert sampling.top_p(found, 1.0).all()
    # of the two that top-k left, 4/7 is enough for 0.55
    assert sampling.top_p(found, 0.55, sampling.top_k(found, 2)).tolist() == [False, True, False, False]


def test_the_repetition_penalty_by_hand() -> None:
    scores = np.array([2.0, -2.0, 1.0], np.float32)
    np.testing.assert_allclose(sampling.penalise(scores, [0, 1, 1], 2.0), [1.0, -4.0, 1.0])
    np.testing.assert_allclose(sampling.penalise(scores, [], 2.0), scores)
    np.testing.assert_allclose(sampling.penalise(scores, [0, 1], 1.0), scores)


def test_guidance_by_hand() -> None:
    wished, unwished = np.array([1.0, 2.0], np.float32), np.array([2.0, 0.0], np.float32)
    np.testing.assert_allclose(sampling.guided(wished, unwished, 1.5), [-0.5, 5.0])
    np.testing.assert_allclose(sampling.guided(wished, unwished, 0.0), wished)


@settings(max_examples=100, deadline=None)
@given(
    scores=st.lists(st.floats(-20, 20, width=32), min_size=2, max_size=30),
    temperature=st.floats(0.05, 2.0),
    k=st.integers(0, 40),
    p=st.floats(0.05, 1.0),
    penalty=st.floats(1.0, 2.0),
)
def test_what_stays_is_a_distribution_over_the_likeliest(
    scores: list[float], temperature: float, k: int, p: float, penalty: float
) -> None:
    given_scores = np.array(scores, np.float32)
    chosen = Sampling(temperature=temperature, top_k=k, top_p=p, repetition_penalty=penalty)
    choice = sampling.choose(given_scores, chosen, [0, 1])
    assert abs(float(choice.probabilities.sum()) - 1) < 1e-4
    if k:
        assert choice.in_top_k.sum() == min(k, len(scores))
    kept = choice.in_top_p
    assert (choice.probabilities[~kept] == 0).all()
    assert choice.softmax[kept].min() >= choice.softmax[~kept].max(initial=0) - 1e-7
    within = choice.softmax[choice.in_top_k].astype(np.float64)
    if p < 1:  # enough, and not without the last one of them
        share = choice.softmax[kept].astype(np.float64)
        assert share.sum() >= p * within.sum() - 1e-6
        assert share.sum() - share.min() < p * within.sum() + 1e-6


@pytest.mark.parametrize(
    "chosen",
    [
        Sampling(temperature=1.0, top_p=1.0),
        Sampling(temperature=0.7, top_k=4, top_p=1.0),
        Sampling(temperature=1.3, top_p=0.8),
        Sampling(temperature=0.9, top_k=5, top_p=0.9, repetition_penalty=1.5),
    ],
)
def test_ten_thousand_draws_are_as_they_should_be(chosen: Sampling) -> None:
    scores = np.array([1.2, -0.3, 0.8, 2.0, 0.1, -1.0, 0.5], np.float32)
    # by the definitions, in plain Python
    own = [s / chosen.repetition_penalty if i == 3 and s > 0 else s for i, s in enumerate(scores.tolist())]
    weights = [np.exp(s / chosen.temperature) for s in own]
    order = sorted(range(7), key=lambda i: -weights[i])[: chosen.top_k or 7]
    total, kept = sum(weights[i] for i in order), []
    for i in order:
        kept.append(i)
        if sum(weights[j] for j in kept) >= chosen.top_p * total - 1e-12:
            break
    choice = sampling.choose(scores, chosen, [3])
    random = np.random.default_rng(5)
    drawn = np.bincount([choice.draw(random) for _ in range(10_000)], minlength=7)
    assert set(np.flatnonzero(drawn)) == set(kept)
    expected = np.array([weights[i] for i in kept]) / sum(weights[i] for i in kept) * 10_000
    assert chisquare(drawn[kept], expected).pvalue > 0.001


# --- writing ------------------------------------------------------------------------------------------


def written(model: LanguageModel, ids: Sequence[int], **named: Any) -> tuple[list[Written], Ended]:
    *events, last = generate(model, ids, **named)
    assert isinstance(last, Ended)
    assert all(isinstance(event, Written) for event in events)
    return [event for event in events if isinstance(event, Written)], last


def test_temperature_zero_is_greedy_and_repeatable(model: LanguageModel) -> None:
    greedy = Sampling(temperature=0.0)
    events, last = written(model, [1, 2], sampling=greedy, most=30, seed=1)
    again, last_again = written(model, [1, 2], sampling=greedy, most=30, seed=2)
    assert last.ids == last_again.ids
    assert len(events) == 30
    for count, event in enumerate(events):
        choice = next_token(model, last.ids[: 2 + count], greedy)
        scores = choice.scores.copy()
        assert event.id == int(scores.argmax())
        assert event.probability == 1
        assert event.bits == pytest.approx(-np.log2(choice.model[event.id]), abs=1e-3)
    assert [event.bits for event in events] == pytest.approx([event.bits for event in again], abs=1e-3)


def test_the_same_seed_gives_the_same_text_with_and_without_the_cache(model: LanguageModel) -> None:
    _, first = written(model, [3], most=40, seed=7)
    _, same = written(model, [3], most=40, seed=7, cached=False)
    _, other = written(model, [3], most=40, seed=8)
    assert first.ids == same.ids != other.ids
    assert first.why == "length"
    assert first.text == model.vocabulary.decode(first.ids)


def test_writing_stops_where_it_is_told_to() -> None:
    from core.tuning.types import Stop

    writing: Any = generate(tiny("gru"), [1], most=100)
    for _ in range(5):
        next(writing)
    last = writing.throw(Stop())
    assert isinstance(last, Ended)
    assert last.why == "stopped"
    assert len(last.ids) == 6


def test_an_end_token_ends_a_text_and_no_other_special_token_is_written() -> None:
    vocabulary = Characters("ab", ("form", "end"))
    model = tiny("gru", vocabulary)
    lengths = set()
    for seed in range(12):
        _, last = written(model, [1], most=60, seed=seed, sampling=Sampling(temperature=1.5, top_p=1.0))
        body = last.ids[1:]
        assert set(body[:-1]) <= {3, 4}
        assert last.why == ("end" if body[-1] == 2 else "length")
        lengths.add(len(body))
    assert len(lengths) > 1


def test_a_draft_goes_back_and_takes_what_somebody_chose(model: LanguageModel) -> None:
    draft = Draft(model, [1, 2, 3])
    before = draft.choice(Sampling())
    draft.take(5)
    assert draft.ids == (1, 2, 3, 5)
    assert np.abs(draft.choice(Sampling()).scores[1:] - before.scores[1:]).max() > 0
    draft.undo()
    np.testing.assert_allclose(draft.choice(Sampling()).scores, before.scores, atol=1e-4)
    best = draft.candidates(before, 3)
    assert [one.id for one in best] == before.likeliest(3).tolist()
    assert best[0].probability == pytest.approx(before.probabilities.max())


def test_guidance_moves_away_from_the_opposite_sentiment() -> None:
    specials = ("en_positive", "en_negative", "zh_positive", "zh_negative", "begin", "end")
    model = tiny("transformer", Characters(LETTERS, specials), "reviews")
    ids = prompt(model, "abc", "en_negative")
    assert ids[:2] == [2, 5]
    plain, more = Draft(model, ids), Draft(model, ids, guidance=1.5)
    other = Draft(model, prompt(model, "abc", "en_positive"))
    for draft in (plain, more, other):
        draft.take(8)
    scores = [draft.choice(Sampling()).scores[7:] for draft in (plain, more, other)]
    np.testing.assert_allclose(scores[1], scores[0] + 1.5 * (scores[0] - scores[2]), atol=1e-4)
    np.testing.assert_allclose(more.choice(Sampling()).model, plain.choice(Sampling()).model, atol=1e-6)


# --- reading back -------------------------------------------------------------------------------------


def test_surprisal_is_what_the_model_says_token_by_token(model: LanguageModel) -> None:
    read = read_back(model, "abcab\nhead", expected=3)
    ids = [*prompt(model), *(token.token.id for token in read.tokens)]
    total = 0.0
    for place, one in enumerate(read.tokens):
        row = softmax(model.logits(np.array(ids[: place + 1], np.int32))[-1])
        assert one.probability == pytest.approx(float(row[one.token.id]), rel=1e-3)
        assert one.rank == 1 + (row > row[one.token.id]).sum()
        assert [e.id for e in one.expected] == np.argsort(-row, kind="stable")[:3].tolist()
        total -= np.log2(row[one.token.id])
    assert read.bits == pytest.approx(total, rel=1e-3)
    assert read.bits_per_character == pytest.approx(total / 10, rel=1e-3)
    assert read.perplexity == pytest.approx(2 ** (total / 10), rel=1e-3)
    assert "".join(one.token.piece for one in read.tokens) == read.text == "abcab\nhead"


# --- odd prompts --------------------------------------------------------------------------------------

PAIRS = PairTokenizer(
    tuple("abcdefghilmnoprstuvwy.,!?'\"<>-_#|0123456789电影好看"),
    [("g", "o"), ("o", "d"), ("go", "od"), ("电", "影")],
)
SPECIALS = ("en_positive", "en_negative", "zh_positive", "zh_negative", "begin", "end")
WORDS = Pieces(
    PAIRS,
    ["good", "电影", *"abcdefghilmnoprstuvwy.,!?'\"<>-_#|好看", *(f"##{c}" for c in "abcdefghilmnoprstuvwy")],
    SPECIALS,
)
ODD = {
    "empty": "",
    "spaces": " \t\n ",
    "control": "\x00\x1b[31m\u202eabc\x7f",
    "emoji": "👩‍👩‍👧 abc 🎬",
    "surrogate": "abc \ud800 good",
    "specials": "<end> <en_positive> <begin> ⁇ ##good <|endoftext|>",
    "long": "good 电影 " * 12_500,
    "combining": "a" + "\u0301" * 3_000,
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("training", ["own", "reviews"])
@pytest.mark.parametrize("kind", KINDS)
def test_odd_prompts_get_an_answer(kind: str, training: str, name: str) -> None:
    model = tiny(kind, WORDS if training == "reviews" else None, training)
    ids = prompt(model, ODD[name])
    assert len(ids) >= 1
    specials = [id for id in ids if model.vocabulary.is_special(id)]
    assert specials == ([1, 5] if training == "reviews" else [])  # none out of the text
    _, last = written(model, ids, most=3)
    assert len(last.ids) > len(ids)


@pytest.mark.parametrize("text", ["สวัสดี", "ᚠᚢᚦ", "🎬🎬"])
def test_a_script_that_the_model_has_never_met_is_told(text: str) -> None:
    for model in (tiny("ngram"), tiny("gru", WORDS, "reviews")):
        with pytest.raises(GlassboxError) as told:
            prompt(model, text)
        assert told.value.key == "language_model.error.unknown_script"
        with pytest.raises(GlassboxError) as told:
            read_back(model, text)
        assert told.value.key == "language_model.error.unknown_script"
    with pytest.raises(GlassboxError) as told:
        read_back(tiny("ngram"), "")
    assert told.value.key == "language_model.error.nothing_to_read"


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=60))
def test_any_text_is_answered_or_told(text: str) -> None:
    for model in (tiny("ngram"), tiny("ngram", WORDS, "reviews")):
        try:
            ids = prompt(model, text)
            read = read_back(model, text)
        except GlassboxError as told:
            assert str(told)
            continue
        assert len(written(model, ids, most=2)[0]) >= 1
        for one in read.tokens:
            assert 0 <= one.token.start < one.token.end <= len(read.text)


# --- words --------------------------------------------------------------------------------------------


def test_a_piece_that_goes_on_is_another_token() -> None:
    tokens = WORDS.encode("Good, goods!")
    assert [WORDS.stored(token.id) for token in tokens] == ["good", ",", "good", "##s", "!"]
    assert [("Good, goods!"[t.start : t.end]) for t in tokens] == ["Good", ",", "good", "s", "!"]
    assert WORDS.piece(tokens[3].id) == "s"
    assert WORDS.goes_on(tokens[3].id)
    assert not WORDS.goes_on(tokens[2].id)


@pytest.mark.parametrize(
    "text",
    ["good, goods!", "电影好看!", "it's a \"good\" one, isn't it?", "good-bye", "mr. bond", "a 电影"],
)
def test_what_is_written_reads_as_it_should(text: str) -> None:
    spelled = WORDS.decode([token.id for token in WORDS.encode(text)])
    assert spelled.replace(" ", "") == text.replace(" ", "")
    if "电" not in text:
        assert spelled == text


def test_ids_and_names_do_not_overlap() -> None:
    assert WORDS.size == 1 + len(SPECIALS) + len(WORDS.pieces)
    assert [WORDS.piece(id) for id in WORDS.specials.values()] == [f"<{name}>" for name in SPECIALS]
    for left, right in itertools.pairwise(range(WORDS.size)):
        assert WORDS.stored(left) != WORDS.stored(right)
