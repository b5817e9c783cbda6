"""`stillhouse datasets`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stillhouse.cli.output import AsJson, Limit, done, raw, show, show_all
from stillhouse.cli.session import client
from stillhouse.types import NewDataset

app = typer.Typer(help="Typed rows with splits.", no_args_is_help=True)
COLUMNS = ("id", "name", "state", "created_at")
Splits = Annotated[list[str], typer.Option("--split", help="`train=0:1029`: rows [0, 1029). May be repeated.")]


@app.command()
def create(
    context: typer.Context,
    files: Annotated[list[str], typer.Argument(help="Paths, or ids of uploaded files.")],
    name: str | None = None,
    input: Annotated[str | None, typer.Option(help="Column of the inputs.")] = None,
    label: Annotated[str | None, typer.Option(help="Column of the labels.")] = None,
    split: Splits = [],
    allow_bad_rows: Annotated[bool, typer.Option("--allow-bad-rows", help="Drop rows that cannot be read.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a dataset of files (Parquet, JSONL, CSV, NPZ, IDX), wait until it is read."""
    server = client(context)
    ids = [file if file.startswith("file-") else server.files.upload(file)["id"] for file in files]
    body: NewDataset = {"files": ids, "name": name, "splits": spans(split), "allow_bad_rows": allow_bad_rows}
    body["columns"] = {"input": input or "auto", "label": label or "auto"}
    show(server.datasets.wait(server.datasets.create(**body)["id"]), as_json)


def spans(written: list[str]) -> dict[str, list[int]]:
    """`train=0:1029` is {"train": [0, 1029]}. Raises BadParameter."""
    found = {}
    for one in written:
        name, _, span = one.partition("=")
        low, _, high = span.partition(":")
        if not (name and low.isdigit() and high.isdigit()):
            raise typer.BadParameter(f"{one!r} is not NAME=FROM:TO")
        found[name] = [int(low), int(high)]
    return found


@app.command("list")
def list_datasets(context: typer.Context, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List datasets, newest first."""
    show_all(client(context).datasets.list().first(limit), COLUMNS, as_json)


@app.command()
def get(context: typer.Context, id: str, as_json: AsJson = False) -> None:
    """Show a dataset and its facts."""
    show(client(context).datasets.get(id), as_json)


@app.command()
def preview(
    context: typer.Context, id: str, split: str | None = None, limit: Limit = 10, as_json: AsJson = False
) -> None:
    """Show the first rows."""
    found = client(context).datasets.preview(id, split=split, limit=limit)
    raw(found) if as_json else show_all(found["data"], list(found["data"][0]) if found["data"] else [], False)


@app.command()
def download(context: typer.Context, id: str, target: Path, split: str = "train", as_json: AsJson = False) -> None:
    """Download a split as an Arrow IPC file."""
    done(f"is in {client(context).datasets.download(id, target, split=split)}", id, as_json)


@app.command()
def delete(context: typer.Context, id: str, as_json: AsJson = False) -> None:
    """Delete a dataset."""
    client(context).datasets.delete(id)
    done("deleted", id, as_json)
