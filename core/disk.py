"""Files that must be written for a moment, because a library reads or writes nothing else."""

from __future__ import annotations

import errno
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import GlassboxError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
_IN_WORDS = re.compile(r"errno = (\d+)|\[Errno (\d+)\]")  # how HDF5 and h5py tell it


def is_full(problem: BaseException) -> bool:
    """Whether a write failed because there is no room for it, as the system or HDF5 tells it."""
    if isinstance(problem, OSError) and problem.errno in FULL:
        return True
    return any(int(one or other) in FULL for one, other in _IN_WORDS.findall(str(problem)))


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder for this process alone; it is gone with the block.

    Raises:
        GlassboxError: `error.disk`: there is no room for what was to be written.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="glassbox-") as folder:
            yield Path(folder)
    except FileNotFoundError as problem:
        if "temporary directory" not in str(problem):  # Python found no folder that it can write to
            raise
        raise GlassboxError("error.disk") from problem
    except (OSError, RuntimeError) as problem:  # h5py raises both
        if not is_full(problem):
            raise
        raise GlassboxError("error.disk") from problem
