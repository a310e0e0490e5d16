"""What is fuzzed: each target takes any bytes, and may refuse them with a `GlassboxError` but do nothing else.

A changed byte seldom gets past the checksums of an archive. The targets of archives therefore also take
entries as they are, and pack them: the bytes then reach what lies behind the unpacking.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from core.errors import GlassboxError
from core.imaging import decode
from core.language import tables
from core.tuning import image_dataset, text_dataset
from core.vision import uploaded
from tests import hostile_keras, hostile_zip

ENTRIES = b"entries:"  # then names and contents by turns, with `BETWEEN` between them
CONFIG = b"config:"  # then the text of a network's architecture
BETWEEN = b"\xff\xfe"
PICTURE = b"picture"  # a content that stands for a picture that can be read
_PICTURES = tuple(hostile_zip.picture(seed, size=(16, 16)) for seed in range(20))


def image(data: bytes) -> None:
    """The decoder: whatever comes out is a picture."""
    pixels = decode(data)
    assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3
    assert 0 < max(pixels.shape[:2]) <= 1600


def archive(data: bytes) -> None:
    """The reader of a zip of pictures: whatever comes out is a data set."""
    if data.startswith(ENTRIES):
        parts = data.removeprefix(ENTRIES).split(BETWEEN)[:80]
        pictures = iter(_PICTURES * 4)
        contents = [next(pictures) if one.startswith(PICTURE) else one for one in parts[1::2]]
        data = hostile_zip.raw(list(zip(parts[::2], contents, strict=False)), flags=0)
    found = image_dataset(data)
    assert found.labels
    assert {example.label for example in found.examples} <= set(range(len(found.labels)))


def table(data: bytes) -> None:
    """The readers of tables and of labelled texts: every row is as wide as the table."""
    try:
        found = tables.read_texts(data)
    except GlassboxError:
        pass
    else:
        assert found.texts and all(len(row) == len(found.columns) for row in found.rows)
        assert tables.to_csv(found.columns, found.rows)
    labelled = text_dataset(data)
    assert all(example.text for example in labelled.examples)


def keras(data: bytes) -> None:
    """The first two gates of a visitor's network: the archive and the architecture.

    The others are passed in a child process that may die.
    """
    if data.startswith(CONFIG):
        data = hostile_keras.archive(hostile_keras.members(data.removeprefix(CONFIG)))
    with tempfile.TemporaryDirectory(prefix="glassbox-") as folder:
        size, _ = uploaded._unpack(data, Path(folder))
        assert len(size) == 3 and all(number > 0 for number in size)
        assert {file.name for file in Path(folder).iterdir()} == {"model.keras", uploaded.WEIGHTS}


TARGETS: dict[str, Callable[[bytes], None]] = {
    "image": image,
    "archive": archive,
    "table": table,
    "keras": keras,
}


def attempt(name: str, data: bytes) -> None:
    """One try; a refusal is an answer too, if it can be told in a sentence."""
    try:
        TARGETS[name](data)
    except GlassboxError as refused:
        assert str(refused)
