"""The worker process: it takes calls from its standard input, one a line, and works on one at a time.

Started as `python -m core.tuning.worker`, never forked or spawned by `multiprocessing`: a spawned child runs
the parent's main script again, and under Streamlit that is a page. It imports nothing of the page, and writes
nothing anywhere: neither to a log nor to a file.

A call is a line of JSON, `{"function": "package.module:name", "arguments": [...]}`, and is answered by a line
`{"failed": false}`. What a run yields goes back through a connection of its own (`perform`), so that any
executor that can call a function may run it, on another machine too.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from multiprocessing.connection import Client, Connection
from typing import Any

from core import memory
from core.errors import GlassboxError
from core.tuning.executor import MEMORY
from core.tuning.types import Stop


def find(path: str) -> Callable[..., Any]:
    """The function that "package.module:name" names."""
    module, name = path.split(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function


def perform(address: str, port: int, key: str, run: str) -> None:
    """Do a run: fetch what it is from the queue at `address`, and send what it yields.

    The queue sends `(function, arguments, named)`, and the word "stop" when the run should end: then `Stop`
    is thrown into the generator where it has yielded. Sent back are ("event", event), and last ("over", None)
    or ("error", (key, values)) for what a visitor can do something about.

    Args:
        address: of the queue: a host, or the path of a socket.
        port: 0 for a path.
        key: shows that the run is who it says, as hexadecimal digits.
        run: its id.
    """
    with Client((address, port) if port else address, authkey=bytes.fromhex(key)) as connection:
        try:
            connection.send(run)
            function, arguments, named = connection.recv()
            _yielded(connection, find(function)(*arguments, **named))
            connection.send(("over", None))
        except GlassboxError as problem:
            connection.send(("error", (problem.key, problem.values)))
        except MemoryError:
            connection.send(("error", ("tuning.error.memory", {"limit": MEMORY >> 20})))
        except (EOFError, BrokenPipeError, ConnectionResetError):  # the queue has forgotten the run
            pass


def _yielded(connection: Connection, work: Any) -> None:
    """Send what a generator yields, until it ends or is stopped."""
    stopped = False
    try:
        event = next(work)
        while True:
            connection.send(("event", event))
            memory.let_go_of_code()
            if not stopped and connection.poll():
                connection.recv()  # there is but one word
                stopped = True
                event = work.throw(Stop())
            else:
                event = next(work)
    except (StopIteration, Stop):
        pass
    finally:
        work.close()


def main() -> None:
    """Answer calls until the input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    silence = os.open(os.devnull, os.O_WRONLY)  # what libraries print goes nowhere
    os.dup2(silence, sys.stdout.fileno())
    os.dup2(silence, sys.stderr.fileno())
    memory.give_back_early()
    if hasattr(os, "nice"):
        os.nice(5)  # the pages of all visitors go first
    for line in sys.stdin:
        call = json.loads(line)
        failed = False
        try:
            find(call["function"])(*call["arguments"])
        except Exception:  # a fault of ours; the queue tells the visitor and goes on
            failed = True
        answers.write(json.dumps({"failed": failed}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
