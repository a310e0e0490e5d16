"""The 1,000 ImageNet class names: complete, in the model's order, and telling classes apart."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import pytest

from core import assets, i18n

WORDNET_IDS: list[str] = assets.read_json("vision", "imagenet_classes.json")
LONGEST = {"en": 40, "zh": 14}

# (index in the model's output, WordNet id, English, Chinese): classes that are easy to mix up
# (birds and machines of one name, neighbours in the order, both ends of the list).
KNOWN = [
    (0, "n01440764", "tench", "丁桂鱼"),
    (134, "n02012849", "crane (bird)", "鹤"),
    (145, "n02056570", "king penguin", "王企鹅"),
    (207, "n02099601", "golden retriever", "金毛寻回犬"),
    (264, "n02113186", "Cardigan Welsh corgi", "卡迪根柯基犬"),
    (281, "n02123045", "tabby cat", "虎斑猫"),
    (285, "n02124075", "Egyptian cat", "埃及猫"),
    (287, "n02127052", "lynx", "猞猁"),
    (474, "n02963159", "cardigan", "开襟毛衣"),
    (517, "n03126707", "crane (machine)", "起重机"),
    (542, "n03250847", "drumstick", "鼓槌"),
    (657, "n03773504", "missile", "导弹"),
    (744, "n04008634", "projectile", "射弹"),
    (779, "n04146614", "school bus", "校车"),
    (837, "n04356056", "sunglasses", "太阳镜"),
    (967, "n07920052", "espresso", "浓缩咖啡"),
    (996, "n13052670", "hen-of-the-woods", "灰树花"),
    (998, "n13133613", "ear of corn", "玉米穗"),
    (999, "n15075141", "toilet paper", "卫生纸"),
]


def names(language: str) -> list[str]:
    """The class names of a language in the model's order."""
    return [i18n.text(language, f"imagenet.{wordnet_id}") for wordnet_id in WORDNET_IDS]


def test_a_thousand_wordnet_ids_sorted_and_unique() -> None:
    assert len(WORDNET_IDS) == 1000
    assert all(re.fullmatch(r"n\d{8}", wordnet_id) for wordnet_id in WORDNET_IDS)
    assert sorted(set(WORDNET_IDS)) == WORDNET_IDS


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_one_name_a_class_in_the_order_of_the_model(language: str) -> None:
    own = assets.read_json("messages", language, "imagenet.json")
    assert list(own) == [f"imagenet.{wordnet_id}" for wordnet_id in WORDNET_IDS]


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_no_two_classes_share_a_name(language: str) -> None:
    counts = Counter(unicodedata.normalize("NFKC", name).casefold() for name in names(language))
    assert {name: count for name, count in counts.items() if count > 1} == {}


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_names_are_tidy_and_short_enough_for_a_chart(language: str) -> None:
    for name in names(language):
        assert name == " ".join(name.split())
        assert 0 < len(name) <= LONGEST[language], name
        assert "{" not in name, name


def test_chinese_names_are_written_in_chinese() -> None:
    for name in names("zh"):
        assert re.search(r"[\u3400-\u9fff]", name), name
        assert re.fullmatch(r"[\u3400-\u9fff（）]+", name) or name in {
            "CD机",
            "T恤",
            "iPod播放器",
            "福特T型车",
        }


def test_english_names_are_plain_ascii_but_for_one_accent() -> None:
    assert [name for name in names("en") if not name.isascii()] == ["consommé"]


@pytest.mark.parametrize(("index", "wordnet_id", "english", "chinese"), KNOWN)
def test_known_classes(index: int, wordnet_id: str, english: str, chinese: str) -> None:
    assert WORDNET_IDS[index] == wordnet_id
    assert names("en")[index] == english
    assert names("zh")[index] == chinese
