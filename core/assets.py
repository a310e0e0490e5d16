"""Where the files that ship with the app are."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent / "assets"


def path(*parts: str) -> Path:
    """The path of a shipped file, e.g. `path("vision", "efficientnet_lite0_int8.tflite")`."""
    return ROOT.joinpath(*parts)


@functools.cache
def read_json(*parts: str) -> Any:
    """A shipped JSON file, read once a process. The value is shared: never change it."""
    return json.loads(path(*parts).read_text(encoding="utf-8"))
