"""`stillhouse datasets`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from stillhouse.cli.output import After, AsJson, Limit, gone, raw, show, show_all, show_page, written
from stillhouse.cli.session import client
from stillhouse.client import Stillhouse
from stillhouse.types import Columns, DatasetFile, NewDataset

app = typer.Typer(help="Typed rows with splits.", no_args_is_help=True)
COLUMNS = ("id", "name", "state", "created_at")
Splits = Annotated[list[str], typer.Option("--split", help="`train=0:1029`: rows [0, 1029). May be repeated.")]


@app.command()
def create(
    context: typer.Context,
    files: Annotated[
        list[str], typer.Argument(help="Paths, or ids of uploaded files; `test=more.csv` puts one into split test.")
    ],
    name: str | None = None,
    input: Annotated[str | None, typer.Option(help="Column of the inputs.")] = None,
    label: Annotated[str | None, typer.Option(help="Column of the labels.")] = None,
    group: Annotated[
        str | None, typer.Option(help="Column of what must not be torn apart, such as the writer.")
    ] = None,
    id: Annotated[str | None, typer.Option(help="Column of the ids that signals name rows by.")] = None,
    signal: Annotated[
        str | None, typer.Option(help="Column of a teacher's scores: makes it a dataset of signals.")
    ] = None,
    classes: Annotated[str | None, typer.Option(help="`cat,dog`: the class of each score, in order.")] = None,
    split: Splits = [],
    allow_bad_rows: Annotated[bool, typer.Option("--allow-bad-rows", help="Drop rows that cannot be read.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a dataset of files (Parquet, JSONL, CSV, NPZ, IDX), wait until it is read."""
    server = client(context)
    places = [place(file) for file in files]
    columns = {"input": input or "auto", "label": label or "auto", "group": group or "auto", "id": id or "auto"}
    if signal and not label:
        columns.pop("label")
    body: NewDataset = {
        "files": [source(server, split, file) for split, file in places],
        "name": name,
        "splits": spans(split),
        "columns": cast("Columns", columns),
        "signal": signal,
        "classes": classes.split(",") if classes else None,
        "allow_bad_rows": allow_bad_rows,
    }
    made = server.datasets.wait(server.datasets.create(**body)["id"])
    if as_json or made["facts"] is None:
        show(made, as_json)
        return
    facts = made["facts"]
    names = {one for split in facts["splits"].values() for one in split.get("labels") or {}}
    told = {"id": made["id"], "name": made["name"], "state": made["state"], "classes": sorted(names)}
    show(told, False)
    rows = [{"split": name, **split} for name, split in facts["splits"].items()]
    show_all(rows, ("split", "rows", "labelled", "duplicates", "bytes"), False)
    if facts["bad_rows_total"]:
        print(f"{facts['bad_rows_total']:,} rows could not be read: stillhouse datasets get {made['id']}")


def place(written: str) -> tuple[str | None, str]:
    """The split where it is named, and the file, which is there: an id, or a path that can be read. Raises OSError."""
    split, equals, rest = written.partition("=")
    named = bool(equals) and not Path(written).exists()
    file = rest if named else written
    if not file.startswith("file-"):
        Path(file).open("rb").close()  # all of them, before the first is sent
    return split if named else None, file


def source(server: Stillhouse, split: str | None, file: str) -> DatasetFile | str:
    """A file by its id, or one that is uploaded now."""
    id = file if file.startswith("file-") else server.files.upload(file)["id"]
    return {"file": id, "split": split} if split else id


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
def list_datasets(context: typer.Context, limit: Limit = 20, after: After = "", as_json: AsJson = False) -> None:
    """List datasets, newest first."""
    show_page(client(context).datasets.list(after=after), limit, COLUMNS, as_json)


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
    written(id, client(context).datasets.download(id, target, split=split), as_json)


@app.command()
def delete(context: typer.Context, id: str, as_json: AsJson = False) -> None:
    """Delete a dataset."""
    gone(client(context).datasets.delete(id), as_json)
