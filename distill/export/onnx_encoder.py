"""A text encoder's layers as nodes of an ONNX graph (`distill/students/encoder.py` is the same in torch).

B batch, any size    T tokens, any number    D width    H heads, of d numbers each
"""

from collections.abc import Mapping
from math import sqrt
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from onnx import TensorProto

from distill.students.encoder import SEPARATOR
from spec.student import TextEncoder

EPSILON = 1e-5
SEGMENT = "encoder.segment.weight"
FAR = 1e9
"""Taken from the attention to what is no token: its share is 0 in float32."""
Tensors = Mapping[str, npt.NDArray[Any]]


class Graph(Protocol):
    """What a graph must know (`distill/export/onnx_writer.py`)."""

    value: str

    def apply(self, operator: str, *arguments: str, **attributes: Any) -> str: ...
    def constant(self, name: str, values: npt.ArrayLike, dtype: Any = np.float32) -> str: ...
    def weights(self, tensors: Tensors, layer: str) -> tuple[str, str]: ...


def encoder(graph: Graph, student: TextEncoder, tensors: Tensors) -> None:
    """From token numbers [B, T], int64 with 0 for none, to the mean over a text's tokens [B, D]."""
    inside = graph.apply("Cast", graph.apply("Sign", "input"), to=TensorProto.FLOAT)
    one, far = graph.constant("one", 1.0), graph.constant("far", FAR)
    axes = graph.constant("heads_and_queries", [1, 2], np.int64)
    away = graph.apply("Mul", graph.apply("Sub", inside, one), far)
    bias = graph.apply("Unsqueeze", away, axes)
    graph.value = _embedded(graph, tensors)
    for i in range(student.layers):
        _layer(graph, f"encoder.layers.{i}", student, tensors, bias)
    normed = graph.apply("LayerNormalization", graph.value, *graph.weights(tensors, "encoder.norm"), epsilon=EPSILON)
    token, last = graph.constant("token_axis", [1], np.int64), graph.constant("last_axis", [2], np.int64)
    counted = graph.apply("Mul", normed, graph.apply("Unsqueeze", inside, last))
    total = graph.apply("ReduceSum", counted, token, keepdims=0)
    graph.value = graph.apply("Div", total, graph.apply("ReduceSum", inside, token, keepdims=1))


def _embedded(graph: Graph, tensors: Tensors) -> str:
    names = ("encoder.token.weight", "encoder.position.weight")
    token, position = (graph.constant(name, tensors[name]) for name in names)
    zero = graph.constant("zero", [0], np.int64)
    length = graph.apply("Shape", "input", start=1, end=2)
    places = graph.apply("Slice", position, zero, length, zero)
    embedded = graph.apply("Add", graph.apply("Gather", token, "input", axis=0), places)
    if SEGMENT not in tensors:
        return embedded
    one, axis = graph.constant("separator", [SEPARATOR], np.int64), graph.constant("cumulated", 1, np.int64)
    separator = graph.apply("Cast", graph.apply("Equal", "input", one), to=TensorProto.INT64)
    segments = graph.constant(SEGMENT, tensors[SEGMENT])
    return graph.apply("Add", embedded, graph.apply("Gather", segments, graph.apply("CumSum", separator, axis), axis=0))


def _layer(graph: Graph, name: str, student: TextEncoder, tensors: Tensors, bias: str) -> None:
    x = graph.value
    y = graph.apply("LayerNormalization", x, *graph.weights(tensors, f"{name}.norm1"), epsilon=EPSILON)
    x = graph.apply("Add", x, _attention(graph, name, y, student, tensors, bias))
    y = graph.apply("LayerNormalization", x, *graph.weights(tensors, f"{name}.norm2"), epsilon=EPSILON)
    y = _gelu(graph, name, _linear(graph, f"{name}.up", y, tensors))
    graph.value = graph.apply("Add", x, _linear(graph, f"{name}.down", y, tensors))


def _attention(graph: Graph, name: str, y: str, student: TextEncoder, tensors: Tensors, bias: str) -> str:
    heads, size = student.heads, student.width // student.heads
    split = graph.constant(f"{name}.split", [0, 0, 3, heads, size], np.int64)
    parts = graph.apply("Reshape", _linear(graph, f"{name}.qkv", y, tensors), split)
    parts = graph.apply("Transpose", parts, perm=[2, 0, 3, 1, 4])
    first = graph.constant(f"{name}.first", [0], np.int64)
    one = (graph.apply("Gather", parts, graph.constant(f"{name}.{i}", [i], np.int64), axis=0) for i in range(3))
    q, k, v = (graph.apply("Squeeze", part, first) for part in one)
    q = graph.apply("Mul", q, graph.constant(f"{name}.scale", 1 / sqrt(size)))
    scores = graph.apply("MatMul", q, graph.apply("Transpose", k, perm=[0, 1, 3, 2]))
    shares = graph.apply("Softmax", graph.apply("Add", scores, bias), axis=3)
    mixed = graph.apply("Transpose", graph.apply("MatMul", shares, v), perm=[0, 2, 1, 3])
    joined = graph.apply("Reshape", mixed, graph.constant(f"{name}.join", [0, 0, student.width], np.int64))
    return _linear(graph, f"{name}.out", joined, tensors)


def _linear(graph: Graph, layer: str, x: str, tensors: Tensors) -> str:
    """At each token; a Gemm takes matrices only."""
    weight = graph.constant(f"{layer}.weight", tensors[f"{layer}.weight"].T)
    bias = graph.constant(f"{layer}.bias", tensors[f"{layer}.bias"])
    return graph.apply("Add", graph.apply("MatMul", x, weight), bias)


def _gelu(graph: Graph, name: str, x: str) -> str:
    """x/2 (1 + erf(x/√2)): ONNX has it as an operator only from operator set 20."""
    root, one = graph.constant(f"{name}.root", 1 / sqrt(2)), graph.constant(f"{name}.one", 1.0)
    grown = graph.apply("Add", graph.apply("Erf", graph.apply("Mul", x, root)), one)
    return graph.apply("Mul", graph.apply("Mul", x, grown), graph.constant(f"{name}.half", 0.5))
