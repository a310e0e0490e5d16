"""A kernel slid over maps: how many positions it has, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from core.types import Floats
from core.vision.structure import Window

Padding: TypeAlias = int | Literal["same", "valid"]


@dataclass(frozen=True)
class OutputSize:
    """floor((n + p - d (k - 1) - 1) / s) + 1, and what there is to say of it."""

    size: int  # 0 if the kernel does not fit
    before: int  # zeros in front
    behind: int  # zeros at the end
    reach: int  # d (k - 1) + 1: how far the kernel reaches
    exact: float  # the size without rounding down
    unread: int  # numbers at the end that the last step does not reach

    @property
    def fits(self) -> bool:
        """Whether the kernel fits into the padded input at all."""
        return self.size > 0

    @property
    def even(self) -> bool:
        """Whether the steps come out even, so that nothing at the end is left unread."""
        return self.fits and self.unread == 0


def output_size(
    size: int, kernel: int, stride: int = 1, padding: Padding = 0, dilation: int = 1
) -> OutputSize:
    """How many positions a kernel has on one axis.

    Args:
        size: n, numbers of the input.
        kernel: k, numbers of the kernel.
        stride: s, from one position to the next.
        padding: zeros on each side; "valid" for none; "same" as TensorFlow has it: ceil(n / s)
            positions, the odd zero at the end.
        dilation: d, from one number that the kernel reads to the next.

    Raises:
        ValueError: a size, stride or dilation below 1, or a padding below 0.
    """
    if min(size, kernel, stride, dilation) < 1 or (isinstance(padding, int) and padding < 0):
        raise ValueError(
            f"sizes, strides and dilations start at 1 and padding at 0, got {(size, kernel, stride, padding, dilation)}"
        )
    reach = dilation * (kernel - 1) + 1
    if padding == "same":
        needed = max((-(-size // stride) - 1) * stride + reach - size, 0)
        before, behind = needed // 2, needed - needed // 2
    else:
        before = behind = 0 if padding == "valid" else padding
    room = size + before + behind - reach
    if room < 0:
        return OutputSize(0, before, behind, reach, room / stride + 1, 0)
    return OutputSize(room // stride + 1, before, behind, reach, room / stride + 1, room % stride)


def convolve(
    image: Floats, kernel: Floats, stride: int = 1, padding: Padding = 0, dilation: int = 1
) -> Floats:
    """A kernel slid over one channel: (h, w) and (r, q) -> a map of `output_size`, float32.

    `y[i, j] = sum_{u, v} x[i s + u d - p, j s + v d - p] w[u, v]`; the kernel is not turned round.

    Raises:
        ValueError: the kernel does not fit, or a setting that `output_size` refuses.
    """
    axes = [output_size(image.shape[axis], kernel.shape[axis], stride, padding, dilation) for axis in (0, 1)]
    if not all(axis.fits for axis in axes):
        raise ValueError(f"a kernel of {kernel.shape} does not fit into {image.shape} with padding {padding}")
    vertical, horizontal = (
        Window(size, stride, dilation, axis.before) for size, axis in zip(kernel.shape, axes, strict=True)
    )
    values = np.asarray(image, np.float32)[..., np.newaxis]
    weights = np.asarray(kernel, np.float32)[..., np.newaxis]
    return correlate(values, weights, (vertical, horizontal), (axes[0].size, axes[1].size))[..., 0]


def correlate(values: Floats, kernel: Floats, window: tuple[Window, Window], size: tuple[int, int]) -> Floats:
    """A kernel (r, q, c) slid over maps (h, w, c), each channel apart: `size` x c, float32.

    What convolutional networks call a convolution: the kernel is not turned round.
    """
    height, width = size
    vertical, horizontal = window
    rows, columns = kernel.shape[:2]
    behind = (
        (height - 1) * vertical.stride + (rows - 1) * vertical.dilation + 1,
        (width - 1) * horizontal.stride + (columns - 1) * horizontal.dilation + 1,
    )
    padded = np.zeros(
        (
            max(behind[0], values.shape[0] + vertical.before),
            max(behind[1], values.shape[1] + horizontal.before),
            values.shape[2],
        ),
        np.float32,
    )
    top, left = vertical.before, horizontal.before
    padded[top : top + values.shape[0], left : left + values.shape[1]] = values
    found = np.zeros((height, width, values.shape[2]), np.float32)
    for row in range(rows):
        for column in range(columns):
            y, x = row * vertical.dilation, column * horizontal.dilation
            taps = padded[
                y : y + (height - 1) * vertical.stride + 1 : vertical.stride,
                x : x + (width - 1) * horizontal.stride + 1 : horizontal.stride,
            ]
            found += taps * kernel[row, column]
    return found
