"""A small real job: handwritten digits, a teacher that was never trained, a student of 32 units."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save
from sklearn.datasets import load_digits

from tests.acceptance.tenant import Tenant

Pixels = npt.NDArray[np.uint8]


def rows(count: int, seed: int = 0) -> tuple[Pixels, npt.NDArray[np.int64]]:
    """(count, 8, 8) and (count,): digits drawn with replacement, each with noise of its own, so that no two are equal."""
    draw = np.random.default_rng(seed)
    images, labels = load_digits(return_X_y=True)
    chosen = draw.choice(len(images), count)
    pixels = np.clip(images[chosen] + draw.integers(0, 4, (count, 64)), 0, 16).astype(np.uint8)
    return pixels.reshape(-1, 8, 8), labels[chosen]


def npz(count: int, seed: int = 0) -> bytes:
    """A file of `rows`."""
    x, y = rows(count, seed)
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, x=x, y=y)
    return packed.getvalue()


def weights(units: int, seed: int = 0) -> dict[str, npt.NDArray[np.float32]]:
    """Of an mlp with one hidden layer for these rows, drawn; what it knows does not matter here."""
    draw = np.random.default_rng(seed)
    shapes = {
        "hidden0.weight": (units, 64),
        "hidden0.bias": (units,),
        "output.weight": (10, units),
        "output.bias": (10,),
    }
    return {name: draw.normal(0, 0.2, shape).astype(np.float32) for name, shape in shapes.items()}


def architecture(units: int) -> dict[str, Any]:
    return {"type": "mlp", "hidden_sizes": [units]}


SIGNATURE: dict[str, Any] = {
    "input": {"kind": "image", "shape": [8, 8], "dtype": "uint8", "scale": 1 / 16, "offset": 0.0},
    "output": {"kind": "classes", "classes": [str(digit) for digit in range(10)]},
}


def teacher(owner: Tenant, units: int = 64) -> str:
    """An uploaded teacher's id."""
    asked = {"architecture": architecture(units), "signature": SIGNATURE}
    id: str = owner.model("teacher.safetensors", save(weights(units)), **asked)["id"]
    return id


def job(train: str, model: str, **training: Any) -> dict[str, Any]:
    """A job of four processes: score, train, grade, package."""
    return {
        "name": "digits",
        "teacher": {"models": [model]},
        "data": {"train": train, "heldout": 0.2},
        "student": {"type": "mlp", "hidden_sizes": [32]},
        "objective": [{"type": "soft_targets", "temperature": 4.0}],
        "training": {"steps": 200, "batch_size": 64, "seed": 1, **training},
        "evaluation": {"baselines": []},
    }
