"""Loads the student that lies beside this file, and predicts. Needs torch and safetensors, and nothing else.

from load import load
model = load(".")                # takes raw rows (B, *shape) and scales them itself; gives logits (B, classes)
model.predict(rows)              # the most probable class of each row, and all probabilities (of several classes a row: a list of those over 0.5)

python load.py rows.npy          # a class and its probability a line (reading .npy needs numpy)
"""

import json
import sys
from collections import OrderedDict
from math import prod
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

Layers = OrderedDict[str, nn.Module]


class Model(nn.Module):
    """The network between its raw input and the names of its classes."""

    def __init__(self, network: nn.Sequential, given: dict[str, Any], output: dict[str, Any]) -> None:
        super().__init__()
        self.network, self.classes, self.several = network, output["classes"], output["kind"] == "multilabel"
        per_channel = given["kind"] == "image" and len(given["shape"]) == 3
        self.scale, self.offset = (_broadcast(given[name], per_channel) for name in ("scale", "offset"))

    def forward(self, raw: torch.Tensor) -> torch.Tensor:
        """Raw rows (B, *shape) of any dtype to logits (B, classes)."""
        logits: torch.Tensor = self.network(torch.addcmul(self.offset, raw.float(), self.scale))
        return logits

    @torch.inference_mode()
    def predict(self, rows: Any) -> tuple[list[Any], torch.Tensor]:
        """Rows as a tensor, array or lists: the most probable class of each, and all probabilities (B, classes).

        Where a row has any number of classes: the list of those whose own probability is over 0.5.
        """
        logits = self(torch.as_tensor(rows))
        if self.several:
            probabilities = torch.sigmoid(logits)
            return [
                [self.classes[i] for i in row.nonzero()[:, 0].tolist()] for row in probabilities > 0.5
            ], probabilities
        probabilities = torch.softmax(logits, 1)
        return [self.classes[i] for i in probabilities.argmax(1).tolist()], probabilities


def load(folder: str | Path = Path(__file__).parent) -> Model:
    """From `config.json` and `model.safetensors`, in eval mode."""
    folder = Path(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    student, given, output = config["student"], config["signature"]["input"], config["signature"]["output"]
    layers = (convnet if student["type"] == "convnet" else mlp)(student, given["shape"], len(output["classes"]))
    network = nn.Sequential(layers)
    network.load_state_dict(load_file(folder / "model.safetensors"))
    return Model(network, given, output).eval()


def mlp(student: dict[str, Any], shape: list[int], classes: int) -> Layers:
    """Layers by the names that the tensors have. Dropout does nothing here and is left out."""
    layers: Layers = OrderedDict(flatten=nn.Flatten())
    inputs = prod(shape)
    for i, width in enumerate(student["hidden_sizes"]):
        layers[f"hidden{i}"] = nn.Linear(inputs, width)
        if student["norm"] != "none":
            layers[f"norm{i}"] = nn.BatchNorm1d(width) if student["norm"] == "batch" else nn.LayerNorm(width)
        layers[f"relu{i}"] = nn.ReLU()
        inputs = width
    layers["output"] = nn.Linear(inputs, classes)
    return layers


def convnet(student: dict[str, Any], shape: list[int], classes: int) -> Layers:
    """The same of a convolutional network; an image (H, W) has one channel."""
    inputs, height, width = (1, *shape) if len(shape) == 2 else shape
    layers: Layers = OrderedDict()
    if len(shape) == 2:
        layers["channel"] = nn.Unflatten(1, (1, height))
    for i, channels in enumerate(student["channels"]):
        layers[f"conv{i}"] = nn.Conv2d(inputs, channels, 3, padding=1)
        if student["norm"] != "none":
            layers[f"norm{i}"] = nn.BatchNorm2d(channels) if student["norm"] == "batch" else nn.GroupNorm(1, channels)
        layers[f"relu{i}"], layers[f"pool{i}"] = nn.ReLU(), nn.MaxPool2d(2)
        inputs, height, width = channels, height // 2, width // 2
    layers["flatten"] = nn.Flatten()
    layers["hidden"], layers["relu"] = nn.Linear(inputs * height * width, student["hidden"]), nn.ReLU()
    layers["output"] = nn.Linear(student["hidden"], classes)
    return layers


def _broadcast(values: float | list[float], per_channel: bool) -> torch.Tensor:
    numbers = torch.tensor(values, dtype=torch.float32)
    return numbers.reshape(-1, 1, 1) if per_channel and numbers.ndim else numbers


if __name__ == "__main__":
    import numpy as np

    model = load()
    for name, row in zip(*model.predict(np.load(sys.argv[1], allow_pickle=False)), strict=True):
        print(", ".join(name) if model.several else f"{name}\t{row.max():.4f}")
