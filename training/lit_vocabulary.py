"""The text tower's vocabulary: MiniLM's Latin pieces that pictures need, and Chinese words for what can be seen.

A Chinese word begins as the mean of MiniLM's vectors of its English gloss, as in `pretrained_vocabulary.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from training.pretrained_vocabulary import cedict, chinese_scores, first_vectors, minilm_pieces

COMMON = 6000  # of MiniLM's first pieces, which are its most frequent, kept in any case
USED = 24  # times that a rarer piece must be in WordNet's nouns or the captions
NAMED = 8  # times that a name counts among the Chinese texts


def build(
    minilm: Path,
    dictionary: Path,
    vectors: np.ndarray,
    english: Iterable[str],
    chinese: Sequence[str],
    names: Sequence[str],
) -> tuple[dict[str, object], np.ndarray, int]:
    """The tokenizer's table, the first vectors of its pieces, and how many of them are MiniLM's own.

    Args:
        minilm: MiniLM's `vocab.txt`.
        dictionary: CC-CEDICT's text file.
        vectors: MiniLM's word embeddings, (30522, 384).
        english: texts that say which rare pieces are wanted.
        chinese, names: Chinese sentences, and names of things.
    """
    every = minilm.read_text(encoding="utf-8").splitlines()
    cutter = Tokenizer(
        models.WordPiece(vocab={piece: id for id, piece in enumerate(every)}, unk_token="[UNK]")
    )
    cutter.normalizer = normalizers.BertNormalizer(lowercase=True)
    cutter.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    used = Counter(id for encoding in cutter.encode_batch(list(english)) for id in encoding.ids)
    pieces = minilm_pieces(minilm)
    common = sorted(row for piece, row in pieces if len(piece.removeprefix("##")) > 1)[:COMMON]
    common_rows = frozenset(common)
    kept = [
        (piece, row)
        for piece, row in pieces
        if len(piece.removeprefix("##")) == 1
        or piece.startswith("[")
        or row in common_rows
        or used[row] >= USED
    ]
    glosses, traditional = cedict(dictionary)
    scores = chinese_scores([*chinese, *(name for name in names for _ in range(NAMED))], glosses, traditional)
    first = first_vectors([glosses.get(piece, []) for piece in scores], every, vectors)
    rows = {piece: row for row, piece in enumerate(scores)}
    missing = np.isnan(first[:, 0])
    for piece, row in rows.items():
        if missing[row]:
            parts = [rows[part] for part in piece if part in rows and not missing[rows[part]]]
            first[row] = first[parts].mean(axis=0) if parts else vectors.mean(axis=0)
    table: dict[str, object] = {
        "pieces": [*(piece for piece, _ in kept), *scores],
        "scores": scores,
        "traditional": {old: new for old, new in traditional.items() if new in scores},
    }
    own = vectors[[row for _, row in kept]]
    return table, np.concatenate([own, first]).astype(np.float32), len(kept)
