"""The contrastive loss by hand, its gradients against differences, and the small tower that learns by it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.lit.contrast import Adam, SmallTower, contrast, matrix_loss
from core.lit.towers import unit

RATES = dict.fromkeys(("K", "b", "log scale", "dV", "A", "a", "B"), 0.01)


def test_the_loss_of_two_pairs_is_the_one_on_paper() -> None:
    cosines = np.array([[0.5, 0.0], [0.0, 0.5]], np.float32)
    loss, by_row, by_column = matrix_loss(cosines, 2.0)
    right = math.e / (math.e + 1)  # softmax of (1, 0)
    assert loss == pytest.approx(-math.log(right), abs=1e-6)
    assert by_row[0] == pytest.approx([right, 1 - right], abs=1e-6)
    assert by_column[:, 1] == pytest.approx([1 - right, right], abs=1e-6)


def test_pairs_that_cannot_be_told_apart_cost_the_logarithm_of_their_number() -> None:
    same = unit(np.ones((5, 3), np.float32))
    found = contrast(same, same, 10.0)
    assert found.loss == pytest.approx(math.log(5), abs=1e-5)
    assert found.to_log_scale == pytest.approx(0, abs=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 6), st.integers(2, 5), st.floats(1, 20), st.integers(0, 999))
def test_gradients_are_the_loss_s_differences(count: int, width: int, scale: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    images, texts = (unit(random.normal(size=(count, width)).astype(np.float32)) for _ in range(2))
    found = contrast(images, texts, scale)
    step = 1e-2
    for given_to, slopes in ((0, found.to_images), (1, found.to_texts)):
        for place in ((0, 0), (count - 1, width - 1)):
            losses = []
            for sign in (1, -1):
                moved = [images.copy(), texts.copy()]
                moved[given_to][place] += sign * step
                losses.append(matrix_loss(moved[0] @ moved[1].T, scale)[0])
            assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(float(slopes[place]), abs=2e-2)
    by_scale = [matrix_loss(images @ texts.T, scale * math.exp(sign * step))[0] for sign in (1, -1)]
    assert (by_scale[0] - by_scale[1]) / (2 * step) == pytest.approx(found.to_log_scale, abs=2e-2)


def tower_and_batch(seed: int = 0) -> tuple[SmallTower, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    tower = SmallTower(random.normal(size=(9, 6)).astype(np.float32), 7, seed)
    tower.weights["B"] = random.normal(0, 0.3, tower.weights["B"].shape).astype(np.float32)
    bags = random.dirichlet(np.ones(9), size=5).astype(np.float32)
    return tower, bags, unit(random.normal(size=(5, 7)).astype(np.float32))


@pytest.mark.parametrize("name", ["K", "b", "dV", "A", "a", "B", "log scale"])
def test_every_weight_of_the_tower_has_its_slope(name: str) -> None:
    tower, bags, images = tower_and_batch()
    _, slopes = tower.gradients(bags, images, locked=False)
    place = np.unravel_index(int(np.abs(slopes[name]).argmax()), slopes[name].shape)
    kept, losses = tower.weights[name].copy(), []
    for sign in (1, -1):
        tower.weights[name] = kept.copy()
        tower.weights[name][place] += sign * 1e-3
        losses.append(tower.gradients(bags, images, locked=False)[0].loss)
    assert (losses[0] - losses[1]) / 2e-3 == pytest.approx(float(slopes[name][place]), rel=0.03, abs=5e-3)


def test_a_locked_tower_moves_its_projection_alone() -> None:
    tower, bags, images = tower_and_batch()
    before = {name: values.copy() for name, values in tower.weights.items()}
    _, slopes = tower.gradients(bags, images, locked=True)
    Adam(tower.weights, RATES).step(slopes, 1.0)
    moved = {name for name, values in tower.weights.items() if not np.array_equal(values, before[name])}
    assert moved == set(SmallTower.PROJECTION)


def test_tuning_teaches_each_text_its_own_picture() -> None:
    tower, bags, images = tower_and_batch(3)
    adam = Adam(tower.weights, RATES)
    first = tower.gradients(bags, images, locked=False)[0].loss
    for _ in range(150):
        found, slopes = tower.gradients(bags, images, locked=False)
        adam.step(slopes, 1.0)
    assert found.loss < 0.1 * first
    assert ((tower.embed(bags) @ images.T).argmax(axis=1) == np.arange(5)).all()
    assert np.linalg.norm(tower.embed(bags), axis=1) == pytest.approx(1, abs=1e-5)
