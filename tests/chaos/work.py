"""The campaign's jobs: small, real, and each with data and a seed of its own, so that no cache can answer for one."""

import io
import json
from typing import Any

import httpx
import numpy as np
from safetensors.numpy import save
from sklearn.datasets import load_digits

from tests.acceptance.teacher import sentences
from tests.chaos.client import Client

STUDENT = {"type": "mlp", "hidden_sizes": [32]}
LONGEST = 4  # tokens of an answer


def teacher(client: Client, url: str, key: str, seed: int) -> str:
    """An uploaded teacher with drawn weights: what it knows does not matter here."""
    draw = np.random.default_rng(seed)
    shapes = {"hidden0.weight": (64, 64), "hidden0.bias": (64,), "output.weight": (10, 64), "output.bias": (10,)}
    weights = {name: draw.normal(0, 0.2, shape).astype(np.float32) for name, shape in shapes.items()}
    file = upload(url, key, "model.safetensors", save(weights))
    signature = {
        "input": {"kind": "image", "shape": [8, 8], "dtype": "uint8", "scale": 1 / 16, "offset": 0.0},
        "output": {"kind": "classes", "classes": [str(i) for i in range(10)]},
    }
    made = client.post(
        "/models",
        json={"files": [file], "architecture": {"type": "mlp", "hidden_sizes": [64]}, "signature": signature},
    )
    return str(made["id"])


def dataset(url: str, key: str, number: int, seed: int) -> str:
    """400 digits, shifted by a draw: no two jobs share a row set."""
    draw = np.random.default_rng((seed, number))
    images, labels = load_digits(return_X_y=True)
    chosen = draw.choice(len(images), 400, replace=False)
    pixels = np.clip(images[chosen] + draw.integers(0, 3, (400, 64)), 0, 16).astype(np.uint8).reshape(-1, 8, 8)
    buffer = io.BytesIO()
    np.savez(buffer, x=pixels, y=labels[chosen])
    return upload(url, key, f"digits-{number}.npz", buffer.getvalue())


def sentences_of(url: str, key: str, number: int, seed: int) -> str:
    """200 sentences of a draw: no two jobs share one, so no kept answer serves a second job."""
    texts, labels = sentences(200, seed * 1000 + number)
    rows = [json.dumps({"text": f"{text} {number}", "label": label}) for text, label in zip(texts, labels, strict=True)]
    return upload(url, key, f"sentences-{number}.jsonl", "\n".join(rows).encode())


def asking(file: str, number: int, seed: int, usd: float, batch: bool) -> dict[str, Any]:
    """A job under a cap whose teacher is behind an endpoint, asked call by call or by batches; every other one filters its answers."""
    keep = [{"type": "length", "max": 40}, {"type": "regex", "pattern": "[a-z]"}] if number % 2 else []
    return {
        "name": f"chaos {number}",
        "teacher": {"models": ["ep_batches/words" if batch else "ep_words/words"], "batch": batch},
        "data": {
            "train": file,
            "heldout": 0.2,
            "labelled": 0.5,
            "responses": {"type": "teacher", "sampling": {"temperature": 0.0, "max_tokens": LONGEST}, "keep": keep},
        },
        "budget": {"usd": usd},
        "student": {"type": "text_classifier", "width": 16, "buckets": 2000},
        "objective": [{"type": "soft_targets"}],
        "training": {"steps": 300, "batch_size": 32, "seed": seed + number},
        "metadata": {"number": str(number)},
    }


def upload(url: str, key: str, name: str, content: bytes) -> str:
    """A file's id; repeated until it is answered, so an unanswered one may be there twice, which harms nobody."""
    for _ in range(500):
        try:
            reply = httpx.post(
                url + "/v1/files", headers={"Authorization": f"Bearer {key}"}, files={"file": (name, content)},
                data={"purpose": "distillation"}, timeout=10,
            )  # fmt: skip
        except httpx.TransportError:
            continue
        if reply.status_code < 500:
            return str(reply.raise_for_status().json()["id"])
    raise AssertionError(f"the upload of {name} stays unanswered")


def job(file: str, model: str, number: int, seed: int) -> dict[str, Any]:
    return {
        "name": f"chaos {number}",
        "teacher": {"models": [model]},
        "data": {"train": file, "heldout": 0.2, "labelled": 0.5},
        "student": STUDENT,
        "objective": [{"type": "soft_targets", "temperature": 4.0, "weight": 0.9}, {"type": "labels", "weight": 0.1}],
        "training": {"steps": 1500, "batch_size": 64, "seed": seed + number},
        "metadata": {"number": str(number)},
    }
