"""Our architectures as ONNX graphs, written node by node (torch's exporter takes seconds for what these lines do in a millisecond).

    B batch, any size    C channels    H, W height and width of an image    K classes

A graph takes raw values in the input's own dtype, [B, *shape], scales them itself, and gives logits [B, K]. Dropout is left out; a norm
stays a node, which runtimes fuse with the layer before it. Operator set 17: every ONNX Runtime since 1.12 runs it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

from distill.export.onnx_encoder import encoder
from spec.facts import InputSignature, Signature
from spec.student import Convnet, Mlp, Norm, Student, TextClassifier, TextEncoder
from spec.tensors import pooled

OPSET, IR_VERSION = 17, 8
EPSILON = 1e-5
"""torch's own, of all norms."""
Tensors = Mapping[str, npt.NDArray[Any]]


class Graph:
    """Nodes and constants, in order. `value` is the name of what the last node gave."""

    def __init__(self, value: str, prefix: str = "") -> None:
        self.value, self.prefix = value, prefix
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, *arguments: str, **attributes: Any) -> None:
        """Applies an operator to the last value and constants."""
        self.value = self.apply(operator, self.value, *arguments, **attributes)

    def apply(self, operator: str, *arguments: str, **attributes: Any) -> str:
        """The name of what an operator gives of what is named."""
        result = f"{self.prefix}{operator.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(arguments), [result], **attributes))
        return result

    def constant(self, name: str, values: npt.ArrayLike, dtype: Any = np.float32) -> str:
        name = self.prefix + name
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype=dtype), name))
        return name

    def weights(self, tensors: Tensors, layer: str) -> tuple[str, str]:
        """Names of a layer's weight and bias."""
        weight, bias = f"{layer}.weight", f"{layer}.bias"
        return self.constant(weight, tensors[weight]), self.constant(bias, tensors[bias])


def write(student: Student, signature: Signature, tensors: Tensors) -> ModelProto:
    """The graph of one model: `input` to `logits`. ONNX's ValidationError: we wrote nonsense."""
    graph = Graph("input")
    if signature.input.kind != "text":
        scaled(graph, signature.input, signature.input.dtype)
    layers(graph, student, signature.input.shape, tensors)
    return finish([graph], signature, "logits")


def scaled(graph: Graph, given: InputSignature, dtype: str) -> None:
    """Raw values of `dtype` * scale + offset as float32; a scale of several numbers is one a channel (`distill.students.scaling`)."""
    if dtype != "float32":
        graph.add("Cast", to=TensorProto.FLOAT)
    for operator, name, value, neutral in (("Mul", "scale", given.scale, 1.0), ("Add", "offset", given.offset, 0.0)):
        if value != neutral:
            graph.add(operator, graph.constant(name, by_channel(value, given)))


def by_channel(value: float | tuple[float, ...], given: InputSignature) -> npt.NDArray[np.float32]:
    """A number, or numbers that meet an image's first axis, [C, 1, 1], or an array's last."""
    numbers = np.asarray(value, dtype=np.float32)
    first = given.kind == "image" and len(given.shape) == 3 and numbers.ndim
    return numbers.reshape(-1, 1, 1) if first else numbers


def layers(graph: Graph, student: Student, shape: tuple[int, ...], tensors: Tensors) -> None:
    """From scaled values to logits."""
    match student:
        case Mlp():
            _mlp(graph, student, tensors)
        case Convnet():
            _convnet(graph, student, shape, tensors)
        case TextClassifier():
            _text_classifier(graph, student, tensors)
        case TextEncoder():
            encoder(graph, student, tensors)
            graph.add("Gemm", *graph.weights(tensors, "output"), transB=1)


def _text_classifier(graph: Graph, student: TextClassifier, tensors: Tensors) -> None:
    """From bucket numbers [B, any], int64 with 0 for no feature: hashing texts is not the graph's work, and `load.py` says how it is done."""
    table = graph.constant("embedding.weight", tensors["embedding.weight"])
    axis, one = graph.constant("features", [1], np.int64), graph.constant("one", 1.0)
    total = graph.apply("ReduceSum", graph.apply("Gather", table, "input", axis=0), axis, keepdims=0)
    counted = graph.apply("Cast", graph.apply("Sign", "input"), to=TensorProto.FLOAT)
    count = graph.apply("Max", graph.apply("ReduceSum", counted, axis, keepdims=1), one)
    graph.value = graph.apply("Div", total, count if student.pooling == "mean" else graph.apply("Sqrt", count))
    graph.add("Gemm", *graph.weights(tensors, "output"), transB=1)


def _mlp(graph: Graph, student: Mlp, tensors: Tensors) -> None:
    graph.add("Flatten", axis=1)
    for i in range(len(student.hidden_sizes)):
        graph.add("Gemm", *graph.weights(tensors, f"hidden{i}"), transB=1)
        _norm(graph, student.norm, i, tensors)
        graph.add("Relu")
    graph.add("Gemm", *graph.weights(tensors, "output"), transB=1)


