"""ONNX files: what is taken from any framework, and what is refused."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.distill.test_models import SAID_MLP, accepted, refused, said
from tests.distill.uploads import run_folder

W = np.array([[1, 0, -1], [0, 2, 0], [0.5, 0, 1]], dtype=np.float32)
Model = Callable[[], onnx.ModelProto]


def graph(
    *nodes: Any,
    batch: Any = "batch",
    shape: tuple[Any, ...] = (3,),
    dtype: int = TensorProto.FLOAT,
    outputs: tuple[str, ...] = ("out",),
    inputs: tuple[str, ...] = ("in",),
    opset: int = 17,
    domains: tuple[str, ...] = (),
    functions: Any = (),
    constants: Any = (),
    rank: int = 2,
) -> onnx.ModelProto:
    """A model around some nodes; `W` is a constant of it."""
    made = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info(name, dtype, [batch, *shape]) for name in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", "k"][:rank]) for name in outputs],
        [numpy_helper.from_array(W, "W"), *constants],
    )
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(made, opset_imports=opsets, ir_version=8, functions=list(functions))


def node(operator: str, inputs: str = "in W", outputs: str = "out", **attributes: Any) -> Any:
    return helper.make_node(operator, inputs.split(), outputs.split(), **attributes)


GRAPHS: dict[str, tuple[Model, dict[str, Any]]] = {
    "any batch": (lambda: graph(node("MatMul")), {}),
    "a batch of one": (lambda: graph(node("MatMul"), batch=1), {}),
    "a batch of four": (lambda: graph(node("MatMul"), batch=4), {}),
    "float64": (
        lambda: graph(node("Cast", "in", "x", to=TensorProto.FLOAT), node("MatMul", "x W"), dtype=TensorProto.DOUBLE), {}
    ),
    "float16": (
        lambda: graph(node("Cast", "in", "x", to=TensorProto.FLOAT), node("MatMul", "x W"), dtype=TensorProto.FLOAT16), {}
    ),
    "uint8": (lambda: graph(node("Cast", "in", "x", to=TensorProto.FLOAT), node("MatMul", "x W"), dtype=TensorProto.UINT8), {}),
    "an unknown shape": (lambda: graph(node("MatMul"), shape=(None,)), {}),
    "rows flattened": (lambda: graph(node("MatMul")), {"input_shape": [1, 3], "input_kind": "image"}),
    "probabilities": (lambda: graph(node("MatMul", outputs="x"), node("Softmax", "x")), {"output_scores": "probabilities"}),
    "a classifier of ai.onnx.ml": (
        lambda: graph(
            node("LinearClassifier", "in", "label out", domain="ai.onnx.ml", coefficients=W.ravel().tolist(), intercepts=[0.0] * 3,
                 classlabels_ints=[0, 1, 2], post_transform="NONE"),
            domains=("ai.onnx.ml",),
        ), {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GRAPHS)
def test_onnx_of_others(tmp_path: Path, name: str) -> None:
    model, parts = GRAPHS[name]
    found = accepted(tmp_path / "a", ("m.onnx", model().SerializeToString()), signature=said(**parts)["signature"])
    assert found.tensors["W"] == (3, 3) and found.parameters in (9, 9 + 12)
    assert set(found.files) == {"model.onnx"}


def external() -> onnx.ModelProto:
    model = graph(node("MatMul"))
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../../etc/passwd"
    return model


def external_within() -> onnx.ModelProto:
    inner = external().graph
    body = helper.make_graph(list(inner.node), "body", [], list(inner.output), list(inner.initializer))
    return graph(node("If", "W", then_branch=body, else_branch=body))


def function() -> Any:
    return helper.make_function(
        "mine", "f", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])], [helper.make_opsetid("", 17)]
    )


def endless() -> onnx.ModelProto:
    """A loop of 2^62 turns."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Identity", ["x"], ["y"])],
        "body",
        [helper.make_tensor_value_info("i", TensorProto.INT64, []), helper.make_tensor_value_info("go", TensorProto.BOOL, []),
         helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", "k"])],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, []), helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", "k"])],
    )  # fmt: skip
    constants = [numpy_helper.from_array(np.array(2**62), "turns"), numpy_helper.from_array(np.array(True), "true")]
    return graph(node("Loop", "turns true in", "x", body=body), node("MatMul", "x W"), constants=constants)


