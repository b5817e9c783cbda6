"""`stillhouse projects`, `keys`, `usage`, `workers`."""

from __future__ import annotations

import sys
from typing import Annotated, cast

import typer

from stillhouse.accounts import Grouping, Scope
from stillhouse.cli.output import After, AsJson, Limit, gone, raw, show, show_all, show_page
from stillhouse.cli.session import client
from stillhouse.types import ProjectChange

projects = typer.Typer(help="Tenants.", no_args_is_help=True)
keys = typer.Typer(help="API keys.", no_args_is_help=True)
SCOPES: tuple[Scope, ...] = ("read", "write", "admin")
COLUMNS: dict[str, tuple[str, ...]] = {
    "job": ("id", "name", "bytes_stored"),
    "step": ("id", "job", "name"),
    "endpoint": ("id",),
    "day": ("id",),
    "project": ("id", "name", "bytes_stored"),
}
"""What is told of a row of usage, before what was spent."""
SPENT = ("device_seconds", "usd", "calls", "input_tokens", "cached_tokens", "output_tokens")


@projects.command("create")
def create_project(
    context: typer.Context,
    name: str,
    quota_bytes: int | None = None,
    usd_per_month: float | None = None,
    as_json: AsJson = False,
) -> None:
    """Make a project."""
    made = client(context).projects.create(name, quota_bytes=quota_bytes, usd_per_month=usd_per_month)
    show(made, as_json)


@projects.command("list")
def list_projects(context: typer.Context, limit: Limit = 20, after: After = "", as_json: AsJson = False) -> None:
    """List projects, newest first."""
    found = client(context).projects.list(after=after)
    show_page(found, limit, ("id", "name", "quota_bytes", "created_at"), as_json)


@projects.command("get")
def get_project(context: typer.Context, id: str, as_json: AsJson = False) -> None:
    """Show a project."""
    show(client(context).projects.get(id), as_json)


@projects.command("change")
def change_project(
    context: typer.Context,
    id: str,
    name: str | None = None,
    usd_per_month: Annotated[str | None, typer.Option(help="A number; `none` takes the cap away.")] = None,
    as_json: AsJson = False,
) -> None:
    """Rename a project, or set its cap of a month."""
    body: ProjectChange = {}
    if name is not None:
        body["name"] = name
    if usd_per_month is not None:
        body["usd_per_month"] = dollars(usd_per_month)
    show(client(context).projects.change(id, **body), as_json)


def dollars(text: str) -> float | None:
    """Raises BadParameter."""
    try:
        return None if text == "none" else float(text)
    except ValueError:
        raise typer.BadParameter("--usd-per-month is a number, or none") from None


@projects.command("delete")
def delete_project(context: typer.Context, id: str, as_json: AsJson = False) -> None:
    """Delete an empty project."""
    gone(client(context).projects.delete(id), as_json)


@keys.command("create")
def create_key(
    context: typer.Context,
    name: str,
    scopes: Annotated[str, typer.Option(help="Of read,write,admin.")] = "read,write",
    project: Annotated[str | None, typer.Option(help="Another project's id.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown this once."""
    wanted = scopes.split(",")
    if not set(wanted) <= set(SCOPES):
        raise typer.BadParameter(f"scopes are of {', '.join(SCOPES)}")
    show(client(context).keys.create(name, scopes=cast("list[Scope]", wanted), project=project), as_json)


@keys.command("list")
def list_keys(
    context: typer.Context, project: str | None = None, limit: Limit = 20, after: After = "", as_json: AsJson = False
) -> None:
    """List keys, newest first."""
    columns = ("id", "name", "hint", "scopes", "project", "created_at", "last_used_at")
    show_page(client(context).keys.list(project=project, after=after), limit, columns, as_json)


@keys.command("get")
def get_key(context: typer.Context, id: str, as_json: AsJson = False) -> None:
    """Show a key."""
    show(client(context).keys.get(id), as_json)


@keys.command("delete")
def delete_key(context: typer.Context, id: str, as_json: AsJson = False) -> None:
    """Revoke a key."""
    gone(client(context).keys.delete(id), as_json)


def usage(
    context: typer.Context,
    by: Annotated[str, typer.Option(help="job, step, endpoint, day or, for an administrator, project")] = "job",
    limit: Annotated[int, typer.Option("--limit", min=1, max=100, help="At most so many rows.")] = 100,
    after: After = "",
    as_json: AsJson = False,
) -> None:
    """Show what the project has used: all of it, and the newest jobs, steps, endpoints or days. By project an administrator sees all."""
    if by not in COLUMNS:
        raise typer.BadParameter("--by is job, step, endpoint, day or project")
    found = client(context).usage.get(group_by=cast("Grouping", by), limit=limit, after=after)
    if as_json:
        raw(found)
        return
    print(
        f"{found['device_seconds']:,.1f} device seconds, ${found['usd']:.4f}, {found['calls']:,} calls, {found['bytes_stored']:,} bytes stored"
    )
    show_all(found["data"], (*COLUMNS[by], *SPENT), False)
    if found["has_more"]:
        print(f"there are more: --after {found['last_id']}", file=sys.stderr)


def workers(context: typer.Context, limit: Limit = 20, after: After = "", as_json: AsJson = False) -> None:
    """List workers: who is connected, with what."""
    columns = ("id", "name", "connected", "queues", "slots", "device", "memory", "sandbox", "last_seen")
    show_page(client(context).workers.list(after=after), limit, columns, as_json)
