"""A tuned network as files to take away, and the way back."""

from __future__ import annotations

from collections.abc import Iterator

from core.tuning.types import Dataset, Finished, Progress, Tuned


def export(finished: Finished, dataset: Dataset) -> Iterator[Progress | bytes]:
    """A zip with everything of a tuned network; yields `Progress` and last the bytes.

    `.keras`, int8 `.tflite`, labels, model card, a script that classifies, and the network in our own
    format, which `load_saved` reads. Takes half a minute: put it into the queue,
    `queue().submit(owner, "core.tuning.export:export", finished, dataset, seconds=30)`.
    """
    raise NotImplementedError


def model_card(finished: Finished, dataset: Dataset, language: str) -> str:
    """What the network is, what it learned from, how, and what it is worth, in Markdown."""
    raise NotImplementedError


def load_saved(data: bytes) -> Tuned:
    """A network that was taken away, brought back. The file is hostile until it is decoded.

    Raises:
        GlassboxError: `tuning.error.saved_*`.
    """
    raise NotImplementedError
