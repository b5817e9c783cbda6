"""`stillhouse files`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stillhouse.cli.output import After, AsJson, Limit, gone, show, show_all, show_page, written
from stillhouse.cli.session import client

app = typer.Typer(help="Bytes that you sent.", no_args_is_help=True)
COLUMNS = ("id", "filename", "bytes", "purpose", "created_at")


@app.command()
def upload(context: typer.Context, paths: list[Path], purpose: str = "dataset", as_json: AsJson = False) -> None:
    """Upload files."""
    for path in paths:
        path.open("rb").close()  # all of them, before the first is sent
    show_all([client(context).files.upload(path, purpose=purpose) for path in paths], COLUMNS, as_json)


@app.command("list")
def list_files(
    context: typer.Context, purpose: str | None = None, limit: Limit = 20, after: After = "", as_json: AsJson = False
) -> None:
    """List files, newest first."""
    show_page(client(context).files.list(purpose=purpose, after=after), limit, COLUMNS, as_json)


@app.command()
def get(context: typer.Context, id: str, as_json: AsJson = False) -> None:
    """Show a file."""
    show(client(context).files.get(id), as_json)


@app.command()
def download(
    context: typer.Context,
    id: str,
    target: Annotated[Path, typer.Argument(help="File to write.")],
    as_json: AsJson = False,
) -> None:
    """Download a file."""
    written(id, client(context).files.download(id, target), as_json)


@app.command()
def delete(context: typer.Context, id: str, as_json: AsJson = False) -> None:
    """Delete a file."""
    gone(client(context).files.delete(id), as_json)
