"""Neighbours and the map of words are what linear algebra says."""

from __future__ import annotations

import numpy as np
import pytest

from core import i18n
from core.errors import GlassboxError
from core.language import embedding_space
from core.language.embedding_space import default_words, has_embedding, is_readable, neighbours, word_map
from tests import tiny_texts

WORDS = ("good", "bad", "film", "不", "喜欢", "really", "the")


def vector(word: str) -> np.ndarray:
    model = tiny_texts.recurrent("rnn")
    ids = [token.id for token in model.tokenizer.encode(word)]
    return np.asarray(model.weights["embedding"][ids].mean(axis=0), np.float64)


def test_neighbours_are_those_of_a_search_by_hand() -> None:
    model = tiny_texts.recurrent("rnn")
    [token] = model.tokenizer.encode("good")
    table = model.weights["embedding"].astype(np.float64)
    cosine = [row @ table[token.id] / np.linalg.norm(row) / np.linalg.norm(table[token.id]) for row in table]
    readable = [i for i in range(len(table)) if i != token.id and is_readable(model.tokenizer.piece(i))]
    expected = sorted(readable, key=lambda i: -cosine[i])[:7]
    found = neighbours(model, token.id, 7)
    assert [neighbour.id for neighbour in found] == expected
    assert [neighbour.piece for neighbour in found] == [model.tokenizer.piece(i) for i in expected]
    np.testing.assert_allclose(
        [neighbour.cosine for neighbour in found], [cosine[i] for i in expected], atol=1e-5
    )
    for wrong in (-1, len(table)):
        with pytest.raises(IndexError):
            neighbours(model, wrong)


@pytest.mark.parametrize(
    ("piece", "readable"),
    [
        ("good", True),
        ("好", True),
        ("7", True),
        ("😀", True),
        ("-ing", True),
        ("[PAD]", False),
        ("⁇", False),
        ("...", False),
    ],
)
def test_what_can_be_read(piece: str, readable: bool) -> None:
    assert is_readable(piece) == readable


def test_the_bag_of_words_has_no_embedding() -> None:
    assert not has_embedding(tiny_texts.bag())
    assert has_embedding(tiny_texts.transformer())
    with pytest.raises(KeyError):
        neighbours(tiny_texts.bag(), 1)
    with pytest.raises(KeyError):
        word_map(tiny_texts.bag(), WORDS)


def test_the_map_keeps_all_distances_in_as_many_dimensions_as_there_are() -> None:
    found = word_map(tiny_texts.recurrent("rnn"), WORDS, dimensions=4)  # the embedding is four wide
    vectors = np.stack([vector(word) for word in WORDS])
    apart = np.linalg.norm(vectors[:, None] - vectors, axis=-1)
    np.testing.assert_allclose(
        np.linalg.norm(found.points[:, None] - found.points, axis=-1), apart, atol=1e-5
    )
    assert found.explained.sum() == pytest.approx(1, abs=1e-5)


def test_the_axes_are_those_of_the_largest_variance() -> None:
    found = word_map(tiny_texts.recurrent("rnn"), WORDS)
    variances = np.linalg.eigvalsh(np.cov(np.stack([vector(word) for word in WORDS]).T))[::-1]
    np.testing.assert_allclose(found.explained, variances[:2] / variances.sum(), atol=1e-5)
    np.testing.assert_allclose(found.points.var(axis=0, ddof=1), variances[:2], rtol=1e-4)
    np.testing.assert_allclose(found.points.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_array_equal(found.points, word_map(tiny_texts.recurrent("rnn"), WORDS).points)


def test_a_word_of_several_tokens_is_their_mean() -> None:
    model = tiny_texts.recurrent("rnn")
    found = word_map(model, ["goodbad", *WORDS])
    assert found.words[0] == "goodbad" and found.pieces[0] == ("good", "bad")
    good, bad = (found.points[found.words.index(word)] for word in ("good", "bad"))
    np.testing.assert_allclose(found.points[0], (good + bad) / 2, atol=1e-5)


def test_repeated_and_unreadable_words_are_left_out() -> None:
    found = word_map(tiny_texts.recurrent("rnn"), ["good", " good ", "", "!", "שלום", "bad", "film"])
    assert found.words == ("good", "bad", "film")
    with pytest.raises(GlassboxError) as caught:
        word_map(tiny_texts.recurrent("rnn"), ["good", "!", "bad"])
    assert caught.value.values == {"got": 2, "wanted": embedding_space.FEWEST}


def test_more_dimensions_than_there_are_stay_empty() -> None:
    found = word_map(tiny_texts.recurrent("rnn"), ["good", "bad", "film"], dimensions=3)
    assert found.points.shape == (3, 3)
    assert found.explained[2] == pytest.approx(0, abs=1e-6)  # three points lie in a plane
    same = word_map(tiny_texts.transformer(), ["good", "bad", "film"], dimensions=3)
    assert np.isfinite(same.points).all()


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_the_default_words_are_shipped(language: str) -> None:
    words = default_words(language)
    assert len(words) >= 30 and len(set(words)) == len(words)
