"""Every step: its words, its robustness, and that its result agrees with other libraries on the same input."""

from __future__ import annotations

import functools
import math
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytest
import scipy.cluster.vq
import scipy.fft
import scipy.ndimage
import skimage.color
import skimage.data
import skimage.exposure
import skimage.feature
import skimage.filters
import skimage.measure
import skimage.segmentation
import skimage.transform
from hypothesis import given, settings
from hypothesis import strategies as st

from core import i18n
from core.errors import GlassboxError
from core.imaging import STEPS, Call, apply
from core.imaging.chain import StepResult
from core.imaging.export import to_python
from core.imaging.steps import FAMILIES, VIEWS, draw_labels
from core.imaging.steps.edges import low_frequencies
from core.imaging.steps.segment import distance_peaks, nearest_colours
from core.params import Parameter, check
from core.types import Image


def run(image: Image, step: str, **args: Any) -> StepResult:
    return apply(image, [Call.of(step, **args)])[0]


def made(image: Image, step: str, **args: Any) -> Image:
    return run(image, step, **args).image


def apart(image: Image, other: np.ndarray) -> float:
    """The largest difference in levels."""
    return float(np.abs(image.astype(np.float64) - other).max())


def grey(image: Image) -> np.ndarray:
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def three(plane: np.ndarray) -> Image:
    return np.repeat(plane[..., np.newaxis], 3, axis=-1).astype(np.uint8)


