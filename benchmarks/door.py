"""A door between a visitor's browser and the server: when something was asked, and when the answer was on its way.

What goes through is not changed. A browser that shares its cores with nineteen others and the server is late to
draw what it has long been sent; the times at the door are the server's alone.
"""

from __future__ import annotations

import asyncio
import bisect
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from google.protobuf.message import DecodeError
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

CHUNK = 65536
SMALL = 256  # bytes; the message that a run is over is shorter
SLICE = 48  # bytes by which an answer is found in what was sent;
LONG = 100  # a shorter one is words, which may stand elsewhere too


@dataclass
class Passed:
    """What came from the server since the visitor acted, and when."""

    asked: float | None = None  # of time.monotonic(): the first byte of what the browser then sent
    questions: list[float] = field(default_factory=list)  # when the browser sent something
    over: float | None = None  # the end of the last run that came to its end
    data: bytearray = field(default_factory=bytearray)
    ends: list[int] = field(default_factory=list)  # how much had come
    times: list[float] = field(default_factory=list)  # by then

    def came(self, chunk: bytes) -> None:
        self.data += chunk
        self.ends.append(len(self.data))
        self.times.append(time.monotonic())

    def until(self, answer: str) -> float | None:
        """Seconds from the question until a picture had passed, found by a piece of its address; until the run was
        over where the answer is words, or cannot be found as the browser had it already or drew it from numbers.
        None if nothing was asked or answered.
        """
        if self.asked is None or not self.times:
            return None
        wanted = answer.encode()
        middle = max(0, (len(wanted) - SLICE) // 2)
        found = self.found(wanted[middle : middle + SLICE]) if len(wanted) >= LONG else None
        return (self.over or self.times[-1]) - self.asked if found is None else found

    def found(self, piece: bytes) -> float | None:
        """Seconds from the question until this piece had passed; None if it has not."""
        when = self.when(piece)
        return None if self.asked is None or when is None else when - self.asked

    def when(self, piece: bytes) -> float | None:
        """When this piece had passed, of time.monotonic(); None if it has not."""
        at = self.data.find(piece)
        if at < 0:
            return None
        place = bisect.bisect_left(self.ends, at + len(piece))
        return self.times[min(place, len(self.times) - 1)]


class Frames:
    """The messages of one connection's answers, once it has become a web socket (RFC 6455, section 5.2)."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._speaks: bool | None = None  # whether it is one; not known before its first answer

    def messages(self, chunk: bytes) -> Iterator[bytes]:
        """Those that are complete with this chunk and no longer than `SMALL`."""
        if self._speaks is False:
            return
        self._data += chunk
        if self._speaks is None:
            head, found, rest = bytes(self._data).partition(b"\r\n\r\n")
            if not found:
                return
            self._speaks = head.startswith(b"HTTP/1.1 101")
            self._data = bytearray(rest if self._speaks else b"")
        while len(self._data) >= 2:
            wide = {126: 2, 127: 8}.get(self._data[1], 0)  # a server's frames are not masked
            begin = 2 + wide
            size = int.from_bytes(self._data[2:begin]) if wide else self._data[1]
            if len(self._data) < begin + size:
                return
            if size <= SMALL:
                yield bytes(self._data[begin : begin + size])
            del self._data[: begin + size]


def spoken(chunk: bytes) -> Iterator[bytes]:
    """The messages of a browser in what it sent over a web socket at once; nothing if that is something else."""
    while len(chunk) >= 6 and chunk[0] == 0x82 and chunk[1] & 0x80:  # a whole binary message, masked
        size, begin = chunk[1] & 0x7F, 2
        if size >= 126:
            begin = 4 if size == 126 else 10
            size = int.from_bytes(chunk[2:begin])
        key, chunk = chunk[begin : begin + 4], chunk[begin + 4 :]
        yield bytes(one ^ key[place % 4] for place, one in enumerate(chunk[:size]))
        chunk = chunk[size:]


def asks_for_a_run(chunk: bytes) -> bool:
    """Whether a browser asks Streamlit to run its script."""
    for message in spoken(chunk):
        with suppress(DecodeError):
            if BackMsg.FromString(message).WhichOneof("type") == "rerun_script":
                return True
    return False


def over(message: bytes) -> bool:
    """Whether Streamlit says that a run has come to its end; one that makes way for another has not."""
    try:
        told = ForwardMsg.FromString(message)
    except DecodeError:
        return False
    early = ForwardMsg.ScriptFinishedStatus.FINISHED_EARLY_FOR_RERUN
    return told.WhichOneof("type") == "script_finished" and told.script_finished != early


class Door:
    """One visitor's way to the server: a port of its own on this machine."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._to = parts.hostname or "127.0.0.1", parts.port or 80
        self._server: asyncio.Server | None = None
        self.passed = Passed()
        self.held: tuple[asyncio.Barrier, Callable[[bytes], bool]] | None = None

    def hold(self, barrier: asyncio.Barrier, question: Callable[[bytes], bool]) -> None:
        """The next chunk that is such a question goes through when those of the barrier's other doors do."""
        self.held = barrier, question

    async def open(self) -> str:
        """Begins to listen; the address that stands for the server's."""
        self._server = await asyncio.start_server(self._through, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def mark(self) -> None:
        """The visitor acts next: what passed so far is forgotten."""
        self.passed = Passed()

    def close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            from_server, to_server = await asyncio.open_connection(*self._to)
            await asyncio.gather(
                self._pass(reader, to_server, question=True), self._pass(from_server, writer, question=False)
            )

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, question: bool
    ) -> None:
        frames = Frames()
        with suppress(OSError):
            while chunk := await reader.read(CHUNK):
                if not question:
                    self.passed.came(chunk)
                    if any(map(over, frames.messages(chunk))):
                        self.passed.over = time.monotonic()
                else:
                    if self.held is not None and self.held[1](chunk):
                        (barrier, _), self.held = self.held, None
                        await barrier.wait()
                    self.passed.questions.append(time.monotonic())
                    self.passed.asked = self.passed.asked or self.passed.questions[-1]
                writer.write(chunk)
                await writer.drain()
        with suppress(OSError, RuntimeError):
            writer.close()
