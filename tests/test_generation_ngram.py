"""The n-gram model: against `nltk.lm`, by hand, and through its file."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.lm import KneserNeyInterpolated
from nltk.util import everygrams

from core.language.generation import ngram
from core.language.generation.surprise import bits_of
from core.language.generation.vocabulary import Characters
from core.types import ModelCard

TEXT = "#the cat sat on the mat and the rat sat on the cat "
LETTERS = "".join(sorted(set(TEXT)))


def model_of(levels: list[ngram.Level], letters: str = LETTERS) -> ngram.NGram:
    return ngram.NGram("own", Characters(letters), ModelCard("", (len(levels) - 1,), 0, "", "", ""), levels)


def ids_of(text: str, letters: str = LETTERS) -> np.ndarray:
    return np.array([token.id for token in Characters(letters).encode(text)], np.int32)


@pytest.mark.parametrize("order", [2, 3, 4])
def test_the_probabilities_are_those_of_nltk(order: int) -> None:
    discount = 0.4
    reference = KneserNeyInterpolated(order, discount=discount)
    reference.fit([list(everygrams(TEXT, max_len=order))], list(LETTERS))
    levels = ngram.learn([ids_of(TEXT)], len(LETTERS) + 1, order, discount=discount)
    model = model_of(levels)
    # the sign that begins the text occurs nowhere else: only after it are the two counted differently
    for context in ("a", "e", " t", "at", "the", "zz", "x", "n t", "mat"):
        context = context[-(order - 1) :]
        said = np.exp(model.scores(ids_of(context)))
        for letter in LETTERS.replace("#", ""):
            expected = reference.score(letter, list(context))
            assert said[ids_of(letter)[0]] == pytest.approx(expected, abs=1e-6), (context, letter)


def test_francisco_is_likely_after_san_alone() -> None:
    """F follows S ten times and nothing else; x and y follow many: by hand, with one discount of 0.5."""
    letters = "SFabcxy"
    text = "aSF" * 10 + "axbxcxaybycy"
    levels = ngram.learn([ids_of(text, letters)], 8, 2, discount=0.5)
    model = model_of(levels, letters)
    by_letter = dict(zip(letters, np.exp(model.scores(ids_of("S", letters)))[1:], strict=True))
    single = dict(zip(letters, np.exp(model.scores(ids_of("?", letters)))[1:], strict=True))
    # bigrams: aS SF Fa ax xb bx xc cx xa ay yb by yc cy -> 14 kinds; F comes after S alone, x after a, b, c
    assert single["F"] == pytest.approx(1 / 14)
    assert single["x"] == pytest.approx(3 / 14)
    assert by_letter["F"] == pytest.approx(9.5 / 10 + 0.05 / 14, abs=1e-6)


def test_discounts_by_hand() -> None:
    counts = np.repeat([1, 2, 3, 4], [8, 4, 2, 1])
    y = 8 / 16
    np.testing.assert_allclose(
        ngram.discounts(counts), [0, 1 - 2 * y * 4 / 8, 2 - 3 * y * 2 / 4, 3 - 4 * y * 1 / 2]
    )


@settings(max_examples=50, deadline=None)
@given(
    texts=st.lists(st.text("abcd", min_size=1, max_size=30), min_size=1, max_size=6),
    context=st.text("abcdz", max_size=6),
    order=st.integers(1, 5),
    least=st.integers(1, 3),
)
def test_a_distribution_whatever_was_read(texts: list[str], context: str, order: int, least: int) -> None:
    levels = ngram.learn([ids_of(text, "abcd") for text in texts], 5, order, least=(1, least, least))
    for stored in (levels, ngram.from_arrays(ngram.to_arrays(levels))):
        model = model_of(stored, "abcd")
        said = np.exp(model.scores(ids_of("a" + context, "abcd")))
        assert said.sum() == pytest.approx(1, abs=1e-4)
        assert said.min() > 0


@pytest.mark.parametrize("least", [(), (1, 2, 2, 2), (1, 1, 3, 2)])
def test_all_at_once_is_one_by_one(least: tuple[int, ...]) -> None:
    model = model_of(ngram.learn([ids_of(TEXT)], len(LETTERS) + 1, 4, least=least))
    ids = ids_of("the rat and the matron")
    one_by_one = [np.exp(model.scores(ids[:place]))[ids[place]] for place in range(1, len(ids))]
    np.testing.assert_allclose(model.of(ids)[1:], one_by_one, rtol=1e-5)
    np.testing.assert_allclose(bits_of(model, ids)[1:], -np.log2(one_by_one), rtol=1e-4)


def test_the_file_holds_the_same_model() -> None:
    levels = ngram.learn([ids_of(TEXT)], len(LETTERS) + 1, 4)
    stored = model_of(ngram.from_arrays(ngram.to_arrays(levels)))
    ids = ids_of(TEXT)
    apart = bits_of(stored, ids) - bits_of(model_of(levels), ids)
    assert np.abs(apart).max() < 0.2  # a byte for a logarithm
    assert abs(apart.mean()) < 0.03


def test_left_out_n_grams_go_to_the_shorter_context() -> None:
    levels = ngram.learn([ids_of(TEXT)], len(LETTERS) + 1, 4)
    fewer = ngram.learn([ids_of(TEXT)], len(LETTERS) + 1, 4, least=(1, 1, 2, 2))
    assert [len(level.tokens) for level in fewer[:2]] == [len(level.tokens) for level in levels[:2]]
    assert len(fewer[3].tokens) < len(levels[3].tokens)
    ids = ids_of(TEXT)
    assert bits_of(model_of(fewer), ids).mean() > bits_of(model_of(levels), ids).mean()
