"""The tools and the data sets that the article names, and where each is at work in this app."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import Literal


@dataclass(frozen=True)
class Resource:
    """One of them; its words are the messages `questions.resource.NAME`."""

    name: str  # as it is called
    kind: Literal["tool", "data"]
    page: str  # where a visitor meets it
    package: str = ""  # of a tool
    module: str = ""  # what is imported
    files: tuple[str, ...] = ()  # that import it, or that come from the data

    @property
    def version(self) -> str:
        """The version that runs here; "" for data."""
        if not self.package:
            return ""
        try:
            return metadata.version(self.package)
        except metadata.PackageNotFoundError:
            return metadata.version(f"{self.package}-cpu")  # on Linux, see requirements.txt


RESOURCES = (
    Resource(
        "TensorFlow",
        "tool",
        "fine_tune",
        "tensorflow",
        "tensorflow",
        ("core/vision/inside.py", "core/tuning/unlocked.py"),
    ),
    Resource(
        "Keras",
        "tool",
        "feature_maps",
        "keras",
        "keras",
        ("core/vision/efficientnet.py", "core/language/recurrent.py"),
    ),
    Resource(
        "OpenCV",
        "tool",
        "preprocess",
        "opencv-python",
        "cv2",
        ("core/imaging/steps/denoise.py", "core/imaging/steps/edges.py"),
    ),
    Resource(
        "Pillow",
        "tool",
        "classify",
        "pillow",
        "PIL",
        ("core/imaging/decode.py", "core/vision/preparation.py"),
    ),
    Resource(
        "Streamlit", "tool", "home", "streamlit", "streamlit", ("ui/frame.py", "ui/components/_declare.py")
    ),
    Resource("Plotly", "tool", "sentiment", "plotly", "plotly", ("ui/charts.py",)),
    Resource("ImageNet", "data", "classify", files=("assets/vision/efficientnet_lite0.npz",)),
    Resource("MNIST", "data", "fine_tune", files=("assets/tuning/digits.zip",)),
    Resource("IMDb", "data", "sentiment", files=("assets/language/rnn.npz", "assets/language/gru.npz")),
)
