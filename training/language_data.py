"""What the language models learn from: three corpora, each with texts held out.

Where anyone gets them:
- `tang_regular_trad.tsv.gz`: `title/author/text` of the regular poems of the Complete Tang Poems, in traditional
  characters, out of https://github.com/chinese-poetry/chinese-poetry (MIT; the poems are in the public domain).
- `tinyshakespeare.txt`: https://github.com/karpathy/char-rnn (MIT; the plays are in the public domain).
- the reviews: see `training/texts.py`.

Held out: of Shakespeare's plays the last tenth, as nanoGPT splits them; of the poems every twentieth (by a digest
of its text, so that a poem that is there twice is on one side), of the reviews those that the sentiment models are
tested with. What chooses the best step is neither trained on nor measured.
"""

from __future__ import annotations

import functools
import gzip
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.language.generation.poems import lines as poem_lines
from core.language.generation.vocabulary import END, GOES_ON, Characters, Pieces, cleaned, is_letters
from core.language.generation.writing import BEGIN, FORMS
from core.language.tokenizer import UNKNOWN, shared
from training import texts
from training.language_learning import Batch

CORPORA = ("poems", "reviews", "shakespeare")
LEAST_POEMS = 4  # a character that occurs less often is the unknown one
ENGLISH_PIECES, CHINESE_PIECES, LEAST_CHARACTER = 3_600, 2_600, 20
MEASURED = {"en": 300, "zh": 1_000}  # test reviews that the figures are from
CHOSEN = {"en": 60, "zh": 400}  # dev reviews that choose the step
TOKENS = 4_096  # of a batch


@dataclass(frozen=True)
class Text:
    """A text as tokens: special ones, its own, and the end's."""

    ids: np.ndarray  # (T,) int32
    own: int  # the first token whose surprisal counts
    characters: int


@dataclass(frozen=True)
class Corpus:
    """Texts to learn from, to choose by and to measure with."""

    name: str
    vocabulary: Characters | Pieces
    train: list[np.ndarray]
    dev: list[np.ndarray]
    test: dict[str, list[Text]] = field(default_factory=dict)  # by part
    stream: bool = False  # one long text, read from anywhere
    source: str = ""


def corpus(name: str, data: Path, build: Path) -> Corpus:
    """One of `CORPORA`; what takes long is kept in the folder `build`."""
    made: dict[str, Callable[[Path, Path], Corpus]] = {
        "poems": poems,
        "reviews": reviews,
        "shakespeare": shakespeare,
    }
    return made[name](data, build)


# --- Shakespeare --------------------------------------------------------------------------------------


def shakespeare(data: Path, build: Path) -> Corpus:
    """The plays as one stream of characters, nanoGPT's split."""
    text = (data / "tinyshakespeare.txt").read_text(encoding="utf-8")
    vocabulary = Characters(sorted(set(text)))
    ids = np.array([token.id for token in vocabulary.encode(text)], np.int32)
    cut = int(0.9 * len(ids))
    held_out = ids[cut:]
    return Corpus(
        "shakespeare",
        vocabulary,
        [ids[:cut]],
        [held_out],
        {"plays": [Text(held_out, 1, len(held_out) - 1)]},
        stream=True,
        source="tiny Shakespeare (char-rnn, MIT; public domain)",
    )


# --- poems --------------------------------------------------------------------------------------------


def poems(data: Path, build: Path) -> Corpus:
    """The poems, one by one, each led by its form."""
    with gzip.open(data / "tang_regular_trad.tsv.gz", "rt", encoding="utf-8") as file:
        found = sorted({line.rstrip("\n").split("\t")[2] for line in file})
    split: dict[str, list[str]] = {"train": [], "dev": [], "test": []}
    for poem in found:
        place = zlib.crc32(poem.encode()) % 40
        split["test" if place < 2 else "dev" if place == 2 else "train"].append(poem)
    counts = Counter("".join(split["train"]))
    characters = [one for one, count in counts.most_common() if count >= LEAST_POEMS]
    vocabulary = Characters(characters, (*FORMS["poems"], END))

    def ids(poem: str) -> np.ndarray:
        own = [token.id for token in vocabulary.encode(poem)]
        return np.array(
            [vocabulary.specials[form_of(poem)], *own, vocabulary.specials[END]], np.int32
        )  # a rare character is the unknown token, and the figures count it as one

    measured = [Text(ids(poem), 1, len(poem)) for poem in split["test"]]
    random = np.random.default_rng(0)
    train = [ids(split["train"][i]) for i in random.permutation(len(split["train"]))]
    return Corpus(
        "poems",
        vocabulary,
        train,
        [ids(poem) for poem in split["dev"]],
        {"poems": measured},
        source="Complete Tang Poems (chinese-poetry, MIT; public domain)",
    )


