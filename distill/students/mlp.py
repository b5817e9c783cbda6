"""Fully connected students: flatten, then (hidden, norm, ReLU, dropout) for each size, then output."""

from collections import OrderedDict
from math import prod

from torch import nn

from spec.student import Mlp


def mlp(student: Mlp, shape: tuple[int, ...], classes: int) -> nn.Sequential:
    """(B, *shape) -> (B, classes). Tensors: `hidden{i}`, `norm{i}`, `output`."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    inputs = prod(shape)
    for i, width in enumerate(student.hidden_sizes):
        layers[f"hidden{i}"] = nn.Linear(inputs, width)
        if student.norm != "none":
            layers[f"norm{i}"] = nn.BatchNorm1d(width) if student.norm == "batch" else nn.LayerNorm(width)
        layers[f"relu{i}"] = nn.ReLU()
        if student.dropout:
            layers[f"dropout{i}"] = nn.Dropout(student.dropout)
        inputs = width
    layers["output"] = nn.Linear(inputs, classes)
    return nn.Sequential(layers)
