"""TensorFlow and numpy inside a Streamlit server."""

from __future__ import annotations

import functools
import sys

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]


@functools.cache
def one_thread_each() -> None:
    """Has numpy's products run on the thread that asks for them, as that of another visitor wants the other core.

    A dense layer of one picture is too small to be shared by two threads, yet OpenBLAS wakes the other one, which
    then waits for more with a core of its own: a heatmap's curves took two cores as long as one core now takes.
    """
    threadpool_limits(limits=1, user_api="blas")


def _nothing(free_memory: bool = True) -> None:
    """Stands where `keras.backend.clear_session` was."""


def keep_compiled() -> None:
    """Keeps what TensorFlow has prepared from one run to the next. The frame calls it at the end of every run.

    Streamlit (1.67, `script_runner._clean_problem_modules`) calls `keras.backend.clear_session()` after
    every run of every visitor: TensorFlow then prepares each compiled function anew, 0.35 s at the first
    use of EfficientNet-Lite0, and a training in another thread loses its state. Nothing here builds up
    the global state that the call is meant for.
    """
    keras = sys.modules.get("keras")
    if keras is not None and hasattr(getattr(keras, "backend", None), "clear_session"):
        keras.backend.clear_session = (
            _nothing  # where another thread is just importing it, the next run does it
        )