def _convnet(graph: Graph, student: Convnet, shape: tuple[int, ...], tensors: Tensors) -> None:
    if len(shape) == 2:
        graph.add("Reshape", graph.constant("image", (0, 1, *shape), np.int64))
    for i in range(len(student.channels)):
        graph.add("Conv", *graph.weights(tensors, f"conv{i}"), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        _norm(graph, student.norm, i, tensors, (student.channels[i], *pooled(shape, i)[1:]))
        graph.add("Relu")
        graph.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    graph.add("Flatten", axis=1)
    graph.add("Gemm", *graph.weights(tensors, "hidden"), transB=1)
    graph.add("Relu")
    graph.add("Gemm", *graph.weights(tensors, "output"), transB=1)


def _norm(graph: Graph, norm: Norm, i: int, tensors: Tensors, image: tuple[int, int, int] | None = None) -> None:
    """`image`: (C, H, W) of what is normalised, in a convnet."""
    name = f"norm{i}"
    if norm == "none":
        return
    if norm == "batch":
        statistics = [
            graph.constant(f"{name}.{end}", tensors[f"{name}.{end}"]) for end in ("running_mean", "running_var")
        ]
        graph.add("BatchNormalization", *graph.weights(tensors, name), *statistics, epsilon=EPSILON)
    elif image is None:
        graph.add("LayerNormalization", *graph.weights(tensors, name), axis=-1, epsilon=EPSILON)
    else:
        _group_norm(graph, name, tensors, image)


def _group_norm(graph: Graph, name: str, tensors: Tensors, image: tuple[int, int, int]) -> None:
    """One group, by instance normalisation of all channels as one: ONNX has group normalisation only from operator set 21."""
    graph.add("Reshape", graph.constant(f"{name}.flat", (0, 1, -1), np.int64))
    one, zero = graph.constant(f"{name}.one", [1.0]), graph.constant(f"{name}.zero", [0.0])
    graph.add("InstanceNormalization", one, zero, epsilon=EPSILON)
    graph.add("Reshape", graph.constant(f"{name}.image", (0, *image), np.int64))
    for operator, end in (("Mul", "weight"), ("Add", "bias")):
        graph.add(operator, graph.constant(f"{name}.{end}", tensors[f"{name}.{end}"].reshape(-1, 1, 1)))


def write_ensemble(
    members: Sequence[tuple[Student, Signature, Tensors]], weights: Sequence[float], combine: str
) -> ModelProto:
    """All members one after another in one graph, and their mean: `input` to `scores`, log-probabilities (geometric) or probabilities.

    Of several classes a row log-odds (geometric) or probabilities of each. Takes what the first member takes; classes in the order of the first member's.
    """
    signature, names = members[0][1], members[0][1].output.classes
    several = signature.output.kind == "multilabel"
    graphs = []
    for i, (student, given, tensors) in enumerate(members):
        graph = Graph("input", f"teacher{i}.")
        scaled(graph, given.input, signature.input.dtype)
        layers(graph, student, given.input.shape, tensors)
        if given.output.classes != names:
            order = [given.output.classes.index(name) for name in names]
            graph.add("Gather", graph.constant("order", order, np.int64), axis=1)
        if not several:
            graph.add("LogSoftmax" if combine == "geometric" else "Softmax", axis=1)
        elif combine == "arithmetic":
            graph.add("Sigmoid")
        graph.add("Mul", graph.constant("share", weights[i] / sum(weights)))
        graphs.append(graph)
    total = Graph(graphs[0].value, "mean.")
    total.add("Sum", *(graph.value for graph in graphs[1:]))
    if combine == "geometric" and not several:
        total.add("LogSoftmax", axis=1)
    return finish([*graphs, total], signature, "scores")


def finish(graphs: Sequence[Graph], signature: Signature, output: str) -> ModelProto:
    """A checked model of graphs that share one input; the last one's value is the output. Its metadata say the signature."""
    graphs[-1].add("Identity")
    graphs[-1].nodes[-1].output[0] = output
    given = signature.input
    text = given.kind == "text"
    dtype = TensorProto.INT64 if text else helper.np_dtype_to_tensor_dtype(np.dtype(given.dtype))
    shape = ("features",) if text else given.shape
    graph = helper.make_graph(
        [node for part in graphs for node in part.nodes],
        "student",
        [helper.make_tensor_value_info("input", dtype, ["batch", *shape])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", len(signature.output.classes)])],
        [constant for part in graphs for constant in part.constants],
    )
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, ir_version=IR_VERSION, opset_imports=opsets, producer_name="stillhouse")
    helper.set_model_props(model, {"signature": json.dumps(raw(signature).model_dump(mode="json"), sort_keys=True)})
    checker.check_model(model, full_check=True)
    return model


def raw(signature: Signature) -> Signature:
    """The signature of the graph itself: it scales by itself, so whoever feeds it gives raw values."""
    return signature.model_copy(update={"input": signature.input.model_copy(update={"scale": 1.0, "offset": 0.0})})
