"""Jittered copies of images (Hinton et al. 2015, section 3): a random shift, rotation and change of size, interpolated.

A copy is a function of (seed, row digest, number of the copy) alone, so a teacher's score of it can be computed once and found again.
Legend: `B` rows, `C` channels, `H` height, `W` width.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from distill.data.draw import Hashes, salted
from spec.data import Jitter


def jitter(images: npt.NDArray[Any], digests: Hashes, copy: int, seed: int, augment: Jitter) -> torch.Tensor:
    """(B, H, W) or (B, C, H, W), raw values -> float32 of the same shape, raw values; 0 outside of the picture."""
    x_BCHW = torch.from_numpy(np.asarray(images, dtype=np.float32))
    shape = x_BCHW.shape
    if x_BCHW.dim() == 3:
        x_BCHW = x_BCHW.unsqueeze(1)
    theta_B23 = torch.from_numpy(affine(draws(digests, copy, seed), augment, shape[-2], shape[-1]))
    grid_BHW2 = functional.affine_grid(theta_B23, list(x_BCHW.shape), align_corners=False)
    moved = functional.grid_sample(x_BCHW, grid_BHW2, mode="bilinear", padding_mode="zeros", align_corners=False)
    return moved.reshape(shape)


def draws(digests: Hashes, copy: int, seed: int) -> npt.NDArray[np.float64]:
    """(B, 4) in [-1, 1): shift along width and height, rotation, scale."""
    bits = [salted(digests, seed, f"augment {copy} {axis}") for axis in ("width", "height", "rotation", "scale")]
    return np.stack([(column >> np.uint64(11)) * (2.0 / 2**53) - 1.0 for column in bits], axis=1)


def affine(draw_B4: npt.NDArray[np.float64], augment: Jitter, height: int, width: int) -> npt.NDArray[np.float32]:
    """(B, 2, 3): from a place in the copy to the place in the original, both in [-1, 1] along width, then height.

    A copy is the original scaled, then rotated about its centre (in pixels, so that it stays stiff), then shifted.
    """
    shift_x, shift_y = (augment.pixels * draw_B4[:, i] for i in (0, 1))
    angle, size = augment.rotation * draw_B4[:, 2], 1.0 + augment.scale * draw_B4[:, 3]
    cos, sin = np.cos(angle) / size, np.sin(angle) / size
    theta = np.empty((len(draw_B4), 2, 3), dtype=np.float32)
    theta[:, 0, 0], theta[:, 0, 1] = cos, sin * height / width
    theta[:, 1, 0], theta[:, 1, 1] = -sin * width / height, cos
    theta[:, 0, 2] = -(cos * shift_x + sin * shift_y) * 2 / width
    theta[:, 1, 2] = -(-sin * shift_x + cos * shift_y) * 2 / height
    return theta
