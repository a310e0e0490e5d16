"""Locked-image tuning: a locked image tower, and a text tower that was taught to speak of the same things.

References:
    Zhai et al., "LiT: Zero-Shot Transfer with Locked-image text Tuning", CVPR 2022.
"""

from core.lit.answers import none_of_these, similarities, where, zero_shot
from core.lit.known import how_seen, seen
from core.lit.towers import embed_images, embed_texts

__all__ = [
    "embed_images",
    "embed_texts",
    "how_seen",
    "none_of_these",
    "seen",
    "similarities",
    "where",
    "zero_shot",
]