def overlap(mask: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union."""
    return np.count_nonzero(mask & other) / np.count_nonzero(mask | other)


@pytest.fixture(scope="module")
def photo() -> Image:
    return skimage.data.astronaut()[:300, :400].copy()


@pytest.fixture(scope="module")
def coins() -> Image:
    return three(skimage.data.coins())


# The contract of the registry


def test_the_families_are_all_there_and_in_the_order_of_the_menu() -> None:
    assert list(dict.fromkeys(step.family for step in STEPS.values())) == list(FAMILIES)
    assert all(sum(step.family == family for step in STEPS.values()) >= 4 for family in FAMILIES)


@pytest.mark.parametrize("language", i18n.LANGUAGES)
@pytest.mark.parametrize("name", STEPS)
def test_every_step_parameter_and_choice_has_its_words(name: str, language: str) -> None:
    words, step = i18n.catalogue(language), STEPS[name]
    asked = [f"step.{name}", f"step.{name}.about", f"step.{name}.formula"]
    for parameter in step.parameters:
        asked.append(f"step.{name}.{parameter.name}")
        asked += [f"step.{name}.{parameter.name}.{choice}" for choice in parameter.choices]
    assert [key for key in asked if key not in words] == []
    assert words[f"step.{name}.about"].endswith((".", "。"))
    formula = words[f"step.{name}.formula"]
    assert formula.count("{") == formula.count("}") and "$" not in formula


def test_no_words_are_left_over() -> None:
    for key in i18n.catalogue("en"):
        if key.startswith("step."):
            _, name, *rest = key.split(".")
            parameters = {parameter.name for parameter in STEPS[name].parameters}
            assert not rest or rest[0] in parameters | {"about", "formula"}, key


@pytest.mark.parametrize("name", STEPS)
def test_a_default_is_legal_and_a_name_fits_into_a_link(name: str) -> None:
    for parameter in STEPS[name].parameters:
        assert check(parameter, parameter.default) == parameter.default
        assert parameter.name.isalpha() and parameter.name.islower()
        assert not any({".", "~"} & set(choice) for choice in parameter.choices)


# Robustness: any legal value on any picture


def values(parameter: Parameter) -> st.SearchStrategy[Any]:
    """The ends of its range, its default, or anything between."""
    if parameter.kind == "bool":
        return st.booleans()
    if parameter.range is None:
        return st.sampled_from(parameter.choices)
    low, high, grid = parameter.range.low, parameter.range.high, parameter.range.step
    inner = st.integers(0, round((high - low) / grid)).map(lambda place: min(high, low + place * grid))
    return st.one_of(st.sampled_from([low, high, parameter.default]), inner)


def calls(name: str) -> st.SearchStrategy[Call]:
    given_values = {parameter.name: values(parameter) for parameter in STEPS[name].parameters}
    return st.fixed_dictionaries(given_values).map(lambda args: Call.of(name, **args))


SHAPES = [(1, 1), (1, 40), (40, 1), (2, 3), (9, 8), (3, 900), (900, 3), (37, 53)]


@st.composite
def pictures(draw: st.DrawFn) -> Image:
    height, width = draw(st.sampled_from(SHAPES))
    kind = draw(st.sampled_from(["noise", "grey", "flat", "half"]))
    generator = np.random.default_rng(draw(st.integers(0, 9)))
    image = generator.integers(0, 256, (height, width, 3), np.uint8)
    if kind == "grey":
        return three(image[..., 0])
    if kind == "flat":
        return np.full_like(image, draw(st.sampled_from([0, 77, 255])))
    if kind == "half":
        image[:, : width // 2] //= 8
    return image


@functools.lru_cache(maxsize=256)
def script(call: Call) -> dict[str, Any]:
    """The exported code of one call, run in a fresh namespace."""
    namespace: dict[str, Any] = {"__name__": "exported"}
    exec(compile(to_python([call]), "exported.py", "exec"), namespace)
    return namespace


@pytest.mark.parametrize("name", STEPS)
def test_a_step_works_or_says_what_to_do_and_its_code_gives_the_same_pixels(name: str) -> None:
    step = STEPS[name]

    @settings(max_examples=12 if step.slow else 40, deadline=None, derandomize=True)
    @given(calls(name), pictures())
    def holds(call: Call, image: Image) -> None:
        kept = image.copy()
        try:
            result = apply(image, [call])[0]
        except GlassboxError as error:
            assert error.key in {"error.step.large", "error.step.small"}
            assert str(error) and i18n.text("zh", error.key, **error.values)
            return
        np.testing.assert_array_equal(image, kept)
        assert result.image.dtype == np.uint8 and result.image.shape[2:] == (3,) and result.image.size
        assert not np.shares_memory(result.image, image)
        if step.segments:
            assert result.labels is not None and result.labels.dtype == np.int32
            assert result.labels.shape == image.shape[:2] == result.image.shape[:2]
            assert result.labels.min() >= 0
            assert sum(result.note["areas"]) <= image.shape[0] * image.shape[1]
        else:
            assert result.labels is None
        args = {key: value for key, value in call.args if not (step.segments and key == "view")}
        assert not np.shares_memory(step.function(image, **args), image)
        np.testing.assert_array_equal(script(call)["preprocess"](image.copy()), result.image)
        if step.size is not None:
            assert result.image.shape[:2] == step.size(*image.shape[:2], **args)

    holds()


@pytest.mark.parametrize("name", STEPS)
def test_a_step_gives_the_same_pixels_wherever_they_lie_in_memory(name: str, photo: Image) -> None:
    small = cv2.resize(photo, (64, 48), interpolation=cv2.INTER_AREA)
    step, found = STEPS[name], set()
    args = {parameter.name: parameter.default for parameter in step.parameters}
    if step.segments:
        del args["view"]
    for offset in (0, 1, 2, 3, 5, 8, 13, 31):
        shifted = np.empty(small.size + offset, np.uint8)[offset:].reshape(small.shape)
        shifted[:] = small
        found.add(step.function(shifted, **args).tobytes())
    assert len(found) == 1


@pytest.mark.parametrize("step", ["resize", "rescale", "pad", "letterbox", "rotate"])
def test_a_picture_that_would_be_too_large_is_refused_before_it_is_made(step: str) -> None:
    wide = np.zeros((400, 5000, 3), np.uint8)
    args: dict[str, dict[str, Any]] = {
        "resize": {"side": 2048, "of": "short"},
        "rescale": {"factor": 4},
        "rotate": {"angle": 45, "expand": True},
    }
    if step == "letterbox":  # its result has the size that was asked for
        assert made(wide, step, side=2048).shape == (2048, 2048, 3)
        return
    with pytest.raises(GlassboxError) as error:
        run(wide, step, **args.get(step, {}))
    assert error.value.key == "error.step.large"
    assert "smaller size" in str(error.value)


# Geometry


@pytest.mark.parametrize("method", ["nearest", "bilinear", "bicubic", "area", "lanczos"])
def test_resize_is_pillows_with_antialiasing_and_opencvs_without(photo: Image, method: str) -> None:
    pillow = {"area": "BOX"}.get(method, method.upper())
    theirs = PIL.Image.fromarray(photo).resize((128, 96), PIL.Image.Resampling[pillow])
    np.testing.assert_array_equal(made(photo, "resize", side=128, method=method), np.asarray(theirs))
    flags = {"bilinear": "LINEAR", "bicubic": "CUBIC", "lanczos": "LANCZOS4"}
    flag = getattr(cv2, f"INTER_{flags.get(method, method.upper())}")
    theirs = cv2.resize(photo, (128, 96), interpolation=flag)
    ours = made(photo, "resize", side=128, method=method, antialias=False)
    np.testing.assert_array_equal(ours, theirs)


def test_enlarging_agrees_with_scikit_image_to_a_level(photo: Image) -> None:
    ours = made(photo[:60, :80], "rescale", factor=3, method="bilinear", antialias=False)
    theirs = skimage.transform.resize(photo[:60, :80], (180, 240), 1, mode="edge", preserve_range=True)
    assert apart(ours, theirs) <= 1.01


def test_resize_reaches_the_side_that_was_asked_for(photo: Image) -> None:
    assert made(photo, "resize", side=100, of="long").shape == (75, 100, 3)
    assert made(photo, "resize", side=150, of="short").shape == (150, 200, 3)
    assert made(photo, "resize", side=64, of="both").shape == (64, 64, 3)
    assert made(photo, "rescale", factor=0.5).shape == (150, 200, 3)


def test_crops_keep_the_pixels_that_they_should() -> None:
    image = np.arange(10 * 20 * 3, dtype=np.uint8).reshape(10, 20, 3)
    np.testing.assert_array_equal(made(image, "centre_crop", fraction=0.8), image[1:9, 6:14])
    np.testing.assert_array_equal(made(image, "centre_crop", fraction=0.5, square=False), image[2:7, 5:15])
    ours = made(image, "crop", left=0.9, top=0.2, right=0.1, bottom=0.5)  # edges in either order
    np.testing.assert_array_equal(ours, image[2:5, 2:18])
    assert made(image, "crop", left=0.5, top=1, right=0.5, bottom=1).shape == (1, 1, 3)


def test_padding_keeps_the_picture_and_fills_the_rest(photo: Image) -> None:
    square = made(photo, "pad", fill="grey")
    assert square.shape == (400, 400, 3)
    np.testing.assert_array_equal(square[50:350], photo)
    assert (square[:50] == 127).all() and (square[350:] == 127).all()
    np.testing.assert_array_equal(made(photo, "pad", fill="mirror")[49], photo[1])
    boxed = made(photo, "letterbox", side=200, fill="black")
    assert boxed.shape == (200, 200, 3) and not boxed[:25].any() and boxed[25:175].any()


def test_rotating_agrees_with_scikit_image(photo: Image) -> None:
    smooth = cv2.GaussianBlur(photo, (0, 0), 3)
    theirs = skimage.transform.rotate(smooth, 20, order=1, preserve_range=True)
    middle = slice(80, -80), slice(80, -80)
    assert apart(made(smooth, "rotate", angle=20)[middle], theirs[middle]) <= 2
    np.testing.assert_array_equal(made(photo, "rotate", angle=90, expand=True), np.rot90(photo))
    np.testing.assert_array_equal(made(photo, "rotate", angle=180), photo[::-1, ::-1])
    assert made(photo, "rotate", angle=45, expand=True).shape == (495, 495, 3)


def test_flipping_mirrors(photo: Image) -> None:
    np.testing.assert_array_equal(made(photo, "flip", axis="horizontal"), photo[:, ::-1])
    np.testing.assert_array_equal(made(photo, "flip", axis="vertical"), photo[::-1])
    np.testing.assert_array_equal(made(photo, "flip", axis="both"), photo[::-1, ::-1])


def test_perspective_agrees_with_scikit_image(photo: Image) -> None:
    smooth = cv2.GaussianBlur(photo, (0, 0), 3)
    height, width = smooth.shape[:2]
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)]) - 0.5
    seen = corners + np.array([(0, 0), (0, 0.15 * height), (0, -0.15 * height), (0, 0)])
    back = skimage.transform.ProjectiveTransform.from_estimate(seen, corners)
    theirs = skimage.transform.warp(smooth, back, order=1, preserve_range=True)
    ours = made(smooth, "perspective", horizontal=0.3)
    inside = slice(60, -60), slice(5, -5)
    assert apart(ours[inside], theirs[inside]) <= 3
    assert (ours[:40, -2] == 127).all()  # the right side has moved away
    np.testing.assert_array_equal(made(photo, "perspective", horizontal=0, vertical=0), photo)


# Damage


def test_gaussian_noise_has_its_sigma_and_its_seed() -> None:
    middle = np.full((200, 200, 3), 127, np.uint8)
    noisy = made(middle, "gaussian_noise", sigma=20, seed=3)
    assert noisy.mean() == pytest.approx(127, abs=0.3)
    assert noisy.std() == pytest.approx(20, abs=0.3)
    drawn = np.random.default_rng(3).standard_normal(middle.shape, np.float32) * np.float32(20)
    assert apart(noisy, np.clip(np.rint(127 + drawn), 0, 255)) == 0
    assert (noisy != made(middle, "gaussian_noise", sigma=20, seed=4)).mean() > 0.9


def test_salt_and_pepper_hits_its_share(photo: Image) -> None:
    noisy = made(photo, "salt_and_pepper", share=0.1, seed=1)
    changed = (noisy != photo).any(axis=-1)
    assert changed.mean() == pytest.approx(0.1, abs=0.01)
    hit = noisy[changed]
    assert set(np.unique(hit)) == {0, 255} and (hit == 255).mean() == pytest.approx(0.5, abs=0.03)


def test_jpeg_keeps_its_colours_and_gets_worse_with_less_quality(photo: Image) -> None:
    errors = [
        np.abs(made(photo, "jpeg", quality=quality).astype(int) - photo).mean() for quality in (5, 30, 95)
    ]
    assert errors[0] > errors[1] > errors[2] and errors[2] < 2
    red = np.zeros((16, 16, 3), np.uint8)
    red[...] = 200, 30, 40
    assert apart(made(red, "jpeg", quality=90), red) <= 4  # red stays red: the channels are in order


def test_motion_blur_smears_a_point_along_its_line() -> None:
    point = np.zeros((41, 41, 3), np.uint8)
    point[20, 20] = 255
    flat = made(point, "motion_blur", length=15, angle=0)[..., 0]
    assert set(flat[20, 13:28]) == {17} and np.count_nonzero(flat) == 15
    upright = made(point, "motion_blur", length=15, angle=90)[..., 0]
    np.testing.assert_array_equal(upright, flat.T)
    rows, columns = np.nonzero(made(point, "motion_blur", length=21, angle=45)[..., 0] > 3)
    assert np.corrcoef(rows, columns)[0, 1] < -0.95  # up to the right


# Denoising


def test_gaussian_agrees_with_scipy(photo: Image) -> None:
    for sigma in (0.7, 1.5, 4):
        theirs = scipy.ndimage.gaussian_filter(photo.astype(float), (sigma, sigma, 0), mode="mirror")
        assert apart(made(photo, "gaussian", sigma=sigma), theirs) <= 2


def test_median_is_scipys(photo: Image) -> None:
    for size in (3, 5, 9):
        theirs = scipy.ndimage.median_filter(photo, (size, size, 1), mode="nearest")
        np.testing.assert_array_equal(made(photo, "median", size=size), theirs)


def test_bilateral_is_its_formula() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 20, 3)).astype(np.uint8)
    padded = np.pad(image.astype(float), ((2, 2), (2, 2), (0, 0)), mode="reflect")
    total, weights = np.zeros(image.shape), np.zeros((20, 20, 1))
    for down in range(-2, 3):
        for across in range(-2, 3):
            if math.hypot(down, across) <= 2:
                near = padded[2 + down : 22 + down, 2 + across : 22 + across]
                distance = np.abs(near - image).sum(axis=-1, keepdims=True)
                weight = np.exp(-(down**2 + across**2) / (2 * 3.0**2) - distance**2 / (2 * 80.0**2))
                total, weights = total + weight * near, weights + weight
    assert apart(made(image, "bilateral", diameter=5, colour=80, space=3), total / weights) <= 1


def test_non_local_means_is_opencvs_and_takes_noise_away(photo: Image) -> None:
    crop = photo[:120, :160]
    noisy = made(crop, "gaussian_noise", sigma=20)
    clean = made(noisy, "non_local_means", strength=12, patch=5, search=11)
    theirs = cv2.fastNlMeansDenoisingColored(noisy[..., ::-1].copy(), None, 12, 12, 5, 11)[..., ::-1]
    np.testing.assert_array_equal(clean, theirs)
    assert ((clean - crop.astype(float)) ** 2).mean() < 0.5 * ((noisy - crop.astype(float)) ** 2).mean()


# Enhancing


def test_levels_by_hand() -> None:
    image = np.array([[[0, 100, 200], [250, 127, 128]]], np.uint8)
    assert made(image, "brightness", amount=60).tolist() == [[[60, 160, 255], [255, 187, 188]]]
    assert made(image, "contrast", factor=2).tolist() == [[[0, 72, 255], [255, 126, 128]]]
    assert made(image, "contrast", factor=1).tolist() == image.tolist()
    assert made(image, "saturation", factor=1).tolist() == image.tolist()
    np.testing.assert_array_equal(made(image, "saturation", factor=0), made(image, "greyscale"))


def test_gamma_agrees_with_scikit_image(photo: Image) -> None:
    for exponent in (0.4, 1, 2.2):
        theirs = skimage.exposure.adjust_gamma(photo, exponent)
        assert apart(made(photo, "gamma", exponent=exponent), theirs) <= 1


def test_saturation_agrees_with_pillow(photo: Image) -> None:
    from PIL import ImageEnhance

    theirs = np.asarray(ImageEnhance.Color(PIL.Image.fromarray(photo)).enhance(1.8))
    assert apart(made(photo, "saturation", factor=1.8), theirs) <= 2


def test_equalisation_agrees_with_scikit_image(photo: Image) -> None:
    ours = made(photo, "equalise", channels="rgb")
    theirs = np.stack([skimage.exposure.equalize_hist(photo[..., c]) for c in range(3)], -1) * 255
    # OpenCV lets the darkest level be 0, scikit-image counts it in.
    assert (
        apart(ours, theirs) <= 255 * max((photo[..., c] == photo[..., c].min()).mean() for c in range(3)) + 1
    )
    lightness = cv2.cvtColor(made(photo, "equalise"), cv2.COLOR_RGB2LAB)[..., 0]
    spread = np.quantile(lightness, [0.25, 0.5, 0.75])
    np.testing.assert_allclose(spread, [64, 128, 191], atol=8)


def test_clahe_raises_local_contrast_and_keeps_the_colour(photo: Image) -> None:
    dull = made(photo, "contrast", factor=0.4)
    before, after = (cv2.cvtColor(image, cv2.COLOR_RGB2LAB) for image in (dull, made(dull, "clahe", limit=3)))
    assert after[..., 0].std() > 1.5 * before[..., 0].std()
    assert np.abs(after[..., 1:].astype(int) - before[..., 1:]).mean() < 1.5
    theirs = skimage.exposure.equalize_adapthist(before[..., 0], (38, 50), clip_limit=0.012)
    assert np.corrcoef(after[..., 0].ravel(), theirs.ravel())[0, 1] > 0.95


def test_white_balance_gives_the_channels_one_mean(photo: Image) -> None:
    tinted = cv2.LUT(photo, np.rint(np.arange(256)[:, None] * [0.8, 0.6, 0.4]).astype(np.uint8)[:, None])
    result = run(tinted, "white_balance")
    means = result.image.reshape(-1, 3).mean(axis=0)
    assert np.ptp(tinted.reshape(-1, 3).mean(axis=0)) > 20 and np.ptp(means) < 2
    gains = tinted.mean() / tinted.reshape(-1, 3).mean(axis=0)
    np.testing.assert_allclose([result.note[name] for name in ("red", "green", "blue")], gains)
    np.testing.assert_array_equal(made(tinted, "white_balance", strength=0), tinted)


def test_sharpening_agrees_with_its_sources(photo: Image) -> None:
    theirs = np.stack([skimage.filters.unsharp_mask(photo[..., c] / 255, 2, 1) * 255 for c in range(3)], -1)
    assert apart(made(photo, "unsharp_mask", sigma=2, amount=1)[8:-8, 8:-8], theirs[8:-8, 8:-8]) <= 2
    kernel = np.array([(0, -1, 0), (-1, 5, -1), (0, -1, 0)])[..., np.newaxis]
    theirs = scipy.ndimage.convolve(photo.astype(int), kernel, mode="mirror")
    np.testing.assert_array_equal(made(photo, "sharpen", amount=1), np.clip(theirs, 0, 255))


def test_greyscale_weighs_as_bt601(photo: Image) -> None:
    theirs = photo @ np.array([0.299, 0.587, 0.114])
    assert apart(made(photo, "greyscale"), theirs[..., np.newaxis]) <= 0.51


def test_the_networks_numbers_are_shown_by_their_exact_inverse() -> None:
    every = np.arange(256, dtype=np.uint8).reshape(16, 16)
    result = run(three(every), "normalise")
    np.testing.assert_array_equal(result.image, three(every))
    assert result.note["low"] == -127 / 128 and result.note["high"] == 1
    standard = run(three(every), "normalise", method="standardise")
    assert standard.note["mean"] == pytest.approx(0, abs=1e-5)
    assert standard.note["std"] == pytest.approx(1, abs=1e-5)


# Edges and frequencies


def test_sobel_and_laplacian_are_scipys(photo: Image) -> None:
    plane = grey(photo).astype(float)
    across, down = (scipy.ndimage.sobel(plane, axis, mode="mirror") / 4 for axis in (1, 0))
    assert apart(made(photo, "sobel", direction="horizontal")[..., 0], np.abs(across)) <= 0.51
    assert apart(made(photo, "sobel", direction="vertical")[..., 0], np.abs(down)) <= 0.51
    length = np.minimum(np.hypot(across, down), 255)
    assert apart(made(photo, "sobel")[..., 0], length) <= 0.51
    bend = np.abs(scipy.ndimage.laplace(plane, mode="mirror")) / 4
    assert apart(made(photo, "laplacian", size=1)[..., 0], bend) <= 0.51


@pytest.mark.parametrize("size", [3, 5, 7])
def test_a_full_step_in_brightness_is_a_full_edge(size: int) -> None:
    step = np.zeros((40, 40, 3), np.uint8)
    step[:, 20:] = 255
    assert made(step, "sobel", size=size).max() == 255
    assert 70 <= made(step, "laplacian", size=size).max() <= 255


def test_canny_agrees_with_scikit_image(photo: Image) -> None:
    ours = made(photo, "canny", low=40, high=120, sigma=1.5)[..., 0] > 0
    theirs = skimage.feature.canny(grey(photo).astype(float), 1.5, 40, 120)
    wide = functools.partial(scipy.ndimage.binary_dilation, structure=np.ones((3, 3)))
    assert (wide(theirs)[ours]).mean() > 0.9 and (wide(ours)[theirs]).mean() > 0.9


def test_morphology_is_scipys(photo: Image) -> None:
    square = np.ones((5, 5, 1))
    inside = slice(8, -8), slice(8, -8)
    for operation, theirs in {
        "erode": scipy.ndimage.grey_erosion,
        "dilate": scipy.ndimage.grey_dilation,
        "open": scipy.ndimage.grey_opening,
        "close": scipy.ndimage.grey_closing,
        "gradient": scipy.ndimage.morphological_gradient,
    }.items():
        ours = made(photo, "morphology", operation=operation, shape="square", size=5)
        np.testing.assert_array_equal(ours[inside], theirs(photo, footprint=square)[inside])


@pytest.mark.parametrize("window", ["ideal", "gaussian", "butterworth"])
def test_frequency_filters_agree_with_scipys_transform(photo: Image, window: str) -> None:
    tile = photo[:128, :97]
    sides = [cv2.getOptimalDFTSize(side + 32) for side in tile.shape[:2]]
    margins = [((side - old) // 2, -(-(side - old) // 2)) for side, old in zip(sides, (128, 97), strict=True)]
    padded = np.pad(tile.astype(float), (*margins, (0, 0)), mode="symmetric")
    down, across = (scipy.fft.fftfreq(side) for side in sides)
    ratio = np.hypot(down[:, np.newaxis], across) / 0.0801  # no frequency lies right on the cutoff
    response = {
        "ideal": (ratio <= 1).astype(float),
        "gaussian": 2 ** (-(ratio**2) / 2),
        "butterworth": 1 / np.sqrt(1 + ratio**4),
    }[window][..., np.newaxis]
    theirs = scipy.fft.ifft2(scipy.fft.fft2(padded, axes=(0, 1)) * response, axes=(0, 1)).real
    low = theirs[margins[0][0] :, margins[1][0] :][:128, :97]
    assert np.abs(low_frequencies(tile, 0.0801, window) - low).max() < 0.01
    ours = made(tile, "low_pass", cutoff=0.0801, window=window)
    assert apart(ours, np.clip(low, 0, 255)) <= 0.51
    ours = made(tile, "high_pass", cutoff=0.0801, window=window)
    assert apart(ours, np.clip(127.0 + tile - low, 0, 255)) <= 0.51


def test_a_wave_at_the_cutoff_keeps_its_share() -> None:
    wave = np.cos(2 * np.pi * 0.1 * np.arange(400)) * np.ones((200, 1))
    image = three(np.rint(127 + 100 * wave))
    for window, share in (("gaussian", 2**-0.5), ("butterworth", 2**-0.5)):
        low = low_frequencies(image, 0.1, window)[50:-50, 50:-50]
        assert np.ptp(low) / np.ptp(image) == pytest.approx(share, abs=0.02)
    assert np.ptp(low_frequencies(image, 0.05, "ideal")[50:-50, 50:-50]) < 8
    assert np.ptp(low_frequencies(image, 0.2, "ideal")[50:-50, 50:-50]) > 195


# Segmentation


def test_thresholds_agree_with_scikit_image(photo: Image) -> None:
    plane = grey(photo)
    found = run(photo, "otsu")
    assert found.note["level"] == skimage.filters.threshold_otsu(plane)
    np.testing.assert_array_equal(found.labels, plane > skimage.filters.threshold_otsu(plane))
    np.testing.assert_array_equal(run(photo, "threshold", level=90).labels, plane > 90)
    np.testing.assert_array_equal(run(photo, "threshold", level=90, foreground="dark").labels, plane <= 90)
    for method in ("mean", "gaussian"):
        local = skimage.filters.threshold_local(plane, 31, method, offset=4, mode="nearest")
        labels = run(photo, "adaptive_threshold", method=method, block=31, offset=4).labels
        assert (labels == (plane > local)).mean() > 0.985, method


def test_the_nearest_colour_is_scipys(photo: Image) -> None:
    colours = np.random.default_rng(5).integers(0, 256, (7, 3)).astype(np.float32)
    theirs, _ = scipy.cluster.vq.vq(photo.reshape(-1, 3).astype(float), colours.astype(float))
    spread = ((photo.reshape(-1, 3) - colours[theirs]) ** 2).sum()
    ours = nearest_colours(photo, colours).ravel()
    assert ((photo.reshape(-1, 3) - colours[ours]) ** 2).sum() == spread


def test_k_means_is_as_good_as_scipys(photo: Image) -> None:
    pixels = photo.reshape(-1, 3).astype(float)
    spreads = []
    for seed in range(3):
        centres, labels = scipy.cluster.vq.kmeans2(pixels, 5, minit="++", rng=np.random.default_rng(seed))
        spreads.append(((pixels - centres[labels]) ** 2).sum())
    result = run(photo, "kmeans", colours=5)
    ours = ((pixels - result.image.reshape(-1, 3)) ** 2).sum()  # drawn in its mean colours
    assert ours <= 1.05 * min(spreads)
    assert set(np.unique(result.labels)) == set(range(5))


def test_the_background_of_k_means_is_the_colour_of_the_edge() -> None:
    image = np.full((60, 60, 3), (10, 90, 30), np.uint8)
    image[20:40, 20:40] = 220, 40, 40
    result = run(image, "kmeans", colours=2, view="cutout")
    assert (result.labels[20:40, 20:40] == 1).all() and result.labels.sum() == 400
    assert (result.image[0, 0] == 127).all()
    assert (result.image[30, 30] == (220, 40, 40)).all()


def discs() -> tuple[Image, np.ndarray]:
    """Seven light discs, four of them touching, and which pixel belongs to which."""
    rows, columns = np.mgrid[:200, :300]
    truth = np.zeros((200, 300), np.int32)
    middles = [(50, 50), (50, 105), (150, 60), (150, 112), (60, 230), (150, 200), (140, 265)]
    for number, (down, across) in enumerate(middles, 1):
        truth[np.hypot(rows - down, columns - across) <= 28] = number
    image = three(np.where(truth > 0, 200, 40))
    return cv2.GaussianBlur(image, (0, 0), 1), truth


def test_watershed_markers_stand_on_scipys_distance() -> None:
    _, truth = discs()
    mask = np.where(truth > 0, np.uint8(255), np.uint8(0))
    count, markers = distance_peaks(mask, 12)
    distance = scipy.ndimage.distance_transform_edt(mask)
    theirs = skimage.feature.peak_local_max(distance, min_distance=12, labels=mask > 0)
    assert count == len(theirs) == 7
    assert all(markers[row, column] > 0 for row, column in theirs)


def test_watershed_separates_what_touches_as_scikit_image_does() -> None:
    image, truth = discs()
    labels = run(image, "watershed").labels
    assert labels.max() == 7
    distance = scipy.ndimage.distance_transform_edt(truth > 0)
    markers = np.zeros_like(truth)
    for number, (row, column) in enumerate(skimage.feature.peak_local_max(distance, min_distance=12), 1):
        markers[row, column] = number
    theirs = skimage.segmentation.watershed(-distance, markers, mask=truth > 0)
    for number in range(1, 8):
        ours = labels == np.bincount(labels[truth == number]).argmax()
        assert overlap(ours, truth == number) > 0.9
        assert overlap(ours, theirs == theirs[truth == number].max()) > 0.85


def test_the_coins_are_counted(coins: Image) -> None:
    """24 coins; what else there is are lighter parts of the ground."""
    labels = run(coins, "watershed").labels
    areas = np.bincount(labels.ravel())[1:]
    assert 22 <= np.count_nonzero(areas > 600) <= 26


def test_grabcut_finds_an_object_and_keeps_what_it_is_told() -> None:
    generator = np.random.default_rng(2)
    rows, columns = np.mgrid[:300, :400]
    truth = ((rows - 150) / 70) ** 2 + ((columns - 200) / 100) ** 2 <= 1
    image = np.where(truth[..., None], (200, 60, 50), (40, 110, 60)) + generator.normal(0, 12, (300, 400, 3))
    image = np.clip(image, 0, 255).astype(np.uint8)
    rectangle = {"left": 0.2, "top": 0.2, "right": 0.8, "bottom": 0.8}
    result = run(image, "grabcut", **rectangle)
    assert overlap(result.labels == 1, truth) > 0.97
    assert (result.image[0, 0] == 127).all() and (result.image[150, 200] == image[150, 200]).all()
    kept = run(image, "grabcut", **rectangle, keep="background")
    np.testing.assert_array_equal(kept.labels, 1 - result.labels)
    large = cv2.resize(image, (1200, 900))
    wanted = cv2.resize(truth.astype(np.uint8), (1200, 900)) > 0
    assert overlap(run(large, "grabcut", **rectangle).labels == 1, wanted) > 0.97


def test_superpixels_are_scikit_images_slic(photo: Image) -> None:
    theirs = skimage.segmentation.slic(photo, n_segments=120, compactness=15, start_label=1)
    result = run(photo, "superpixels", count=120, compactness=15)
    np.testing.assert_array_equal(result.labels, theirs)
    large = cv2.resize(photo, (1600, 1200))
    assert run(large, "superpixels", count=120).labels.shape == (1200, 1600)


def test_components_are_scipys(coins: Image) -> None:
    mask = run(coins, "otsu").labels
    for connectivity, shape in (("4", None), ("8", np.ones((3, 3)))):
        theirs, count = scipy.ndimage.label(mask, shape)
        result = run(coins, "components", connectivity=connectivity, smallest=1)
        pairs = np.unique(np.stack([result.labels.ravel(), theirs.ravel()]), axis=1)
        assert pairs.shape[1] == count + 1 == result.note["regions"] + 1  # one of ours for one of theirs
    areas = sorted((region.area for region in skimage.measure.regionprops(theirs)), reverse=True)
    assert list(result.note["areas"]) == [int(area) for area in areas[:10]]
    large = run(coins, "components", smallest=500)
    assert large.note["regions"] == sum(area >= 500 for area in areas)


def test_labels_are_drawn_in_every_view() -> None:
    image = np.full((6, 8, 3), (100, 150, 200), np.uint8)
    image[:, 6:] = 20
    labels = np.zeros((6, 8), np.int32)
    labels[1:5, 1:3] = 1
    labels[1:5, 4:7] = 2
    drawn = {view: draw_labels(image, labels, view=view) for view in VIEWS}
    assert (drawn["cutout"][0] == 127).all() and (drawn["cutout"][2, 1] == (100, 150, 200)).all()
    assert (drawn["mask"][0] == 0).all() and len(np.unique(drawn["mask"].reshape(-1, 3), axis=0)) == 3
    mean = np.rint((2 * np.array([100, 150, 200]) + 20) / 3)
    np.testing.assert_array_equal(drawn["mean"][2, 5], mean)
    assert (drawn["outline"][2, 2] == (255, 220, 0)).all()
    np.testing.assert_array_equal(drawn["overlay"][0, 7], image[0, 7])  # the background is as it was
    assert (drawn["overlay"][2, 1] != image[2, 1]).any()
    one = draw_labels(image, np.minimum(labels, 1), view="mask")
    assert set(np.unique(one)) == {0, 255}
    nothing = np.zeros_like(labels)
    for view in ("overlay", "outline"):
        np.testing.assert_array_equal(draw_labels(image, nothing, view=view), image)
