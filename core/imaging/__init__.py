"""Bytes to pictures, the preprocessing steps, chains of them, and what a step did in numbers."""

from core.imaging.chain import Call, apply
from core.imaging.decode import decode
from core.imaging.steps import STEPS

__all__ = ["STEPS", "Call", "apply", "decode"]
