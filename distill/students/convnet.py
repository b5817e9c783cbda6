"""Convolutional students: (conv, norm, ReLU, pool) for each number of channels, flatten, dropout, hidden, ReLU, dropout, output."""

from collections import OrderedDict

from torch import nn

from spec.student import Convnet
from spec.tensors import pooled


def convnet(student: Convnet, shape: tuple[int, ...], classes: int) -> nn.Sequential:
    """(B, H, W) or (B, C, H, W) -> (B, classes). Tensors: `conv{i}`, `norm{i}`, `hidden`, `output`."""
    inputs, height, width = pooled(shape, len(student.channels))
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if len(shape) == 2:
        layers["channel"] = nn.Unflatten(1, (1, shape[0]))
    for i, channels in enumerate(student.channels):
        layers[f"conv{i}"] = nn.Conv2d(inputs, channels, 3, padding=1)
        if student.norm != "none":
            # One group: a row's channels and places are normalised together, so tensors do not depend on the image's size.
            layers[f"norm{i}"] = nn.BatchNorm2d(channels) if student.norm == "batch" else nn.GroupNorm(1, channels)
        layers[f"relu{i}"] = nn.ReLU()
        layers[f"pool{i}"] = nn.MaxPool2d(2)
        inputs = channels
    layers["flatten"] = nn.Flatten()
    if student.dropout:
        layers["dropout0"] = nn.Dropout(student.dropout)
    layers["hidden"] = nn.Linear(inputs * height * width, student.hidden)
    layers["relu"] = nn.ReLU()
    if student.dropout:
        layers["dropout1"] = nn.Dropout(student.dropout)
    layers["output"] = nn.Linear(student.hidden, classes)
    return nn.Sequential(layers)
