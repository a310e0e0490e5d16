"""Plain predictions with LiteRT: the int8 EfficientNet-Lite0, in milliseconds and without TensorFlow."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from core import checksums
from core.types import Floats, Image
from core.vision import efficientnet

MAPS = (7, 7, efficientnet.HEAD)


def softmax(logits: Floats) -> Floats:
    """`exp(z_i) / sum_j exp(z_j)` over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True), np.float32)


class Lite:
    """One LiteRT interpreter behind a lock: it answers one thread at a time.

    The file takes uint8 pixels and gives the last feature maps beside its own int8 logits. The dense
    layer is done here, in float32: int8 logits come in steps of 0.07, at which the two best classes of
    one photo in 25 are tied, and the sum that a page shows is then the network's own. In place of the
    logits, the maps before the last convolution are read, which a tuned head reads too.
    """

    def __init__(self, threads: int = 1) -> None:
        from ai_edge_litert.interpreter import Interpreter

        file = checksums.whole("vision", "efficientnet_lite0_int8.tflite").read_bytes()
        self._lock = threading.Lock()
        self._interpreter = Interpreter(model_content=_with_maps_before(file), num_threads=threads)
        self._interpreter.allocate_tensors()
        (self._input,) = (entry["index"] for entry in self._interpreter.get_input_details())
        outputs = {entry["shape"][-1]: entry for entry in self._interpreter.get_output_details()}
        self._maps = outputs[efficientnet.HEAD]["index"]
        before = outputs[efficientnet.JOINED - efficientnet.HEAD]
        self._before, (self._scale, self._zero) = before["index"], before["quantization"]
        self.run(np.zeros((224, 224, 3), np.uint8))  # the first run prepares the engine

    def maps(self, pixels: Image) -> Floats:
        """The last maps (7, 7, 1280) of one prepared image (224, 224, 3) uint8."""
        with self._lock:
            self._invoke(pixels)
            return np.asarray(self._interpreter.get_tensor(self._maps)[0])

    def joined_maps(self, pixels: Image) -> Floats:
        """The last maps and, behind them, those before the last convolution, scaled: (7, 7, 1600)."""
        with self._lock:
            self._invoke(pixels)
            last = self._interpreter.get_tensor(self._maps)[0]
            before = self._interpreter.get_tensor(self._before)[0]
        scaled = np.float32(efficientnet.BEFORE_SCALE * self._scale) * (
            before.astype(np.float32) - np.float32(self._zero)
        )
        return np.concatenate([last, scaled], axis=-1)

    def _invoke(self, pixels: Image) -> None:
        self._interpreter.set_tensor(self._input, pixels[np.newaxis])
        self._interpreter.invoke()

    def features(self, pixels: Image) -> Floats:
        """The last maps' means (1280,), which the dense layer reads."""
        return np.asarray(self.maps(pixels).mean(axis=(0, 1)))

    def run(self, pixels: Image) -> tuple[Floats, Floats]:
        """Logits (1000,) and the last maps (7, 7, 1280) of one prepared image (224, 224, 3) uint8."""
        maps = self.maps(pixels)
        kernel, bias = efficientnet.head()
        return maps.mean(axis=(0, 1)) @ kernel + bias, maps

    def logits(self, images: Sequence[Image]) -> Floats:
        """Logits (n, 1000) of prepared images (224, 224, 3) uint8."""
        return np.stack([self.run(pixels)[0] for pixels in images])


def _with_maps_before(file: bytes) -> bytes:
    """The file with `efficientnet.BEFORE_HEAD` as its second output, instead of the logits.

    Every tensor has its number in the file, and the list of outputs is a list of such numbers: one is changed.
    """
    from ai_edge_litert import schema_py_generated as schema

    changed = bytearray(file)
    graph = schema.Model.GetRootAs(changed, 0).Subgraphs(0)
    shapes = [graph.Tensors(number).ShapeAsNumpy().tolist() for number in range(graph.TensorsLength())]
    outputs = graph.OutputsAsNumpy()  # a view into the file
    logits = next(
        place for place, number in enumerate(outputs) if shapes[number] == [1, efficientnet.CLASSES]
    )
    outputs[logits] = shapes.index([1, *MAPS[:2], efficientnet.JOINED - efficientnet.HEAD])
    return bytes(changed)
