"""Makes .keras files as an attacker would: each is a small good file with one thing wrong.

The good file is written by hand, with zipfile, json and h5py, so that nothing here needs TensorFlow.
"""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

Members = list[tuple[str | zipfile.ZipInfo, bytes]]
SIDE = 8


def layer(kind: str, name: str, before: str | None, *, module: str = "keras.layers", **config: Any) -> Any:
    """One layer as Keras 3 writes it; `before` is the layer that it reads."""
    tensor = {"class_name": "__keras_tensor__", "config": {"keras_history": [before, 0, 0]}}
    tensor["config"] |= {"shape": [None, SIDE, SIDE, 3], "dtype": "float32"}  # type: ignore[operator]
    return {
        "module": module,
        "class_name": kind,
        "config": {"name": name, **config},
        "registered_name": None,
        "name": name,
        "inbound_nodes": [{"args": [tensor], "kwargs": {}}] if before else [],
    }


def image_input(*shape: int | None) -> Any:
    return layer("InputLayer", "pixels", None, batch_shape=[None, *shape], dtype="float32")


def model(*layers: Any, outputs: str | None = None) -> dict[str, Any]:
    inputs = [one["name"] for one in layers if one["class_name"] == "InputLayer"]
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {
            "name": "small",
            "layers": list(layers),
            "input_layers": [[name, 0, 0] for name in inputs],
            "output_layers": [[outputs or layers[-1]["name"], 0, 0]],
        },
        "registered_name": "Functional",
    }


def good_layers() -> list[Any]:
    return [
        image_input(SIDE, SIDE, 3),
        layer("Conv2D", "conv", "pixels", filters=2, kernel_size=[3, 3], activation="relu"),
        layer("GlobalAveragePooling2D", "pool", "conv"),
        layer("Dense", "classes", "pool", units=2, activation="softmax"),
    ]


def good_weights(file: h5py.File, conv: int = 2) -> None:
    random = np.random.default_rng(0)
    file["layers/conv2d/vars/0"] = random.normal(size=(3, 3, 3, conv)).astype(np.float32)
    file["layers/conv2d/vars/1"] = np.zeros(conv, np.float32)
    file["layers/dense/vars/0"] = random.normal(size=(2, 2)).astype(np.float32)
    file["layers/dense/vars/1"] = np.zeros(2, np.float32)


def weights(change: Callable[[h5py.File], None] = lambda file: None) -> bytes:
    """The weights with `change` made to them."""
    stored = io.BytesIO()
    with h5py.File(stored, "w") as file:
        good_weights(file)
        change(file)
    return stored.getvalue()


def members(config: Any = None, stored: bytes | None = None) -> Members:
    raw = config if isinstance(config, bytes) else json.dumps(config or model(*good_layers())).encode()
    return [
        ("metadata.json", b'{"keras_version": "3.15.1"}'),
        ("config.json", raw),
        ("model.weights.h5", weights() if stored is None else stored),
    ]


