"""Models that are accepted, with their facts, and models that do not fit what is said of them."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from distill.export.onnx_writer import write
from distill.students import initialised, tensors
from spec.facts import InputSignature, ModelFacts, OutputSignature, Signature
from spec.student import Convnet, Mlp
from spec.tensors import parameters
from tests.distill.uploads import Upload, inspect

CONVNET = Convnet(type="convnet", channels=(4, 8), hidden=16, norm="batch", dropout=0.3)
MLP = Mlp(type="mlp", hidden_sizes=(5,))
CLASSES = ("cat", "dog", "owl")
GIVEN = Signature(
    input=InputSignature(kind="image", shape=(8, 8), dtype="uint8", scale=1 / 16),
    output=OutputSignature(kind="classes", classes=CLASSES),
)
FLAT = Signature(
    input=InputSignature(kind="array", shape=(3,)), output=OutputSignature(kind="classes", classes=CLASSES)
)
SAID = {"architecture": CONVNET.model_dump(mode="json"), "signature": GIVEN.model_dump(mode="json")}
SAID_MLP = {"architecture": MLP.model_dump(mode="json"), "signature": FLAT.model_dump(mode="json")}
State = dict[str, torch.Tensor]


def state() -> State:
    return tensors(initialised(CONVNET, GIVEN, 0))


def flat_state() -> State:
    return tensors(initialised(MLP, FLAT, 0))


def accepted(path: Path, *files: Upload, **params: Any) -> ModelFacts:
    result = inspect(path, files, kind="model", **params)
    assert result.status == "succeeded", result.error
    return ModelFacts.model_validate(result.facts)


def refused(path: Path, *files: Upload, **params: Any) -> tuple[str, str, list[str]]:
    """(code, message, codes of all problems)."""
    result = inspect(path, files, kind="model", **params)
    assert result.error and result.retry == "never", result
    return result.error.code, result.error.message, [problem["code"] for problem in result.summary["problems"]]


def test_safetensors(tmp_path: Path) -> None:
    found = accepted(tmp_path / "a", ("m.safetensors", save(state())), **SAID)
    assert found.format == "safetensors" and found.architecture == CONVNET and found.signature == GIVEN
    assert found.parameters == parameters(CONVNET, (8, 8), 3)
    assert found.bytes == sum(tensor.nbytes for tensor in state().values())
    assert found.tensors["conv1.weight"] == (8, 4, 3, 3)
    assert set(found.files) == {"model.safetensors"} and found.files["model.safetensors"].bytes == len(save(state()))
    assert not (tmp_path / "a/probe").exists()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_types_of_weights(tmp_path: Path, dtype: torch.dtype) -> None:
    smaller = {name: tensor.to(dtype) for name, tensor in flat_state().items()}
    assert accepted(tmp_path / "a", ("m.safetensors", save(smaller)), **SAID_MLP).parameters == 38


def test_a_student_of_ours_brings_its_config(tmp_path: Path) -> None:
    config = json.dumps({"student": SAID["architecture"], "signature": SAID["signature"], "parameters": 1})
    files: list[Upload] = [("m.safetensors", save(state())), ("config.json", config)]
    found = accepted(tmp_path / "a", *files)
    assert found.architecture == CONVNET and found.signature == GIVEN
    assert found.digest == accepted(tmp_path / "b", files[0], **SAID).digest


def test_the_digest_hangs_on_weights_and_signature(tmp_path: Path) -> None:
    first = accepted(tmp_path / "a", ("m.safetensors", save(state())), **SAID).digest
    other = {**SAID, "signature": {**SAID["signature"], "input": {**SAID["signature"]["input"], "scale": 1.0}}}
    assert first != accepted(tmp_path / "b", ("m.safetensors", save(state())), **other).digest


def test_our_own_onnx_says_everything_itself(tmp_path: Path) -> None:
    weights = {name: tensor.numpy() for name, tensor in state().items()}
    found = accepted(tmp_path / "a", ("m.onnx", write(CONVNET, GIVEN, weights).SerializeToString()))
    assert found.format == "onnx" and found.architecture is None and found.signature.output.classes == CLASSES
    assert (found.signature.input.scale, found.signature.input.dtype) == (1.0, "uint8")
    assert found.parameters >= parameters(CONVNET, (8, 8), 3)


def changed(**tensors: torch.Tensor | None) -> bytes:
    """The convnet with tensors added, replaced, or left out."""
    merged = {**state(), **{name.replace("_", "."): tensor for name, tensor in tensors.items()}}
    return save({name: tensor for name, tensor in merged.items() if tensor is not None})


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (changed(hidden_weight=torch.zeros(16, 33)), "tensor_shape", "tensor 'hidden.weight' has shape [16, 33]; the architecture needs [16, 32]."),
        (changed(hidden_weight=None), "tensor_missing", "tensor 'hidden.weight' of shape [16, 32] is missing."),
        (changed(more_weight=torch.zeros(2)), "tensor_unexpected", "tensor 'more.weight' of shape [2] is not in the architecture."),
        (changed(hidden_bias=torch.full((16,), torch.nan)), "weights_not_finite", "tensor 'hidden.bias' has NaN or infinite values."),
        (changed(hidden_bias=torch.full((16,), torch.inf, dtype=torch.bfloat16)), "weights_not_finite", "tensor 'hidden.bias'"),
        (changed(hidden_bias=torch.zeros(16, dtype=torch.int8)), "dtype_unusable", "tensor 'hidden.bias' has type I8."),
        (changed(hidden_bias=torch.full((16,), 3e38), output_weight=torch.full((3, 16), 9.0)), "scores_not_finite", "NaN or infinite"),
    ],
)  # fmt: skip
def test_tensors_that_do_not_fit(tmp_path: Path, content: bytes, code: str, words: str) -> None:
    found, message, _ = refused(tmp_path / "a", ("m.safetensors", content), **SAID)
    assert found == code and words in message and message.startswith("m.safetensors: ")


def test_all_that_does_not_fit_is_told(tmp_path: Path) -> None:
    content = changed(hidden_weight=torch.zeros(1), hidden_bias=None, more_bias=torch.zeros(1))
    _, message, codes = refused(tmp_path / "a", ("m.safetensors", content), **SAID)
    assert codes == ["tensor_shape", "tensor_missing", "tensor_unexpected"] and "2 more do not fit" in message


GOOD = save(flat_state())


def said(**parts: Any) -> dict[str, Any]:
    """The MLP's request with parts of its signature changed."""
    signature = FLAT.model_dump(mode="json")
    for path, value in parts.items():
        part, field = path.split("_")
        signature[part][field] = value
    return {**SAID_MLP, "signature": signature}


