"""Attributions add up to what they must, and their worth is measured as it is said."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from core.language import attribution as ways
from core.language import faithfulness as worth
from core.language.attribution import Attribution, Progress, attribute, attribution, methods
from core.language.faithfulness import faithfulness
from core.language.reading import margins, part_of, probability, read
from core.language.types import Inside, TextModel
from core.types import Floats
from tests import tiny_texts

TEXT = "This film is not good, but I love it. 我不喜欢电影 👍"
MODELS = pytest.mark.parametrize("model", tiny_texts.every(), ids=lambda model: model.name)
NETWORKS = pytest.mark.parametrize("model", tiny_texts.every()[1:], ids=lambda model: model.name)


def margin(model: TextModel, text: str) -> float:
    return float(margins(model, [part_of(model, text).ids])[0])


def test_each_model_has_its_methods() -> None:
    found = {model.name: methods(model) for model in tiny_texts.every()}
    assert found == {
        "bag_of_words": ("weights", "leave_one_out"),
        "rnn": ("integrated_gradients", "leave_one_out"),
        "gru": ("integrated_gradients", "leave_one_out"),
        "transformer": ("integrated_gradients", "leave_one_out", "attention"),
    }
    with pytest.raises(KeyError):
        attribution("attention", tiny_texts.recurrent("rnn"), TEXT)
    with pytest.raises(KeyError):
        attribution("tea leaves", tiny_texts.recurrent("rnn"), TEXT)


@MODELS
def test_a_method_says_how_far_it_is_and_ends_with_a_score_a_token(model: TextModel) -> None:
    for method in methods(model):
        *progress, last = attribution(method, model, TEXT)
        assert isinstance(last, Attribution)
        assert last.method == method and last.name == model.name
        assert last.scores.shape == (len(read(model, TEXT).tokens),)
        assert last.signed == (method != "attention")
        shares = [step.share for step in progress if isinstance(step, Progress)]
        assert len(shares) == len(progress) and shares == sorted(shares)
        assert all(0 < share <= 1 for share in shares)


# --- integrated gradients ---------------------------------------------------------------------------


@NETWORKS
def test_integrated_gradients_add_up_to_the_log_odds(model: TextModel) -> None:
    found = attribute("integrated_gradients", model, TEXT)
    words = model.inside(part_of(model, TEXT).ids).embeddings
    ends, _ = ways.margins_and_gradients(model, np.stack([np.zeros_like(words), words]))
    assert ends[1] == pytest.approx(margin(model, TEXT), abs=1e-4)  # the twin says what numpy says
    assert found.total == pytest.approx(float(ends[1] - ends[0]), abs=1e-6)
    assert found.gap <= ways.GAP * max(abs(found.total), 1)
    assert np.abs(found.scores).max() > 1e-3


def test_gradients_are_those_of_differences() -> None:
    model = tiny_texts.recurrent("gru")
    words = model.inside(part_of(model, "not good film").ids).embeddings
    _, gradients = ways.margins_and_gradients(model, words[np.newaxis])
    step = np.zeros_like(words)
    step[1, 2] = 1e-2
    (high, low), _ = ways.margins_and_gradients(model, np.stack([words + step, words - step]))
    assert gradients[0, 1, 2] == pytest.approx((high - low) / 2e-2, rel=2e-3)


def test_integrated_gradients_of_a_square_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """f = (sum of w x)^2: each token's score is its own part of the sum, times the sum."""
    model = tiny_texts.recurrent("rnn")
    weights = np.array([1.0, -2.0, 0.5, 3.0], np.float32)

    def square(_: TextModel, words: Floats) -> tuple[Floats, Floats]:
        total = (words @ weights).sum(axis=1)  # (n,)
        return total**2, 2 * total[:, None, None] * np.broadcast_to(weights, words.shape)

    monkeypatch.setattr(ways, "margins_and_gradients", square)
    found = attribute("integrated_gradients", model, "not good film")
    parts = model.inside(part_of(model, "not good film").ids).embeddings @ weights
    np.testing.assert_allclose(found.scores, parts * parts.sum(), rtol=1e-4)
    assert found.steps == ways.STRETCHES * ways.POINTS


