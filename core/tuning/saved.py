"""A tuned network in our own format, and the way back. A file that comes back is hostile until it is decoded.

A zip with two members: `glassbox.json` (what it is) and `glassbox.npz` (the arrays). Nothing is unpickled; an
array is taken only if its name and shape are those of the network that the file says it is.
"""

from __future__ import annotations

import io
import json
import math
import re
import typing
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from core import checksums
from core.errors import GlassboxError
from core.params import Range
from core.tuning import classes, image_networks, locked
from core.tuning.types import Augmentation, Plan, Tuned
from core.vision import article_cnn, efficientnet

LARGEST_FILE = 100 * 2**20  # bytes
LARGEST_UNPACKED = 120 * 2**20  # bytes of arrays
LARGEST_JSON = 2**20  # bytes
MOST_MEMBERS = 600
MOST_EXAMPLES = 4_000
MOST_FIGURES = 50
LONGEST_LABEL = 60  # characters
META, ARRAYS, OUTER = "glassbox.json", "glassbox.npz", "glassbox.zip"
FEATURES, FEATURE_LABELS, WEIGHTS = "features", "feature_labels", "weights/"
_NUMBERS = {"<f2", "<f4", "<i4", "<i8"}
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")
_DIGEST = re.compile(r"[0-9a-f]{8,64}")
_FIGURE = re.compile(r"[a-z_]{1,40}")


def save(tuned: Tuned) -> bytes:
    """The file."""
    meta = {
        "format": 1,
        "kind": tuned.kind,
        "labels": tuned.labels,
        "plan": plan_to_json(tuned.plan),
        "feature_digests": tuned.feature_digests,
        "none_threshold": tuned.none_threshold,
        "figures": dict(tuned.figures),
        "made": tuned.made,
    }
    arrays = {WEIGHTS + name: array for name, array in tuned.weights.items()}
    arrays |= {FEATURES: tuned.features, FEATURE_LABELS: tuned.feature_labels}
    packed, file = io.BytesIO(), io.BytesIO()
    np.savez(packed, **arrays)  # type: ignore[arg-type]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(META, json.dumps(meta, ensure_ascii=False))
        archive.writestr(ARRAYS, packed.getvalue())
    return file.getvalue()


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """A plan as JSON can hold it."""
    return asdict(plan)


def load_saved(data: bytes) -> Tuned:
    """A network that was taken away, brought back: `glassbox.zip`, or the whole export that holds it.

    Raises:
        GlassboxError: `tuning.error.saved_too_big`, `.saved_not_ours`, `.saved_broken`.
    """
    if len(data) > LARGEST_FILE:
        raise GlassboxError("tuning.error.saved_too_big", got=len(data) >> 20, limit=LARGEST_FILE >> 20)
    try:
        members = _members(data, (META, ARRAYS, OUTER))
        if OUTER in members:
            members = _members(members[OUTER], (META, ARRAYS))
        if set(members) != {META, ARRAYS}:
            raise GlassboxError("tuning.error.saved_not_ours")
        return _tuned(json.loads(members[META]), _arrays(members[ARRAYS]))
    except (
        *(zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError),
        *(ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError),
    ) as problem:
        raise GlassboxError("tuning.error.saved_broken") from problem


def _members(data: bytes, wanted: tuple[str, ...]) -> dict[str, bytes]:
    """The wanted members of a zip; all others are not even looked at."""
    if data[:4] != b"PK\x03\x04":
        raise GlassboxError("tuning.error.saved_not_ours")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        _check(len(entries) <= MOST_MEMBERS)
        found: dict[str, bytes] = {}
        for entry in entries:
            if entry.filename in wanted:
                limit = LARGEST_JSON if entry.filename == META else LARGEST_UNPACKED
                _check(entry.filename not in found and entry.file_size <= limit)
                found[entry.filename] = archive.read(entry)
        return found


