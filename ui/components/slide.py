"""A kernel that slides over a small input with its padding, and the output that it fills."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ui.components._declare import declare

_mount = declare("slide")


class Sliding(NamedTuple):
    """How a kernel goes over a square input; the same on both axes."""

    size: int
    kernel: int
    stride: int
    dilation: int
    before: int  # zeros in front
    behind: int  # zeros at the end
    output: int  # positions; 0 if the kernel does not fit


def slide(sliding: Sliding, *, key: str, alt: str, words: Mapping[str, str]) -> None:
    """The input with its padding at the left, the output at the right; the kernel moves by itself.

    An output cell under the mouse, or touched, stops it there and shows what that cell reads.

    Args:
        alt: what is drawn, for those who cannot see it.
        words: `input`, `output` over the two, `play` and `pause` for the button, `cell`, what is told of
            an output cell, with {row} and {column}.
    """
    _mount(key=key, data={"key": key, "alt": alt, "words": dict(words), **sliding._asdict()})