def test_a_jump_on_the_way_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log-odds jump by 6 within a two-hundredth of the way: 16 even points would miss it."""
    model = tiny_texts.recurrent("rnn")
    words = model.inside(part_of(model, "good film").ids).embeddings
    direction = words / (words**2).sum()

    def step(_: TextModel, vectors: Floats) -> tuple[Floats, Floats]:
        where = (vectors * direction).sum(axis=(1, 2), dtype=np.float64)  # 0..1 on the way
        rise = np.tanh((where - 0.3) * 400)
        slope = 3 * 400 * (1 - rise**2)
        return 3 * rise, slope[:, None, None] * direction

    monkeypatch.setattr(ways, "margins_and_gradients", step)
    found = attribute("integrated_gradients", model, "good film")
    assert found.total == pytest.approx(6, abs=1e-4)
    assert found.gap < 0.06
    assert 16 < found.steps < ways.MOST_STEPS


# --- the others -------------------------------------------------------------------------------------


@MODELS
def test_leaving_out_is_what_it_says(model: TextModel) -> None:
    found = attribute("leave_one_out", model, TEXT)
    ids = part_of(model, TEXT).ids
    whole = margins(model, [ids])[0]
    for place in (0, 3, len(ids) - 1):
        without = margins(model, [np.concatenate([ids[:place], ids[place + 1 :]])])[0]
        assert found.scores[place] == pytest.approx(whole - without, abs=1e-5)
    assert found.group == 1 and np.isnan(found.gap)


def test_a_large_transformer_leaves_out_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_texts.transformer()
    text = "good film is bad and boring " * 8 + "not"
    monkeypatch.setattr(ways, "OMISSIONS_WORK", 1.0)
    found = attribute("leave_one_out", model, text)
    assert found.group == 4  # 49 tokens in at most 16 groups
    ids = part_of(model, text).ids
    whole, without, last = margins(model, [ids, np.delete(ids, slice(4, 8)), ids[:-1]])
    np.testing.assert_allclose(found.scores[4:8], (whole - without) / 4, atol=1e-5)
    assert found.scores[-1] == pytest.approx(whole - last, abs=1e-5)  # the last group is one token


def test_one_token_left_out_leaves_an_even_verdict() -> None:
    model = tiny_texts.recurrent("rnn")
    [score] = attribute("leave_one_out", model, "good").scores
    assert score == pytest.approx(margin(model, "good"), abs=1e-6)


def test_rollout_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two layers of one head; half of each token goes around the attention."""
    model = tiny_texts.transformer()
    layers = np.array([[[[1, 0], [0.5, 0.5]]], [[[0, 1], [0, 1]]]], np.float32)
    monkeypatch.setattr(
        type(model), "inside", lambda self, ids: Inside(np.zeros(2), np.zeros((2, 8)), attention=layers)
    )
    found = attribute("attention", model, "good film")
    first = np.array([[1, 0], [0.25, 0.75]])
    second = np.array([[0.5, 0.5], [0, 1]])
    np.testing.assert_allclose(found.scores, (second @ first).mean(axis=0), atol=1e-6)
    assert found.gap == pytest.approx(0, abs=1e-6)


def test_the_weights_of_the_bag_of_words_by_hand() -> None:
    """ "the film is not good": good 2, not -1, "not good" -3, "is not good" -0.5; four n-grams, over 2."""
    found = attribute("weights", tiny_texts.bag(), "the film is not good")
    half = 1 / 2 / 0.5  # the square root of four n-grams, the temperature
    third = -0.5 / 3
    expected = [0, 0, third, -1 - 3 / 2 + third, 2 - 3 / 2 + third]
    np.testing.assert_allclose(found.scores, np.array(expected) * half, atol=1e-6)
    assert found.total == pytest.approx((2 - 1 - 3 - 0.5) * half, abs=1e-5)
    assert found.gap < 1e-5


# --- what it is worth -------------------------------------------------------------------------------


def test_faithfulness_by_hand() -> None:
    """Ten words, one of them tells: without the best tenth nothing is left that speaks."""
    model = tiny_texts.bag()
    text = "the film is good this film the is this film"
    score = faithfulness(model, attribute("weights", model, text))
    whole, nothing = (
        float(probability(np.array([m], np.float32))[0]) for m in ((0.25 + 2) / 0.5, 0.25 / 0.5)
    )
    assert score.label_index == 1
    np.testing.assert_allclose(score.fractions, [0, 0.1, 0.2, 0.3, 0.4, 0.5])
    np.testing.assert_allclose(score.removed, [whole, *[nothing] * 5], atol=1e-5)
    np.testing.assert_allclose(score.kept, whole, atol=1e-5)
    assert score.comprehensiveness == pytest.approx(whole - nothing, abs=1e-5)
    assert score.sufficiency == pytest.approx(0, abs=1e-5)
    assert 0 < score.random_comprehensiveness < score.comprehensiveness
    assert score.beaten > 0.8
    assert (score.random_low <= score.random).all() and (score.random <= score.random_high).all()
    assert score.random_falls.shape == (worth.ORDERS,)


@MODELS
def test_the_verdict_that_is_watched_is_the_models_own(model: TextModel) -> None:
    for text in ("good good film", "bad bad film", TEXT):
        score = faithfulness(model, attribute("leave_one_out", model, text))
        positive = read(model, text).positive
        assert score.label_index == int(positive >= 0.5)
        assert score.removed[0] == pytest.approx(max(positive, 1 - positive), abs=1e-5)


def test_the_worst_order_is_worth_less_than_the_best() -> None:
    model = tiny_texts.bag()
    found = attribute("weights", model, TEXT)
    worst = Attribution(**{**vars(found), "scores": -found.scores})
    assert faithfulness(model, worst).comprehensiveness < faithfulness(model, found).comprehensiveness


def test_chance_comes_from_the_seed() -> None:
    model = tiny_texts.recurrent("gru")
    found = attribute("leave_one_out", model, TEXT)
    same, other = faithfulness(model, found), faithfulness(model, found, seed=1)
    np.testing.assert_array_equal(same.random, faithfulness(model, found).random)
    assert not np.array_equal(same.random, other.random)
    np.testing.assert_array_equal(same.removed, other.removed)


def test_a_large_transformer_has_fewer_random_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worth, "WORK", 1.0)
    model = tiny_texts.transformer()
    score = faithfulness(model, attribute("attention", model, TEXT))
    assert score.random_falls.shape == (worth.FEWEST_ORDERS,)


@pytest.fixture(autouse=True)
def nothing_compiled_is_kept() -> Iterator[None]:
    """Every model's function goes with the model."""
    yield
    assert len(ways._compiled) <= len(tiny_texts.every()) + 1
