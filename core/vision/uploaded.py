"""A visitor's own Keras file: checked member by member, tried in a child process, then opened here.

A file passes four gates, each of which refuses with a sentence:

1. the archive: its members, their names and sizes, without unpacking anything;
2. the architecture: every object of `config.json` is on a list of plain Keras layers. What was read is
   written anew, so that Keras sees the very objects that were checked and no others;
3. a child process under a watch on its time and resident memory (`python -m core.vision.uploaded`): the
   HDF5 headers, then Keras, one forward and one backward pass;
4. this process, which loads what the child survived.

How the network is read, nested models, several outputs and all, is `core.vision.structure`'s matter.
"""

from __future__ import annotations

import io
import json
import math
import os
import stat
import struct
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from core import disk, memory
from core.errors import GlassboxError
from core.types import ModelCard
from core.vision import structure
from core.vision.models import VisionModel
from core.vision.preparation import Preparation
from core.vision.structure import Graph

Size: TypeAlias = tuple[int, int, int]  # (height, width, channels)

Scaling: TypeAlias = Literal["0..255", "0..1", "-1..1"]
SCALINGS: tuple[Scaling, ...] = get_args(Scaling)
_OFFSET_AND_SCALE = {"0..255": (0.0, 1.0), "0..1": (0.0, 255.0), "-1..1": (127.5, 127.5)}

LARGEST_FILE = 100 * 2**20  # bytes
LARGEST_UNPACKED = 200 * 2**20  # bytes, all members together
LARGEST_CONFIG = 8 * 2**20  # bytes
LARGEST_RATIO = 100  # unpacked to packed; Keras does not pack at all
DEEPEST_CONFIG = 64  # levels
MOST_LAYERS = 1500
MOST_PARAMETERS = 60_000_000
MOST_NUMBERS = 200_000_000  # in all layers' outputs for one image
MOST_LABELS = 25_000  # a longer vector is not read as classes
MOST_OBJECTS = 50_000  # groups and data sets of the weights
SMALLEST_SIDE, LARGEST_SIDE, FREE_SIDE = 8, 512, 224  # pixels; the last where the file leaves it open
SECONDS = 90.0  # that the child may take, TensorFlow's own start included
MEMORY = 1500 * 2**20  # bytes of resident memory that the child may take; 640 MiB are TensorFlow's own

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


