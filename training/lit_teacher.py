"""Where pictures of things would lie that the image tower was never taught: guessed from WordNet and MiniLM.

Each of the 1,000 classes has a row in the classifier; of any other noun we know its words, what they mean, and
its place in WordNet's tree. Kernel ridge regression (Gaussian process regression's mean, Rasmussen & Williams
2006, equation 2.25) carries the rows over to it: a noun's prototype is a sum of the rows of classes that are
like it. The kernel is the mean of four: names, meanings and kinds by MiniLM's sentence vectors, and the kinds
that two nouns share, rare ones counting more.

The same idea, with a network in the kernel's place: Kampffmeyer et al., "Rethinking Knowledge Graph Propagation
for Zero-Shot Learning", 2019.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from core.language import pretrained, shipped
from core.types import Floats
from training.lit_wordnet import Tree
from training.lit_words import Meaning
from training.pretrained import body, read_safetensors

RIDGE = 0.3


def unit(x: Floats) -> Floats:
    """Rows of length 1."""
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12), np.float32)


def sentence_vectors(minilm: Path) -> Callable[[Sequence[str]], Floats]:
    """MiniLM as it was published: texts -> vectors (n, 384) of length 1."""
    import tensorflow as tf

    arrays = read_safetensors(minilm / "model.safetensors")
    network = pretrained.build(classes=0)
    shipped.set_weights(network, body(arrays))
    words = arrays["embeddings.word_embeddings.weight"]
    cutter = Tokenizer.from_file(str(minilm / "tokenizer.json"))
    cutter.no_padding()
    cutter.enable_truncation(48)
    forward = tf.function(
        network,
        input_signature=[[tf.TensorSpec((None, None, pretrained.WIDTH)), tf.TensorSpec((None, None))]],
        autograph=False,
    )

    def embed(texts: Sequence[str]) -> Floats:
        ids = [encoding.ids for encoding in cutter.encode_batch(list(texts))]
        found = np.zeros((len(ids), pretrained.WIDTH), np.float32)
        order = np.argsort([len(one) for one in ids], kind="stable")
        for start in range(0, len(order), 128):
            chosen = order[start : start + 128]
            longest = max(len(ids[place]) for place in chosen)
            padded = np.zeros((len(chosen), longest), int)
            mask = np.zeros(padded.shape, np.float32)
            for row, place in enumerate(chosen):
                padded[row, : len(ids[place])] = ids[place]
                mask[row, : len(ids[place])] = 1
            found[chosen] = forward([words[padded], mask]).numpy()
        return unit(found)

    return embed


def likeness(first: Floats, second: Floats) -> Floats:
    """exp(-|a - b|^2) of all pairs of unit vectors."""
    return np.exp(2 * first @ second.T - 2)


def shared_kinds(tree: Tree, first: Sequence[str], second: Sequence[str]) -> Floats:
    """Cosine of what two nouns are kinds of; a kind counts log(N / how many of `second` are of it)."""
    every = Counter(up for id in second for up in tree.above(id))
    columns = {up: column for column, up in enumerate(every)}

    def vectors(ids: Sequence[str]) -> Floats:
        found = np.zeros((len(ids), len(columns)), np.float32)
        for row, id in enumerate(ids):
            for up in tree.above(id):
                if up in columns:
                    found[row, columns[up]] = np.log((len(second) + 1) / every[up])
        return unit(found)

    return np.asarray(vectors(first) @ vectors(second).T, np.float32)


def descriptions(meanings: Sequence[Meaning]) -> list[list[str]]:
    """What MiniLM reads of each: the name, the meaning, the kinds."""
    names = [meaning.names["en"][0] for meaning in meanings]
    return [
        names,
        [f"{name}: {meaning.gloss}" for name, meaning in zip(names, meanings, strict=True)],
        [f"{name}, a kind of {', '.join(m.kinds[:3])}" for name, m in zip(names, meanings, strict=True)],
    ]


def kernel(
    tree: Tree,
    first: Sequence[Meaning],
    second: Sequence[Meaning],
    read: Sequence[tuple[Floats, Floats]],
    middles: Sequence[Floats],
) -> Floats:
    """How alike two lists of meanings are, (n, m); `read` holds both lists' vectors of each description."""
    parts = [
        likeness(unit(a - middle), unit(b - middle)) for (a, b), middle in zip(read, middles, strict=True)
    ]
    parts.append(shared_kinds(tree, [one.id for one in first], [one.id for one in second]))
    return np.asarray(np.mean(parts, axis=0), np.float32)


def prototypes(
    tree: Tree,
    classes: Sequence[Meaning],
    rows: Floats,
    others: Sequence[Meaning],
    of_classes: Sequence[Floats],
    of_others: Sequence[Floats],
) -> Floats:
    """Unit prototypes (n, width) of `others`, from the unit rows (m, width) of `classes`.

    `of_classes` and `of_others` are the sentence vectors of `descriptions`.
    """
    middles = [vectors.mean(axis=0) for vectors in of_classes]
    own = kernel(tree, classes, classes, [(v, v) for v in of_classes], middles)
    across = kernel(tree, others, classes, list(zip(of_others, of_classes, strict=True)), middles)
    weights = np.linalg.solve(own + RIDGE * np.eye(len(own), dtype=np.float32), rows)
    found = across @ weights
    place = {one.id: row for row, one in enumerate(classes)}
    for row, other in enumerate(others):  # a kind that has classes below it: their own rows say most
        below = [place[id] for id in tree.below(other.id) if id in place]
        if below:
            found[row] = unit(found[row]) + 2 * unit(rows[below].mean(axis=0))
    return unit(found)
