"""Closed formulas against counts by hand."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from spec.size import activations, layers, operations, training_bytes
from spec.student import Student
from spec.tensors import parameters

DIGITS = {"type": "convnet", "channels": [8, 16], "hidden": 16, "norm": "batch"}
TEACHER = {"type": "convnet", "channels": [16, 32], "hidden": 64, "norm": "batch"}
HINTON = {"type": "mlp", "hidden_sizes": [800, 800]}


def student(document: dict[str, Any]) -> Student:
    return TypeAdapter[Student](Student).validate_python(document)


@pytest.mark.parametrize(
    ("document", "shape", "count"),
    [
        (DIGITS, (8, 8), 2_506),  # the demo's student: 80 + 16 + 1,168 + 32 + 1,040 + 170
        (TEACHER, (8, 8), 13_802),  # and its teachers
        (HINTON, (28, 28), 784 * 800 + 800 + 800 * 800 + 800 + 8_010),
        (HINTON | {"norm": "layer"}, (28, 28), 784 * 800 + 800 + 800 * 800 + 800 + 8_010 + 4 * 800),
        (DIGITS | {"norm": "none"}, (3, 8, 8), 2_506 - 48 + 2 * 72),  # three channels in
        (DIGITS | {"norm": "none"}, (9, 9), 2_458),  # an odd side is rounded down by pooling
    ],
)
def test_parameters(document: dict[str, Any], shape: tuple[int, ...], count: int) -> None:
    assert parameters(student(document), shape, 10) == count


def test_a_layers_work_is_counted_at_every_position() -> None:
    assert layers(student(DIGITS), (8, 8), 10) == [(9, 8, 64), (72, 16, 16), (64, 16, 1), (16, 10, 1)]
    assert operations(student(DIGITS), (8, 8), 10) == 2 * (9 * 8 * 64 + 72 * 16 * 16 + 64 * 16 + 160)
    assert activations(student(DIGITS), (8, 8), 10) == 64 + 3 * (512 + 256 + 16 + 10)


def test_memory_grows_with_the_batch_by_its_activations() -> None:
    made = student(HINTON)
    one, two = (training_bytes(made, (28, 28), 10, batch, 4) for batch in (1, 2))
    assert two - one == 4 * activations(made, (28, 28), 10)
    assert one - 4 * activations(made, (28, 28), 10) == 16 * parameters(made, (28, 28), 10)