def form_of(poem: str) -> str:
    """The special token of a regular poem: how long its lines are, and how many."""
    lines = poem_lines(poem)
    return f"{'five' if len(lines[0]) == 5 else 'seven'}_{len(lines)}"


# --- reviews ------------------------------------------------------------------------------------------


def reviews(data: Path, build: Path) -> Corpus:
    """The reviews of both languages, each led by its language and sentiment."""
    some: dict[str, dict[str, texts.Texts]] = {
        split: {"en": texts.imdb(data, split), "zh": texts.chinese(data, split, fragments=False)}
        for split in ("train", "dev", "test")
    }
    vocabulary = review_vocabulary(some["train"])
    build.mkdir(parents=True, exist_ok=True)
    file = build / "reviews.npz"
    if not file.exists():
        rows = [row for language in ("en", "zh") for row in vocabulary.ids(some["train"][language].texts)]
        np.savez(
            file,
            ids=np.concatenate([np.array(row, np.uint16) for row in rows]),
            ends=np.cumsum([len(row) for row in rows]),
        )
    with np.load(file, allow_pickle=False) as stored:
        own = np.split(stored["ids"].astype(np.int32), stored["ends"][:-1])
    labels = [(language, label) for language in ("en", "zh") for label in some["train"][language].labels]
    train = [
        led(vocabulary, row, language, int(label))
        for row, (language, label) in zip(own, labels, strict=True)
        if len(row)
    ]

    def picked(split: str, counts: dict[str, int]) -> dict[str, list[Text]]:
        found = {}
        for language, count in counts.items():
            held = some[split][language]
            chosen = np.random.default_rng(1).permutation(len(held))[:count]
            rows = vocabulary.ids([held.texts[i] for i in chosen])
            found[language] = [
                Text(
                    led(vocabulary, np.array(row, np.int32), language, int(held.labels[i])),
                    2,
                    len(cleaned(held.texts[i])),
                )
                for row, i in zip(rows, chosen, strict=True)
            ]
        return found

    dev = [text.ids for rows in picked("dev", CHOSEN).values() for text in rows]
    source = "Large Movie Review Dataset (Maas et al. 2011), ChineseNlpCorpus, Chinese-BERT-wwm"
    return Corpus("reviews", vocabulary, train, dev, picked("test", MEASURED), source=source)


def led(vocabulary: Pieces, own: np.ndarray, language: str, label: int) -> np.ndarray:
    """A review's tokens with the special ones before and behind."""
    specials = vocabulary.specials
    wish = specials[f"{language}_{'positive' if label else 'negative'}"]
    return np.array([wish, specials[BEGIN], *own, specials[END]], np.int32)


