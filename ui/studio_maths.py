"""The formula of a step with the numbers of the very picture: what happens to the pixel in its middle.

Only LaTeX, which reads the same in every language; the words around it are messages.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.imaging.chain import StepResult
from core.imaging.steps import edges, enhance, geometry
from core.types import Image


@dataclass(frozen=True)
class Worked:
    """LaTeX with numbers, and, where it gives one value of the picture, that value."""

    latex: str
    value: float | None = None  # of the red channel at the pixel, or of a mask: 0 or 255
    at_pixel: bool = False  # whether the numbers are those of the pixel


class Case:
    """A step's result, and the pixel that is worked out: the one in the middle."""

    def __init__(self, result: StepResult) -> None:
        self.result = result
        self.args: dict[str, Any] = dict(result.call.args)
        self.height, self.width = result.before.shape[:2]
        self.rows, self.columns = result.image.shape[:2]
        self.x, self.y = self.width // 2, self.height // 2
        self.looked = False  # whether a formula asked for the pixel

    def __getattr__(self, name: str) -> Any:
        return self.__dict__["args"][name]

    @property
    def red(self) -> int:
        """The red value of the pixel before the step."""
        self.looked = True
        return int(self.result.before[self.y, self.x, 0])

    @property
    def rgb(self) -> tuple[int, int, int]:
        self.looked = True
        red, green, blue = self.result.before[self.y, self.x].tolist()
        return red, green, blue

    @property
    def after(self) -> int:
        """The red value of the pixel after the step."""
        return int(self.result.image[self.y, self.x, 0])

    @property
    def grey(self) -> int:
        """The grey value of the pixel before the step."""
        return int(self.around(0)[0, 0])

    def around(self, radius: int, grey: bool = True) -> NDArray[np.float64]:
        """The values around the pixel, grey or red; mirrored where the picture ends."""
        self.looked = True
        plane = self.result.before
        part: Image = plane
        one = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY) if grey else part[..., 0]
        rows = _mirrored(self.y, radius, self.height)
        columns = _mirrored(self.x, radius, self.width)
        return np.asarray(one[np.ix_(rows, columns)], np.float64)

    def note(self, name: str) -> Any:
        return self.result.note.get(name)


def _mirrored(middle: int, radius: int, length: int) -> list[int]:
    """Indices around `middle`, reflected at both ends as OpenCV's default border does."""
    if length == 1:
        return [0] * (2 * radius + 1)
    period = 2 * (length - 1)
    places = [abs(middle + step) % period for step in range(-radius, radius + 1)]
    return [min(place, period - place) for place in places]


def worked(result: StepResult) -> Worked:
    """The numbers of one step of a chain."""
    case = Case(result)
    found = _STEPS[result.call.step](case)
    return replace(found if isinstance(found, Worked) else Worked(found), at_pixel=case.looked)


def _n(value: float, digits: int = 2) -> str:
    """A number without zeros at its end."""
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _signed(value: float, digits: int = 0) -> str:
    return f"({_n(value, digits)})" if value < 0 else _n(value, digits)


def _is(formula: str, value: float) -> Worked:
    """A formula with its value, as a level of the picture: rounded and kept within 0..255."""
    level = min(255, max(0, round(value)))
    arrow = "" if math.isclose(value, level, abs_tol=5e-3) else rf" \to {level}"
    return Worked(rf"{formula} = {_n(value)}{arrow}", value)


def _size(width: int, height: int) -> str:
    return rf"{width} \times {height}"


# --- geometry ---------------------------------------------------------------------------------------


def _scaled(case: Case) -> str:
    across, down = case.columns / case.width, case.rows / case.height
    factors = rf"s = \tfrac{{{case.columns}}}{{{case.width}}} = {_n(across, 3)}"
    if abs(across - down) > 0.01:
        factors = (
            rf"s_x = \tfrac{{{case.columns}}}{{{case.width}}} = {_n(across, 3)},"
            rf"\quad s_y = \tfrac{{{case.rows}}}{{{case.height}}} = {_n(down, 3)}"
        )
    return rf"{factors}:\qquad {_size(case.width, case.height)} \to {_size(case.columns, case.rows)}"


def _centre_crop(case: Case) -> str:
    short = min(case.width, case.height)
    left, top = (case.width - case.columns) // 2, (case.height - case.rows) // 2
    side = (
        rf"{case.fraction:g} \cdot \min({case.width}, {case.height}) = {case.fraction:g} \cdot {short} \approx {case.columns}"
        if case.square
        else rf"{case.fraction:g} \cdot ({_size(case.width, case.height)}) \approx {_size(case.columns, case.rows)}"
    )
    return rf"{side}:\qquad {left} \le x < {left + case.columns},\quad {top} \le y < {top + case.rows}"


