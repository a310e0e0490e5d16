"""Arrays that stay in int8 in memory and are made float32 where they are used: a quarter of the room."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.language.types import Ids
from core.types import Floats

_own = threading.local()  # each thread's room for one kernel in float32


@dataclass(frozen=True, eq=False)
class Kernel:
    """A dense layer's kernel in int8 with a scale for each output unit."""

    numbers: np.ndarray  # (in, out) int8
    scales: Floats  # (1, out) float32

    def __post_init__(self) -> None:
        self.numbers.setflags(write=False)
        self.scales.setflags(write=False)

    @property
    def wide(self) -> Floats:
        """The kernel in float32, (in, out), read-only; made anew each time."""
        found: Floats = np.multiply(self.numbers, self.scales, dtype=np.float32)
        found.setflags(write=False)
        return found

    def after(self, x: Floats) -> Floats:
        """`x @ kernel`: (..., in) -> (..., out).

        The scales of the outputs can wait until after the product, and the room for the kernel in float32 is
        used again: that adds a fifth to a product with few rows, where `wide` would make it five times as long.
        """
        room: Floats | None = getattr(_own, "room", None)
        if room is None or room.size < self.numbers.size:
            room = _own.room = np.empty(self.numbers.size, np.float32)
        kernel = room[: self.numbers.size].reshape(self.numbers.shape)
        np.copyto(kernel, self.numbers)
        found: Floats = x @ kernel
        found *= self.scales[0]
        return found


class Table:
    """Vectors stored in int8 with a scale each: a row is made float32 when it is looked up."""

    def __init__(self, numbers: np.ndarray, scales: np.ndarray) -> None:
        numbers.setflags(write=False)
        scales.setflags(write=False)
        self.numbers = numbers  # (rows, width) int8
        self.scales = scales  # (rows, 1)

    def rows(self, ids: Ids) -> Floats:
        """ids (...) -> (..., width) float32."""
        return self.numbers[ids].astype(np.float32) * self.scales[ids].astype(np.float32)

    @property
    def wide(self) -> Floats:
        """All rows in float32, read-only; made anew each time."""
        found: Floats = np.multiply(self.numbers, self.scales, dtype=np.float32)
        found.setflags(write=False)
        return found


class Layers(Mapping[str, Any]):
    """A network's arrays by name, float32: those that are kept narrow are made wide when they are asked for."""

    def __init__(self, arrays: Mapping[str, Floats | Kernel | Table]) -> None:
        self._arrays = dict(arrays)
        for array in self._arrays.values():
            if isinstance(array, np.ndarray):
                array.setflags(write=False)

    def __getitem__(self, name: str) -> Floats:
        found = self._arrays[name]
        return found if isinstance(found, np.ndarray) else found.wide

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def having(self, arrays: Mapping[str, Floats | Kernel | Table]) -> Layers:
        """The same with these in place of those of the same names, or beside them."""
        return Layers({**self._arrays, **arrays})

    def without(self, *names: str) -> Layers:
        """The same but for these."""
        return Layers({name: array for name, array in self._arrays.items() if name not in names})

    def linear(self, name: str, x: Floats) -> Floats:
        """A dense layer, `x @ kernel + bias`: (..., in) -> (..., out)."""
        kernel = self._arrays[f"{name}/kernel"]
        found: Floats = kernel.after(x) if isinstance(kernel, Kernel) else x @ self[f"{name}/kernel"]
        found += self[f"{name}/bias"]
        return found
