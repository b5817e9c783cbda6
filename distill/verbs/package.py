"""`package`: the deliverable. Outputs the student as safetensors and ONNX, what loads it, its card, its manifest, and the report."""

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from distill.data.rows import Rows
from distill.export import load
from distill.export.card import card
from distill.export.contenders import Network, of_network, of_teachers
from distill.export.conversion import compare
from distill.export.engines import Array
from distill.export.latency import SECONDS, measure
from distill.export.manifest import digests, manifest
from distill.export.tokenizer import tokenizer
from distill.record import Config
from distill.report.asked import Copied, Synthesised, Tally
from distill.report.compose import compose
from distill.report.efficiency import Latency, Size
from distill.report.figures import Grade, Report
from distill.report.page import page
from distill.report.summary import summary
from distill.run import RunFolder
from distill.students import encoder, ngrams
from distill.versions import versions
from spec.digest import model_digest
from spec.facts import ModelFacts, Roles, StoredFile
from spec.params import PackageParams
from spec.run import Result
from spec.student import TextClassifier, TextEncoder
from spec.tensors import parameters
from spec.tokenizer import FILE

WEIGHTS = "model.safetensors"
COMPARED = 4096
"""Rows, at most, on which ONNX is compared with torch."""


def run(folder: RunFolder, params: PackageParams) -> Result:
    """Stopped before anything is written, it has no outputs. Refused: `conversion_differs`."""
    began = time.perf_counter()
    inputs = folder.inputs
    grade = Grade.model_validate_json(folder.input("grade/grade.json").read_bytes())
    rows = heldout(folder, params)
    student = Network.open(params.student, params.signature, inputs / "student" / WEIGHTS)
    model = student.onnx()
    conversion = compare(student, model, rows)
    folder.emit("progress", {"step": 1, "steps": 3, "unit": "parts"})
    latencies = speeds(folder, params, student, model, rows)
    if folder.stop_requested:
        return Result(status="stopped")
    folder.emit("progress", {"step": 2, "steps": 3, "unit": "parts"})
    write_student(folder, params, student, model)
    given = digests(inputs)
    report = compose(
        params,
        grade,
        student=size_of(student),
        latencies=latencies,
        conversion=conversion,
        context=folder.run.context,
        digests=named(params, given, digests(folder.outputs)),
        versions=versions() | {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__},
        seconds=time.perf_counter() - began,
        answers=asked(folder, params),
        synthesis=written(folder, params),
        copies=copied(folder, params),
    )
    folder.output("report.json").write_text(report.model_dump_json(), encoding="utf-8")
    folder.output("report.html").write_text(page(report), encoding="utf-8")
    folder.output("README.md").write_text(card(report, params.signature), encoding="utf-8")
    folder.output("manifest.json").write_text(
        manifest(folder.run, report, given, digests(folder.outputs)), encoding="utf-8"
    )
    folder.emit("progress", {"step": 3, "steps": 3, "unit": "parts"})
    return Result(
        status="succeeded",
        facts=facts(folder, params, student, report).model_dump(mode="json"),
        summary=summary(report),
    )


def asked(folder: RunFolder, params: PackageParams) -> Tally | None:
    """What came of the questions, where a teacher was asked."""
    return Tally.model_validate_json(folder.input("answers/answers.json").read_bytes()) if params.endpoint else None


def written(folder: RunFolder, params: PackageParams) -> Synthesised | None:
    """New training texts, where the job has some."""
    if params.spec["data"].get("synthesise") is None:
        return None
    return Synthesised.model_validate_json(folder.input("train/synthesis.json").read_bytes())


def copied(folder: RunFolder, params: PackageParams) -> Copied | None:
    """Copies of training texts, where the job has some."""
    if (params.spec["data"].get("augment") or {}).get("type") != "words":
        return None
    return Copied.model_validate_json(folder.input("train/copies.json").read_bytes())


def heldout(folder: RunFolder, params: PackageParams) -> Array:
    """Rows to compare and to time on, raw: the first held-out ones. Where these are a share of the training file, `predictions.npz` says which."""
    roles = Roles(input=params.spec["data"]["columns"]["input"])
    path = folder.input("heldout/rows.arrow")
    if path.exists():
        apart = Rows.open(path, roles)
        return apart.inputs[np.arange(COMPARED)[: apart.count]]
    with np.load(folder.input("grade/predictions.npz"), allow_pickle=False) as predictions:
        which = predictions["rows"][:COMPARED]
    drawn: Array = Rows.open(folder.input("train/rows.arrow"), roles).inputs[which]
    return drawn