MODELS = {"Functional": "keras.src.models.functional", "Sequential": "keras"}
LAYERS = _names(
    """
    Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D
    AdaptiveMaxPooling1D AdaptiveMaxPooling2D Add AdditiveAttention AlphaDropout Attention AugMix
    AutoContrast Average AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization
    Bidirectional CenterCrop Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D
    Conv3DTranspose ConvLSTM1D ConvLSTM2D Cropping1D Cropping2D Cropping3D Dense DepthwiseConv1D
    DepthwiseConv2D Dot Dropout ELU EinsumDense Embedding Equalization Flatten GRU GaussianDropout
    GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
    GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization GroupQueryAttention
    Identity InputLayer LSTM LayerNormalization LeakyReLU MaxPooling1D MaxPooling2D MaxPooling3D Maximum
    Minimum MultiHeadAttention Multiply Normalization PReLU Permute RMSNormalization RandomBrightness
    RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop RandomErasing RandomFlip
    RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective RandomPosterization
    RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation RandomZoom ReLU
    RepeatVector Rescaling Reshape Resizing SeparableConv1D SeparableConv2D SimpleRNN Softmax
    Solarization SpatialDropout1D SpatialDropout2D SpatialDropout3D SpectralNormalization Subtract
    TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D
    ZeroPadding3D
    """
)
INITIALIZERS = _names(
    """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity LecunNormal LecunUniform Ones
    Orthogonal OrthogonalInitializer RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros
    """
)
REGULARIZERS = frozenset({"L1", "L1L2", "L2", "OrthogonalRegularizer"})
CONSTRAINTS = frozenset({"MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"})
OPERATIONS = _names(  # what a functional model holds where tensors were added, sliced, scaled
    """
    Abs Absolute Add Amax Amin Average AveragePool BatchNorm BroadcastTo Cast Celu Clip Concatenate
    DepthToSpace Divide Dot Einsum Elu Erf Exp ExpandDims Flip Gelu GetItem Glu HardSigmoid HardSilu
    HardTanh LayerNorm LeakyRelu Log Log1p LogSigmoid LogSoftmax Matmul Max MaxPool Maximum Mean Min
    Minimum Mish Moveaxis Multiply Negative Normalize Outer Pad Power RGBToGrayscale ReLU Reciprocal Relu
    Relu6 Repeat Reshape Resize Roll Rsqrt Selu Sigmoid Sign Silu Softmax Softplus Softsign SpaceToDepth
    Split Sqrt Square Squeeze Stack Std StopGradient Subtract Sum Swapaxes Tanh Tensordot Tile Transpose
    TrueDivide Var Where
    """
)
OPERATION_MODULES = frozenset(
    [f"keras.src.ops.{name}" for name in ("core", "image", "math", "nn", "numpy")]
    + ["keras.src.activations.activations"]
)
APPLICATION_LAYERS = frozenset({"LayerScale", "StochasticDepth"})  # of keras.applications.ConvNeXt
ACTIVATIONS = _names(
    """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu
    linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign
    sparse_plus sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink threshold
    """
)
FLOATS = frozenset({"float16", "bfloat16", "float32", "float64"})
DTYPES = FLOATS | {"bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "int64"}
POLICIES = FLOATS | {"mixed_float16", "mixed_bfloat16"}

_ONE_AT_A_TIME = threading.Lock()  # two children would need twice the memory


@dataclass(frozen=True)
class Note:
    """Something that the page tells of how the file is read: a message and its values."""

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Uploaded(VisionModel):
    """A visitor's model, with the scaling of its input and what there is to say of it.

    Its labels are "0", "1", ...: `uploaded.label` is the word for one. They are empty where the network
    has no output that can be read as classes; its layers can be looked into all the same.
    """

    scaling: Scaling = "0..1"
    notes: tuple[Note, ...] = ()


def read_model(data: bytes, name: str, scaling: Scaling | None = None) -> Uploaded:
    """A visitor's `.keras` file as a model to look into.

    Blocks for as long as a child process needs to try the file, some ten seconds; one file at a time.

    Args:
        data: the file, at most `LARGEST_FILE` bytes.
        name: the file's name, to be shown.
        scaling: the numbers that the network reads; if not given, pixels of 0..255 where the network
            starts by scaling them itself, else 0..1.

    Raises:
        GlassboxError: `uploaded.error.*`, one for each reason to refuse a file; `error.disk`;
            `memory.error.tensorflow`.
    """
    memory.ask_for_tensorflow(child=True)
    with disk.private_folder() as folder:
        size, notes = _unpack(data, folder)
        _rehearse(folder)
        network, graph = _open_or_tell(folder)
    labels, more = _classes(network, graph)
    notes += more
    if scaling is None:
        found = _scaling(graph)
        scaling = found or "0..1"
        key = "uploaded.note.scaling_known" if found else "uploaded.note.scaling_guessed"
        notes.append(Note(key, {"scaling": scaling}))
    shown = _plain(Path(name.replace("\\", "/")).name.removesuffix(".keras")) or "model"
    offset, scale = _OFFSET_AND_SCALE[scaling]
    count = int(network.count_params())
    card = ModelCard(
        name=shown,
        input_size=size,
        parameters=count,
        source="visitor",
        licence="",
        made_by="",
        layers=structure.worth_showing(graph),
        figures={"float32_bytes": 4.0 * count, "numbers": float(_numbers(graph))},
    )
    return Uploaded(
        shown,
        tuple(str(index) for index in range(labels)),
        Preparation(max(size[:2]), 1.0, offset, scale, channels=size[2]),
        card,
        lambda: network,
        scaling=scaling,
        notes=tuple(notes),
    )


def with_scaling(model: Uploaded, scaling: Scaling) -> Uploaded:
    """The same network, fed with other numbers. Nothing is loaded or compiled again."""
    offset, scale = _OFFSET_AND_SCALE[scaling]
    notes = tuple(note for note in model.notes if not note.key.startswith("uploaded.note.scaling"))
    preparation = replace(model.preparation, offset=offset, scale=scale)
    return replace(model, preparation=preparation, scaling=scaling, notes=notes)


def _plain(text: str, longest: int = 60) -> str:
    """A visitor's words as they may stand in a sentence: no markup, no line breaks, not too long."""
    kept = "".join(letter if letter.isalnum() or letter in " _-.,:=/()" else " " for letter in text)
    short = " ".join(kept.split())
    return short if len(short) <= longest else short[: longest - 1] + "…"


# --- the archive ------------------------------------------------------------------------------------


def _unpack(data: bytes, folder: Path) -> tuple[Size, list[Note]]:
    """The checked parts of the file, written anew to `folder`; its input's size and notes."""
    if len(data) > LARGEST_FILE:
        raise GlassboxError("uploaded.error.too_big", got=len(data) >> 20, limit=LARGEST_FILE >> 20)
    if data[:8] == b"\x89HDF\r\n\x1a\n":
        raise GlassboxError("uploaded.error.old_format")
    if data[:4] != b"PK\x03\x04":
        raise GlassboxError("uploaded.error.not_zip")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = _members(archive)
            _check_version(_read(archive, members[METADATA]) if METADATA in members else b"{}")
            config = _parse(_read(archive, members[CONFIG]))
            size, notes = check_config(config)
            with (folder / WEIGHTS).open("wb") as file:
                for chunk in _chunks(archive, members[WEIGHTS]):
                    file.write(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, struct.error, NotImplementedError) as problem:
        if disk.is_full(problem):
            raise
        raise GlassboxError("uploaded.error.broken") from problem
    with zipfile.ZipFile(folder / "model.keras", "w") as written:
        written.writestr(METADATA, "{}")
        written.writestr(CONFIG, json.dumps(config))
        written.write(folder / WEIGHTS, WEIGHTS)
    return size, notes


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The members by name, all of them such as Keras writes."""
    entries = archive.infolist()
    if len(entries) > 64:
        raise GlassboxError("uploaded.error.members", count=len(entries))
    members: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        name = entry.filename
        told = _plain(name) or "?"
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or ".." in parts or ":" in name or "\\" in name:
            raise GlassboxError("uploaded.error.path", name=told)
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise GlassboxError("uploaded.error.link", name=told)
        if entry.flag_bits & 0x1:
            raise GlassboxError("uploaded.error.encrypted")
        if name in members:
            raise GlassboxError("uploaded.error.duplicate", name=told)
        if entry.is_dir() and entry.file_size == 0:
            continue
        if name.lower().endswith((".keras", ".zip")):
            raise GlassboxError("uploaded.error.nested", name=told)
        if parts[0] == "assets":
            raise GlassboxError("uploaded.error.assets", name=told)
        if name not in (METADATA, CONFIG, WEIGHTS):
            raise GlassboxError("uploaded.error.member", name=told)
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise GlassboxError("uploaded.error.broken")
        if entry.file_size > 2**20 and entry.file_size > LARGEST_RATIO * entry.compress_size:
            raise GlassboxError("uploaded.error.bomb", name=told)
        members[name] = entry
    if sum(entry.file_size for entry in members.values()) > LARGEST_UNPACKED:
        raise GlassboxError("uploaded.error.unpacked", limit=LARGEST_UNPACKED >> 20)
    for wanted in (CONFIG, WEIGHTS):
        if wanted not in members:
            raise GlassboxError("uploaded.error.missing", name=wanted)
    for wanted in (CONFIG, METADATA):
        if wanted in members and members[wanted].file_size > LARGEST_CONFIG:
            raise GlassboxError("uploaded.error.config_size", limit=LARGEST_CONFIG >> 20)
    return members


def _chunks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """A member's bytes; their number and checksum are those declared, or `BadZipFile` is raised."""
    length = 0
    if entry.header_offset < 0:  # a directory that points before the file's beginning
        raise zipfile.BadZipFile
    with archive.open(entry) as member:
        while chunk := member.read(2**20):
            length += len(chunk)
            yield chunk
    if length != entry.file_size:
        raise zipfile.BadZipFile


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    return b"".join(_chunks(archive, entry))


# --- the architecture -------------------------------------------------------------------------------


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except RecursionError as problem:
        raise GlassboxError("uploaded.error.config_depth", limit=DEEPEST_CONFIG) from problem
    except ValueError as problem:
        raise GlassboxError("uploaded.error.config") from problem
    if not isinstance(found, dict) or not isinstance(found.get("config"), dict):
        raise GlassboxError("uploaded.error.config")
    return found


def _check_version(raw: bytes) -> None:
    version = str(_parse(b'{"config": ' + raw + b"}")["config"].get("keras_version", "3"))
    if not version.startswith("3"):
        raise GlassboxError("uploaded.error.version", version=_plain(version, 20))


def check_config(config: dict[str, Any]) -> tuple[Size, list[Note]]:
    """Refuse an architecture that holds more than plain Keras layers; rewrite it in place otherwise.

    Afterwards every object comes from a module that is named here, numbers are float32, nothing is
    compiled, and the input is a batch of images of a fixed size.

    Returns:
        the input's size and what is to be told.

    Raises:
        GlassboxError: with the name of the layer that is refused.
    """
    if config.get("class_name") not in MODELS:
        raise GlassboxError("uploaded.error.not_a_model", kind=_plain(str(config.get("class_name"))))
    layers = 0
    waiting: list[tuple[Any, str, int]] = [(config, "", 0)]
    while waiting:
        value, layer, depth = waiting.pop()
        if depth > DEEPEST_CONFIG:
            raise GlassboxError("uploaded.error.config_depth", limit=DEEPEST_CONFIG)
        if isinstance(value, dict):
            value.pop("compile_config", None)
            inner = value.get("config")
            if isinstance(inner, dict) and isinstance(inner.get("name"), str):
                layer = _plain(inner["name"])
            if "class_name" in value:
                layers += _check_object(value, layer)
            _check_values(value, layer)
            waiting += [(part, layer, depth + 1) for part in value.values()]
        elif isinstance(value, list):
            waiting += [(part, layer, depth + 1) for part in value]
    if layers > MOST_LAYERS:
        raise GlassboxError("uploaded.error.layers", count=layers, limit=MOST_LAYERS)
    return _check_input(config)


def _check_object(value: dict[str, Any], layer: str) -> bool:
    """Refuse an object that is not on the lists; whether it is a layer."""
    kind, module = value["class_name"], value.get("module")
    inner, registered = value.get("config"), value.get("registered_name")
    if kind in ("Lambda", "__lambda__"):
        raise GlassboxError("uploaded.error.lambda", layer=layer or "?")
    if kind in ("__keras_tensor__", "__ellipsis__", "__slice__"):
        return False
    if kind in ("__tensor__", "__numpy__"):
        if not isinstance(inner, dict) or inner.get("dtype") not in DTYPES:
            raise GlassboxError("uploaded.error.value", layer=layer or "?")
        return False
    if kind == "function":
        if inner not in ACTIVATIONS or registered not in (None, inner):
            raise GlassboxError("uploaded.error.function", layer=layer or "?", name=_plain(str(inner)))
        value["module"] = "builtins"
        return False
    home = _home(kind, module) if isinstance(kind, str) and isinstance(module, str) else None
    if home is None or registered not in (None, kind):
        told = {"layer": layer or "?", "kind": _plain(str(kind))}
        if registered in (None, kind) and str(module).split(".")[0] == "keras":
            raise GlassboxError("uploaded.error.layer", **told)
        raise GlassboxError("uploaded.error.custom", **told)
    if kind == "DTypePolicy":
        if not isinstance(inner, dict) or inner.get("name") not in POLICIES:
            raise GlassboxError("uploaded.error.quantized", layer=layer or "?")
        inner["name"] = "float32"
    value["module"], value["registered_name"] = home, None
    return home == "keras.layers"


def _home(kind: str, module: str) -> str | None:
    """The module that an object is taken from, or None if it is not on a list."""
    if module in OPERATION_MODULES:
        return module if kind in OPERATIONS else None
    if module == "keras.src.applications.convnext":
        return module if kind in APPLICATION_LAYERS else None
    for area, names in (
        ("layers", LAYERS),
        ("initializers", INITIALIZERS),
        ("regularizers", REGULARIZERS),
        ("constraints", CONSTRAINTS),
    ):
        if module == f"keras.{area}" or module.startswith(f"keras.src.{area}."):
            return f"keras.{area}" if kind in names else None
    if kind == "DTypePolicy" and module in ("keras", "keras.dtype_policies"):
        return "keras"
    if module in ("keras", "keras.models") or module.startswith("keras.src.models."):
        return MODELS.get(kind)
    return None


def _check_values(value: dict[str, Any], layer: str) -> None:
    """Numbers as float32; activations by a name that is known."""
    for key in ("dtype", "compute_dtype", "variable_dtype"):
        if isinstance(value.get(key), str) and value[key] in FLOATS:
            value[key] = "float32"
    for key in ("activation", "recurrent_activation"):
        name = value.get(key)
        if isinstance(name, str) and name not in ACTIVATIONS:
            raise GlassboxError("uploaded.error.function", layer=layer or "?", name=_plain(name))


def _check_input(config: dict[str, Any]) -> tuple[Size, list[Note]]:
    """Refuse a network that does not read one image; fix a side that is left open."""
    inner = config["config"]
    layers = inner.get("layers")
    if not isinstance(layers, list) or not all(isinstance(layer, dict) for layer in layers):
        raise GlassboxError("uploaded.error.config")
    inputs = [layer for layer in layers if layer.get("class_name") == "InputLayer"]
    if not inputs and config["class_name"] == "Sequential":
        built = config.get("build_config")
        shape = inner.get("build_input_shape") or (isinstance(built, dict) and built.get("input_shape"))
        if shape:
            inputs = [
                {"class_name": "InputLayer", "module": "keras.layers", "config": {"batch_shape": shape}}
            ]
            layers.insert(0, inputs[0])
    if len(inputs) != 1:
        raise GlassboxError("uploaded.error.inputs", count=len(inputs))
    details = inputs[0].get("config")
    shape = isinstance(details, dict) and (details.get("batch_shape") or details.get("batch_input_shape"))
    if not isinstance(shape, list) or len(shape) != 4 or not isinstance(details, dict):
        raise GlassboxError("uploaded.error.input_rank", shape=_plain(str(shape)))
    if not all(size is None or (isinstance(size, int) and size > 0) for size in shape):
        raise GlassboxError("uploaded.error.input_rank", shape=_plain(str(shape)))
    _, height, width, channels = shape
    if channels not in (1, 3):
        raise GlassboxError("uploaded.error.channels", shape=_plain(str(shape)))
    notes = [] if height and width else [Note("uploaded.note.side", {"side": width or height or FREE_SIDE})]
    height, width = height or width or FREE_SIDE, width or height or FREE_SIDE
    if not SMALLEST_SIDE <= min(height, width) <= max(height, width) <= LARGEST_SIDE:
        told = f"{height} × {width}"
        raise GlassboxError("uploaded.error.side", size=told, low=SMALLEST_SIDE, high=LARGEST_SIDE)
    details.pop("batch_input_shape", None)
    shape = [None, height, width, channels]
    details.update(batch_shape=shape, dtype="float32", sparse=False, ragged=False)
    if "build_input_shape" in inner:
        inner["build_input_shape"] = shape
    if height != width:
        notes.append(Note("uploaded.note.squeezed", {"height": height, "width": width}))
    if channels == 1:
        notes.append(Note("uploaded.note.grey"))
    return (height, width, channels), notes


# --- the weights ------------------------------------------------------------------------------------


def check_weights(path: Path) -> None:
    """Refuse an HDF5 file whose headers promise other than plain arrays that lie in the file itself.

    Only headers are read. What Keras writes is contiguous, unpacked and without links; so no data set may
    be larger than the bytes stored for it, and all together no larger than the file.

    Raises:
        GlassboxError: with the name of the group or data set that is refused.
    """
    import h5py  # type: ignore[import-untyped]

    try:
        with h5py.File(path, "r") as file:
            _check_groups(file, path.stat().st_size)
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, OverflowError, UnicodeError) as problem:
        raise GlassboxError("uploaded.error.weights_broken") from problem


