"""ONNX: one self-contained graph of standard operators, from one tensor to one tensor."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, TypeProto, ValueInfoProto

from distill.data.refusal import damaged, refuse
from distill.inspection.takes import TYPES
from spec.problem import Refused

LARGEST = 2**30
"""Bytes of the file."""
DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
DEEPEST = 16
"""Graphs within graphs."""


@dataclass(frozen=True, kw_only=True)
class Graph:
    """What the file says of itself."""

    input: tuple[int | None, ...]
    """Its dimensions, the batch first; None: any."""
    dtype: str
    """numpy name of the input."""
    parameters: int
    bytes: int
    tensors: dict[str, tuple[int, ...]]
    signature: str | None
    """JSON that our own exports carry."""


def read(path: Path, name: str) -> Graph:
    """Refused: too large, damaged, external data, custom operators, functions, an unknown operator set, several inputs or outputs."""
    if path.stat().st_size > LARGEST:
        raise refuse("model_too_large", name, f"ONNX files have up to {LARGEST:,} bytes.")
    model = ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except DecodeError as error:
        raise damaged(name, "it is not ONNX") from error
    graphs = list(_graphs(model.graph, name))
    check_operators(model, graphs, name)
    constants = list(_constants(model, graphs))
    check_contained(constants, name)
    check_valid(model, name)
    dimensions, dtype = check_ends(model.graph, name)
    return Graph(
        input=dimensions,
        dtype=dtype,
        parameters=sum(prod(tensor.dims) for tensor in constants) + sum(map(_numbers, graphs)),
        bytes=sum(map(_bytes, constants)) + 4 * sum(map(_numbers, graphs)),
        tensors={tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer if tensor.name},
        signature=next((entry.value for entry in model.metadata_props if entry.key == "signature"), None),
    )


def _graphs(graph: GraphProto, name: str, depth: int = 0) -> Iterator[GraphProto]:
    """The graph and all graphs inside its nodes."""
    if depth > DEEPEST:
        raise refuse("onnx_invalid", name, f"its graphs are nested more than {DEEPEST} deep.")
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from _graphs(inner, name, depth + 1)


def _nodes(graphs: list[GraphProto]) -> Iterator[NodeProto]:
    for graph in graphs:
        yield from graph.node


def _constants(model: ModelProto, graphs: list[GraphProto]) -> Iterator[TensorProto]:
    """Every tensor with values in the file, wherever it stands."""
    for training in model.training_info:
        yield from (*training.initialization.initializer, *training.algorithm.initializer)
    for graph in graphs:
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
    for node in _nodes(graphs):
        for attribute in node.attribute:
            yield from attribute.tensors
            if attribute.HasField("t"):
                yield attribute.t
            single = [attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []
            for sparse in (*attribute.sparse_tensors, *single):
                yield from (sparse.values, sparse.indices)


def check_operators(model: ModelProto, graphs: list[GraphProto], name: str) -> None:
    """Refused: `onnx_custom_operator`, `onnx_functions`, `onnx_opset`."""
    for node in _nodes(graphs):
        if node.domain not in DOMAINS:
            message = (
                f"operator {node.op_type!r} is of domain {node.domain!r}, which needs code that is not in the file."
            )
            raise refuse("onnx_custom_operator", name, message, "Export with standard operators only.")
    if len(model.functions):
        hint = "onnx.inliner.inline_local_functions(model) turns functions into plain nodes."
        raise refuse("onnx_functions", name, f"it defines a function, {model.functions[0].name!r}.", hint)
    latest = onnx.defs.onnx_opset_version()
    for opset in model.opset_import:
        if opset.domain in ("", "ai.onnx") and not 7 <= opset.version <= latest:
            raise refuse("onnx_opset", name, f"it uses operator set {opset.version}; 7 to {latest} are read.")
        if opset.domain not in DOMAINS:
            message = f"it imports operators of domain {opset.domain!r}."
            raise refuse("onnx_custom_operator", name, message, "Export with standard operators only.")


def check_contained(constants: list[TensorProto], name: str) -> None:
    """Refused (`onnx_external_data`): weights in another file. Such a file's path could be any on the machine that reads it."""
    for tensor in constants:
        if tensor.data_location == TensorProto.EXTERNAL or len(tensor.external_data):
            hint = "onnx.save(onnx.load('model.onnx'), 'one-file.onnx') writes one file."
            raise refuse("onnx_external_data", name, f"tensor {tensor.name!r} lies in another file.", hint)


def check_valid(model: ModelProto, name: str) -> None:
    """Refused (`onnx_invalid`) with the checker's words."""
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, RuntimeError, ValueError) as error:
        raise refuse("onnx_invalid", name, f"ONNX's checker says: {' '.join(str(error).split())[:300]}") from error


def check_ends(graph: GraphProto, name: str) -> tuple[tuple[int | None, ...], str]:
    """Dimensions and numpy type of the only input. Refused: `onnx_inputs`, `onnx_outputs`, `onnx_input_type`."""
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        raise _count("onnx_inputs", "input", inputs, name)
    if len(graph.output) != 1:
        raise _count("onnx_outputs", "output", list(graph.output), name)
    given: TypeProto = inputs[0].type
    dtype = TYPES.get(given.tensor_type.elem_type) if given.HasField("tensor_type") else None
    if dtype is None or not given.tensor_type.HasField("shape") or not len(given.tensor_type.shape.dim):
        message = f"input {inputs[0].name!r} must be a tensor of {', '.join(TYPES.values())} whose first dimension is the batch."
        raise refuse("onnx_input_type", name, message)
    shape = given.tensor_type.shape.dim
    return tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in shape), dtype


def _count(code: str, what: str, values: list[ValueInfoProto], name: str) -> Refused:
    names = ", ".join(value.name[:40] for value in values[:8]) or "none"
    hint = f"Keep one {what}: onnx.utils.extract_model('model.onnx', 'one.onnx', ['input'], ['scores'])."
    return refuse(code, name, f"it has {len(values)} {what}s ({names}); one is needed.", hint)


def _numbers(graph: GraphProto) -> int:
    """Numbers in lists of attributes: where trees and linear models of ai.onnx.ml keep their weights."""
    return sum(len(attribute.floats) for node in graph.node for attribute in node.attribute)


def _bytes(tensor: TensorProto) -> int:
    if tensor.data_type == TensorProto.STRING:
        return sum(map(len, tensor.string_data))
    known = tensor.data_type in onnx.helper.get_all_tensor_dtypes()
    item: int = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize if known else 0
    return prod(map(int, tensor.dims)) * item
