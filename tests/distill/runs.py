"""Run folders as a supervisor would make them, on rows and teachers that a test makes."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from safetensors.torch import save_file

from distill.__main__ import perform
from distill.data.canonical import Heading, digest_array, digests, list_array, text_digests, write
from distill.run import RunFolder
from distill.students import initialised
from spec.facts import ColumnFacts, InputSignature, ModelFacts, OutputSignature, Roles, Signature
from spec.params import Params, Selection, TeacherInput
from spec.run import Event, Result, Run
from spec.student import Student

ROLES = Roles(input="x", label="y")
DIGITS = tuple("0123456789")


def write_rows(
    path: Path,
    x: npt.NDArray[Any],
    y: Sequence[str | None],
    *,
    groups: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
) -> Path:
    """A canonical rows file with columns x and y, and g and i where given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = "image" if x.ndim in (3, 4) else "array"
    facts = {
        "x": ColumnFacts(kind=kind, shape=x.shape[1:], dtype=str(x.dtype), low=float(x.min()), high=float(x.max())),
        "y": ColumnFacts(kind="class", dtype="str"),
    }
    columns: dict[str, pa.Array] = {"x": list_array(x), "y": pa.array(y, pa.string())}
    for name, values in (("g", groups), ("i", ids)):
        if values is not None:
            facts[name] = ColumnFacts(kind="string", dtype="str")
            columns[name] = pa.array(values, pa.string())
    roles = Roles(input="x", label="y", group="g" if groups else None, id="i" if ids else None)
    write(path, columns, digest_array(digests(x)), Heading(columns=facts, roles=roles))
    return path


def write_signals(path: Path, ids: Sequence[str], scores: npt.NDArray[np.float32], kind: Any, classes: Any) -> Path:
    """A dataset of signals: scores by id."""
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = {
        "i": ColumnFacts(kind="string", dtype="str"),
        "s": ColumnFacts(
            kind="array", shape=scores.shape[1:], dtype="float32", low=float(scores.min()), high=float(scores.max())
        ),
    }
    columns = {"i": pa.array(ids, pa.string()), "s": list_array(scores)}
    heading = Heading(columns=facts, roles=Roles(input=None, id="i", signal="s"), signal=kind, classes=tuple(classes))
    write(path, columns, digest_array(text_digests(ids)), heading)
    return path


def signature(shape: tuple[int, ...], classes: Sequence[str] = DIGITS, scale: float = 1.0, **output: Any) -> Signature:
    kind = "image" if len(shape) in (2, 3) else "array"
    return Signature(
        input=InputSignature(kind=kind, shape=shape, scale=scale),
        output=OutputSignature(kind="classes", classes=tuple(classes), **output),
    )


def held(path: str, student: Student, given: Signature) -> TeacherInput:
    """A teacher of ours as a job names it."""
    facts = ModelFacts(
        digest="0" * 64, format="safetensors", files={}, architecture=student, signature=given, parameters=0, bytes=0
    )
    return TeacherInput(path=path, facts=facts)


def random_teacher(folder: Path, student: Student, given: Signature, seed: int) -> torch.nn.Sequential:
    """Writes an untrained network as a teacher."""
    folder.mkdir(parents=True, exist_ok=True)
    module = initialised(student, given, seed)
    save_file(module.state_dict(), folder / "model.safetensors")
    return module.eval()


def run_folder(path: Path, verb: Any, params: Params, inputs: Mapping[str, Path], **run: Any) -> Path:
    """spec.json and inputs/: each input is a file, or a folder of another step's outputs."""
    for name, source in inputs.items():
        target = path / "inputs" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    (path / "inputs").mkdir(parents=True, exist_ok=True)
    again(path, Run(verb=verb, step=verb, params=params.model_dump(mode="json", exclude_defaults=True), **run))
    return path


def again(path: Path, run: Run) -> None:
    (path / "spec.json").write_text(run.model_dump_json())


def resumed(path: Path) -> list[str]:
    """What a supervisor does before the next attempt: it offers the checkpoints, newest first."""
    run = Run.model_validate_json((path / "spec.json").read_bytes())
    names = sorted((folder.name for folder in (path / "checkpoints").iterdir() if folder.name.isdigit()), reverse=True)
    again(path, run.model_copy(update={"checkpoint": names}))
    return names


def here(path: Path) -> Result:
    """Runs the verb in this process."""
    with closing(RunFolder(path)) as folder:
        result = perform(folder)
        folder.finish(result, seconds=0.0)
    return result


@contextmanager
def child(path: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m distill RUN_FOLDER`, which is gone when the block ends."""
    command, folder, own = (
        [sys.executable, "-m", "distill", str(path)],
        Path(__file__).parents[2],
        os.environ | environment,
    )
    with (
        (path / "log.txt").open("ab") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=folder, env=own) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def finished(path: Path) -> Result:
    """Runs it in a process of its own to its end."""
    with child(path) as process:
        process.wait()
    return result(path)


def result(path: Path) -> Result:
    return Result.model_validate_json((path / "result.json").read_bytes())


def events(path: Path) -> list[Event]:
    lines = (path / "events.jsonl").read_bytes().splitlines(keepends=True)
    return [Event.model_validate_json(line) for line in lines if line.endswith(b"\n")]


def messages(path: Path) -> str:
    return "\n".join(event.data["text"] for event in events(path) if event.type == "message")


def selection(**options: Any) -> Selection:
    return Selection(roles=options.pop("roles", ROLES), **options)


def read(path: Path) -> Any:
    return json.loads(path.read_bytes())


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Waits for a condition. AssertionError: it did not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)


def checkpoints(path: Path) -> int:
    """How many the run has told of so far."""
    file = path / "events.jsonl"
    return file.read_text().count('"type":"checkpoint"') if file.exists() else 0
