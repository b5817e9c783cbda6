"""Who is timed: teachers, student and baselines, each with ONNX Runtime and, where its weights are ours to build, with torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import nn

from distill.export.engines import Array, in_turn, onnx_call, torch_call, torch_ensemble
from distill.export.latency import Contender
from distill.export.onnx_writer import Tensors, write, write_ensemble
from distill.students import loaded
from distill.students.scaling import shaped
from distill.students.teacher import teacher
from spec.facts import Signature
from spec.params import PackageParams, TeacherInput
from spec.student import Student, TextStudent


@dataclass(frozen=True, kw_only=True)
class Network:
    """A model of our own architectures, from its file. It takes rows in the data's dtype."""

    student: Student
    signature: Signature
    module: nn.Sequential

    @classmethod
    def open(cls, student: Student, signature: Signature, path: Path) -> "Network":
        return cls(student=student, signature=signature, module=loaded(student, signature, path).float())

    @property
    def tensors(self) -> Tensors:
        return {name: tensor.numpy() for name, tensor in self.module.state_dict().items()}

    @property
    def features(self) -> nn.Module | None:
        """What stands before the ONNX graph: of texts, their n-grams or tokens."""
        return self.module[0] if isinstance(self.student, TextStudent) else None

    def onnx(self) -> bytes:
        data: bytes = write(self.student, self.signature, self.tensors).SerializeToString()
        return data


def of_network(role: str, network: Network, model: bytes, rows: Array, threads: int) -> Iterator[Contender]:
    """`model`: the network as ONNX."""
    given = shaped(rows, network.signature.input)
    call = onnx_call(model, threads, network.features)
    yield Contender(role=role, engine="onnxruntime", call=call, rows=given)
    yield Contender(role=role, engine="torch", call=torch_call(network.module, network.signature.input), rows=given)


def of_teachers(params: PackageParams, inputs: Path, rows: Array, threads: int) -> Iterator[Contender]:
    """The first teacher, and all of them as `ensemble` where there are several."""
    networks = [_network(given, inputs, rows.dtype) for given in params.teachers]
    for given, network in list(zip(params.teachers, networks, strict=True))[:1]:
        if network is None:
            yield _stranger(given, params, inputs, rows, threads)
        else:
            yield from of_network("teacher.0", network, network.onnx(), rows, threads)
    if len(networks) > 1:
        yield from _ensemble(params, [network for network in networks if network], inputs, rows, threads)


def _network(given: TeacherInput, inputs: Path, dtype: npt.DTypeLike) -> Network | None:
    """None: an ONNX file, of whatever is in it."""
    facts = given.facts
    if facts.format == "onnx" or facts.architecture is None:
        return None
    if facts.signature.input.kind == "text":
        return Network.open(facts.architecture, facts.signature, inputs / given.path / "model.safetensors")
    entry = facts.signature.input.model_copy(update={"dtype": np.dtype(dtype).name})
    signature = facts.signature.model_copy(update={"input": entry})
    return Network.open(facts.architecture, signature, inputs / given.path / "model.safetensors")


def _stranger(given: TeacherInput, params: PackageParams, inputs: Path, rows: Array, threads: int) -> Contender:
    """A teacher that runs as it is."""
    call = teacher(given, inputs / given.path, params.signature.output.classes, device="cpu", threads=threads)
    return Contender(role="teacher.0", engine="onnxruntime", call=call, rows=rows)


def _ensemble(
    params: PackageParams, networks: Sequence[Network], inputs: Path, rows: Array, threads: int
) -> Iterator[Contender]:
    """One graph, if all are ours and take the same; else one after another and combined in numpy."""
    combine, weights = params.spec["teacher"]["combine"], params.spec["teacher"]["weights"]
    weights = [1.0] * len(params.teachers) if weights == "auto" else weights
    several = params.signature.output.kind == "multilabel"
    text = any(network.features is not None for network in networks)
    if (
        not text
        and len(networks) == len(params.teachers)
        and len({network.signature.input.shape for network in networks}) == 1
    ):
        members = [(network.student, network.signature, network.tensors) for network in networks]
        given = shaped(rows, networks[0].signature.input)
        model = write_ensemble(members, weights, combine).SerializeToString()
        modules = [(network.module, network.signature.input) for network in networks]
        yield Contender(role="ensemble", engine="onnxruntime", call=onnx_call(model, threads), rows=given)
        yield Contender(
            role="ensemble", engine="torch", call=torch_ensemble(modules, weights, combine, several=several), rows=given
        )
        return
    classes = params.signature.output.classes
    calls = [teacher(given, inputs / given.path, classes, device="cpu", threads=threads) for given in params.teachers]
    yield Contender(
        role="ensemble", engine="onnxruntime", call=in_turn(calls, weights, combine, several=several), rows=rows
    )
