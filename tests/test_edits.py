"""Two versions side by side, and edits that turn a verdict, each read by the model itself."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import GlassboxError
from core.language import edits, rewording
from core.language.edits import Suggestion, compare, suggest
from core.language.rewording import Change, apply, overlap, rewordings, words
from core.language.types import TextModel
from core.types import Floats
from tests import tiny_texts

MODELS = pytest.mark.parametrize("model", tiny_texts.every(), ids=lambda model: model.name)


# --- rewordings -------------------------------------------------------------------------------------


def made(text: str) -> dict[str, Change]:
    return {apply(text, [change]): change for change in rewordings(text)}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Good film", "Bad film"),  # the opposite keeps its large letter
        ("It is good", "It is not good"),
        ("It is not good", "It is good"),
        ("It isn't good", "It is good"),
        ("It isn’t good", "It is good"),
        ("I love it", "I don't love it"),
        ("I love it", "I hate it"),
        ("It was, really, bad", "It was, bad"),
        ("very good food 👍", "very good food 👎"),
        ("very good food", "good food"),
        ("very good food", "very good"),
        ("very good food", "very great food"),  # a near word
        ("服务很好", "服务很差"),
        ("服务很好", "服务不好"),
        ("我不喜欢", "我喜欢"),
        ("我喜欢", "我不喜欢"),
        ("值得一看", "不值得一看"),
        ("质量不错", "质量糟糕"),
        ("很好，不错，喜欢", "很好，喜欢"),
    ],
)
def test_what_a_writer_might_do(text: str, wanted: str) -> None:
    assert wanted in made(text)


@pytest.mark.parametrize(
    ("text", "unwanted"),
    [
        ("好像下雨", "差像下雨"),  # the character is a part of another word
        ("好像下雨", "不好像下雨"),
        ("质量不错", "质量错"),  # this only looks negated
        ("不太好", "不不好"),
        ("It is not good", "It is not not good"),
        ("They are goods", "They are bads"),
    ],
)
def test_what_a_writer_would_not_do(text: str, unwanted: str) -> None:
    assert unwanted not in made(text)


def test_words_are_found_in_both_languages() -> None:
    text = "I don't, 2 films: 电影好看👍"
    assert [word.text for word in words(text)] == ["I", "don't", "films", "电影", "好看", "👍"]
    assert all(text[word.start : word.end] == word.text for word in words(text))


def test_an_omission_takes_one_space_with_it() -> None:
    text = "so good, I say"
    found = [apply(text, [rewording.omission(text, word)]) for word in words(text)]
    assert found == ["good, I say", "so, I say", "so good, say", "so good, I"]


def test_changes_are_put_in_without_moving_each_other() -> None:
    text = "a good film"
    changes = [Change("replace", 7, 11, "film", "plan"), Change("delete", 0, 2, "a ", "")]
    assert apply(text, changes) == apply(text, changes[::-1]) == "good plan"
    assert not overlap(*changes)
    assert overlap(Change("insert", 2, 2, "", "x"), changes[1])


@given(st.text(max_size=80) | st.text(st.sampled_from("good not不好很喜欢 isn't👍."), max_size=80))
@settings(deadline=None)
def test_every_change_stands_where_it_says(text: str) -> None:
    for change in rewordings(text):
        assert text[change.start : change.end] == change.old
        assert apply(text, [change]) == text[: change.start] + change.new + text[change.end :]
        assert change.old != change.new
        assert (change.kind == "delete") == (change.new == "")
        assert (change.kind == "insert") == (change.old == "")


def test_a_hundred_thousand_characters_are_reworded_in_seconds() -> None:
    begun = time.process_time()
    assert len(rewordings("这部电影不算好看，我很喜欢" * 7000)) > 50_000
    assert time.process_time() - begun < 10


# --- suggestions ------------------------------------------------------------------------------------


def test_one_word_turns_a_plain_sentence() -> None:
    found = suggest(tiny_texts.bag(), "this film is good")
    assert found and all(one.flips and len(one.changes) == 1 for one in found)
    assert found[0].text == "this film is bad"
    assert found[0].changes == (Change("replace", 13, 17, "good", "bad"),)
    assert found[0].before[1] > 0.9 and found[0].probabilities[1] < 0.1
    assert [one.probabilities[1] for one in found] == sorted(one.probabilities[1] for one in found)


def test_two_words_where_one_is_not_enough() -> None:
    found = suggest(tiny_texts.bag(), "好 film good", seconds=5)
    assert found and all(one.flips and len(one.changes) == 2 for one in found)
    assert tiny_texts.bag().predict(["好 film"])[0, 1] > 0.65  # one word alone does not


class Stubborn:
    """A bag of words that is always sure, and slow."""

    def __init__(self, wait: float = 0.0) -> None:
        self._bag = tiny_texts.bag()
        self._wait = wait
        self.asked = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._bag, name)

    def predict(self, batch: Sequence[str]) -> Floats:
        self.asked += len(batch)
        time.sleep(self._wait * len(batch))
        return np.array([[0.1 + len(text) / 1e4, 0.9 - len(text) / 1e4] for text in batch], np.float32)


def test_a_verdict_that_nothing_turns_gets_the_nearest_edit() -> None:
    model: TextModel = Stubborn()  # type: ignore[assignment]
    [found] = suggest(model, "good good film")
    assert not found.flips
    assert len(found.text) > len("good good film")  # the longest is the nearest here
    assert found.probabilities[1] < found.before[1]


def test_the_time_is_kept() -> None:
    slow = Stubborn(wait=0.05)
    model: TextModel = slow  # type: ignore[assignment]
    begun = time.perf_counter()
    found = suggest(model, "good film and bad plot " * 50, seconds=0.5)
    assert time.perf_counter() - begun < 2
    assert found and 2 < slow.asked < 30


@MODELS
@pytest.mark.parametrize("text", ["This film is not good, but I love it.", "我不喜欢这部电影，难看 👍"])
def test_each_suggestion_is_what_the_model_says_of_it(model: TextModel, text: str) -> None:
    for found in suggest(model, text, seconds=5):
        assert isinstance(found, Suggestion)
        assert apply(text, found.changes) == found.text != text
        np.testing.assert_allclose(found.probabilities, model.predict([found.text])[0], atol=1e-5)
        np.testing.assert_array_equal(found.before, model.predict([text])[0])
        places = [change.start for change in found.changes]
        assert places == sorted(places) and len(found.changes) <= edits.MOST_CHANGES
        if found.flips:
            assert found.before.argmax() != found.probabilities.argmax()
            assert found.probabilities.max() >= 0.65  # not "neither"


def test_suggestions_do_not_all_change_one_place() -> None:
    found = suggest(
        tiny_texts.recurrent("gru"), "this film is good and the plot is great", most=10, seconds=5
    )
    places = [one.changes[0].start for one in found if len(one.changes) == 1]
    assert all(places.count(place) <= edits.SAME_PLACE for place in places)


@pytest.mark.parametrize("text", ["", " \n"])
def test_nothing_to_read_is_told(text: str) -> None:
    with pytest.raises(GlassboxError):
        suggest(tiny_texts.recurrent("rnn"), text)
    with pytest.raises(GlassboxError):
        compare(tiny_texts.recurrent("rnn"), "good", text)


@pytest.mark.parametrize("text", ["👍", "1", "!", "x"])
def test_a_text_with_hardly_anything_to_edit(text: str) -> None:
    for one in suggest(tiny_texts.recurrent("rnn"), text):
        assert one.text != text


# --- comparison -------------------------------------------------------------------------------------


def test_the_parts_of_a_comparison() -> None:
    model = tiny_texts.bag()
    found = compare(model, "this film is not good", "the film is very good indeed", "weights")
    pieces = [found.first.pieces, found.second.pieces]
    told = [
        (part.kind, pieces[0][slice(*part.first)], pieces[1][slice(*part.second)]) for part in found.parts
    ]
    assert told == [
        ("replace", ("this",), ("the",)),
        ("equal", ("film", "is"), ("film", "is")),
        ("replace", ("not",), ("very",)),
        ("equal", ("good",), ("good",)),
        ("insert", (), ("indeed",)),
    ]
    assert found.change == pytest.approx(found.second.positive - found.first.positive)
    assert found.change > 0.5
    assert found.first_attribution.method == found.second_attribution.method == "weights"


@MODELS
def test_the_parts_cover_both_versions(model: TextModel) -> None:
    found = compare(model, "I love this good film 我喜欢", "this bad film is not 电影 I love")
    for reading, side in ((found.first, "first"), (found.second, "second")):
        spans = [getattr(part, side) for part in found.parts]
        assert [place for start, end in spans for place in range(start, end)] == list(
            range(len(reading.tokens))
        )
    assert found.first_attribution.scores.shape == (len(found.first.tokens),)


def test_equal_versions_have_one_part() -> None:
    [part] = compare(tiny_texts.recurrent("rnn"), "good film", "good film").parts
    assert (part.kind, part.first, part.second) == ("equal", (0, 2), (0, 2))
