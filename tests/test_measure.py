"""The numbers of a picture, held to scikit-image, scipy and cases that can be done by hand."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import scipy.ndimage
import skimage.data
import skimage.metrics

from core.errors import GlassboxError
from core.imaging import Call, apply, measure
from core.types import Image


@pytest.fixture(scope="module")
def photo() -> Image:
    return skimage.data.astronaut()[:300, :400].copy()


@pytest.fixture(scope="module", params=["gaussian_noise", "jpeg", "gaussian", "gamma"])
def damaged(photo: Image, request: pytest.FixtureRequest) -> Image:
    return apply(photo, [Call.of(request.param)])[0].image


def grey(image: Image) -> np.ndarray:
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def test_psnr_and_ssim_are_scikit_images(photo: Image, damaged: Image) -> None:
    theirs = skimage.metrics.peak_signal_noise_ratio(photo, damaged)
    assert measure.psnr(damaged, photo) == pytest.approx(theirs, abs=1e-9)
    theirs = skimage.metrics.structural_similarity(
        grey(damaged), grey(photo), gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert measure.ssim(damaged, photo) == pytest.approx(theirs, abs=1e-6)


def test_a_picture_is_like_itself_and_small_ones_can_be_compared(photo: Image) -> None:
    assert measure.likeness(photo, photo) == measure.Likeness(math.inf, pytest.approx(1))
    black, white = np.zeros((1, 1, 3), np.uint8), np.full((1, 1, 3), 255, np.uint8)
    assert measure.psnr(black, white) == 0
    assert measure.ssim(black, white) < 0.001 and measure.ssim(black, black) == 1


def test_pictures_of_two_sizes_cannot_be_compared(photo: Image) -> None:
    for compare in (measure.likeness, measure.psnr, measure.ssim, measure.difference):
        with pytest.raises(GlassboxError, match=r"400 x 300.*Bring them to the same size"):
            compare(photo[:100], photo)


@pytest.mark.parametrize("sigma", [5, 15, 25])
def test_the_noise_that_was_added_is_found(sigma: float) -> None:
    ramp = np.linspace(90, 160, 256)[None, :, None] * np.ones((256, 1, 3))
    noise = np.random.default_rng(1).normal(0, sigma, ramp.shape)
    noisy = np.clip(np.rint(ramp + noise), 0, 255).astype(np.uint8)
    assert measure.noise_sigma(noisy) == pytest.approx(sigma, rel=0.04)
    assert measure.noise_sigma(np.rint(ramp).astype(np.uint8)) < 1


def test_noise_is_immerkaers_formula(photo: Image) -> None:
    kernel = np.array([(1, -2, 1), (-2, 4, -2), (1, -2, 1)])
    answers = [
        np.abs(scipy.ndimage.convolve(photo[..., channel].astype(int), kernel))[1:-1, 1:-1].sum()
        for channel in range(3)
    ]
    wanted = math.sqrt(math.pi / 2) * np.mean(answers) / (6 * 298 * 398)
    assert measure.noise_sigma(photo) == pytest.approx(wanted, rel=1e-9)
    assert math.isnan(measure.noise_sigma(photo[:2]))


def test_sharpness_is_the_variance_of_scipys_laplacian(photo: Image) -> None:
    plane = photo[..., :1].repeat(3, -1)
    wanted = scipy.ndimage.laplace(plane[..., 0].astype(float), mode="mirror").var()
    assert measure.sharpness(plane) == pytest.approx(wanted, rel=1e-5)
    blurred, sharpened = (apply(photo, [Call.of(step)])[0].image for step in ("gaussian", "sharpen"))
    assert measure.sharpness(blurred) < measure.sharpness(photo) < measure.sharpness(sharpened)
    assert measure.sharpness(photo[:1, :1]) == 0


def test_numbers_are_numpys(photo: Image) -> None:
    found = measure.numbers(photo)
    assert (found.width, found.height) == (400, 300)
    assert (found.mean, found.std) == pytest.approx((photo.mean(), photo.std()), abs=1e-6)
    assert found.sharpness == measure.sharpness(photo) and found.noise == measure.noise_sigma(photo)


def test_histograms_count_every_pixel(photo: Image) -> None:
    counts = measure.histograms(photo)
    assert counts.shape == (len(measure.HISTOGRAM_ROWS), 256)
    for channel in range(3):
        wanted = np.bincount(photo[..., channel].ravel(), minlength=256)
        np.testing.assert_array_equal(counts[channel], wanted)
    assert counts[3].sum() == 300 * 400
    grey_level = np.full((4, 5, 3), 119, np.uint8)  # L = 50 of 100
    assert measure.histograms(grey_level)[3].argmax() == pytest.approx(127.5, abs=1)


def test_the_difference_picture_is_grey_where_nothing_changed() -> None:
    before = np.full((2, 2, 3), 100, np.uint8)
    after = before.copy()
    after[0, 0], after[0, 1], after[1, 0] = 110, 95, 255
    shown = measure.difference(after, before, gain=2)
    assert shown[..., 0].tolist() == [[147, 117], [255, 127]]


def test_a_wave_is_two_points_in_its_spectrum() -> None:
    wave = 127 + 100 * np.cos(2 * np.pi * 8 * np.arange(64) / 64) * np.ones((64, 1))
    image = np.repeat(np.rint(wave)[..., None], 3, -1).astype(np.uint8)
    shown = measure.spectrum(image)
    assert shown.shape == image.shape and shown.dtype == np.uint8
    bright = np.argwhere(shown[..., 0] > 200).tolist()
    assert bright == [[32, 24], [32, 32], [32, 40]]
    assert measure.spectrum(np.zeros((1, 7, 3), np.uint8)).max() == 0
