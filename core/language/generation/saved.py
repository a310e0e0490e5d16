"""A model that learned a visitor's text, as a file of our own format, and the way back.

A zip with two members: `glassbox-language.json` (what it is) and `glassbox-language.npz` (the arrays). A file that
comes back is hostile until it is decoded: nothing is unpickled, and an array is taken only if its name, shape and
type are those of the network that the file says it is.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import GlassboxError
from core.language.generation.lesson import MOST_CHARACTERS, ORDER, SHAPES, Learned

LARGEST = 40 * 2**20  # bytes, packed and unpacked
META, ARRAYS = "glassbox-language.json", "glassbox-language.npz"
WEIGHTS, NGRAM = "weights/", "ngram/"
_NGRAM_TYPES = {"children": ("<u2", "<i4"), "tokens": ("<u2",), "shares": ("|u1",)}


def save(learned: Learned) -> bytes:
    """The file."""
    meta = {
        "format": 1,
        "kind": learned.kind,
        "characters": learned.characters,
        "figures": dict(learned.figures),
    }
    arrays: dict[str, Any] = {WEIGHTS + name: array for name, array in learned.weights.items()}
    arrays |= {NGRAM + name: array for name, array in learned.ngram.items()}
    packed, file = io.BytesIO(), io.BytesIO()
    np.savez(packed, **arrays)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(META, json.dumps(meta, ensure_ascii=False))
        archive.writestr(ARRAYS, packed.getvalue())
    return file.getvalue()


def load_saved(data: bytes) -> Learned:
    """A model that was taken away, brought back.

    Raises:
        GlassboxError: `language_model.error.saved`: not such a file, or a broken one.
    """
    try:
        members = _members(data)
        return _learned(json.loads(members[META]), _arrays(members[ARRAYS]))
    except (
        *(zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError),
        *(ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError),
    ) as problem:
        raise GlassboxError("language_model.error.saved") from problem


def _members(data: bytes) -> dict[str, bytes]:
    """The members of a zip, no larger than they may be."""
    _check(len(data) <= LARGEST)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        _check(len(entries) <= 200 and sum(entry.file_size for entry in entries) <= LARGEST)
        return {entry.filename: archive.read(entry) for entry in entries}


def _arrays(data: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of an npz, of plain finite numbers."""
    found = {}
    for name, packed in _members(data).items():
        array = np.lib.format.read_array(io.BytesIO(packed), allow_pickle=False, max_header_size=1000)
        _check(array.dtype.str in ("<f4", "<u2", "|u1", "<i4") and bool(np.isfinite(array).all()))
        found[name.removesuffix(".npy")] = array
    return found


def _learned(meta: Any, arrays: dict[str, NDArray[Any]]) -> Learned:
    _check(meta["format"] == 1 and meta["kind"] in SHAPES)
    characters, figures = meta["characters"], meta["figures"]
    _check(isinstance(characters, str) and 0 < len(characters) <= MOST_CHARACTERS)
    _check(len(set(characters)) == len(characters))
    _check(all(isinstance(value, int | float) and math.isfinite(value) for value in figures.values()))
    weights = {n.removeprefix(WEIGHTS): a for n, a in arrays.items() if n.startswith(WEIGHTS)}
    tree = {n.removeprefix(NGRAM): a for n, a in arrays.items() if n.startswith(NGRAM)}
    shapes = _shapes(meta["kind"], len(characters) + 1)
    _check(set(weights) == set(shapes) and len(weights) + len(tree) == len(arrays))
    _check(all(weights[name].shape == shape for name, shape in shapes.items()))
    _check(all(array.dtype == np.float32 for array in weights.values()))
    _check_tree(tree, len(characters) + 1)
    return Learned(meta["kind"], characters, weights, tree, figures)


def _shapes(kind: str, tokens: int) -> dict[str, tuple[int, ...]]:
    """The arrays of a network, with their shapes."""
    width, size = SHAPES[kind]
    shapes: dict[str, tuple[int, ...]] = {
        "embedding/embeddings": (tokens, width),
        "last_norm/scale": (width,),
    }
    if kind == "gru":
        return shapes | {
            "gru/kernel": (width, 3 * size),
            "gru/recurrent_kernel": (size, 3 * size),
            "gru/bias": (2, 3 * size),
            "project/kernel": (size, width),
        }
    for number in range(1, size + 1):
        for part in ("query", "key", "value", "output"):
            shapes[f"layer{number}.{part}/kernel"] = (width, width)
        shapes[f"layer{number}.inner/kernel"] = (width, 4 * width)
        shapes[f"layer{number}.outer/kernel"] = (4 * width, width)
        for part in ("attention_norm", "inner_norm"):
            shapes[f"layer{number}.{part}/scale"] = (width,)
    return shapes


def _check_tree(tree: dict[str, NDArray[Any]], tokens: int) -> None:
    """Each level has a child count for every n-gram of the level before, and children for every count."""
    _check(set(tree) == {f"level{number}/{part}" for number in range(1, ORDER + 1) for part in _NGRAM_TYPES})
    before = 1
    for number in range(1, ORDER + 1):
        children, own, shares = (tree[f"level{number}/{part}"] for part in _NGRAM_TYPES)
        _check(all(tree[f"level{number}/{part}"].dtype.str in types for part, types in _NGRAM_TYPES.items()))
        _check(children.ndim == own.ndim == shares.ndim == 1)
        _check(len(children) == before and bool((children.astype(np.int64) >= 0).all()))
        _check(int(children.sum(dtype=np.int64)) == len(own) == len(shares))
        _check(bool((own < tokens).all()))
        before = len(own)


def _check(holds: bool) -> None:
    """What must hold of a file that `save` wrote."""
    if not holds:
        raise ValueError("not as it was written")
