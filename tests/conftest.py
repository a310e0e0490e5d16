"""What several tests share."""

from __future__ import annotations

import numpy as np
import pytest

from core.imaging import decode
from core.imaging.samples import samples
from core.types import Image


@pytest.fixture(scope="session")
def cat() -> Image:
    """The first sample, decoded and read-only."""
    image = decode(samples()["tabby_cat"].read())
    image.setflags(write=False)
    return image


@pytest.fixture(scope="session")
def photos() -> dict[str, Image]:
    """All samples, decoded."""
    return {name: decode(sample.read()) for name, sample in samples().items()}


@pytest.fixture
def noise() -> Image:
    """A photo of nothing."""
    return np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