def _crop(case: Case) -> str:
    left, right = geometry.interval(case.width, case.left, case.right)
    top, bottom = geometry.interval(case.height, case.top, case.bottom)
    return rf"{left} \le x < {right},\quad {top} \le y < {bottom}:\qquad {_size(case.width, case.height)} \to {_size(right - left, bottom - top)}"


def _pad(case: Case) -> str:
    side = max(case.width, case.height)
    across, down = side - case.width, side - case.height
    return (
        rf"w' = {case.width} + {across // 2} + {across - across // 2} = {side},"
        rf"\quad h' = {case.height} + {down // 2} + {down - down // 2} = {side}"
    )


def _letterbox(case: Case) -> str:
    rows, columns = geometry.resized(case.height, case.width, side=case.side, of="long")
    return (
        rf"s = \tfrac{{{case.side}}}{{{max(case.width, case.height)}}} = {_n(case.side / max(case.width, case.height), 3)}:"
        rf"\qquad {_size(case.width, case.height)} \to {_size(columns, rows)} \to {_size(case.side, case.side)}"
    )


def _rotate(case: Case) -> str:
    turn = math.radians(case.angle)
    sine, cosine = math.sin(turn), math.cos(turn)
    return (
        rf"\begin{{pmatrix}} \cos {case.angle:g}^\circ & \sin {case.angle:g}^\circ \\"
        rf" -\sin {case.angle:g}^\circ & \cos {case.angle:g}^\circ \end{{pmatrix}} ="
        rf" \begin{{pmatrix}} {cosine:.3f} & {sine:.3f} \\ {-sine:.3f} & {cosine:.3f} \end{{pmatrix}}"
        rf":\qquad {_size(case.width, case.height)} \to {_size(case.columns, case.rows)}"
    )


def _flip(case: Case) -> str:
    across, down = rf"x' = {case.width - 1} - x", rf"y' = {case.height - 1} - y"
    shown = {"horizontal": [across], "vertical": [down], "both": [across, down]}[case.axis]
    return r",\quad ".join(shown)


def _perspective(case: Case) -> str:
    across, down = abs(case.horizontal), abs(case.vertical)
    return (
        rf"(1 - {across:g}) \cdot {case.height} = {_n((1 - across) * case.height, 1)},"
        rf"\qquad (1 - {down:g}) \cdot {case.width} = {_n((1 - down) * case.width, 1)}"
    )


# --- damage and denoise -----------------------------------------------------------------------------


def _gaussian_noise(case: Case) -> str:
    noise = case.after - case.red
    clipped = case.after in (0, 255)
    sign = {0: r"\le ", 255: r"\ge "}[case.after] if clipped else ""
    relation = sign or r"\approx "
    return (
        rf"n \sim \mathcal{{N}}(0,\, {case.sigma:g}^2):\qquad {case.red} + n = {case.after}"
        rf",\quad n {relation}{noise}"
    )


def _salt_and_pepper(case: Case) -> str:
    before, after = case.result.before, case.result.image
    hit = int((before != after).any(axis=2).sum())
    pixels = case.width * case.height
    return (
        rf"{case.share:g} \cdot {case.width} \cdot {case.height} \approx {_n(case.share * pixels, 0)}"
        rf",\qquad \#\{{y \ne x\}} = {hit}"
    )


def _jpeg(case: Case) -> str:
    quality = case.quality
    scale = 5000 / quality if quality < 50 else 200 - 2 * quality
    first = min(255, max(1, math.floor((math.floor(scale) * 16 + 50) / 100)))
    written = rf"\tfrac{{5000}}{{{quality}}}" if quality < 50 else rf"200 - 2 \cdot {quality}"
    return (
        rf"S = {written} = {_n(math.floor(scale), 0)},\qquad"
        rf" q_{{00}} = \Big\lfloor \tfrac{{{math.floor(scale)} \cdot 16 + 50}}{{100}} \Big\rfloor \to {first}"
    )


def _motion_blur(case: Case) -> str:
    return rf"k = \tfrac{{1}}{{{case.length}}} = {1 / case.length:.3f},\quad \theta = {case.angle:g}^\circ"


def _gaussian(case: Case) -> str:
    radius = max(1, math.ceil(3 * case.sigma))
    weights = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * case.sigma**2))
    weights /= weights.sum()
    shown = [rf"w({i}) = {weights[radius + i]:.3f}" for i in range(min(radius, 3) + 1)]
    return rf"\sigma = {case.sigma:g}:\qquad " + r",\; ".join(shown)


