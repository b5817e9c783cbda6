"""`stillhouse answers`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from stillhouse.cli.output import AsJson, show
from stillhouse.cli.session import client

app = typer.Typer(help="What endpoints have said, kept for the project.", no_args_is_help=True)
Before = Annotated[
    datetime | None,
    typer.Option(help="Only what was kept before a day (UTC), such as 2026-01-31.", formats=["%Y-%m-%d"]),
]


@app.command("get")
def get(context: typer.Context, as_json: AsJson = False) -> None:
    """Show how many answers are kept, and their bytes."""
    show(client(context).answers.get(), as_json)


@app.command("delete")
def delete(context: typer.Context, before: Before = None, as_json: AsJson = False) -> None:
    """Delete kept answers: all, or old ones. The same questions cost anew."""
    since = None if before is None else int(before.replace(tzinfo=UTC).timestamp())
    show(client(context).answers.delete(before=since), as_json)
