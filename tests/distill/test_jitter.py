"""Jittered copies against an independent bilinear interpolation in numpy."""

from math import cos, floor, sin

import numpy as np
import numpy.typing as npt
import pytest

from distill.data.canonical import digests
from distill.data.jitter import draws, jitter
from spec.data import Jitter

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 9, 12), dtype=np.uint8)
KEYS = digests(IMAGES).view(np.uint64)


def at(image: npt.NDArray[np.float64], x: float, y: float) -> float:
    """Bilinear, 0 outside; pixel centres at whole numbers."""
    left, top = floor(x), floor(y)
    total = 0.0
    for i, wx in ((left, 1 - (x - left)), (left + 1, x - left)):
        for j, wy in ((top, 1 - (y - top)), (top + 1, y - top)):
            if 0 <= i < image.shape[1] and 0 <= j < image.shape[0]:
                total += wx * wy * image[j, i]
    return total


def by_hand(image: npt.NDArray[np.uint8], draw: npt.NDArray[np.float64], augment: Jitter) -> npt.NDArray[np.float64]:
    """Each pixel of the copy looked up where it came from: unshift, unrotate, unscale about the centre."""
    height, width = image.shape
    dx, dy = augment.pixels * draw[0], augment.pixels * draw[1]
    angle, size = augment.rotation * draw[2], 1 + augment.scale * draw[3]
    found = np.empty((height, width))
    for j in range(height):
        for i in range(width):
            x, y = i - (width - 1) / 2 - dx, j - (height - 1) / 2 - dy
            x, y = (cos(angle) * x + sin(angle) * y) / size, (-sin(angle) * x + cos(angle) * y) / size
            found[j, i] = at(image.astype(np.float64), x + (width - 1) / 2, y + (height - 1) / 2)
    return found


@pytest.mark.parametrize(
    "augment",
    [
        Jitter(type="jitter", pixels=0.5),
        Jitter(type="jitter", pixels=3.0),
        Jitter(type="jitter", rotation=0.4),
        Jitter(type="jitter", scale=0.3),
        Jitter(type="jitter", pixels=1.5, rotation=0.2, scale=0.1),
    ],
)
def test_it_is_the_affine_map_it_says(augment: Jitter) -> None:
    found = jitter(IMAGES, KEYS, 1, 7, augment).numpy()
    drawn = draws(KEYS, 1, 7)
    for i, image in enumerate(IMAGES):
        np.testing.assert_allclose(found[i], by_hand(image, drawn[i], augment), atol=0.02)
    assert not np.allclose(found, IMAGES, atol=1)


def test_nothing_asked_is_nothing_done() -> None:
    np.testing.assert_allclose(jitter(IMAGES, KEYS, 0, 0, Jitter(type="jitter")).numpy(), IMAGES, atol=1e-3)


def test_a_shift_of_whole_pixels_moves_pixels() -> None:
    picture = np.zeros((1, 5, 5), dtype=np.float32)
    picture[0, 2, 2] = 1
    found = jitter(picture, KEYS[:1], 0, 0, Jitter(type="jitter", pixels=1.0)).numpy()[0]
    dx, dy = draws(KEYS[:1], 0, 0)[0, :2]
    centre = (found.sum(axis=0) @ np.arange(5), found.sum(axis=1) @ np.arange(5))
    np.testing.assert_allclose(centre, (2 + dx, 2 + dy), atol=1e-5)


def test_a_copy_is_a_function_of_seed_row_and_number() -> None:
    augment = Jitter(type="jitter", pixels=1.0, rotation=0.1)
    whole = jitter(IMAGES, KEYS, 3, 5, augment)
    assert (jitter(IMAGES[3:4], KEYS[3:4], 3, 5, augment) == whole[3:4]).all()
    assert not (jitter(IMAGES, KEYS, 4, 5, augment) == whole).all()
    assert not (jitter(IMAGES, KEYS, 3, 6, augment) == whole).all()


def test_channels_move_together() -> None:
    augment = Jitter(type="jitter", pixels=2.0, rotation=0.3, scale=0.2)
    coloured = np.stack([IMAGES, IMAGES // 2], axis=1)
    found = jitter(coloured, KEYS, 1, 7, augment).numpy()
    np.testing.assert_allclose(found[:, 0], jitter(IMAGES, KEYS, 1, 7, augment).numpy(), atol=1e-4)
    np.testing.assert_allclose(found[:, 1], jitter(IMAGES // 2, KEYS, 1, 7, augment).numpy(), atol=1e-4)


def test_draws_are_even() -> None:
    many = np.stack([np.arange(20_000, dtype=np.uint64)] * 2, axis=1)
    drawn = draws(many, 0, 0)
    assert drawn.min() >= -1 and drawn.max() < 1
    assert np.abs(drawn.mean(axis=0)).max() < 0.02 and np.abs(drawn.std(axis=0) - 3**-0.5).max() < 0.01
    assert np.abs(np.corrcoef(drawn.T) - np.eye(4)).max() < 0.03
