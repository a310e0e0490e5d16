"""Very small pictures on their way into the common space."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as PillowImage

from core.lit import answers, embed_images, embed_texts, thumbnails, towers
from core.types import Image
from core.vision import efficientnet
from core.vision.models import lite


def small(image: Image, side: int) -> Image:
    """The middle of a photo in few pixels."""
    left, top, right, bottom = efficientnet.PREPARATION.box(image)
    picture = PillowImage.fromarray(image).crop((left, top, right, bottom))
    return np.asarray(picture.resize((side, side), PillowImage.Resampling.BOX))


def test_only_small_pictures_are_treated_so(cat: Image) -> None:
    assert not thumbnails.is_thumbnail(cat)
    assert thumbnails.preparation(cat) is efficientnet.PREPARATION
    assert np.array_equal(towers.maps(cat), lite().maps(efficientnet.PREPARATION.pixels(cat)))
    at_the_border = np.zeros((thumbnails.BELOW, 300, 3), np.uint8)
    assert not thumbnails.is_thumbnail(at_the_border)
    assert thumbnails.is_thumbnail(at_the_border[1:])


def test_a_thumbnail_is_seen_whole_and_sharper(cat: Image) -> None:
    tiny = small(cat, 32)
    assert thumbnails.SHARPENED.box(tiny) == (0, 0, 32, 32)
    pixels = thumbnails.SHARPENED.pixels(tiny)
    plain = np.asarray(PillowImage.fromarray(tiny).resize((224, 224), PillowImage.Resampling.BICUBIC))
    assert pixels.shape == (224, 224, 3) and pixels.dtype == np.uint8
    assert (
        np.abs(np.diff(pixels.astype(int), axis=1)).mean() > np.abs(np.diff(plain.astype(int), axis=1)).mean()
    )


def test_a_mirrored_thumbnail_lies_where_it_lay(photos: dict[str, Image]) -> None:
    """The maps are mirrored, their mean is the same: a thumbnail is looked at from both sides."""
    for image in photos.values():
        tiny = small(image, 40)
        maps, mirrored = towers.maps(tiny), towers.maps(np.ascontiguousarray(tiny[:, ::-1]))
        assert np.allclose(maps, mirrored[:, ::-1], atol=1e-4)


def test_the_centre_of_thumbnails_is_taken_for_that_of_photos(cat: Image) -> None:
    tiny = small(cat, 32)
    raw = thumbnails.maps(tiny).mean(axis=(0, 1)) - thumbnails.centre()
    assert embed_images([tiny])[0] == pytest.approx(towers.unit(raw), abs=1e-5)
    assert embed_images([cat])[0] == pytest.approx(towers.placed(towers.features([cat]))[0], abs=1e-6)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 300, 3), (47, 20, 3), (31, 4000, 3)])
def test_odd_shapes_have_an_embedding_and_a_map(shape: tuple[int, int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    assert np.linalg.norm(embed_images([image])[0]) == pytest.approx(1, abs=1e-5)
    heat = answers.where(image, "a cat")
    assert heat.shape == shape[:2]


def test_small_photos_are_named_better_than_as_photos(photos: dict[str, Image]) -> None:
    """What it is for: of the samples in 32 pixels, the right words come nearer than without it."""
    names = list(photos)
    words = embed_texts([name.replace("_", " ") for name in names])
    tiny = [small(image, 32) for image in photos.values()]
    usual = np.stack([lite().features(efficientnet.PREPARATION.pixels(image)) for image in tiny])

    def contrast(rows: np.ndarray) -> float:
        cosines = rows @ words.T
        own = np.diag(cosines)
        others = (cosines.sum(axis=1) - own) / (len(names) - 1)
        return float((own - others).mean())

    assert contrast(embed_images(tiny)) > contrast(towers.placed(usual))