def archive(entries: Members, packed: int = zipfile.ZIP_STORED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", packed) as file:
        for name, data in entries:
            file.writestr(name, data)
    return written.getvalue()


def good() -> bytes:
    return archive(members())


def with_layers(*layers: Any) -> bytes:
    return archive(members(model(*layers)))


def _with_layer(at: int, **changes: Any) -> bytes:
    layers = good_layers()
    layers[at] |= changes
    return with_layers(*layers)


def _with_config(at: int, **changes: Any) -> bytes:
    layers = good_layers()
    layers[at]["config"] |= changes
    return with_layers(*layers)


def _symlink() -> bytes:
    entry = zipfile.ZipInfo("config.json")
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return archive([members()[0], (entry, b"/etc/passwd"), members()[2]])


def _doubled() -> bytes:
    """Two entries of the same name, made by renaming in the bytes: zipfile would warn."""
    other = archive([*members(), ("config.jsom", b"{}")])
    return other.replace(b"config.jsom", b"config.json")


def _encrypted() -> bytes:
    data = bytearray(good())
    for magic, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(magic)
        data[at + flags] |= 1
    return bytes(data)


def _declared(size: int) -> bytes:
    """The last member says in the central directory that it unpacks to `size` bytes."""
    data = bytearray(archive(members(stored=bytes(3 * 2**20)), zipfile.ZIP_DEFLATED))
    at = data.rfind(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, size)
    return bytes(data)


def _nested_config(levels: int) -> bytes:
    config = model(*good_layers())
    deep: Any = 0
    for _ in range(levels):
        deep = [deep]
    config["config"]["layers"][1]["config"]["filters"] = deep
    return archive(members(config))


def _lambda() -> bytes:
    code = {"class_name": "__lambda__", "config": {"value": ["4wEAAAA=", None, None]}}
    return with_layers(image_input(8, 8, 3), layer("Lambda", "sneaky", "pixels", function=code))


def _function(name: str, module: str = "builtins", registered: str | None = None) -> bytes:
    found = {"class_name": "function", "module": module, "config": name}
    return _with_config(1, activation=found | {"registered_name": registered or name})


ARCHIVES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "nothing": ("not_zip", lambda: b""),
    "a picture": ("not_zip", lambda: b"\x89PNG\r\n\x1a\n" + bytes(100)),
    "old format": ("old_format", weights),
    "cut off": ("broken", lambda: good()[: len(good()) // 2]),
    "a changed byte": ("broken", lambda: good().replace(b'"units"', b'"unitz"', 1)),
    "encrypted": ("encrypted", _encrypted),
    "an archive in it": ("nested", lambda: archive([("cats.keras", good())])),
    "a thousand members": ("members", lambda: archive([(f"{n}.txt", b"") for n in range(1000)])),
    "a path upwards": ("path", lambda: archive([*members(), ("../../evil.py", b"print(1)")])),
    "a path upwards inside": ("path", lambda: archive([*members(), ("assets/../../evil.py", b"")])),
    "an absolute path": ("path", lambda: archive([*members(), ("/tmp/evil.py", b"")])),
    "a Windows path": ("path", lambda: archive([*members(), ("C:evil.py", b"")])),
    "a symlink": ("link", _symlink),
    "a name twice": ("duplicate", _doubled),
    "a vocabulary": ("assets", lambda: archive([*members(), ("assets/vocabulary.txt", b"cat")])),
    "a script": ("member", lambda: archive([*members(), ("evil.py", b"")])),
    "no weights": ("missing", lambda: archive(members()[:2])),
    "no architecture": ("missing", lambda: archive(members()[::2])),
    "a bomb": ("bomb", lambda: archive(members(stored=bytes(50 * 2**20)), zipfile.ZIP_DEFLATED)),
    "a bomb that says it is small": ("broken", lambda: _declared(1000)),
    "a member that says it is large": ("bomb", lambda: _declared(4 * 10**9)),
    "bzip2": ("broken", lambda: archive(members(), zipfile.ZIP_BZIP2)),
    "no JSON": ("config", lambda: archive(members(b"{'class_name': 1}"))),
    "JSON that is no object": ("config", lambda: archive(members(b"[1, 2]"))),
    "JSON of a million brackets": ("config_depth", lambda: archive(members(b"[" * 10**6))),
    "a deep architecture": ("config_depth", lambda: _nested_config(200)),
    "a long architecture": ("config_size", lambda: archive(members(b" " * 9 * 2**20))),
    "a number of a million digits": ("config", lambda: archive(members(b"1" * 10**6))),
    "Keras 2": (
        "version",
        lambda: archive([("metadata.json", b'{"keras_version": "2.15.0"}'), *members()[1:]]),
    ),
    "a class of its own": ("not_a_model", lambda: archive(members({"class_name": "Mine", "config": {}}))),
    "a Lambda": ("lambda", _lambda),
    "a lambda as activation": (
        "lambda",
        lambda: _with_config(1, activation={"class_name": "__lambda__", "config": {"value": "4wE="}}),
    ),
    "a built-in function": ("function", lambda: _function("eval")),
    "a function of Keras that downloads": ("function", lambda: _function("get_file", "keras.utils")),
    "a registered function": ("function", lambda: _function("relu", registered="ours>relu")),
    "a function by name": ("function", lambda: _with_config(3, activation="exec")),
    "a class of Python": ("custom", lambda: _with_layer(1, module="os", class_name="system")),
    "a class of builtins": ("custom", lambda: _with_layer(1, module="builtins", class_name="eval")),
    "a custom layer": ("custom", lambda: _with_layer(1, module="mine.layers", class_name="Conv2D")),
    "a registered layer": ("custom", lambda: _with_layer(1, registered_name="mine>Conv2D")),
    "a layer without a module": ("custom", lambda: _with_layer(1, module=None)),
    "a module that begins like Keras": ("custom", lambda: _with_layer(1, module="keras_evil.layers")),
    "a SavedModel from a path": ("layer", lambda: _with_layer(1, class_name="TFSMLayer")),
    "a vocabulary from a path": ("layer", lambda: _with_layer(1, class_name="StringLookup")),
    "a class of Keras that is no layer": (
        "layer",
        lambda: _with_layer(1, module="keras.src.utils.file_utils", class_name="File"),
    ),
    "an optimizer as a layer": (
        "layer",
        lambda: _with_layer(1, module="keras.optimizers", class_name="Adam"),
    ),
    "a constant that is no number": (
        "value",
        lambda: _with_config(
            1, filters={"class_name": "__numpy__", "config": {"value": 1, "dtype": "S1000000000"}}
        ),
    ),
    "an unknown type in a class name": ("layer", lambda: _with_layer(1, class_name=["Dense"])),
    "quantized": (
        "quantized",
        lambda: _with_config(
            1, dtype={"class_name": "DTypePolicy", "module": "keras", "config": {"name": "int8_from_float32"}}
        ),
    ),
    "too many layers": (
        "layers",
        lambda: with_layers(image_input(8, 8, 3), *(layer("ReLU", f"r{n}", "pixels") for n in range(2000))),
    ),
    "no input": ("inputs", lambda: with_layers(*good_layers()[1:])),
    "two inputs": ("inputs", lambda: with_layers(image_input(8, 8, 3), *good_layers())),
    "a text": ("input_rank", lambda: with_layers(image_input(128), *good_layers()[1:])),
    "a film": ("input_rank", lambda: with_layers(image_input(9, 8, 8, 3), *good_layers()[1:])),
    "sides that are words": ("input_rank", lambda: _with_config(0, batch_shape=[None, "8", 8, 3])),
    "five channels": ("channels", lambda: with_layers(image_input(8, 8, 5), *good_layers()[1:])),
    "channels first": ("channels", lambda: with_layers(image_input(3, 64, 64), *good_layers()[1:])),
    "a huge picture": ("side", lambda: with_layers(image_input(9000, 9000, 3), *good_layers()[1:])),
    "a tiny picture": ("side", lambda: with_layers(image_input(8, 2, 3), *good_layers()[1:])),
}


def _ten_gigabytes(file: h5py.File) -> None:
    file.create_dataset("layers/conv2d/vars/2", (2_500_000_000,), "f4")


def _zeros_packed(file: h5py.File) -> None:
    file.create_dataset("layers/bomb", data=np.zeros(2**24, "f4"), chunks=(2**20,), compression="gzip")


def _chunks_promised(file: h5py.File) -> None:
    file.create_dataset("layers/bomb", (10**6, 10**6), "f8", chunks=(10**3, 10**3))


def _other_file(file: h5py.File) -> None:
    file.create_dataset("layers/stolen", (16,), "u1", external=[("/etc/passwd", 0, 16)])


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((16,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "secret", (16,))
    file.create_virtual_dataset("layers/stolen", layout)


def _external_link(file: h5py.File) -> None:
    file["layers/elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")


def _soft_link(file: h5py.File) -> None:
    file["layers/soft"] = h5py.SoftLink("/layers/dense")


def _circle(file: h5py.File) -> None:
    file["layers/dense/circle"] = file["layers"]


def _often(file: h5py.File) -> None:
    for number in range(1000):
        file[f"layers/again/{number}"] = file["layers/dense/vars/0"]


def _reference(file: h5py.File) -> None:
    file.create_dataset("layers/pointer", data=file["layers"].ref, dtype=h5py.ref_dtype)


def _words(file: h5py.File) -> None:
    file.create_dataset("layers/words", data=["cat", "dog"], dtype=h5py.string_dtype())


def _record(file: h5py.File) -> None:
    file.create_dataset("layers/record", data=np.zeros(3, [("a", "f4"), ("b", "i4")]))


def _type(file: h5py.File) -> None:
    file["layers/type"] = np.dtype("f4")


def _empty(file: h5py.File) -> None:
    file["layers/empty"] = h5py.Empty("f4")


def _groups(file: h5py.File) -> None:
    for number in range(2000):
        file.create_group(f"layers/g{number}")


WEIGHTS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "an array of 10 GB": ("weights_size", lambda: weights(_ten_gigabytes)),
    "packed zeros": ("weights_packed", lambda: weights(_zeros_packed)),
    "chunks that are not there": ("weights_packed", lambda: weights(_chunks_promised)),
    "an array from another file": ("weights_outside", lambda: weights(_other_file)),
    "a virtual array": ("weights_outside", lambda: weights(_virtual)),
    "a link to another file": ("weights_link", lambda: weights(_external_link)),
    "a soft link": ("weights_link", lambda: weights(_soft_link)),
    "a circle of groups": ("weights_link", lambda: weights(_circle)),
    "one array a thousand times": ("weights_link", lambda: weights(_often)),
    "a reference": ("weights_kind", lambda: weights(_reference)),
    "words": ("weights_kind", lambda: weights(_words)),
    "a record": ("weights_kind", lambda: weights(_record)),
    "a named type": ("weights_kind", lambda: weights(_type)),
    "an array without a shape": ("weights_kind", lambda: weights(_empty)),
    "too many groups": ("weights_many", lambda: weights(_groups)),
    "cut off": ("weights_broken", lambda: weights()[:900]),
    "no HDF5": ("weights_broken", lambda: bytes(4096)),
}


def _wrong_shape() -> bytes:
    stored = io.BytesIO()
    with h5py.File(stored, "w") as file:
        good_weights(file, conv=5)
    return archive(members(stored=stored.getvalue()))


def _not_numbers(file: h5py.File) -> None:
    file["layers/dense/vars/1"][...] = np.nan


# Refused only when Keras opens the file.
OPENED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "weights of another shape": ("unloadable", _wrong_shape),
    "no weights inside": ("unloadable", lambda: archive(members(stored=weights(lambda f: f.pop("layers"))))),
    "weights that are no numbers": ("not_finite", lambda: archive(members(stored=weights(_not_numbers)))),
    "a negative number of channels": ("unloadable", lambda: _with_config(1, filters=-5)),
    "an unknown argument": ("unloadable", lambda: _with_config(1, colour="red")),
    "a layer that reads nothing": ("unloadable", lambda: _with_layer(2, inbound_nodes=[])),
    "a picture of a billion pixels": (
        "numbers",
        lambda: with_layers(image_input(8, 8, 3), layer("UpSampling2D", "up", "pixels", size=[5000, 5000])),
    ),
}


def hungry() -> bytes:
    """A dense layer of 5 GB that the weights say nothing of."""
    return with_layers(
        image_input(8, 8, 3),
        layer("Flatten", "flatten", "pixels"),
        layer("Dense", "huge", "flatten", units=7_000_000),
    )
