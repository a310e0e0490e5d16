"""Pictures and words in one plane: the two directions along which they differ most.

Pictures and words lie in two clouds apart: a text points where its pictures point, but is not as far from the
others (Liang et al., "Mind the gap", 2022). So each cloud is told from its own middle, and the plane is that of
the largest variance of both (principal components, by the singular value decomposition).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.types import Floats


@dataclass(frozen=True, eq=False)
class Plane:
    """The plane that was found; whatever comes later is put into it without moving what is there."""

    axes: Floats  # (1280, 2), columns of length 1, at right angles
    image_middle: Floats  # (1280,)
    text_middle: Floats
    share: float  # of the variance that is seen in the plane

    def images(self, embedded: Floats) -> Floats:
        """Where pictures lie: unit rows (n, 1280) -> (n, 2)."""
        return np.asarray((embedded - self.image_middle) @ self.axes, np.float32)

    def texts(self, embedded: Floats) -> Floats:
        """Where texts lie: unit rows (n, 1280) -> (n, 2)."""
        return np.asarray((embedded - self.text_middle) @ self.axes, np.float32)


def plane(images: Floats, texts: Floats) -> Plane:
    """The plane of unit rows (n, 1280) of pictures and (m, 1280) of texts; either may be empty, not both.

    The sign of an axis is fixed (its largest number is positive), so that the same rows give the same map.
    """
    width = images.shape[1]
    middles = [rows.mean(axis=0) if len(rows) else np.zeros(width, np.float32) for rows in (images, texts)]
    moved = np.concatenate([images - middles[0], texts - middles[1]])
    _, lengths, directions = np.linalg.svd(moved, full_matrices=False)
    axes = np.zeros((width, 2), np.float32)
    for column, direction in enumerate(directions[:2]):
        axes[:, column] = direction * np.sign(direction[np.abs(direction).argmax()])
    total = float((lengths**2).sum())
    return Plane(axes, middles[0], middles[1], float((lengths[:2] ** 2).sum()) / total if total > 0 else 1.0)