def hungry() -> onnx.ModelProto:
    """A constant of 400 GB that is asked for at run time."""
    sizes = numpy_helper.from_array(np.array([100_000_000_000]), "sizes")
    nodes = [
        node("ConstantOfShape", "sizes", "big"),
        node("ReduceSum", "big", "sum", keepdims=0),
        node("MatMul", outputs="x"),
        node("Add", "x sum"),
    ]
    return graph(*nodes, constants=[sizes])


BAD_GRAPHS: dict[str, tuple[str, Model]] = {
    "external data": ("onnx_external_data", external),
    "external data in a branch": ("onnx_external_data", external_within),
    "a custom operator": (
        "onnx_custom_operator",
        lambda: graph(node("Steal", domain="com.evil"), domains=("com.evil",)),
    ),
    "a custom domain": ("onnx_custom_operator", lambda: graph(node("MatMul"), domains=("com.microsoft",))),
    "a function": ("onnx_functions", lambda: graph(node("MatMul"), functions=[function()])),
    "an operator that does not exist": ("onnx_invalid", lambda: graph(node("Teleport"))),
    "an operator set of old": ("onnx_opset", lambda: graph(node("MatMul"), opset=3)),
    "an operator set to come": ("onnx_opset", lambda: graph(node("MatMul"), opset=99)),
    "two inputs": ("onnx_inputs", lambda: graph(node("MatMul"), inputs=("in", "two"))),
    "no input": ("onnx_inputs", lambda: graph(node("Identity", "W"), inputs=())),
    "two outputs": ("onnx_outputs", lambda: graph(node("MatMul"), node("Relu", "out", "two"), outputs=("out", "two"))),
    "texts": ("onnx_input_type", lambda: graph(node("Identity", "W"), dtype=TensorProto.STRING)),
    "whole numbers": ("onnx_input_type", lambda: graph(node("Identity", "W"), dtype=TensorProto.INT64)),
    "another shape": ("onnx_input_shape", lambda: graph(node("Identity", "in"), shape=(4,))),
    "a matrix that does not fit": ("onnx_invalid", lambda: graph(node("MatMul", "W in"), batch=5)),
    "another number of classes": ("scores_shape", lambda: graph(node("Concat", "in in", "out", axis=1))),
    "one score": ("scores_shape", lambda: graph(node("ReduceMean", "in", axes=[1], keepdims=0), rank=1)),
    "no numbers": (
        "scores_not_finite",
        lambda: graph(node("MatMul", outputs="x"), node("Sub", "x x", "z"), node("Div", "z z")),
    ),
    "rows that hang together": (
        "rows_mixed",
        lambda: graph(node("ReduceMean", "in", "m", axes=[0]), node("Add", "in m")),
    ),
    "probabilities called logits": ("scores_are_probabilities", lambda: graph(node("Softmax", "in"))),
    "a graph that asks for all memory": ("probe_failed", hungry),
}


@pytest.mark.parametrize("name", BAD_GRAPHS)
def test_onnx_that_is_refused(tmp_path: Path, name: str) -> None:
    code, model = BAD_GRAPHS[name]
    content = model().SerializeToString()
    assert refused(tmp_path / "a", ("m.onnx", content), signature=SAID_MLP["signature"])[0] == code


def test_onnx_with_what_belongs_to_safetensors(tmp_path: Path) -> None:
    content = graph(node("MatMul")).SerializeToString()
    assert refused(tmp_path / "a", ("m.onnx", content), **SAID_MLP)[0] == "architecture_unused"
    assert refused(tmp_path / "b", ("m.onnx", content))[0] == "signature_missing"
    integers = graph(node("Cast", "in", "x", to=1), node("MatMul", "x W"), dtype=TensorProto.UINT8).SerializeToString()
    assert (
        refused(tmp_path / "c", ("m.onnx", integers), signature=said(input_scale=0.1)["signature"])[0]
        == "onnx_scaled_integers"
    )
    assert (
        refused(tmp_path / "d", ("m.onnx", content[: len(content) // 2]), signature=SAID_MLP["signature"])[0]
        == "damaged_file"
    )


def test_a_graph_without_end_is_given_up(tmp_path: Path) -> None:
    path = run_folder(
        tmp_path / "a", [("m.onnx", endless().SerializeToString())], kind="model", signature=SAID_MLP["signature"]
    )
    short = "import sys; from distill.inspection import model; model.SECONDS = 1; from distill.__main__ import main; sys.exit(main(sys.argv[1:]))"
    assert (
        subprocess.run(
            [sys.executable, "-c", short, str(path)], check=False, capture_output=True, timeout=100
        ).returncode
        == 1
    )
    result = json.loads((path / "result.json").read_text())
    assert result["error"]["code"] == "probe_too_slow" and result["retry"] == "never"