def speeds(
    folder: RunFolder, params: PackageParams, student: Network, model: bytes, rows: Array
) -> dict[str, tuple[Latency, ...]]:
    """Latencies of teachers, student and the baselines that are there, in one sitting of `latency_seconds` (the run's context)."""
    threads = folder.run.threads
    found = [*of_teachers(params, folder.inputs, rows, threads), *of_network("student", student, model, rows, threads)]
    for name in params.baselines:
        path = folder.input(f"{name}/{WEIGHTS}")
        if path.exists():
            baseline = Network.open(params.student, params.signature, path)
            found += of_network(name, baseline, baseline.onnx(), rows, threads)
    return measure(found, threads, float(folder.run.context.get("latency_seconds", SECONDS)))


def write_student(folder: RunFolder, params: PackageParams, student: Network, model: bytes) -> None:
    """Everything that a user needs to run it."""
    shutil.copyfile(folder.input(f"student/{WEIGHTS}"), folder.output(WEIGHTS))
    loader = {TextClassifier: ngrams, TextEncoder: encoder}.get(type(params.student), load)
    assert loader.__file__ is not None
    shutil.copyfile(Path(loader.__file__), folder.output("load.py"))
    if isinstance(params.student, TextEncoder):
        write_tokenizer(folder, params.student, student)
    folder.output("model.onnx").write_bytes(model)
    shape, classes = params.signature.input.shape, len(params.signature.output.classes)
    number = parameters(params.student, shape, classes)
    config = Config(student=params.student, signature=params.signature, parameters=number)
    folder.output("config.json").write_text(config.model_dump_json(indent=2), encoding="utf-8")


def write_tokenizer(folder: RunFolder, given: TextEncoder, student: Network) -> None:
    """The user's as it came, else the learned one in the same format."""
    if given.tokenizer:
        shutil.copyfile(folder.input(f"student/{FILE}"), folder.output(FILE))
        return
    merges = student.tensors["tokens.merges"].tolist()
    said = tokenizer(merges, given.max_tokens, bool(student.signature.input.shape))
    folder.output(FILE).write_text(said, encoding="utf-8")


def size_of(student: Network) -> Size:
    shape, classes = student.signature.input.shape, len(student.signature.output.classes)
    held = sum(tensor.nbytes for tensor in student.tensors.values())
    return Size(parameters=parameters(student.student, shape, classes), bytes=held)


def named(params: PackageParams, inputs: dict[str, Any], outputs: dict[str, Any]) -> dict[str, str]:
    """Digests as the report names them, in its order: what went in, what came out."""
    words = {"train/rows.arrow": "training rows", "heldout/rows.arrow": "held-out rows"}
    for i, given in enumerate(params.teachers):
        words |= {f"{given.path}/{name}": f"teacher {i + 1}, {name}" for name in given.facts.files}
    words |= {f"no_teacher/{WEIGHTS}": "baseline", f"all_labels/{WEIGHTS}": "baseline, all labels"}
    found = {name: inputs[path]["digest"] for path, name in words.items() if path in inputs}
    return found | {"student": outputs[WEIGHTS]["digest"], "student as ONNX": outputs["model.onnx"]["digest"]}


def facts(folder: RunFolder, params: PackageParams, student: Network, report: Report) -> ModelFacts:
    """Of the student, as if it had been uploaded, and under which terms it was taught."""
    written, size = digests(folder.outputs), size_of(student)
    brought = isinstance(params.student, TextEncoder) and params.student.tokenizer
    names = (WEIGHTS, FILE) if brought else (WEIGHTS,)
    return ModelFacts(
        digest=model_digest(written[WEIGHTS]["digest"], params.student, params.signature),
        format="safetensors",
        files={name: StoredFile(**written[name]) for name in names},
        architecture=params.student,
        signature=params.signature,
        parameters=size.parameters,
        bytes=size.bytes,
        tensors={name: tensor.shape for name, tensor in student.tensors.items()},
        labels_seen=report.grade.labels_seen,
        taught_under=tuple(dict.fromkeys(terms for one in report.teachers for terms in one.terms)),
    )
