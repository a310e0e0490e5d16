"""Arrays that stay in int8: the same answers as in float32, in a quarter of the room."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from core.language import pretrained
from core.language.narrow import Kernel, Layers, Table


@pytest.fixture(scope="module")
def random() -> np.random.Generator:
    return np.random.default_rng(5)


def kernel(random: np.random.Generator, width: int, units: int) -> Kernel:
    numbers, scales = pretrained.quantised(random.normal(size=(width, units)).astype(np.float32), 0)
    return Kernel(numbers, scales.astype(np.float32))


def test_a_narrow_kernel_multiplies_as_the_wide_one_does(random: np.random.Generator) -> None:
    large, small = kernel(random, 48, 96), kernel(random, 96, 7)  # the room of the first serves the second
    for one in (large, small, large):
        x = random.normal(size=(2, 5, len(one.numbers))).astype(np.float32)
        np.testing.assert_allclose(one.after(x), x @ one.wide, rtol=1e-4, atol=1e-4)
        assert one.after(x).dtype == np.float32
        assert one.numbers.nbytes * 4 == one.wide.nbytes


def test_threads_do_not_share_the_room(random: np.random.Generator) -> None:
    kernels = [kernel(random, 300, 300) for _ in range(2)]
    x = random.normal(size=(4, 300)).astype(np.float32)
    wrong: list[int] = []

    def multiply(number: int) -> None:
        wanted = x @ kernels[number].wide
        wrong.extend(
            number for _ in range(50) if not np.allclose(kernels[number].after(x), wanted, atol=1e-2)
        )

    threads = [threading.Thread(target=multiply, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_layers_give_float32_that_nobody_can_write_to(random: np.random.Generator) -> None:
    one, rows = kernel(random, 8, 3), random.integers(-127, 127, (5, 4)).astype(np.int8)
    table = Table(rows, np.full((5, 1), 0.5, np.float16))
    bias = np.arange(3, dtype=np.float32)
    found = Layers({"dense/kernel": one, "dense/bias": bias, "words": table})
    assert list(found) == ["dense/kernel", "dense/bias", "words"] and len(found) == 3
    for array in found.values():
        assert array.dtype == np.float32
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    np.testing.assert_array_equal(found["words"], table.rows(np.arange(5, dtype=np.int32)))
    x = np.ones((2, 8), np.float32)
    np.testing.assert_allclose(found.linear("dense", x), x @ one.wide + bias, atol=1e-4)
    np.testing.assert_array_equal(bias, np.arange(3), "what was given is not changed")
    plain = found.having({"dense/kernel": np.ones((8, 3), np.float32)})
    np.testing.assert_allclose(plain.linear("dense", x), 8 + np.tile(bias, (2, 1)))
    assert list(plain.without("words")) == ["dense/kernel", "dense/bias"]
    assert isinstance(found["dense/kernel"], np.ndarray) and found["dense/kernel"][0, 0] == one.wide[0, 0]
