"""The language models that ship: their files, their twins, and whether they do as they are told."""

from __future__ import annotations

import time

import numpy as np
import pytest

from core import assets
from core.language.generation import (
    FORMS,
    KINDS,
    TRAININGS,
    Draft,
    Sampling,
    available,
    generate,
    inside,
    language_model,
    logit_lens,
    poems,
    prompt,
    read_back,
)
from core.language.generation.models import FOLDER
from core.language.generation.types import NetworkModel
from core.language.generation.writing import Ended

NETWORKS = ("gru", "transformer")


TEXTS = {
    "reviews": ("this movie was a complete waste of time and money.", "房间很干净，服务也很好，下次还会来。"),
    "poems": ("白日依山盡，黃河入海流。", "床前明月光"),
}


@pytest.mark.parametrize("training", TRAININGS)
@pytest.mark.parametrize("kind", NETWORKS)
def test_numpy_and_keras_agree(training: str, kind: str) -> None:
    model = language_model(training, kind)
    assert isinstance(model, NetworkModel)
    ids = np.array(prompt(model, TEXTS[training][0]), np.int32)
    by_keras = np.asarray(model.network()(ids[np.newaxis], training=False))[0]
    np.testing.assert_allclose(model.logits(ids), by_keras, atol=1e-3, rtol=1e-4)
    from core.language.calibration import softmax

    np.testing.assert_allclose(softmax(model.logits(ids)), softmax(by_keras), atol=1e-4)


@pytest.mark.parametrize("training", TRAININGS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_card_tells_what_was_measured(training: str, kind: str) -> None:
    card = language_model(training, kind).card
    file = assets.path(FOLDER, f"{training}_{kind}.npz")
    assert card.figures["file_bytes"] == file.stat().st_size
    assert 0.5 < card.figures["bits_per_character"] < 10
    assert card.parameters > 100_000
    assert card.made_by == "training/language_model.py"


def test_what_is_there_is_offered_and_can_be_loaded() -> None:
    assert available()["poems"] == KINDS
    for training, kinds in available().items():
        for kind in kinds:
            assert language_model(training, kind).kind == kind
    with pytest.raises(KeyError):
        language_model("poems", "oracle")


def test_the_files_are_small() -> None:
    for training in TRAININGS:  # all three kinds of a training together, where each may have as much
        assert sum(file.stat().st_size for file in assets.path(FOLDER).glob(f"{training}*")) < 10e6


@pytest.mark.parametrize("training", TRAININGS)
def test_the_transformer_needs_the_fewest_bits(training: str) -> None:
    bits = {kind: language_model(training, kind).card.figures["bits_per_character"] for kind in KINDS}
    assert bits["transformer"] <= 0.95 * min(bits["gru"], bits["ngram"])


@pytest.mark.parametrize("training", TRAININGS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_cache_changes_nothing_and_is_quick(training: str, kind: str) -> None:
    model = language_model(training, kind)
    random = np.random.default_rng(0)
    ids = [*prompt(model), *random.integers(20, model.vocabulary.size, 240).tolist()]
    cached, anew = Draft(model, ids), Draft(model, ids, cached=False)
    for _ in range(20):  # over the edge of the context
        left, right = (draft.choice(Sampling(temperature=0)) for draft in (cached, anew))
        np.testing.assert_allclose(left.model, right.model, atol=1e-4)
        id = int(left.probabilities.argmax())
        cached.take(id)
        anew.take(id)


@pytest.mark.parametrize("training", TRAININGS)
def test_the_first_token_comes_at_once(training: str) -> None:
    model = language_model(training, "transformer")
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        next(generate(model, prompt(model, TEXTS[training][0])))
        times.append(time.perf_counter() - begun)
    assert min(times) < 0.3


@pytest.mark.parametrize("form", FORMS["poems"])
def test_a_poem_keeps_its_lines(form: str) -> None:
    model, held = language_model("poems", "transformer"), []
    for seed in range(20):
        *_, last = generate(model, prompt(model, "", form), most=100, seed=seed, alternatives=0)
        assert isinstance(last, Ended)
        held.append(poems.kept(last.text, form).line_length)
    assert np.mean(held) >= 0.9


@pytest.mark.parametrize("training", TRAININGS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_text_surprises_less_than_its_letters_shuffled(training: str, kind: str) -> None:
    model = language_model(training, kind)
    for text, form in zip(TEXTS[training], (FORMS[training][0], FORMS[training][-2]), strict=True):
        shuffled = "".join(np.random.default_rng(0).permutation(list(text)))
        assert (
            read_back(model, text, form).bits_per_character
            < read_back(model, shuffled, form).bits_per_character
        )


@pytest.mark.parametrize("training", TRAININGS)
def test_the_lens_comes_nearer_layer_by_layer(training: str) -> None:
    model = language_model(training, "transformer")
    assert isinstance(model, NetworkModel)
    what = inside(model, prompt(model, TEXTS[training][0]))
    lens = logit_lens(model, what)
    last = lens.probabilities[-1]
    apart = [
        float((last * np.log(last / np.maximum(layer, 1e-9))).sum(-1).mean()) for layer in lens.probabilities
    ]
    assert apart[-1] == pytest.approx(0, abs=1e-5)
    assert apart[0] > apart[-2] > 0


def test_the_wished_sentiment_shows_in_the_next_word() -> None:
    model = language_model("reviews", "transformer")
    for text, good, bad, language in (
        ("this movie is", "great", "bad", "en"),
        ("这个酒店很", "好", "差", "zh"),
    ):
        odds = []
        for sentiment in ("positive", "negative"):
            ids = prompt(model, text, f"{language}_{sentiment}")
            scores = Draft(model, ids).choice(Sampling()).scores
            words = [model.vocabulary.encode(word)[0].id for word in (good, bad)]
            odds.append(float(scores[words[0]] - scores[words[1]]))
        assert odds[0] > odds[1] + 0.5
