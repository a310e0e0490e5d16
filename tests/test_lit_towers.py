"""Pictures and words in one space: what the public functions promise, with a small text tower of fixed numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import lit
from core.errors import GlassboxError
from core.imaging import decode
from core.imaging.samples import samples
from core.language.pretrained import EMBEDDING, INNER, LAYERS, POSITIONS, WIDTH, Pretrained, Table
from core.language.wordpiece import SPECIAL, WordPieces
from core.lit import answers, plane, search, towers
from core.types import Floats, ModelCard

PIECES = (
    *SPECIAL,
    *"abcdefghijklmnopqrstuvwxyz",
    *(f"##{one}" for one in "abcdefghijklmnopqrstuvwxyz"),
    "dog",
    "cat",
)
CHINESE = ("狗", "猫", "红色")


def small_tower() -> towers.TextTower:
    """MiniLM's shape with random numbers: what is tested does not hang on what was learned."""
    random = np.random.default_rng(1)

    def matrix(*shape: int) -> Floats:
        return random.normal(0, 0.05, shape).astype(np.float32)

    weights = {
        "positions/embeddings": matrix(POSITIONS, WIDTH),
        "head/kernel": matrix(WIDTH, 2),
        "head/bias": matrix(2),
    }
    for name in ("norm", *(f"norm_{part}{layer}" for layer in range(LAYERS) for part in "ab")):
        weights[f"{name}/gamma"], weights[f"{name}/beta"] = np.ones(WIDTH, np.float32), matrix(WIDTH)
    shapes = {
        "qkv": (WIDTH, 3 * WIDTH),
        "output": (WIDTH, WIDTH),
        "inner": (WIDTH, INNER),
        "outer": (INNER, WIDTH),
    }
    for name, shape in shapes.items():
        for layer in range(LAYERS):
            weights[f"{name}{layer}/kernel"], weights[f"{name}{layer}/bias"] = (
                matrix(*shape),
                matrix(shape[1]),
            )
    pieces = [*PIECES, *CHINESE]
    tokenizer = WordPieces(pieces, dict.fromkeys(CHINESE, -3.0), {"貓": "猫"})
    rows = random.normal(size=(len(pieces), WIDTH)).astype(np.float32)
    table = Table(rows, np.ones((len(rows), 1), np.float32))
    encoder = Pretrained("small", weights, table, tokenizer, ModelCard("small", (64,), 0, "", "", ""), 1.0)
    assert EMBEDDING not in weights
    head = [(WIDTH, towers.WIDTH), (towers.WIDTH,), (WIDTH, 20), (20,), (20, towers.WIDTH)]
    return towers.TextTower(encoder, *(matrix(*shape) for shape in head))


TOWER = small_tower()


@pytest.fixture(autouse=True)
def with_a_small_tower(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(towers, "text_tower", lambda: TOWER)
    monkeypatch.setattr(answers, "default_temperature", lambda: 0.05)
    monkeypatch.setattr(answers, "none_similarity", lambda: 0.1)
    yield


def photo(name: str = "tabby_cat") -> np.ndarray:
    return decode(samples()[name].read())


def test_both_towers_give_unit_rows_of_one_space() -> None:
    images = lit.embed_images([photo(), photo("bee")])
    texts = lit.embed_texts(["dog", "红色猫", "a cat"])
    assert images.shape == (2, 1280)
    assert texts.shape == (3, 1280)
    for rows in (images, texts):
        assert rows.dtype == np.float32
        assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)
    assert lit.embed_images([]).shape == lit.embed_texts([]).shape == (0, 1280)


def test_the_image_tower_is_the_classifier_s_own() -> None:
    from core.vision import efficientnet
    from core.vision.models import lite

    features = lite().features(efficientnet.PREPARATION.pixels(photo()))
    by_hand = features - towers.centre()
    assert lit.embed_images([photo()])[0] == pytest.approx(by_hand / np.linalg.norm(by_hand), abs=1e-5)


