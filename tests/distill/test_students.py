"""Students are what spec says they are; teachers speak the job's language."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file

from distill.students import build, constrain, initialised, loaded, tensors
from distill.students.scaling import Scaling
from distill.students.teacher import SMALLEST, teacher
from spec.facts import InputSignature, ModelFacts, Signature
from spec.params import TeacherInput
from spec.student import Convnet, Mlp, Student
from spec.tensors import parameters
from spec.tensors import tensors as expected_tensors
from tests.distill.runs import held, random_teacher, signature

MLP = Mlp(type="mlp", hidden_sizes=(12, 9), norm="batch", dropout=0.2)
CONVNET = Convnet(type="convnet", channels=(4, 6), hidden=10, norm="batch", dropout=0.1)
SHAPES: list[tuple[Student, tuple[int, ...]]] = [
    (MLP, (8, 8)),
    (MLP.model_copy(update={"norm": "layer"}), (5,)),
    (MLP.model_copy(update={"norm": "none"}), (3, 4, 4)),
    (CONVNET, (8, 8)),
    (CONVNET.model_copy(update={"norm": "layer"}), (3, 9, 6)),
    (CONVNET.model_copy(update={"norm": "none"}), (1, 4, 4)),
]


@pytest.mark.parametrize(("student", "shape"), SHAPES)
def test_names_shapes_and_counts_are_the_specs(student: Student, shape: tuple[int, ...]) -> None:
    given = signature(shape)
    module = build(student, given)
    assert {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()} == expected_tensors(
        student, shape, 10
    )
    assert all(tensor.is_meta for tensor in module.state_dict().values())
    assert sum(p.numel() for p in module.parameters()) == parameters(student, shape, 10)
    assert initialised(student, given, 0).eval()(torch.zeros(3, *shape)).shape == (3, 10)


def test_weights_come_from_the_seed_and_are_bounded_by_the_inputs() -> None:
    given = signature((8, 8))
    one, same, other = (initialised(CONVNET, given, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["conv0.weight"], other["conv0.weight"])
    assert one["conv1.weight"].abs().max() <= 1 / (9 * 4) ** 0.5
    assert one["conv1.weight"].abs().max() > 0.8 / (9 * 4) ** 0.5
    assert (one["norm0.weight"] == 1).all()
    assert (one["norm0.running_var"] == 1).all()


def test_a_file_gives_the_network_back(tmp_path: Path) -> None:
    given = signature((8, 8))
    module = initialised(CONVNET, given, 3)
    module(torch.rand(16, 8, 8))
    save_file(tensors(module), tmp_path / "model.safetensors")
    again = loaded(CONVNET, given, tmp_path / "model.safetensors")
    x = torch.rand(5, 8, 8)
    assert torch.equal(again(x), module.eval()(x))


def test_max_norm_bounds_the_incoming_weights_of_hidden_units_only() -> None:
    module = initialised(MLP, signature((8, 8)), 0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(10)
        module.get_parameter("hidden0.weight")[0].mul_(1e-3)
    before = tensors(module)
    constrain(module, 2.0)
    after = tensors(module)
    assert after["hidden0.weight"].norm(dim=1).max() <= 2.0 + 1e-5
    assert after["hidden1.weight"].norm(dim=1).max() <= 2.0 + 1e-5
    assert torch.equal(after["hidden0.weight"][0], before["hidden0.weight"][0])
    direction = torch.nn.functional.cosine_similarity(after["hidden0.weight"], before["hidden0.weight"])
    torch.testing.assert_close(direction, torch.ones_like(direction))
    assert torch.equal(after["output.weight"], before["output.weight"])


def test_raw_values_are_scaled_by_channel() -> None:
    given = InputSignature(kind="image", shape=(3, 2, 2), scale=(1.0, 0.5, 0.25), offset=(0.0, -1.0, 2.0))
    raw = np.full((1, 3, 2, 2), 8, dtype=np.uint8)
    for scaled in (Scaling.of(given)(torch.from_numpy(raw)).numpy(), Scaling.of(given).of_numpy(raw)):
        assert scaled.dtype == np.float32
        assert [scaled[0, c].max() for c in range(3)] == [8.0, 3.0, 4.0]


def scores(path: Path, given: TeacherInput, raw: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    return teacher(given, path, classes, device="cpu", threads=1)(raw)


def test_permuted_classes_give_identical_scores(tmp_path: Path) -> None:
    plain = signature((8, 8))
    module = random_teacher(tmp_path / "a", CONVNET, plain, 4)
    order = [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]
    permuted = signature((8, 8), classes=[plain.output.classes[i] for i in order])
    moved = tensors(module) | {f"output.{k}": tensors(module)[f"output.{k}"][order] for k in ("weight", "bias")}
    (tmp_path / "b").mkdir()
    save_file({name: tensor.contiguous() for name, tensor in moved.items()}, tmp_path / "b" / "model.safetensors")
    raw, classes = np.random.default_rng(0).integers(0, 16, (7, 8, 8), dtype=np.uint8), plain.output.classes
    one = scores(tmp_path / "a", held("a", CONVNET, plain), raw, classes)
    other = scores(tmp_path / "b", held("b", CONVNET, permuted), raw, classes)
    np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)
    assert not np.allclose(one, scores(tmp_path / "b", held("b", CONVNET, plain), raw, classes))


def test_scale_and_offset_are_applied(tmp_path: Path) -> None:
    """A teacher trained on other units says the same once its signature says so."""
    plain = signature((6,))
    student = Mlp(type="mlp", hidden_sizes=(5,))
    module = random_teacher(tmp_path, student, plain, 5)
    raw = np.random.default_rng(1).integers(0, 255, (4, 6)).astype(np.uint8)
    expected = module(torch.from_numpy(raw.astype(np.float32)) / 255 - 0.5).detach().numpy()
    scaled = plain.model_copy(update={"input": InputSignature(kind="array", shape=(6,), scale=1 / 255, offset=-0.5)})
    np.testing.assert_allclose(
        scores(tmp_path, held("t", student, scaled), raw, plain.output.classes), expected, rtol=1e-5, atol=1e-6
    )


def test_probabilities_become_logarithms(tmp_path: Path) -> None:
    given = signature((6,), scores="probabilities")
    path = linear_onnx(tmp_path, softmax=True)
    raw = np.random.default_rng(2).normal(0, 1, (5, 6)).astype(np.float32)
    found = scores(path, onnx_input(given), raw, given.output.classes)
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1, rtol=1e-5)
    certain = raw * 1e4
    assert scores(path, onnx_input(given), certain, given.output.classes).min() == pytest.approx(np.log(SMALLEST))


@pytest.mark.parametrize("batch", [None, 4])
def test_an_onnx_teacher_says_what_the_same_weights_say_in_torch(tmp_path: Path, batch: int | None) -> None:
    given = signature((2, 3), scale=0.5)
    path = linear_onnx(tmp_path, batch=batch)
    weight, bias = weights()
    raw = np.random.default_rng(3).integers(0, 9, (11, 2, 3)).astype(np.uint8)
    expected = (raw.reshape(11, 6) * np.float32(0.5)) @ weight + bias
    np.testing.assert_allclose(
        scores(path, onnx_input(given), raw, given.output.classes), expected, rtol=1e-5, atol=1e-5
    )


def weights() -> tuple[np.ndarray, np.ndarray]:
    source = np.random.default_rng(4)
    return source.normal(0, 1, (6, 10)).astype(np.float32), source.normal(0, 1, 10).astype(np.float32)


def linear_onnx(folder: Path, *, softmax: bool = False, batch: int | None = None) -> Path:
    """One linear layer over six values, as somebody's framework would write it."""
    weight, bias = weights()
    nodes = [helper.make_node("Gemm", ["x", "w", "b"], ["z"])]
    nodes += [helper.make_node("Softmax", ["z"], ["p"], axis=1)] if softmax else []
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch or "batch", 6])],
        [helper.make_tensor_value_info("p" if softmax else "z", TensorProto.FLOAT, [batch or "batch", 10])],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "model.onnx")
    return folder


def onnx_input(given: Signature) -> TeacherInput:
    facts = ModelFacts(digest="0" * 64, format="onnx", files={}, signature=given, parameters=70, bytes=280)
    return TeacherInput(path="teacher.0", facts=facts)
