"""Rows as a reader sees them: drawn as pictures, or the beginnings of texts."""

import base64
from typing import Any

import numpy as np
import numpy.typing as npt

from distill.data.rows import Ints, Rows
from distill.report.figures import Picture

LARGEST = 64
"""Pixels along a side; larger images are drawn by every second, third … pixel."""


LONGEST = 160
"""Characters of a text that a report shows."""
BETWEEN = " ‖ "
"""The two texts of a pair."""


def pictures(rows: Rows, which: Ints) -> list[Picture | None]:
    """Of image rows (H, W), (1, H, W) or (3, H, W); None for everything else."""
    name = rows.roles.input
    facts = rows.columns.get(name) if isinstance(name, str) else None
    images = facts is not None and facts.kind == "image" and (len(facts.shape) == 2 or facts.shape[0] in (1, 3))
    if not images or not len(which):
        return [None] * len(which)
    values = rows.inputs[which].astype(np.float64)
    low, high = values.min(), values.max()
    scaled = np.round((values - low) * (255 / (high - low) if high > low else 0)).astype(np.uint8)
    return [picture(image if image.ndim == 3 else image[None]) for image in scaled]


def excerpts(rows: Rows, which: Ints) -> list[str | None]:
    """The beginnings of text rows, of pairs both; None for everything else."""
    names = rows.roles.inputs
    if not names or any(name not in rows.columns or rows.columns[name].kind != "text" for name in names):
        return [None] * len(which)
    texts = (rows.texts(name).take(which).to_pylist() for name in names)
    return [BETWEEN.join(map(beginning, row)) for row in zip(*texts, strict=True)]


def beginning(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def picture(image_CHW: npt.NDArray[Any]) -> Picture:
    step = -(-max(image_CHW.shape[1:]) // LARGEST)
    pixels = np.ascontiguousarray(image_CHW[:, ::step, ::step].transpose(1, 2, 0))
    height, width, channels = pixels.shape
    data = base64.b64encode(pixels.tobytes()).decode()
    return Picture(height=height, width=width, channels=3 if channels == 3 else 1, data=data)