def _check_groups(file: Any, size: int) -> None:
    import h5py

    seen: set[int] = set()
    stored = parameters = 0
    waiting = [file["/"]]
    while waiting:
        group = waiting.pop()
        for name in group:
            told = _plain(f"{group.name}/{name}".lstrip("/"))
            if type(group.get(name, getlink=True)) is not h5py.HardLink:
                raise GlassboxError("uploaded.error.weights_link", name=told)
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:  # two names for one object: a circle, or one array counted often
                raise GlassboxError("uploaded.error.weights_link", name=told)
            seen.add(address)
            if len(seen) > MOST_OBJECTS:
                raise GlassboxError("uploaded.error.weights_many", limit=MOST_OBJECTS)
            if isinstance(item, h5py.Group):
                waiting.append(item)
            elif isinstance(item, h5py.Dataset):
                stored += _check_dataset(item, told)
                if not told.startswith("optimizer"):
                    parameters += math.prod(item.shape or ())
            else:
                raise GlassboxError("uploaded.error.weights_kind", name=told)
    if stored > size:
        raise GlassboxError("uploaded.error.weights_size", name=WEIGHTS)
    if parameters > MOST_PARAMETERS:
        raise GlassboxError("uploaded.error.parameters", count=parameters, limit=MOST_PARAMETERS)


