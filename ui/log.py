"""What the log may say: the kind of a fault and its place in the code, and nothing that a visitor gave.

The text of an exception often holds what it stumbled over: a file's name, a sentence, a number.
"""

from __future__ import annotations

import logging
import traceback

log = logging.getLogger("glassbox")


def fault(error: BaseException) -> None:
    """Notes a fault of ours."""
    log.error("%s", _described(error))


def _described(error: BaseException) -> str:
    place = "".join(traceback.format_tb(error.__traceback__, limit=-6))
    return f"{type(error).__name__} in\n{place}"


def words_left_out(record: logging.LogRecord) -> bool:
    """A filter: an exception in a record is told without its text."""
    if record.exc_info and record.exc_info[1] is not None:
        record.msg, record.args = "%s: %s", (record.getMessage(), _described(record.exc_info[1]))
        record.exc_info = record.exc_text = None
    return True


# What a callback raises does not pass our frame: Streamlit itself notes it, with its text.
logging.getLogger("streamlit.error_util").addFilter(words_left_out)
