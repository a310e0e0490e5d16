"""The pixels of visitors' photos: as many are held as there is room for, the others are decoded again."""

from __future__ import annotations

import itertools
import threading
import time
from collections import OrderedDict

from core import imaging, memory
from core.types import Image
from ui.components import picture

MOST_PIXELS = 40_000_000  # bytes of decoded photos of all visitors together; the others are decoded again
IDLE = 60.0  # seconds after which a photo that nobody asks for is not held any more

_door = threading.Lock()
_numbers = itertools.count()  # one for each `Decoded`, never used again
_pixels: OrderedDict[int, Image] = OrderedDict()  # by that number, the last used at the end
_used: dict[int, float] = {}  # when, of time.monotonic()


class Decoded:
    """A visitor's file that can be decoded, and the name of its pixels."""

    def __init__(self, digest: str, data: bytes) -> None:
        self.digest = digest
        self._data = data
        self._number = next(_numbers)
        self._released = False
        _ = self.image  # a file that cannot be used is refused now

    @property
    def image(self) -> Image:
        """The pixels, read-only; decoded again where those of others had to make room for them.

        Raises:
            GlassboxError: the file cannot be used.
        """
        with _door:
            if self._number in _pixels:
                _used[self._number] = time.monotonic()
                _pixels.move_to_end(self._number)
                return _pixels[self._number]
        image: Image = imaging.decode(self._data)
        image.setflags(write=False)
        with _door:
            if not self._released:
                _pixels[self._number] = image
                _used[self._number] = time.monotonic()
            while len(_pixels) > 1 and sum(one.nbytes for one in _pixels.values()) > MOST_PIXELS:
                _pixels.popitem(last=False)
            for number in _used.keys() - _pixels.keys():
                del _used[number]
        return image

    def release(self) -> None:
        """Lets go of the pixels, and of what was sent of them to the browser."""
        with _door:
            self._released = True
            _pixels.pop(self._number, None)
            _used.pop(self._number, None)
        picture.forget(self.digest)


def drop_of_idle() -> None:
    """Lets go of photos that nobody asked for for a while."""
    with _door:
        for number in [number for number in _pixels if time.monotonic() - _used[number] > IDLE]:
            del _pixels[number], _used[number]


memory.sweep_with("photos", drop_of_idle)