SAYINGS: list[tuple[str, list[Upload], dict[str, Any]]] = [
    ("architecture_missing", [("m.safetensors", GOOD)], {"signature": SAID_MLP["signature"]}),
    ("signature_missing", [("m.safetensors", GOOD)], {"architecture": SAID_MLP["architecture"]}),
    ("architecture_shape", [("m.safetensors", GOOD)], {**SAID_MLP, "architecture": SAID["architecture"]}),
    ("files_of_model", [("a.safetensors", GOOD), ("b.safetensors", GOOD)], SAID_MLP),
    ("files_of_model", [("config.json", "{}")], SAID_MLP),
    ("config_invalid", [("a.safetensors", GOOD), ("config.json", "{")], SAID_MLP),
    ("config_invalid", [("a.safetensors", GOOD), ("config.json", '{"student": {"type": "rnn"}}')], {}),
    ("class_twice", [("m.safetensors", GOOD)], said(output_classes=["a", "b", "a"])),
    ("classes_too_few", [("m.safetensors", GOOD)], said(output_classes=["a"])),
    ("tensor_shape", [("m.safetensors", GOOD)], said(output_classes=["a", "b"])),
    ("shape_invalid", [("m.safetensors", GOOD)], said(input_shape=[0])),
    ("shape_invalid", [("m.safetensors", GOOD)], said(input_kind="image")),
    ("scaling_shape", [("m.safetensors", GOOD)], said(input_scale=[1.0, 2.0])),
    ("not_probabilities", [("m.safetensors", GOOD)], said(output_scores="probabilities")),
]


@pytest.mark.parametrize(("code", "files", "params"), SAYINGS)
def test_what_is_said_of_it_does_not_fit(
    tmp_path: Path, code: str, files: list[Upload], params: dict[str, Any]
) -> None:
    assert refused(tmp_path / "a", *files, **params)[0] == code