def review_vocabulary(train: dict[str, texts.Texts]) -> Pieces:
    """The pieces that are frequent in the reviews of each language, and every frequent character."""
    pairs = shared()
    specials = (*FORMS["reviews"], BEGIN, END)
    pieces: dict[str, None] = {}
    letters: Counter[str] = Counter()
    lettered = [id != UNKNOWN and is_letters(pairs.piece(id)) for id in range(pairs.size)]
    for language, many in (("en", ENGLISH_PIECES), ("zh", CHINESE_PIECES)):
        counts: Counter[tuple[int, bool]] = Counter()
        for ids, offsets in pairs.offsets(train[language].texts[:: 3 if language == "en" else 2]):
            before, word = -1, False
            for id, (start, end) in zip(ids, offsets, strict=True):
                letters_here = lettered[id]
                counts[id, word and letters_here and start == before] += 1
                before, word = end, letters_here
        by_piece = Counter(
            {GOES_ON * on + pairs.piece(id): n for (id, on), n in counts.items() if id != UNKNOWN}
        )
        for (id, on), n in counts.items():
            for place, character in enumerate(pairs.piece(id) if id != UNKNOWN else ""):
                letters[GOES_ON * (is_letters(character) and (on or place > 0)) + character] += n
        pieces |= dict.fromkeys(piece for piece, _ in by_piece.most_common(many))
    pieces |= dict.fromkeys(one for one, count in letters.most_common() if count >= LEAST_CHARACTER)
    return Pieces(pairs, tuple(pieces), specials)


# --- batches ------------------------------------------------------------------------------------------


class Batches:
    """Batches of a corpus, the same for the same seed and step; a text longer than the context in pieces.

    A piece from the middle of a text begins with the text's leading special token, as in writing.
    """

    def __init__(self, some: Corpus, context: int, seed: int) -> None:
        self._stream, self._context, self._seed = some.stream, context, seed
        self.rows = (
            some.train if some.stream else [part for row in some.train for part in parts(row, context)]
        )
        self._lengths = np.array([len(row) for row in self.rows])
        self.steps = len(self._epoch(0)) if not some.stream else len(self.rows[0]) // TOKENS

    @functools.lru_cache(2)  # noqa: B019 - one object a run
    def _epoch(self, number: int) -> list[np.ndarray]:
        """All rows once, in batches of rows of like lengths, in random order."""
        random = np.random.default_rng([self._seed, number])
        order = random.permutation(len(self.rows))
        order = order[np.argsort(-(self._lengths[order] + random.integers(0, 3, len(order))), kind="stable")]
        batches, begin = [], 0
        while begin < len(order):
            room = max(1, TOKENS // int(self._lengths[order[begin : begin + 1]].max() + 2))
            batches.append(order[begin : begin + room])
            begin += room
        random.shuffle(batches)
        return batches

    def __call__(self, step: int) -> Batch:
        """The batch of a step, counted from 1."""
        if self._stream:
            random = np.random.default_rng([self._seed, step])
            starts = random.integers(0, len(self.rows[0]) - self._context, TOKENS // self._context)
            return filled([self.rows[0][start : start + self._context + 1] for start in starts])
        epoch, place = divmod(step - 1, self.steps)
        return filled([self.rows[row] for row in self._epoch(epoch)[place % len(self._epoch(epoch))]])


def parts(row: np.ndarray, context: int) -> list[np.ndarray]:
    """A text in pieces of at most context + 1 tokens, each later one led by the first token."""
    found, begin = [row[: context + 1]], context + 1
    while begin < len(row):
        found.append(np.concatenate([row[:1], row[begin - 1 : begin + context - 1]]))
        begin += context - 1
    return found


def filled(rows: Sequence[np.ndarray]) -> Batch:
    """Rows of token sequences, filled up to the longest; what comes after a leading special token counts."""
    width = max(len(row) for row in rows) - 1
    ids, goal = np.zeros((len(rows), width), np.int32), np.zeros((len(rows), width), np.int32)
    weight = np.zeros((len(rows), width), np.float32)
    for number, row in enumerate(rows):
        ids[number, : len(row) - 1], goal[number, : len(row) - 1] = row[:-1], row[1:]
        weight[number, : len(row) - 1] = 1
    return Batch(ids, goal, weight)


def held_batches(some: Corpus, context: int) -> list[Batch]:
    """What chooses the step: the dev texts, or a quarter of the held-out stream, in blocks."""
    if some.stream:
        ids = some.dev[0]
        rows = [ids[begin : begin + context + 1] for begin in range(0, len(ids) - context, 2 * context)]
    else:
        rows = sorted((part for row in some.dev for part in parts(row, context)), key=len)
    size = TOKENS // context
    return [filled(rows[begin : begin + size]) for begin in range(0, len(rows), size)]
