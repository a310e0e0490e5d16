"""WordNet's nouns out of its plain files: their words, what they mean, what they are kinds of.

Source: WordNet 3.0, Princeton University (Fellbaum 1998), https://wordnet.princeton.edu, in Debian the package
`wordnet-base` (folder `/usr/share/wordnet`); its licence allows use, copies and changes for any purpose. An
ImageNet class is a noun of it: "n01443537" is the noun at the byte 01443537 of `data.noun`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

PHYSICAL = "n00001930"  # physical entity: what can be seen is below it


@dataclass(frozen=True)
class Noun:
    """A set of words with one meaning."""

    id: str
    words: tuple[str, ...]
    gloss: str  # what it means, without the examples
    kinds_of: tuple[str, ...]  # its hypernyms
    domain: int  # the lexicographer's file: 5 is animals, 6 artefacts, 13 food, 20 plants ...


def read(folder: Path) -> dict[str, Noun]:
    """All nouns by id; of `data.noun`, whose format `wndb(5WN)` tells."""
    found = {}
    for line in (folder / "data.noun").read_text(encoding="utf-8").splitlines():
        if line.startswith(" "):
            continue
        facts, _, gloss = line.partition(" | ")
        parts = facts.split()
        count = int(parts[3], 16)
        words = tuple(word.replace("_", " ") for word in parts[4 : 4 + 2 * count : 2])
        rest = parts[5 + 2 * count :]
        kinds = tuple(
            "n" + rest[place + 1]
            for place in range(0, len(rest), 4)
            if rest[place] in ("@", "@i") and place + 2 < len(rest)
        )
        meaning = gloss.split('; "')[0].strip()
        found["n" + parts[0]] = Noun("n" + parts[0], words, meaning, kinds, int(parts[1]))
    return found


class Tree:
    """The nouns by what they are kinds of."""

    def __init__(self, nouns: dict[str, Noun]) -> None:
        self.nouns = nouns

    @functools.cached_property
    def kinds(self) -> dict[str, list[str]]:
        """The nouns right below each noun."""
        below: dict[str, list[str]] = {}
        for noun in self.nouns.values():
            for above in noun.kinds_of:
                below.setdefault(above, []).append(noun.id)
        return below

    @functools.cache  # noqa: B019 - one tree a run
    def above(self, id: str) -> dict[str, int]:
        """Everything that a noun is a kind of, itself too, and how many steps away each is."""
        steps, edge = {id: 0}, [id]
        while edge:
            nearest = edge.pop(0)
            for up in self.nouns[nearest].kinds_of:
                if up not in steps:
                    steps[up] = steps[nearest] + 1
                    edge.append(up)
        return steps

    def below(self, id: str) -> set[str]:
        """Every noun that is a kind of this one, itself too."""
        found, edge = {id}, [id]
        while edge:
            for down in self.kinds.get(edge.pop(), ()):
                if down not in found:
                    found.add(down)
                    edge.append(down)
        return found
