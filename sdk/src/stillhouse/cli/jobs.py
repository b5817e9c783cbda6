"""Job files, and `stillhouse distill`."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from stillhouse import figures, live
from stillhouse.cli.output import AsJson, raw, show_problems
from stillhouse.cli.session import client
from stillhouse.errors import InvalidRequest, JobFailed
from stillhouse.job import Job
from stillhouse.types import Distillation

Assignments = Annotated[
    list[str], typer.Option("--set", help="`data.train=ds_x`, `training.seed=2`: changes the file. May be repeated.")
]
Cap = Annotated[float | None, typer.Option("--budget-usd", help="Cap in US dollars: `budget.usd`.")]
REFUSED, DETACHED = 1, 130


def read(path: Path, assignments: list[str], budget_usd: float | None) -> Distillation:
    """A job file with changes: `student.hidden_sizes=[32]`; a value that is no JSON is text. Raises BadParameter."""
    try:
        job: Any = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{path}: {error}") from error
    capped = assignments if budget_usd is None else [*assignments, f"budget.usd={budget_usd}"]
    for assignment in capped:
        place, equals, value = assignment.partition("=")
        if not (place and equals):
            raise typer.BadParameter(f"--set {assignment}: it is PLACE=VALUE")
        try:
            parsed = json.loads(value)
        except ValueError:
            parsed = value
        put(job, place, parsed)
    found: Distillation = job
    return found


def put(job: Any, place: str, value: Any) -> None:
    """Sets `objective.0.temperature`, or `objective[0].temperature` as errors spell it. Raises BadParameter."""
    *parents, last = re.findall(r"[^.\[\]]+", place) or [place]
    node = job
    try:
        for name in parents:
            node = node[int(name)] if isinstance(node, list) or name.isdigit() else node.setdefault(name, {})
        node[int(last) if isinstance(node, list) else last] = value
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise typer.BadParameter(f"--set {place}: there is no such place in the file") from error


def distill(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="A job file, such as those in recipes/.")],
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Show a live table, then the figures. ^C leaves the job running.")
    ] = False,
    assignments: Assignments = [],
    budget_usd: Cap = None,
    as_json: AsJson = False,
) -> None:
    """Start a distillation."""
    try:
        job = client(context).distillations.create(read(path, assignments, budget_usd))
    except InvalidRequest as error:
        if as_json or not error.problems:
            raise
        show_problems("refusal", error.problems, sys.stderr)
        raise typer.Exit(REFUSED) from None
    if watch:
        follow(job, as_json)
    elif as_json:
        raw(job.data)
    else:
        print(job.id)


def watch(context: typer.Context, id: str, as_json: AsJson = False) -> None:
    """Come back to a job: a live table, then the figures."""
    follow(client(context).distillations.get(id), as_json)


def follow(job: Job, as_json: bool) -> None:
    """Until the end. Raises JobFailed; exits with 130 on ^C."""
    try:
        with live.table(not as_json) as show:
            for data in job.watch():
                show(data)
    except KeyboardInterrupt:
        print(f"\n{job.id} goes on; come back with: stillhouse watch {job.id}")
        raise typer.Exit(DETACHED) from None
    if job.state != "succeeded":
        raise JobFailed(job.id, job.state, job.data["error"])
    if as_json:
        raw(job.data)
    else:
        Console().print(figures.summary(job.report()), highlight=False)
        print(f"student {job.student}; the whole report: stillhouse distillations report {job.id} --html report.html")
