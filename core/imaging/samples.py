"""The photos that ship with the app; `assets/samples/LICENSES.md` says whose they are."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass

from core import assets


@dataclass(frozen=True)
class Sample:
    """A shipped photo; its name and description are the messages `sample.ID` and `sample.ID.alt`."""

    id: str
    file: str
    credit: str
    licence: str
    source: str
    expect: str | None  # the WordNet id that EfficientNet-Lite0 gives it, if it is one of its classes

    def read(self) -> bytes:
        """The file: one copy for all who look at it."""
        return _read(self.file)


@functools.cache
def _read(file: str) -> bytes:
    return assets.path("samples", file).read_bytes()


@functools.cache
def samples() -> dict[str, Sample]:
    """All samples by id, in the order of the gallery."""
    return {entry["id"]: Sample(**entry) for entry in assets.read_json("samples", "samples.json")}


@functools.cache
def sample_digests() -> frozenset[str]:
    """SHA-256 of every sample's file: what is found on these is the same for everybody."""
    return frozenset(hashlib.sha256(one.read()).hexdigest() for one in samples().values())
