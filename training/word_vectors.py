"""Word vectors out of the training texts alone, to begin the embeddings of the small networks with.

Which pieces stand near which is counted, weighed by positive pointwise mutual information and pressed
into a few dimensions (Levy and Goldberg, "Neural word embedding as implicit matrix factorization", 2014).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import svds

REACH = 4  # pieces to either side
SMOOTHING = 0.75  # of the context's frequency (Levy, Goldberg and Dagan 2015)


def word_vectors(ids: Sequence[np.ndarray], size: int, width: int, seed: int = 0) -> np.ndarray:
    """Vectors (size, width) float32 of the pieces, of about unit variance an element."""
    lengths = np.fromiter(map(len, ids), np.int64, len(ids))
    flat = np.concatenate(ids).astype(np.int64)
    text = np.repeat(np.arange(len(ids)), lengths)
    counts = sparse.csr_matrix((size, size), dtype=np.float32)
    for distance in range(1, REACH + 1):
        same = text[distance:] == text[:-distance]
        left, right = flat[:-distance][same], flat[distance:][same]
        weight = np.full(len(left), 1 / distance, np.float32)
        counts = counts + sparse.coo_matrix((weight, (left, right)), (size, size)).tocsr()
    counts = (counts + counts.T).tocoo()
    row = np.asarray(counts.sum(axis=1)).ravel()
    context = row**SMOOTHING / (row**SMOOTHING).sum()
    information = np.log(counts.data / (row[counts.row] * context[counts.col]))
    kept = information > 0
    matrix = sparse.csr_matrix((information[kept], (counts.row[kept], counts.col[kept])), (size, size))
    left, strength, _ = svds(
        matrix.astype(np.float32), k=width, random_state=np.random.default_rng(seed), tol=1e-2
    )
    vectors = left * np.sqrt(strength)
    vectors -= vectors.mean(axis=0)
    return np.asarray(vectors / max(vectors.std(), 1e-6), np.float32)
