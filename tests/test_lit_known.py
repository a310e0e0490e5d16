"""What was in the tuning is told apart from what was not; batches, senses and guesses of the training, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core import lit
from core.lit import known
from training import lit as tuning
from training import lit_measure, lit_teacher, lit_words
from training.lit_network import BUCKETS, Plan, bucketed, rate_at
from training.lit_wordnet import Noun, Tree, read

LISTS = {
    "pictures": frozenset({"goldfish", "tabby cat", "金鱼", "虎斑猫"}),
    "words": frozenset({"oak", "橡树"}),
    "captions": frozenset({"dog", "runs", "red", "狗", "红色", "草地"}),
}


@pytest.fixture(autouse=True)
def with_small_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "_lists", lambda: LISTS)


@pytest.mark.parametrize(
    ("prompt", "how"),
    [
        ("goldfish", "pictures"),
        ("A photo of a Tabby Cat.", "pictures"),
        ("一张虎斑猫的照片", "pictures"),
        ("goldfishes", "pictures"),
        ("oaks", "words"),
        ("橡树", "words"),
        ("一条金鱼", "pictures"),
        ("三棵橡树", "words"),
        ("red dog runs", "captions"),
        ("狗红色草地", "captions"),
        ("red axolotl", "new"),
        ("狗吃鲸鱼", "new"),
        ("", "new"),
        ("!!!", "new"),
    ],
)
def test_how_a_prompt_was_in_the_tuning(prompt: str, how: str) -> None:
    assert lit.how_seen(prompt) == how
    assert lit.seen(prompt) == (how != "new")


def test_texts_go_in_buckets_and_come_back_in_order() -> None:
    texts = [np.arange(1, 1 + length) for length in (12, 3, 20, 5, 6)]
    *parts, back = bucketed(texts)
    assert [ids.shape[1] for ids in parts[::2]] == list(BUCKETS)
    first = np.concatenate(
        [ids[:, 0] * mask.sum(axis=1) for ids, mask in zip(parts[::2], parts[1::2], strict=True)]
    )
    assert first[back] == pytest.approx([12, 3, 20, 5, 6])


def test_the_rate_rises_to_one_and_falls_to_nothing() -> None:
    plan = Plan(steps=100)
    rates = [rate_at(step, plan) for step in range(100)]
    assert max(rates) == pytest.approx(1, abs=0.02)
    assert rates[0] < 0.2
    assert rates[-1] < 0.01
    assert int(np.argmax(rates)) == 8


def test_the_classes_left_out_are_always_the_same_and_hold_those_with_photos() -> None:
    from core.vision import efficientnet

    seen, out = tuning.split()
    assert (len(seen), len(out)) == (800, 200)
    assert not set(seen) & set(out)
    assert np.array_equal(out, tuning.split()[1])
    assert {efficientnet.labels().index(label) for label in tuning.TINY_IMAGENET.values()} <= set(out)


def test_from_the_centre_the_nearest_row_is_the_network_s_answer() -> None:
    from core.vision import efficientnet

    kernel, bias = efficientnet.head()
    random = np.random.default_rng(0)
    features = np.abs(random.normal(0.2, 0.35, (300, 1280))).astype(np.float32)
    centre = tuning.centre_of([features])
    answers = (features @ kernel + bias).argmax(axis=1)

    def agreement(middle: np.ndarray) -> float:
        return float((lit_measure.nearest(features - middle, tuning.class_rows()) == answers).mean())

    assert agreement(centre) > agreement(features.mean(axis=0))


def test_a_caption_is_recalled_if_its_photo_is_among_the_nearest() -> None:
    images = np.eye(3, dtype=np.float32)
    texts = np.array([[1, 0, 0], [0.9, 0.5, 0], [0, 0.2, 0.1]], np.float32)
    assert lit_measure.recall(texts, images, np.arange(3), 1) == pytest.approx(1 / 3)
    assert lit_measure.recall(texts, images, np.arange(3), 2) == 1


def test_a_wordnet_line_is_read_as_its_manual_says(tmp_path: Path) -> None:
    line = (
        "02123045 05 n 02 tabby 1 tabby_cat 0 002 @ 02121808 n 0000 ~ 02123159 n 0000 "
        '| a cat with a grey coat; "a striped tabby"'
    )
    (tmp_path / "data.noun").write_text(f"  1 licence\n{line}  \n", encoding="utf-8")
    (noun,) = read(tmp_path).values()
    assert noun == Noun("n02123045", ("tabby", "tabby cat"), "a cat with a grey coat", ("n02121808",), 5)


def tree() -> Tree:
    def noun(id: str, *kinds: str) -> Noun:
        return Noun(id, (id,), f"what {id} means", kinds, 5)

    return Tree(
        {
            one.id: one
            for one in (
                noun("thing"),
                noun("animal", "thing"),
                noun("dog", "animal"),
                noun("pug", "dog"),
                noun("fish", "animal"),
            )
        }
    )


def test_what_a_noun_is_a_kind_of_and_what_is_below_it() -> None:
    assert tree().above("pug") == {"pug": 0, "dog": 1, "animal": 2, "thing": 3}
    assert tree().below("dog") == {"dog", "pug"}


def test_a_kind_lies_where_the_classes_below_it_do() -> None:
    classes = [lit_words.Meaning(id, {"en": (id,), "zh": ()}, "", ()) for id in ("pug", "fish")]
    others = [lit_words.Meaning("dog", {"en": ("dog",), "zh": ()}, "", ())]
    rows = np.eye(2, 4, dtype=np.float32)
    random = np.random.default_rng(0)
    vectors = [lit_teacher.unit(random.normal(size=(3, 6)).astype(np.float32)) for _ in range(3)]
    found = lit_teacher.prototypes(
        tree(), classes, rows, others, [one[:2] for one in vectors], [one[2:] for one in vectors]
    )
    assert found.shape == (1, 4)
    assert found[0, 0] > 0.8 > found[0, 1]


def test_catalogue_names_are_told_from_their_remarks() -> None:
    assert lit_words.bare("crane (bird)") == ("crane", "bird")
    assert lit_words.bare("蝾螈（陆生幼体）") == ("蝾螈", "陆生幼体")
    assert lit_words.bare("goldfish") == ("goldfish", "")


def test_chinese_words_are_found_by_their_english_meanings(tmp_path: Path) -> None:
    file = tmp_path / "cedict.txt"
    lines = [
        "# a remark",
        "金魚 金鱼 [jin1 yu2] /a goldfish/CL:條|条[tiao2]/",
        "跑 跑 [pao3] /to run/",
        "李 李 [Li3] /surname Li/plum/",
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    assert lit_words.translations(file) == {"goldfish": ["金鱼"]}
