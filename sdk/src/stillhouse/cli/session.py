"""The client that a command uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from stillhouse.client import Stillhouse


@dataclass(frozen=True)
class Session:
    """What the options before the command say."""

    url: str | None
    api_key: str | None
    as_json: bool = False


def options(
    context: typer.Context,
    url: Annotated[
        str | None, typer.Option(envvar="STILLHOUSE_URL", help="The server. [http://127.0.0.1:8400]")
    ] = None,
    api_key: Annotated[str | None, typer.Option(envvar="STILLHOUSE_API_KEY", help="The key.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As of every command.")] = False,
) -> None:
    """Distillation as a service that you host yourself."""
    context.obj = Session(url, api_key, as_json)


def client(context: typer.Context) -> Stillhouse:
    """Closed when the command ends. Raises StillhouseError where no key is known."""
    session: Session = context.obj
    return context.with_resource(Stillhouse(session.url, session.api_key))