def _median(case: Case) -> Worked:
    # OpenCV repeats the outermost pixels here; the middle of a picture is far enough from them.
    values = np.sort(case.around(case.size // 2, grey=False).ravel()).astype(int)
    middle = len(values) // 2
    near = values[max(0, middle - 3) : middle + 4].tolist()
    at = min(3, middle)
    shown = [rf"\boxed{{{value}}}" if i == at else str(value) for i, value in enumerate(near)]
    dots = (r"\dots,\," if middle > 3 else "", r",\,\dots" if middle > 3 else "")
    row = dots[0] + r",\,".join(shown) + dots[1]
    inside = min(case.width, case.height) >= case.size
    return Worked(
        rf"{case.size} \times {case.size} = {len(values)}:\qquad {row}",
        float(values[middle]) if inside else None,
    )


def _bilateral(case: Case) -> str:
    beside = case.result.before[case.y, min(case.x + 1, case.width - 1)].astype(int)
    apart = int(np.abs(beside - np.array(case.rgb)).sum())
    near = math.exp(-1 / (2 * case.space**2))
    alike = math.exp(-(apart**2) / (2 * case.colour**2))
    return (
        rf"e^{{-1^2 / (2 \cdot {case.space:g}^2)}} \cdot e^{{-{apart}^2 / (2 \cdot {case.colour:g}^2)}}"
        rf" = {near:.3f} \cdot {alike:.3f} = {near * alike:.3f}"
    )


def _non_local_means(case: Case) -> str:
    return (
        rf"h = {case.strength:g},\quad {case.search} \times {case.search} = {case.search**2}"
        rf"\ \text{{×}}\ {case.patch} \times {case.patch}"
    )


# --- enhance ----------------------------------------------------------------------------------------


def _brightness(case: Case) -> Worked:
    return _is(rf"{case.red} + {_signed(case.amount)}", case.red + case.amount)


def _contrast(case: Case) -> Worked:
    value = 127.5 + case.factor * (case.red - 127.5)
    return _is(rf"127.5 + {case.factor:g} \cdot ({case.red} - 127.5)", value)


def _grey_of(rgb: tuple[int, int, int]) -> float:
    return 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]


def _saturation(case: Case) -> Worked:
    grey = round(_grey_of(case.rgb))
    value = grey + case.factor * (case.red - grey)
    return _is(rf"{grey} + {case.factor:g} \cdot ({case.red} - {grey})", value)


def _gamma(case: Case) -> Worked:
    value = 255 * (case.red / 255) ** case.exponent
    return _is(rf"255 \cdot \Big(\tfrac{{{case.red}}}{{255}}\Big)^{{{case.exponent:g}}}", value)


def _equalise(case: Case) -> Worked:
    rgb = case.channels == "rgb"
    before = case.result.before
    plane = before[..., 0] if rgb else cv2.cvtColor(before, cv2.COLOR_RGB2LAB)[..., 0]
    counts = np.bincount(plane.ravel(), minlength=256)
    value = int(plane[case.y, case.x])
    lowest = int(counts[plane.min()])
    rest = plane.size - lowest
    below = int(counts[: value + 1].sum()) - lowest
    level = 255 * below / rest if rest else float(value)
    symbol = "F_R" if rgb else "F_L"
    found = _is(rf"255 \cdot {symbol}({value}) = 255 \cdot \tfrac{{{below}}}{{{max(1, rest)}}}", level)
    return found if rgb and rest else Worked(found.latex)


def _clahe(case: Case) -> str:
    tile = math.ceil(case.width / case.tiles) * math.ceil(case.height / case.tiles)
    most = max(1, int(case.limit * tile / 256))
    return (
        rf"{case.tiles} \times {case.tiles}:\quad \Big\lfloor {case.limit:g} \cdot"
        rf" \tfrac{{{math.ceil(case.width / case.tiles)} \cdot {math.ceil(case.height / case.tiles)}}}{{256}}"
        rf" \Big\rfloor = {most}"
    )


def _white_balance(case: Case) -> Worked:
    red, green, blue = enhance.grey_world_gains(case.result.before)
    gain = 1 + case.strength * (red - 1)
    found = _is(rf"{case.red} \cdot \big(1 + {case.strength:g} \cdot ({red:.3f} - 1)\big)", case.red * gain)
    gains = rf"g_R = {red:.3f},\; g_G = {green:.3f},\; g_B = {blue:.3f}"
    return Worked(rf"{gains}:\qquad {found.latex}", found.value)


def _unsharp_mask(case: Case) -> Worked:
    radius = math.ceil(4 * case.sigma) + 2
    patch = case.around(radius, grey=False)
    blurred = float(cv2.GaussianBlur(patch, (0, 0), case.sigma)[radius, radius])
    value = case.red + case.amount * (case.red - blurred)
    return _is(rf"{case.red} + {case.amount:g} \cdot ({case.red} - {_n(blurred, 1)})", value)


def _sharpen(case: Case) -> Worked:
    patch = case.around(1, grey=False).astype(int)
    up, left, right, down = patch[0, 1], patch[1, 0], patch[1, 2], patch[2, 1]
    value = case.red + case.amount * (4 * case.red - up - left - right - down)
    return _is(
        rf"{case.red} + {case.amount:g} \cdot (4 \cdot {case.red} - {up} - {left} - {right} - {down})", value
    )


def _greyscale(case: Case) -> Worked:
    red, green, blue = case.rgb
    return _is(rf"0.299 \cdot {red} + 0.587 \cdot {green} + 0.114 \cdot {blue}", _grey_of(case.rgb))


def _normalise(case: Case) -> Worked:
    if case.method == "network":
        number = (case.red - 127) / 128
        return Worked(rf"\frac{{{case.red} - 127}}{{128}} = {number:.4f}", number * 128 + 127)
    mean, deviation = (float(part[0, 0]) for part in cv2.meanStdDev(case.result.before))
    number = (case.red - mean) / max(deviation, 1e-6)
    return Worked(rf"\frac{{{case.red} - {mean:.1f}}}{{{deviation:.1f}}} = {number:.3f}", number * 64 + 127)


# --- edges ------------------------------------------------------------------------------------------


def _sobel(case: Case) -> Worked:
    slope, smooth = (kernel.ravel() for kernel in cv2.getDerivKernels(1, 0, case.size))
    scale = 2 / (np.abs(slope).sum() * smooth.sum())
    patch = case.around(case.size // 2)
    across = float((patch * np.outer(smooth, slope)).sum() * scale)
    down = float((patch * np.outer(slope, smooth)).sum() * scale)
    parts = rf"G_x = {_n(across, 1)},\quad G_y = {_n(down, 1)}"
    if case.direction != "both":
        value = abs(across if case.direction == "horizontal" else down)
        return Worked(rf"{parts}:\qquad |G| = {_n(value, 1)}", value)
    value = math.hypot(across, down)
    found = _is(rf"\sqrt{{{_signed(across, 1)}^2 + {_signed(down, 1)}^2}}", value)
    return Worked(rf"{parts}:\qquad {found.latex}", value)


def _laplacian(case: Case) -> Worked:
    impulse = np.zeros((17, 17), np.float32)
    impulse[8, 8] = 1
    kernel = cv2.Laplacian(impulse, cv2.CV_32F, ksize=case.size)[4:13, 4:13].astype(np.float64)
    scale = 1 / np.maximum(kernel, 0).sum()
    bend = float((case.around(4) * kernel).sum() * scale)
    shown = ""
    if case.size == 1:
        patch = case.around(1).astype(int)
        up, left, right, down = patch[0, 1], patch[1, 0], patch[1, 2], patch[2, 1]
        shown = rf"\tfrac{{1}}{{4}} \big|{up} + {left} + {right} + {down} - 4 \cdot {case.grey}\big|"
    elif case.size == 3:
        patch = case.around(1).astype(int)
        corners = " + ".join(str(value) for value in patch[::2, ::2].ravel())
        shown = rf"\tfrac{{1}}{{4}} \big|{corners} - 4 \cdot {case.grey}\big|"
    return _is(shown or rf"\big|\nabla^2 I({case.x}, {case.y})\big|", abs(bend))


def _canny(case: Case) -> str:
    low, high = sorted((case.low, case.high))
    share = float((case.result.image[..., 0] > 0).mean())
    return rf"|G| > {high},\quad {low} < |G| \le {high}:\qquad {share * 100:.1f}\,\%"


def _morphology(case: Case) -> str:
    kernel = cv2.getStructuringElement(edges.SHAPES[case.shape], (case.size, case.size))
    times = rf",\quad {case.times} \times" if case.times > 1 else ""
    return rf"|B| = {int(kernel.sum())}\ ({case.size} \times {case.size}){times}:\qquad {case.red} \to {case.after}"


def _pass(case: Case) -> str:
    response = {
        "ideal": "1",
        "gaussian": r"e^{-\ln 2 / 2} = 0.71",
        "butterworth": r"\tfrac{1}{\sqrt 2} = 0.71",
    }
    return (
        rf"f_c = {case.cutoff:g}\ \Rightarrow\ \lambda = \tfrac{{1}}{{{case.cutoff:g}}} ="
        rf" {_n(1 / case.cutoff, 1)}\ \mathrm{{px}},\qquad H(f_c) = {response[case.window]}"
    )


# --- segment ----------------------------------------------------------------------------------------


def _share(case: Case) -> str:
    return rf"\tfrac{{\#\{{1\}}}}{{{case.width} \cdot {case.height}}} = {float(case.note('foreground') or 0):.3f}"


def _compared(case: Case, level: float, written: str) -> Worked:
    light = case.grey > level
    inside = light if case.foreground == "light" else not light
    relation = ">" if light else r"\le"
    value = 255.0 * inside if case.view == "mask" else None
    return Worked(
        rf"{case.grey} {relation} {written}\ \Rightarrow\ {int(inside)},\qquad {_share(case)}", value
    )


def _threshold(case: Case) -> Worked:
    return _compared(case, case.level, str(case.level))


def _otsu(case: Case) -> Worked:
    level = float(case.note("level") if case.note("level") is not None else 127)
    return _compared(case, level, rf"t^* = {level:g}")


def _adaptive_threshold(case: Case) -> str:
    return rf"t(x, y) = \mu_{{{case.block} \times {case.block}}}(x, y) - {_signed(case.offset)},\qquad {_share(case)}"


def _areas(case: Case) -> str:
    areas = case.note("areas") or ()
    shown = ",\\; ".join(rf"A_{{{i}}} = {area}" for i, area in enumerate(areas[:4], 1))
    return rf"n = {int(case.note('regions') or 0)}" + (rf":\qquad {shown}" if shown else "")


def _kmeans(case: Case) -> str:
    labels = case.result.labels
    assert labels is not None
    pixels = case.result.before.reshape(-1, 3)
    shown = []
    for label in np.unique(labels)[:4]:
        red, green, blue = pixels[labels.ravel() == label].mean(axis=0)
        shown.append(rf"\mu_{{{label}}} = ({red:.0f}, {green:.0f}, {blue:.0f})")
    dots = r",\;\dots" if case.colours > 4 else ""
    return rf"k = {case.colours}:\qquad " + r",\; ".join(shown) + dots


def _grabcut(case: Case) -> str:
    left, right = geometry.interval(case.width, case.left, case.right)
    top, bottom = geometry.interval(case.height, case.top, case.bottom)
    inside = (right - left) * (bottom - top)
    kept = int(sum(case.note("areas") or (0,)))
    return rf"{_size(right - left, bottom - top)} = {inside}\ \to\ {kept},\qquad {_share(case)}"


def _superpixels(case: Case) -> str:
    scale = min(1.0, 400 / max(case.width, case.height))
    width, height = round(case.width * scale), round(case.height * scale)
    side = math.sqrt(width * height / case.count)
    return (
        rf"S = \sqrt{{\tfrac{{{width} \cdot {height}}}{{{case.count}}}}} = {side:.1f},"
        rf"\quad m = {case.compactness:g},\qquad {_areas(case)}"
    )


_STEPS: dict[str, Callable[[Case], Worked | str]] = {
    "resize": _scaled,
    "rescale": _scaled,
    "centre_crop": _centre_crop,
    "crop": _crop,
    "pad": _pad,
    "letterbox": _letterbox,
    "rotate": _rotate,
    "flip": _flip,
    "perspective": _perspective,
    "gaussian_noise": _gaussian_noise,
    "salt_and_pepper": _salt_and_pepper,
    "jpeg": _jpeg,
    "motion_blur": _motion_blur,
    "gaussian": _gaussian,
    "median": _median,
    "bilateral": _bilateral,
    "non_local_means": _non_local_means,
    "brightness": _brightness,
    "contrast": _contrast,
    "saturation": _saturation,
    "gamma": _gamma,
    "equalise": _equalise,
    "clahe": _clahe,
    "white_balance": _white_balance,
    "unsharp_mask": _unsharp_mask,
    "sharpen": _sharpen,
    "greyscale": _greyscale,
    "normalise": _normalise,
    "sobel": _sobel,
    "laplacian": _laplacian,
    "canny": _canny,
    "morphology": _morphology,
    "low_pass": _pass,
    "high_pass": _pass,
    "threshold": _threshold,
    "otsu": _otsu,
    "adaptive_threshold": _adaptive_threshold,
    "kmeans": _kmeans,
    "watershed": _areas,
    "grabcut": _grabcut,
    "superpixels": _superpixels,
    "components": _areas,
}
