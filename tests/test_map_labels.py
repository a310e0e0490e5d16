"""Names on the map of pictures and words: none lies over another where the map is narrow."""

from __future__ import annotations

import numpy as np

from ui.charts import Thumb, Word, _overlap, _sides


def test_boxes_overlap_where_they_share_a_place() -> None:
    assert _overlap((0, 0, 2, 2), (1, 1, 3, 3))
    assert not _overlap((0, 0, 2, 2), (2, 0, 4, 2))
    assert not _overlap((0, 0, 2, 2), (0, 3, 2, 4))


def test_words_far_apart_all_stand_above_their_points() -> None:
    words = [
        Word(f"w{place}", place % 4 / 4 + 0.1, place // 4 / 4 + 0.1, False, False) for place in range(12)
    ]
    assert set(_sides(words, [], (0, 1), (1, 1)).values()) == {"top center"}


def test_of_words_on_one_point_four_can_stand_and_own_ones_always_do() -> None:
    words = [Word(f"w{place}", 0.5, 0.5, False, False) for place in range(6)]
    own = Word("m", 0.5, 0.5, True, False)
    sides = _sides([*words, own], [], (0, 1), (1, 1))
    assert sides[own] == "top center"
    assert sorted(sides[word] for word in words) == [
        "",
        "",
        "",
        "bottom center",
        "middle left",
        "middle right",
    ]


def test_no_name_lies_over_a_picture() -> None:
    random = np.random.default_rng(0)
    thumbs = [Thumb("t", float(x), float(y), "", False, -1) for x, y in random.random((60, 2))]
    words = [
        Word(f"word {place}", float(x), float(y), False, False)
        for place, (x, y) in enumerate(random.random((30, 2)))
    ]
    shown = [side for side in _sides(words, thumbs, (0, 1), (1, 1)).values() if side]
    assert 0 < len(shown) < len(words)
