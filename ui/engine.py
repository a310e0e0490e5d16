"""TensorFlow inside a Streamlit server."""

from __future__ import annotations

import sys


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