def _check_dataset(item: Any, told: str) -> int:
    """The bytes of a data set, if it is a plain array of numbers that are all in the file."""
    import h5py

    if item.dtype.kind not in "fiub" and not (item.dtype.kind == "V" and item.dtype.itemsize == 2):
        raise GlassboxError("uploaded.error.weights_kind", name=told)  # 2 bytes: bfloat16
    created = item.id.get_create_plist()
    if created.get_external_count() or item.is_virtual:
        raise GlassboxError("uploaded.error.weights_outside", name=told)
    if item.shape is None:
        raise GlassboxError("uploaded.error.weights_kind", name=told)
    size: int = math.prod(item.shape) * item.dtype.itemsize
    if created.get_layout() not in (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS) or created.get_nfilters():
        raise GlassboxError("uploaded.error.weights_packed", name=told)
    if size > item.id.get_storage_size():
        raise GlassboxError("uploaded.error.weights_size", name=told)
    return size


# --- the child process ------------------------------------------------------------------------------


def _rehearse(folder: Path) -> None:
    """Let a child process open the model of `folder` and run it, and end it when it takes too much."""
    kept = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "LANG")
    environment = {name: os.environ[name] for name in kept if name in os.environ} | {
        "CUDA_VISIBLE_DEVICES": "-1",
        "HOME": str(folder),
        "KERAS_BACKEND": "tensorflow",
        "KERAS_HOME": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TMPDIR": str(folder),
    }
    with _ONE_AT_A_TIME:
        child = subprocess.Popen(
            [sys.executable, "-m", "core.vision.uploaded", str(folder)],
            cwd=Path(__file__).resolve().parent.parent.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _watch(child)
        finally:  # also when the visitor leaves
            child.kill()
            child.wait()
    try:
        answer = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise GlassboxError("uploaded.error.crashed") from problem
    if answer:
        raise GlassboxError(answer["key"], **answer["values"])


def _watch(child: subprocess.Popen[bytes]) -> None:
    import psutil  # type: ignore[import-untyped]

    process = psutil.Process(child.pid)
    until = time.monotonic() + SECONDS
    while child.poll() is None:
        if time.monotonic() > until:
            raise GlassboxError("uploaded.error.time", seconds=round(SECONDS))
        try:
            resident = process.memory_info().rss
        except psutil.Error:  # it has just ended
            continue
        if resident > MEMORY:
            raise GlassboxError("uploaded.error.memory", limit=MEMORY >> 20)
        time.sleep(0.02)


def _try(folder: Path) -> None:
    """The child's work: the weights' headers, then Keras, one forward and one backward pass."""
    answer: dict[str, Any] = {}
    try:
        check_weights(folder / WEIGHTS)
        _, graph = _open_or_tell(folder)
        _run_once(graph)
    except GlassboxError as problem:
        answer = {"key": problem.key, "values": problem.values}
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


def _run_once(graph: Graph) -> None:
    import tensorflow as tf

    numbers = tf.random.stateless_uniform((1, *graph.nodes[graph.image].shape), (0, 0))
    try:
        with tf.GradientTape() as tape:
            tape.watch(numbers)
            answer = graph.run(numbers, range(len(graph.nodes)))[graph.output]
        tape.gradient(answer, numbers)
    except Exception as problem:
        raise GlassboxError("uploaded.error.unloadable", reason=_plain(str(problem), 200)) from problem
    if not np.isfinite(answer).all():
        raise GlassboxError("uploaded.error.not_finite")


# --- the network ------------------------------------------------------------------------------------


def _open_or_tell(folder: Path) -> tuple[Any, Graph]:
    """The network of `folder` and its graph; what Keras finds wrong with the file becomes a sentence."""
    import keras

    try:
        network = keras.saving.load_model(folder / "model.keras", compile=False, safe_mode=True)
        graph = structure.read(network)
    except GlassboxError:
        raise
    except Exception as problem:
        raise GlassboxError("uploaded.error.unloadable", reason=_plain(str(problem), 200)) from problem
    network.trainable = False
    count, numbers = int(network.count_params()), _numbers(graph)
    if count > MOST_PARAMETERS:
        raise GlassboxError("uploaded.error.parameters", count=count, limit=MOST_PARAMETERS)
    if numbers > MOST_NUMBERS:
        raise GlassboxError("uploaded.error.numbers", count=numbers, limit=MOST_NUMBERS)
    return network, graph


def _numbers(graph: Graph) -> int:
    """How many numbers all layers put out for one image."""
    return sum(math.prod(node.shape) for node in graph.nodes)


def _classes(network: Any, graph: Graph) -> tuple[int, list[Note]]:
    """How many classes the network tells apart, and what is to be told of its output."""
    node = graph.nodes[graph.output[0]]
    notes = []
    if len(network.outputs) > 1:
        name = _plain(node.name)
        notes.append(Note("uploaded.note.outputs", {"count": len(network.outputs), "name": name}))
    if len(node.shape) != 1 or node.shape[0] > MOST_LABELS:
        return 0, [*notes, Note("uploaded.note.no_classes", {"shape": " × ".join(map(str, node.shape))})]
    sigmoid = "sigmoid" in (node.kind, structure.activation_of(node.operation))
    if node.shape == (1,):
        return 2, [*notes, Note("uploaded.note.one_sigmoid" if sigmoid else "uploaded.note.one_number")]
    return node.shape[0], [*notes, Note("uploaded.note.sigmoid")] if sigmoid else notes


def _scaling(graph: Graph) -> Scaling | None:
    """The numbers that the network starts from, where its first layers tell."""
    for node in graph.nodes:
        kind = type(node.operation).__name__
        if kind in ("InputLayer", "Cast", "Resizing", "CenterCrop", "Identity") or kind.startswith("Random"):
            continue
        if kind == "Rescaling":
            return "0..255" if np.max(np.abs(node.operation.scale)) < 0.1 else "0..1"
        if kind == "Normalization":
            return "0..255" if np.max(np.abs(node.operation.mean)) > 2 else "0..1"
        if kind in ("GetItem", "TrueDivide", "Divide", "Multiply", "Subtract"):  # a preprocess_input
            return "0..255"
        return None
    return None


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(5)  # the pages of other visitors go first
    _try(Path(sys.argv[1]))
