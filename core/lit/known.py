"""Which words were in the tuning, and how: only a prompt that was not is zero-shot.

"pictures": a name of one of the 1,000 classes, learned with the classifier's row of that class.
"words":    another noun of WordNet or its Chinese, learned with a guess of where its pictures lie.
"captions": made only of words that were in captions of photos or are such names; the sentence may be new.
"new":      there is a word in it that the tuning never held.
"""

from __future__ import annotations

import functools
import re
from typing import Literal, TypeAlias

from core import assets
from core.language.cleaning import clean

Seen: TypeAlias = Literal["pictures", "words", "captions", "new"]

_MEASURES = "张幅个只条辆杯座头匹朵棵块架艘把本件位名群片瓶碗盘串颗台间栋顶双对束根支枝滴盏扇"  # 一杯咖啡
_AROUND = (
    re.compile(r"^(?:(?:a|an|the|this is|there is)\s+)?(?:close-up\s+)?(?:photo|picture|image)\s+of\s+"),
    re.compile(r"^(?:a|an|the)\s+"),
    re.compile(rf"^(?:[一二两三四五六七八九十几][{_MEASURES}]|这是|照片里有|图中是)+"),
    re.compile(r"(?:的照片|的图片|的图像)$"),
)
_WORD = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+|[^\W\d_\u3400-\u4dbf\u4e00-\u9fff]+(?:[-'][^\W\d_]+)*")


@functools.cache
def _lists() -> dict[Seen, frozenset[str]]:
    stored = assets.read_json("lit", "words.json")
    return {
        "pictures": frozenset(stored["pictures"]),
        "words": frozenset(stored["words"]),
        "captions": frozenset(stored["captions"]),
    }


def counts() -> dict[Seen, int]:
    """How many names, other nouns and words of captions were in the tuning."""
    return {kind: len(some) for kind, some in _lists().items()}


def plain(prompt: str) -> str:
    """A prompt in small letters without an article or what a template put around it."""
    text = " ".join(clean(prompt)[0].split()).strip(" .。!！?？,，")
    for pattern in _AROUND:
        text = pattern.sub("", text)
    return text.strip()


def _forms(word: str) -> tuple[str, ...]:
    """A word, and what it may be the plural of."""
    ends = (("ies", "y"), ("es", ""), ("s", ""))
    return (word, *(word.removesuffix(end) + new for end, new in ends if word.endswith(end)))


def how_seen(prompt: str) -> Seen:
    """How the words of a prompt were in the tuning."""
    lists, text = _lists(), plain(prompt)
    for kind in ("pictures", "words"):
        if any(form in lists[kind] for form in _forms(text)):
            return kind
    words = _WORD.findall(text)
    if words and all(_known(word) for word in words):
        return "captions"
    return "new"


def _known(word: str) -> bool:
    """Whether a word was in the captions or the names; Chinese is cut into the longest such words."""
    lists = _lists()
    if any(form in some for form in _forms(word) for some in lists.values()):
        return True
    start = 0
    while start < len(word) and not word.isascii():
        for length in range(min(6, len(word) - start), 0, -1):
            if any(word[start : start + length] in some for some in lists.values()):
                start += length
                break
        else:
            return False
    return not word.isascii()


def seen(prompt: str) -> bool:
    """Whether the prompt's words were in the tuning: its answer is then no proof of zero-shot transfer."""
    return how_seen(prompt) != "new"
