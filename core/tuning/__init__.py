"""A visitor's small data set, the plans to tune a network on it, the queue that runs them, and what came of it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from core.tuning.types import Plan

if TYPE_CHECKING:
    from core.tuning.images import image_dataset
    from core.tuning.shipped import builtin
    from core.tuning.texts import text_dataset
    from core.tuning.training import fine_tune

__all__ = ["Plan", "builtin", "fine_tune", "image_dataset", "text_dataset"]

_HOMES = {
    "builtin": "shipped",
    "fine_tune": "training",
    "image_dataset": "images",
    "text_dataset": "texts",
}


def __getattr__(name: str) -> Any:  # the worker needs no zip reader, and a page that shows data no training
    if name in _HOMES:
        return getattr(importlib.import_module(f"core.tuning.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
