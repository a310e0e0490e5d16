"""Fuzzing of what reads a visitor's bytes: see `tests/fuzz/__main__.py`."""
