"""One photo from decoded pixels to its five most probable classes: ours beside what people would do.

    python -m benchmarks.classify

Every way starts from the same decoded photo and does the same crop and resize; they take turns, so that
a drifting machine drifts for all of them. Medians of 60 rounds, and ratios of the medians.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from benchmarks.figures import tell
from core import assets, vision
from core.imaging import decode
from core.imaging.samples import samples
from core.types import Image

ROUNDS = 60
BLOCK = 5  # calls in a row, as one visitor's photos come


def ways(image: Image) -> dict[str, Callable[[], np.ndarray]]:
    """Each way of classifying, warm."""
    classifier = vision.classifier("efficientnet_lite0")
    model = vision.vision_model("efficientnet_lite0")

    def ours() -> np.ndarray:
        return classifier.predict([image])[0]

    found: dict[str, Callable[[], np.ndarray]] = {"core.vision.classifier (LiteRT int8)": ours}

    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter

    network = model.load()
    compiled = tf.function(lambda x: tf.nn.softmax(network(x, training=False)))
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    lite = Interpreter(model_content=converter.convert(), num_threads=2)
    lite.allocate_tensors()
    (source,), (target,) = lite.get_input_details(), lite.get_output_details()

    def float_lite() -> np.ndarray:
        lite.set_tensor(source["index"], model.prepare(image))
        lite.invoke()
        return np.asarray(lite.get_tensor(target["index"])[0])

    found["LiteRT float32"] = float_lite
    found["tf.function"] = lambda: np.asarray(compiled(model.prepare(image)))[0]
    found["keras.Model.predict"] = lambda: network.predict(model.prepare(image), verbose=0)[0]
    session = onnx_session(network)
    if session is not None:
        name = session.get_inputs()[0].name
        found["onnxruntime float32"] = lambda: session.run(None, {name: model.prepare(image)})[0][0]
    return found


def onnx_session(network: object) -> object | None:
    """The network in onnxruntime, if Keras's exporter is installed (`pip install tf2onnx onnx`)."""
    import tempfile

    try:
        import onnxruntime

        with tempfile.TemporaryDirectory() as folder:
            network.export(f"{folder}/model.onnx", format="onnx", verbose=False)  # type: ignore[attr-defined]
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 2
            return onnxruntime.InferenceSession(f"{folder}/model.onnx", options)
    except Exception as error:
        print(f"(onnxruntime left out: {type(error).__name__}: {str(error)[:90]})", file=sys.stderr)
        return None


def main() -> None:
    image = decode(samples()["pavilion"].read())
    every = ways(image)
    for run in every.values():
        for _ in range(3):
            run()
    times: dict[str, list[float]] = {name: [] for name in every}
    for _ in range(ROUNDS // BLOCK):
        for name, run in every.items():
            run()  # not counted: the threads of the way before may still be spinning
            for _ in range(BLOCK):
                begun = time.perf_counter()
                np.argsort(-run())[:5]
                times[name].append(time.perf_counter() - begun)
    ours, *_ = (statistics.median(values) for values in times.values())
    print(f"one {image.shape[1]} x {image.shape[0]} photo, decoded, to its top 5; median of {ROUNDS} rounds")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:40s} {median * 1000:8.1f} ms   {median / ours:6.1f} x ours")
    told = {"predict": "keras.Model.predict", "function": "tf.function", "lite": "LiteRT float32"}
    told |= {"onnx": "onnxruntime float32"}
    ratios = {key: statistics.median(times[name]) / ours for key, name in told.items() if name in times}
    tell("classify", ours=f"{1000 * ours:.1f}", **{key: f"{ratio:.1f}" for key, ratio in ratios.items()})
    size = assets.path("vision", "efficientnet_lite0_int8.tflite").stat().st_size
    print(f"int8 file: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