def test_a_text_is_the_same_alone_and_among_others() -> None:
    texts = ["dog", "a much longer text about a dog and a cat", "猫", "dog"]
    together = lit.embed_texts(texts)
    assert together[0] == pytest.approx(together[3])
    for row, text in zip(together, texts, strict=True):
        assert lit.embed_texts([text])[0] == pytest.approx(row, abs=1e-4)


def test_traditional_characters_are_read_as_simplified_ones() -> None:
    first, second = lit.embed_texts(["貓", "猫"])
    assert first == pytest.approx(second)


def test_zero_shot_is_the_softmax_of_the_cosines() -> None:
    prompts = ["dog", "cat", "红色"]
    cosines = lit.embed_texts([f"a photo of a {one}" for one in prompts]) @ lit.embed_images([photo()])[0]
    assert lit.similarities(photo(), prompts, "a photo of a {}") == pytest.approx(cosines, abs=1e-5)
    powers = np.exp(cosines / 0.05)
    found = lit.zero_shot(photo(), prompts, template="a photo of a {}")
    assert found == pytest.approx(powers / powers.sum(), abs=1e-4)
    surer = lit.zero_shot(photo(), prompts, temperature=0.01, template="a photo of a {}")
    assert surer.max() > found.max()
    assert surer.argmax() == found.argmax()


def test_none_of_these_stands_beside_the_prompts() -> None:
    prompts = ["dog", "cat"]
    found = lit.none_of_these(photo(), prompts)
    cosines = np.append(lit.similarities(photo(), prompts), 0.1)
    powers = np.exp(cosines / 0.05)
    assert found == pytest.approx(powers / powers.sum(), abs=1e-4)
    plain = lit.zero_shot(photo(), prompts)
    assert found[:2] / found[:2].sum() == pytest.approx(plain, abs=1e-4)


def test_the_places_add_up_to_the_cosine() -> None:
    places = answers.matches(photo(), "dog")
    assert places.shape == (7, 7)
    assert places.mean() == pytest.approx(lit.similarities(photo(), ["dog"])[0], abs=1e-5)


def test_where_is_as_large_as_the_picture_and_nothing_outside_of_what_was_seen() -> None:
    image = photo("bridge")
    found = lit.where(image, "dog")
    assert found.shape == image.shape[:2]
    assert 0 <= found.min() <= found.max() <= 1
    assert not found[:, 0].any()  # a wide photo: its left edge is outside the square


ODD = ["😺", "<b>dog</b>", "x" * 10_000, "dog " * 3000, "\u202edog", "{}", "{0.__class__}", "dog\x00cat"]


@pytest.mark.parametrize("prompt", ODD)
def test_odd_prompts_are_answered(prompt: str) -> None:
    found = lit.zero_shot(photo(), [prompt, "cat"], template="a photo of a {}")
    assert found.shape == (2,)
    assert float(found.sum()) == pytest.approx(1, abs=1e-5)


def test_two_hundred_prompts_that_are_all_the_same_are_alike() -> None:
    found = lit.zero_shot(photo(), ["dog"] * 200)
    assert found == pytest.approx(1 / 200, abs=1e-6)


@pytest.mark.parametrize(
    ("prompts", "key"),
    [
        ([], "lit.error.no_prompts"),
        (["dog"] * 501, "lit.error.too_many"),
        (["dog", "  "], "lit.error.empty"),
        (["\u200b"], "lit.error.nothing_to_read"),
        (["собака"], "lit.error.unknown_script"),
    ],
)
def test_prompts_that_cannot_be_read_are_a_sentence(prompts: list[str], key: str) -> None:
    with pytest.raises(GlassboxError) as told:
        lit.zero_shot(photo(), prompts)
    assert told.value.key == key
    assert str(told.value)


