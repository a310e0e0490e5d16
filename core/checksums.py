"""The shipped files of numbers are what they were when they were made.

`assets/CHECKSUMS` has the SHA-256 of each, one a line as `sha256sum` writes it; `python -m training.checksums`
writes it. A copy that was cut short or changed on its way would give wrong answers, or none: it is found when
the file is first asked for.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from core import assets
from core.errors import GlassboxError

LIST = "CHECKSUMS"
KINDS = (".npz", ".npy", ".tflite", ".zip")  # text is left out: a checkout may change its line ends

_whole: dict[Path, tuple[int, int]] = {}  # length and time of the files that were found to be whole


@functools.cache
def listed() -> dict[str, str]:
    """The SHA-256 of each file of the list, by its path under `assets`."""
    lines = assets.path(LIST).read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}


def digest(file: Path) -> str:
    """The SHA-256 of a file, as hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def whole(*parts: str) -> Path:
    """The path of a shipped file of numbers, e.g. `whole("lit", "text_tower.npz")`, after a look at it.

    A file is read through once, 15 ms for 24 MB, and again when it has changed. One that is not listed, while
    it is being made, passes.

    Raises:
        GlassboxError: `error.damaged_file`: it is missing, or not the one that is listed.
    """
    file, name = assets.path(*parts), "/".join(parts)
    wanted = listed().get(name)
    try:
        state = file.stat()
        seen = (state.st_size, state.st_mtime_ns)
        if wanted is not None and _whole.get(file) != seen:
            if digest(file) != wanted:
                raise GlassboxError("error.damaged_file", name=f"assets/{name}")
            _whole[file] = seen
    except OSError as problem:
        raise GlassboxError("error.damaged_file", name=f"assets/{name}") from problem
    return file
