"""The process gives memory back to the system early: the host is small and visitors' photos come and go."""

from __future__ import annotations

import ctypes
import functools

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # of glibc's malloc.h
LARGE = 2 * 2**20  # bytes; an array of this size is the system's own again as soon as it is freed


@functools.cache
def give_back_early() -> bool:
    """Tells glibc to map large arrays apart and to keep few arenas; whether there was a glibc to tell.

    Without it each thread keeps what its largest picture once took.
    """
    try:
        tell = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # another system
        return False
    settings = ((M_ARENA_MAX, 2), (M_MMAP_THRESHOLD, LARGE), (M_TRIM_THRESHOLD, LARGE))
    told = [tell(name, value) for name, value in settings]  # every one, also after a refusal
    return told == [1, 1, 1]