@pytest.mark.parametrize("template", ["a photo", "{} and {}", ""])
def test_a_template_holds_the_prompt_once(template: str) -> None:
    with pytest.raises(GlassboxError) as told:
        lit.zero_shot(photo(), ["dog"], template=template)
    assert told.value.key == "lit.error.template"
    assert "{}" in str(told.value)


@pytest.mark.parametrize("temperature", [0.0, -1.0, 3.0, float("nan")])
def test_a_temperature_of_no_use_is_a_sentence(temperature: float) -> None:
    with pytest.raises(GlassboxError, match="temperature"):
        lit.zero_shot(photo(), ["dog"], temperature=temperature)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_an_answer_or_a_sentence(text: str) -> None:
    try:
        row = lit.embed_texts([text])[0]
    except GlassboxError as problem:
        assert problem.key.startswith("lit.error.")
        assert str(problem)
    else:
        assert np.linalg.norm(row) == pytest.approx(1, abs=1e-4)


def test_search_finds_the_nearest_first_and_never_the_picture_itself() -> None:
    images = towers.unit(np.array([[1, 0], [1, 0.2], [0, 1]], np.float32))
    assert [one.place for one in search.pictures_like(0, images)] == [1, 2]
    found = search.nearest(images[2], images, most=2)
    assert [one.place for one in found] == [2, 1]
    assert found[0].similarity == pytest.approx(1)


def test_words_find_pictures_and_a_picture_its_caption() -> None:
    text = lit.embed_texts(["dog"])[0]
    images = np.stack([-text, text, lit.embed_texts(["cat"])[0]])
    assert search.pictures_of("dog", images)[0].place == 1
    assert search.captions_for(text, ["cat", "红色", "dog"])[0].place == 2


def test_the_plane_keeps_the_two_directions_of_the_largest_variance() -> None:
    random = np.random.default_rng(0)
    flat = random.normal(size=(20, 2)) * [5, 2]
    axes, _ = np.linalg.qr(random.normal(size=(1280, 2)))
    images = (flat @ axes.T + 3).astype(np.float32)
    found = plane.plane(images, np.zeros((0, 1280), np.float32))
    assert found.share == pytest.approx(1, abs=1e-4)
    drawn = found.images(images)
    whole = np.linalg.norm(images[:, None] - images[None], axis=2)
    assert np.linalg.norm(drawn[:, None] - drawn[None], axis=2) == pytest.approx(whole, abs=1e-2)


def test_two_clouds_apart_are_drawn_over_one_another() -> None:
    random = np.random.default_rng(0)
    images = random.normal(size=(30, 1280)).astype(np.float32)
    found = plane.plane(images, images + 7)
    assert found.texts(images + 7) == pytest.approx(found.images(images), abs=1e-3)


def test_each_prompt_takes_the_template_of_its_language() -> None:
    templates = {"en": "a photo of {}", "zh": "一张{}的照片"}
    assert answers.templated(["a cat", "猫", "一只 cat"], templates) == [
        "a photo of a cat",
        "一张猫的照片",
        "一张一只 cat的照片",
    ]
    assert answers.templated(["a cat", "猫"], {"en": " ", "zh": "{}"}) == ["a cat", "猫"]
    with pytest.raises(GlassboxError, match=r"\{\}"):
        answers.templated(["a cat"], {"en": "a photo"})
    assert answers.templated(["猫"], {"en": "a photo", "zh": "{}"}) == ["猫"]  # it is not asked for


def test_none_of_these_takes_its_share_of_the_softmax() -> None:
    cosines = np.array([0.3, 0.2], np.float32)
    powers = np.exp(np.array([0.3, 0.2, 0.1]) / 0.05)
    assert answers.probabilities(cosines, 0.05, none=True) == pytest.approx(powers / powers.sum(), abs=1e-5)
    assert answers.probabilities(cosines, 0.05) == pytest.approx(powers[:2] / powers[:2].sum(), abs=1e-5)
    assert answers.probabilities(np.zeros(0, np.float32), 0.05, none=True) == pytest.approx([1.0])