def _arrays(data: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of an npz, of plain numbers alone; none is larger than its bytes in the file."""
    found: dict[str, NDArray[Any]] = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        _check(len(entries) <= MOST_MEMBERS)
        _check(sum(entry.file_size for entry in entries) <= LARGEST_UNPACKED)
        for entry in entries:
            _check(entry.filename.endswith(".npy") and entry.filename not in found)
            file = io.BytesIO(archive.read(entry))
            _check(np.lib.format.read_magic(file) == (1, 0))
            shape, by_column, dtype = np.lib.format.read_array_header_1_0(file, max_header_size=1000)
            rest = file.getbuffer()[file.tell() :]
            _check(dtype.str in _NUMBERS and all(isinstance(size, int) and size >= 0 for size in shape))
            _check(math.prod(shape) * dtype.itemsize == len(rest))
            array = np.frombuffer(rest, dtype).reshape(shape, order="F" if by_column else "C").copy()
            _check(bool(np.isfinite(array).all()))
            found[entry.filename.removesuffix(".npy")] = array
    return found


def _tuned(meta: Any, arrays: dict[str, NDArray[Any]]) -> Tuned:
    _check(isinstance(meta, dict) and meta["format"] == 1 and meta["kind"] in ("images", "texts"))
    labels = meta["labels"]
    _check(isinstance(labels, list) and 2 <= len(labels) <= 20)
    _check(all(isinstance(label, str) and label and classes.clean(label) == label for label in labels))
    _check(len(set(labels)) == len(labels) and max(map(len, labels)) <= LONGEST_LABEL)
    plan = _plan(meta["plan"])
    features, feature_labels = arrays.pop(FEATURES), arrays.pop(FEATURE_LABELS)
    weights = {name.removeprefix(WEIGHTS): array for name, array in arrays.items()}
    _check(all(name.startswith(WEIGHTS) for name in arrays))
    width = _check_weights(meta["kind"], plan, len(labels), weights)
    digests = meta["feature_digests"]
    _check(
        isinstance(digests, list) and all(isinstance(one, str) and _DIGEST.fullmatch(one) for one in digests)
    )
    _check(0 < len(digests) <= MOST_EXAMPLES)
    _check(features.dtype == np.float16 and features.shape == (len(digests), width))
    _check(feature_labels.dtype == np.int64 and feature_labels.shape == (len(digests),))
    _check(bool(((feature_labels >= 0) & (feature_labels < len(labels))).all()))
    figures = meta["figures"]
    _check(isinstance(figures, dict) and len(figures) <= MOST_FIGURES)
    _check(all(_FIGURE.fullmatch(name) and _is_number(value) for name, value in figures.items()))
    _check(_is_number(meta["none_threshold"]))
    _check(isinstance(meta["made"], str) and _ISO.fullmatch(meta["made"]) is not None)
    return Tuned(
        kind=meta["kind"],
        labels=tuple(labels),
        plan=plan,
        weights=weights,
        features=features,
        feature_labels=feature_labels,
        feature_digests=tuple(digests),
        none_threshold=float(meta["none_threshold"]),
        figures={name: float(value) for name, value in figures.items()},
        made=meta["made"],
    )


def _check_weights(kind: str, plan: Plan, count: int, weights: Mapping[str, NDArray[Any]]) -> int:
    """Refuse weights that are not those of the plan's network; how wide the last layer's input is."""
    rows = len(weights[locked.KERNEL]) if weights.get(locked.KERNEL, np.zeros(0)).ndim == 2 else 0
    shapes, needed = _shapes(kind, plan, count, rows)
    _check(set(weights) <= set(shapes) and needed <= set(weights))
    for name, array in weights.items():
        wanted = shapes[name]
        _check(array.dtype == (np.int32 if name == "tokens" else np.float32))
        if wanted is not None:
            _check(array.shape == wanted)
    if kind == "texts" and plan.unlocked == "scratch":
        from core.language import tokenizer
        from core.tuning import text_networks

        tokens, table = weights[text_networks.TOKENS], weights[text_networks.EMBEDDING]
        _check(tokens.ndim == 1 and len(tokens) <= text_networks.MOST_TOKENS)
        _check(bool(((tokens >= 0) & (tokens < tokenizer.shared().size)).all()))
        _check(table.shape == (len(tokens) + 2, text_networks.WIDTH))
    last = "dense2/kernel" if locked.KERNEL not in weights else locked.KERNEL
    return int(weights[last].shape[0])


Shapes = dict[str, tuple[int, ...] | None]


def _shapes(kind: str, plan: Plan, count: int, rows: int) -> tuple[Shapes, set[str]]:
    """The arrays that a network may have, with their shapes, and those that it must have.

    Args:
        kind: "images" or "texts".
        plan: by which it was tuned.
        count: of its classes.
        rows: of its last layer's kernel: the first networks for pictures did not read joined maps.
    """
    if kind == "images" and plan.unlocked == "scratch":
        shapes: Shapes = {}
        channels = 3
        for block, filters in enumerate(article_cnn.FILTERS, start=1):
            shapes |= {f"conv{block}/kernel": (3, 3, channels, filters), f"conv{block}/bias": (filters,)}
            channels = filters
        flat = (image_networks.SCRATCH.side // 8) ** 2 * channels
        units = article_cnn.UNITS
        shapes |= {"dense1/kernel": (flat, units), "dense1/bias": (units,)}
        shapes |= {"dense2/kernel": (units, count), "dense2/bias": (count,)}
        return shapes, set(shapes)
    if kind == "images":
        width = efficientnet.HEAD if rows == efficientnet.HEAD else efficientnet.JOINED
        with np.load(checksums.whole("vision", "efficientnet_lite0.npz"), allow_pickle=False) as stored:
            base: Shapes = {name: stored[name].shape for name in stored.files}
    elif plan.unlocked == "scratch":
        from core.tuning.text_networks import EMBEDDING, TOKENS, UNITS, WIDTH

        width = UNITS
        base = {EMBEDDING: None, TOKENS: None, "rnn/kernel": (WIDTH, UNITS), "rnn/bias": (UNITS,)}
        base["rnn/recurrent_kernel"] = (UNITS, UNITS)
    else:
        from core.language import pretrained
        from core.tuning import sentences

        width = sentences.WIDTH
        base = {name: array.shape for name, array in pretrained.load().weights.items()}
    last: Shapes = {locked.KERNEL: (width, count), locked.BIAS: (count,)}
    if plan.unlocked == "head":
        return last, set(last)
    return base | last, set(base | last) if plan.unlocked == "scratch" else set(last)


def _plan(given: Any) -> Plan:
    """A plan whose every value may be there."""
    _check(isinstance(given, dict))
    augmentation = given.get("augmentation")
    chosen = Augmentation(**_values(Augmentation, augmentation)) if augmentation is not None else None
    return Plan(
        **_values(Plan, {name: v for name, v in given.items() if name != "augmentation"}), augmentation=chosen
    )


def _values(kind: type, given: dict[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind, include_extras=True)
    names = {field.name for field in fields(kind)}
    _check(isinstance(given, dict) and set(given) <= names)
    for name, value in given.items():
        hint = hints[name]
        if typing.get_origin(hint) is Literal:
            _check(value in typing.get_args(hint))
        elif typing.get_origin(hint) is Annotated:
            number, limits = typing.get_args(hint)[:2]
            assert isinstance(limits, Range)
            _check(_is_number(value) and limits.low <= value <= limits.high)
            _check(number is float or isinstance(value, int))
        else:
            _check(isinstance(value, bool))
    return given


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _check(holds: bool) -> None:
    """What must hold of a file that `save` wrote."""
    if not holds:
        raise ValueError("not as it was written")
