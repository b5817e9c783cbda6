"""Our architectures as ONNX graphs answer as torch does, from raw values, for any number of rows."""

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch
from torch import nn

from distill.export.contenders import Network
from distill.export.conversion import compare
from distill.export.engines import in_turn, onnx_call, torch_call, torch_ensemble
from distill.export.onnx_writer import write_ensemble
from distill.students import initialised
from spec.facts import InputSignature, OutputSignature, Signature
from spec.problem import Refused
from spec.student import Convnet, Mlp, Student

GRAY = InputSignature(kind="image", shape=(8, 8), dtype="uint8", scale=1 / 16, offset=-0.5)
COLOUR = InputSignature(kind="image", shape=(3, 9, 7), dtype="float32", scale=(0.1, 0.2, 0.3), offset=(1.0, 2.0, 3.0))
VECTOR = InputSignature(kind="array", shape=(6,), dtype="float64", scale=(1.0, 2.0, 3.0, 4.0, 5.0, 6.0), offset=0.0)
WHOLE = InputSignature(kind="array", shape=(4, 5), dtype="int64")
MLP = Mlp(type="mlp", hidden_sizes=(9, 5), dropout=0.5)
CONVNET = Convnet(type="convnet", channels=(5, 4), hidden=7, dropout=0.5)


def signature(given: InputSignature, classes: tuple[str, ...] = ("a", "b", "c")) -> Signature:
    return Signature(input=given, output=OutputSignature(kind="classes", classes=classes))


def network(student: Student, given: Signature, seed: int = 1) -> Network:
    """Untrained; its norms have seen something."""
    module = initialised(student, given, seed)
    source = torch.Generator().manual_seed(seed)
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if "norm" in name and tensor.is_floating_point():
            nn.init.uniform_(tensor, 0.5, 1.5, generator=source)
    return Network(student=student, signature=given, module=module.eval())


def rows(given: InputSignature, count: int = 33) -> npt.NDArray[Any]:
    return (np.random.default_rng(0).random((count, *given.shape)) * 16).astype(given.dtype)


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
@pytest.mark.parametrize(
    ("student", "given"),
    [(MLP, GRAY), (MLP, COLOUR), (MLP, VECTOR), (MLP, WHOLE), (CONVNET, GRAY), (CONVNET, COLOUR)],
)
def test_answers_as_torch(student: Student, given: InputSignature, norm: str) -> None:
    made = network(student.model_copy(update={"norm": norm}), signature(given))
    model = made.onnx()
    found = compare(made, model, rows(given))
    assert found.rows == 33
    assert found.largest_difference <= found.tolerance
    one = onnx_call(model, 1)(rows(given)[:1])
    np.testing.assert_allclose(one, torch_call(made.module, given)(rows(given))[:1], atol=found.tolerance)


def test_says_its_own_signature() -> None:
    model = onnx.load_from_string(network(CONVNET, signature(GRAY)).onnx())
    (entry,), (exit,) = model.graph.input, model.graph.output
    shape = [axis.dim_param or axis.dim_value for axis in entry.type.tensor_type.shape.dim]
    assert (entry.name, exit.name, shape) == ("input", "logits", ["batch", 8, 8])
    assert entry.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    (metadata,) = model.metadata_props
    told = Signature.model_validate_json(metadata.value)
    assert told.output.classes == ("a", "b", "c")
    assert (told.input.scale, told.input.offset) == (1.0, 0.0), "the graph scales by itself"


def test_a_difference_is_refused() -> None:
    made = network(CONVNET, signature(GRAY))
    model = network(CONVNET, signature(GRAY)).onnx()
    with torch.no_grad():
        made.module.get_parameter("output.bias")[1] += 1e-3
    with pytest.raises(Refused) as refused:
        compare(made, model, rows(GRAY))
    assert refused.value.problems[0].code == "conversion_differs"
    with torch.no_grad():
        made.module.get_parameter("output.bias")[1] = float("nan")
    with pytest.raises(Refused):
        compare(made, model, rows(GRAY))


@pytest.mark.parametrize("combine", ["geometric", "arithmetic"])
def test_an_ensemble_is_one_graph(combine: str) -> None:
    """With weights, with classes in another order, and by all three ways of combining."""
    turned = network(CONVNET, signature(GRAY, ("c", "a", "b")), seed=3)
    members = [network(CONVNET, signature(GRAY), seed=2), turned]
    raw = rows(GRAY)
    graph = write_ensemble([(m.student, m.signature, m.tensors) for m in members], [1.0, 3.0], combine)
    found = onnx_call(graph.SerializeToString(), 1)(raw)
    first, second = (torch_call(m.module, GRAY)(raw) for m in members)
    second = second[:, [1, 2, 0]]
    logs = [values - np.log(np.exp(values).sum(1, keepdims=True)) for values in (first, second)]
    if combine == "geometric":
        total = 0.25 * logs[0] + 0.75 * logs[1]
        expected = total - np.log(np.exp(total).sum(1, keepdims=True))
    else:
        expected = 0.25 * np.exp(logs[0]) + 0.75 * np.exp(logs[1])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    calls = [torch_call(members[0].module, GRAY), lambda x: torch_call(turned.module, GRAY)(x)[:, [1, 2, 0]]]
    np.testing.assert_allclose(in_turn(calls, [1.0, 3.0], combine)(raw), expected, atol=1e-5)


def test_torch_combines_the_same() -> None:
    members = [network(MLP, signature(GRAY), seed) for seed in (1, 2)]
    pairs = [(member.module, GRAY) for member in members]
    graph = write_ensemble([(m.student, m.signature, m.tensors) for m in members], [2.0, 1.0], "geometric")
    raw = rows(GRAY)
    found = torch_ensemble(pairs, [2.0, 1.0], "geometric")(raw)
    np.testing.assert_allclose(found, onnx_call(graph.SerializeToString(), 1)(raw), atol=1e-5)
