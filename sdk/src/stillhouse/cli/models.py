"""`stillhouse models`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from stillhouse.cli.output import After, AsJson, LicenceOption, Limit, gone, show, show_page, written
from stillhouse.cli.session import client

app = typer.Typer(help="Weights: teachers and students.", no_args_is_help=True)
COLUMNS = ("id", "name", "state", "origin", "parameters", "bytes", "created")
Description = Annotated[str | None, typer.Option(help="JSON, or the path of a JSON file.")]


@app.command()
def upload(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="A .safetensors or .onnx file, or a folder with one.")],
    architecture: Description = None,
    signature: Description = None,
    name: str | None = None,
    labels_seen: Annotated[int | None, typer.Option(help="How many labels it was trained on.")] = None,
    licence: LicenceOption = None,
    as_json: AsJson = False,
) -> None:
    """Upload weights, wait until they are checked."""
    models = client(context).models
    described: Any = {"architecture": parsed(architecture), "signature": parsed(signature)}
    made = models.upload(path, **described, name=name, labels_seen=labels_seen, licence=licence)
    show(models.wait(made["id"]), as_json)


def parsed(written: str | None) -> Any:
    """Raises BadParameter."""
    if written is None:
        return None
    try:
        return json.loads(written if written.lstrip().startswith("{") else Path(written).read_text())
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"neither JSON nor a JSON file: {error}") from error


@app.command("list")
def list_models(context: typer.Context, limit: Limit = 20, after: After = "", as_json: AsJson = False) -> None:
    """List models, newest first."""
    show_page(client(context).models.list(after=after), limit, COLUMNS, as_json)


@app.command()
def get(context: typer.Context, id: str, as_json: AsJson = False) -> None:
    """Show a model and its facts."""
    show(client(context).models.get(id), as_json)


@app.command()
def download(
    context: typer.Context,
    id: str,
    folder: Annotated[Path, typer.Argument(help="Folder to write.")],
    as_json: AsJson = False,
) -> None:
    """Download all files of a model."""
    written(id, client(context).models.download(id, folder), as_json)


@app.command()
def delete(context: typer.Context, id: str, as_json: AsJson = False) -> None:
    """Delete a model; its students stay."""
    gone(client(context).models.delete(id), as_json)
