"""What several tests share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from core.imaging import decode
from core.imaging.samples import samples
from core.types import Image
from tests import browser


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser on a busy machine may miss a moment: such a test may try once more, and says so."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))


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


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The app on a server of its own, one for all browser tests."""
    with browser.serve() as found:
        yield found.address


@pytest.fixture(scope="session")
def driver() -> Iterator[Playwright]:
    """What drives browsers: one a process."""
    expect.set_options(timeout=browser.PATIENCE * 1000)  # a machine that does other things too is slow
    with sync_playwright() as found:
        yield found


@pytest.fixture(scope="session")
def chromium(driver: Playwright) -> Iterator[Browser]:
    found = browser.launch(driver)
    yield found
    found.close()


@pytest.fixture
def visitor(chromium: Browser, address: str) -> Iterator[browser.Visitor]:
    """A new visitor with an English browser; its console must stay clean."""
    found = browser.visit(chromium, address)
    yield found
    found.context.close()
    assert not found.complaints()
