"""`stillhouse distillations`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stillhouse import figures, live
from stillhouse.cli.jobs import Assignments, Cap, read
from stillhouse.cli.output import After, AsJson, Limit, gone, raw, show_all, show_page, show_problems, written
from stillhouse.cli.session import client
from stillhouse.job import Job
from stillhouse.types import Dollars

app = typer.Typer(help="The jobs.", no_args_is_help=True)
COLUMNS = ("id", "name", "state", "created_at", "finished_at")
AsCsv = Annotated[bool, typer.Option("--csv", help="All values, as CSV.")]
Pairs = Annotated[list[str], typer.Option("--metadata", help="`team=vision`: jobs that carry it. May be repeated.")]


@app.command("list")
def list_jobs(
    context: typer.Context, state: str | None = None, metadata: Pairs = [], limit: Limit = 20, after: After = "",
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """List jobs, newest first."""
    if wrong := next((pair for pair in metadata if "=" not in pair), None):
        raise typer.BadParameter(f"--metadata {wrong}: it is KEY=VALUE")
    wanted = dict(pair.partition("=")[::2] for pair in metadata)
    found = client(context).distillations.list(state=state, metadata=wanted, after=after)
    show_page((job.data for job in found), limit, COLUMNS, as_json)


@app.command()
def get(context: typer.Context, id: str, as_json: AsJson = False) -> None:
    """Show a job and its steps."""
    one(client(context).distillations.get(id), as_json)


def one(job: Job, as_json: bool) -> None:
    if as_json:
        raw(job.data)
    else:
        console = Console()
        console.print(job.id, highlight=False)
        console.print(live.picture(job.data, job.data["finished_at"] or 0))


@app.command()
def validate(
    context: typer.Context,
    path: Path,
    assignments: Assignments = [],
    budget_usd: Cap = None,
    as_json: AsJson = False,
) -> None:
    """Tell what would become of a job file: problems, or plan and estimate."""
    found = client(context).distillations.validate(read(path, assignments, budget_usd))
    if as_json:
        raw(found)
    else:
        for noun, told in (("refusal", found["problems"]), ("warning", found["warnings"])):
            if told:
                show_problems(noun, told)
                print()
        if found["plan"]:
            show_all(found["plan"], ("name", "queue", "cache", "seconds", "memory_bytes"), False)
            print()
        if (estimate := found["estimate"]) is not None:
            print(f"about {estimate['seconds']:,.0f} s" + price_of(estimate["usd"]))
    raise typer.Exit(0 if found["valid"] else 1)


def price_of(usd: Dollars | None) -> str:
    """What follows the seconds of an estimate."""
    if usd is None:
        return ""
    return f", ${usd['expected']:.4f} [{usd['low']:.4f}, {usd['high']:.4f}]; a cap is ${usd['minimum']:.6f} at least"


def intent(name: str, want: Callable[[Job], Job], words: str) -> None:
    """Adds a command that wants something of a job."""

    def command(context: typer.Context, id: str, as_json: AsJson = False) -> None:
        one(want(client(context).distillations.get(id)), as_json)

    app.command(name, help=words)(command)


intent("pause", Job.pause, "Stop at a checkpoint, until it is resumed.")
intent("resume", Job.resume, "Go on after a pause.")
intent("cancel", Job.cancel, "Stop; no student is made.")
intent("finish", Job.finish, "End training now and deliver the best so far, evaluated.")


@app.command()
def events(
    context: typer.Context,
    id: str,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")] = False,
    after: int = 0,
    as_json: AsJson = False,
) -> None:
    """Print what happened, a line an event."""
    for event in client(context).distillations.get(id).events(after=after, follow=follow):
        said = event["message"] or event["data"].get("state") or event["type"]
        line = json.dumps(event) if as_json else f"{event['id']:>5}  {event['step'] or '-':<18} {said}"
        print(line, flush=True)


@app.command()
def metrics(
    context: typer.Context,
    id: str,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Print the last value of every series (all values with --csv or --json)."""
    job = client(context).distillations.get(id)
    if as_csv:
        print(job.metrics_csv(), end="")
        return
    found = job.metrics()
    rows = [
        {**series, "at": series["at"][-1], "value": series["values"][-1]} for series in found["data"] if series["at"]
    ]
    raw(found) if as_json else show_all(rows, ("step", "name", "at", "value"), False)


@app.command()
def checkpoints(context: typer.Context, id: str, as_json: AsJson = False) -> None:
    """List the checkpoints that are kept."""
    show_all(client(context).distillations.get(id).checkpoints(), ("id", "step", "step_number", "bytes"), as_json)


@app.command()
def logs(context: typer.Context, id: str, as_json: AsJson = False) -> None:
    """Print what the steps wrote."""
    text = client(context).distillations.get(id).logs()
    raw({"id": id, "logs": text}) if as_json else print(text, end="")


@app.command()
def answers(
    context: typer.Context,
    id: str,
    kind: Annotated[list[str], typer.Option(help="`truncated`, `refused`: only such rows. May be repeated.")] = [],
    side: Annotated[str | None, typer.Option(help="`heldout` or `train`: only its rows.")] = None,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Print what a teacher behind an endpoint said, a line a row (all of it with --csv or --json, a line an object)."""
    job = client(context).distillations.get(id)
    if as_csv:
        pour(job.answers_csv(kind=kind, side=side))
        return
    for row in job.answers(kind=kind, side=side):
        label, said = row["label"], " | ".join(row["answers"]) or f"{row['failed']}: {row['message']}"
        read = label if isinstance(label, str) else ", ".join(label or [])
        line = f"{row['side']:<7} {row['row']:>7}  {row['kind']:<11} {read or '-':<18} {said!r}"
        print(json.dumps(row, ensure_ascii=False) if as_json else line)


@app.command()
def texts(
    context: typer.Context,
    id: str,
    fate: Annotated[list[str], typer.Option(help="`kept`, `heldout`: only such texts. May be repeated.")] = [],
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Print the new texts that the teacher wrote, kept or left out (all of it with --csv or --json, a line an object)."""
    job = client(context).distillations.get(id)
    if as_csv:
        pour(job.texts_csv(fate=fate))
        return
    for text in job.texts(fate=fate):
        print(json.dumps(text, ensure_ascii=False) if as_json else f"{text['fate']:<7} {text['text']!r}")


def pour(pieces: Iterable[str]) -> None:
    for piece in pieces:
        print(piece, end="")


@app.command()
def report(
    context: typer.Context,
    id: str,
    html: Annotated[Path | None, typer.Option(help="Write the page to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the main figures (all with --json), or save the page."""
    job = client(context).distillations.get(id)
    if html is not None:
        written(id, job.save_report(html), as_json)
    elif as_json:
        raw(job.report())
    else:
        Console().print(figures.summary(job.report()), highlight=False)


@app.command()
def delete(context: typer.Context, id: str, as_json: AsJson = False) -> None:
    """Forget an ended job; its student stays."""
    gone(client(context).distillations.get(id).delete(), as_json)
