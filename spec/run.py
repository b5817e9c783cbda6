"""The run folder: the whole protocol between a supervisor and `python -m distill RUN_FOLDER`.

    spec.json      Run: what to do. Written by the supervisor before the child starts
    inputs/        read only: `inputs/<input name>/<path>`
    events.jsonl   one Event a line, numbered from 1 without gaps, appended and flushed by the child, across attempts
    log.txt        the child's stdout and stderr
    checkpoints/   one folder a checkpoint, `checkpoints/000500/`, complete when its `checkpoint` event is written
    outputs/       what the step is for, complete when result.json says so
    result.json    Result: the truth about the end, written atomically (temporary name, fsync, rename)

SIGTERM asks the child to stop: it writes a checkpoint and the best-so-far outputs, `status: stopped`, and exits 0.
A supervisor that sets ACKNOWLEDGED in the child's environment writes one byte to its stdin for each `checkpoint` event that it has dealt
with, in order: the checkpoint is in storage, or given up.
"""

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from spec.problem import Problem

SPEC, INPUTS, EVENTS, LOG, CHECKPOINTS, OUTPUTS, RESULT = (
    "spec.json", "inputs", "events.jsonl", "log.txt", "checkpoints", "outputs", "result.json",
)  # fmt: skip
ACKNOWLEDGED = "STILLHOUSE_ACKNOWLEDGED"
PREVIEW, PREVIEW_BYTES = "preview.json", 8 * 2**20
"""The output of a dataset's inspection that the API reads whole, and how large it may be."""
GATEWAY = "gateway"
"""A Unix socket in the run folder, where the step has a teacher to ask (spec/gateway.py is its protocol)."""
PATH = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*){0,5}$")
"""Relative paths under inputs/, outputs/ and a checkpoint; a child's result that breaks it is refused."""

Verb = Literal["inspect", "synthesise", "augment", "answer", "keep", "score", "train", "grade", "package"]


class Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Run(Wire):
    """spec.json."""

    verb: Verb
    step: str
    """Name in the plan, `train.no_teacher`."""
    params: dict[str, Any]
    """One of the classes of spec/params.py, by verb."""
    threads: int = 1
    device: str = "cpu"
    checkpoint: list[str] = []
    """Folders under checkpoints/ to resume from, newest first; the first that verifies is taken."""
    micro_batch: int | None = None
    """Rows of a forward pass, where memory ran out before."""
    context: dict[str, Any] = {}
    """What changes no result: job id, names, costs of earlier steps, for the report."""


class Event(Wire):
    """One line of events.jsonl."""

    n: int
    type: Literal["progress", "metrics", "checkpoint", "message"]
    at: float
    """Unix seconds."""
    data: dict[str, Any]
    """progress: {step, steps, unit, loss?, rows_per_second, seconds_left}; metrics: {step, series: {name: value}};
    checkpoint: {path, step}; message: {level, text}."""


class Output(Wire):
    bytes: int
    digest: str
    """sha256, hexadecimal."""


class Result(Wire):
    """result.json."""

    status: Literal["succeeded", "stopped", "failed"]
    outputs: dict[str, Output] = {}
    """Path under outputs/ to what it holds. For stopped: the best so far, {} where there is none yet."""
    facts: dict[str, Any] | None = None
    """inspect: DatasetFacts, ModelFacts, TokenizerFacts or PairFacts; package: ModelFacts of the student."""
    summary: dict[str, Any] = {}
    """Small figures for events and the API: final loss, stop step, verdict, headline."""
    error: Problem | None = None
    retry: Literal["never", "infrastructure", "memory", "unknown"] = "unknown"
    """How to treat a failure: the user's error, the machine's, out of memory, or nobody knows."""
    step: int | None = None
    """train: optimizer steps done."""
    passing: int = Field(default=0, ge=0, lt=2**63)
    """answer, synthesise: calls that failed for reasons that may pass. Such outputs answer for no key: who needs them again asks again."""
    seconds: float = 0.0
    """Wall time after imports."""
    imports: float = 0.0
    """Wall time of imports."""
