"""`stillhouse endpoints`."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Literal, cast

import typer

from stillhouse.cli.output import After, AsJson, LicenceOption, Limit, gone, show, show_page
from stillhouse.cli.session import client
from stillhouse.errors import Conflict, told
from stillhouse.types import EndpointChange, NewEndpoint, NewLimits, NewPrice

app = typer.Typer(help="Somebody's API with teachers behind it.", no_args_is_help=True)
WIRES = ("openai", "anthropic")
FromEnvironment = Annotated[str | None, typer.Option(help="Name of the variable that holds the key.")]
PriceOption = Annotated[
    str | None, typer.Option("--price", help="US dollars per million tokens: IN/OUT, or IN/OUT/CACHED.")
]
BatchOption = Annotated[
    float | None, typer.Option("--batch", help="Share of --price that a call in a batch costs, such as 0.5.")
]
Concurrency = Annotated[int | None, typer.Option(help="Calls in flight, of all workers together.")]
Requests = Annotated[int | None, typer.Option(help="Requests a minute.")]
Tokens = Annotated[int | None, typer.Option(help="Tokens a minute.")]
Idle = Annotated[
    float | None,
    typer.Option(help="Ask for replies as a stream, and give one up after so many seconds without a byte; 0: whole."),
]
Private = Annotated[bool, typer.Option(help="Admit private addresses and HTTP; needs the scope admin.")]


def price(text: str | None, batch: float | None) -> NewPrice | None:
    """0.40/1.60 or 0.40/1.60/0.10. Raises BadParameter."""
    if text is None:
        if batch is not None:
            raise typer.BadParameter("--batch is a share of --price, which is not given")
        return None
    try:
        rates = [float(part) for part in text.split("/")]
    except ValueError:
        rates = []
    if len(rates) not in (2, 3):
        raise typer.BadParameter("--price is IN/OUT or IN/OUT/CACHED, such as 0.40/1.60")
    made: NewPrice = {"input": rates[0], "output": rates[1]}
    if len(rates) == 3:
        made["cached"] = rates[2]
    if batch is not None:
        made["batch"] = batch
    return made


def limits(concurrency: int | None, requests: int | None, tokens: int | None, idle: float | None) -> NewLimits | None:
    named = {"concurrency": concurrency, "requests_per_minute": requests, "tokens_per_minute": tokens}
    given: dict[str, float | None] = {name: value for name, value in named.items() if value is not None}
    if idle is not None:
        given["stream_idle"] = idle or None
    return cast("NewLimits", given) if given else None


def key(variable: str | None) -> str | None:
    """The key in the environment: on a command line everyone on the machine could read it. Raises BadParameter."""
    if variable is None:
        return None
    found = os.environ.get(variable)
    if not found:
        raise typer.BadParameter(f"the variable {variable} is not set")
    return found


@app.command("create")
def create(
    context: typer.Context,
    name: str,
    url: Annotated[str, typer.Option(help="Where the wire's own path begins: https://api.openai.com/v1.")],
    key_from_env: FromEnvironment = None,
    price_: PriceOption = None,
    batch: BatchOption = None,
    wire: Annotated[str, typer.Option(help="openai or anthropic")] = "openai",
    model: Annotated[str | None, typer.Option(help="The model that is probed.")] = None,
    licence: LicenceOption = None,
    concurrency: Concurrency = None,
    requests_per_minute: Requests = None,
    tokens_per_minute: Tokens = None,
    stream_idle: Idle = None,
    allow_private: Private = False,
    as_json: AsJson = False,
) -> None:
    """Make an endpoint and probe it."""
    if wire not in WIRES:
        raise typer.BadParameter(f"--wire is {' or '.join(WIRES)}")
    body: NewEndpoint = {"name": name, "url": url, "wire": cast("Literal['openai', 'anthropic']", wire)}
    body |= {
        "key": key(key_from_env),
        "price": price(price_, batch),
        "model": model,
        "allow_private": allow_private,
        "licence": licence,
    }
    if (slower := limits(concurrency, requests_per_minute, tokens_per_minute, stream_idle)) is not None:
        body["limits"] = slower
    try:
        made = client(context).endpoints.create(**body)
    except Conflict as error:
        if error.code == "name_taken" and not as_json:
            error.hint = ways(f"ep_{name}")
        raise
    show(made, as_json)
    if made["state"] == "failed" and (problem := made["error"]) is not None:
        print(f"error: {told(problem['message'], problem['hint'])}", file=sys.stderr)
        print(f"It is kept as failed. {ways(made['id'])}", file=sys.stderr)
        raise typer.Exit(1)
    if model is None and not as_json and made["probed"]:
        print(
            f"Of the models that it lists {', '.join(made['probed'])} was looked at. {another(made['id'])}",
            file=sys.stderr,
        )


def another(id: str) -> str:
    """What comes before a job that asks a model which nobody has looked at."""
    return f"Before a job names another: stillhouse endpoints probe {id} --model NAME"


def ways(id: str) -> str:
    """What can be done about an endpoint that is there."""
    return f"Mend it: stillhouse endpoints change {id} --key-from-env VARIABLE (or --url); or: stillhouse endpoints delete {id}"


@app.command("list")
def list_endpoints(context: typer.Context, limit: Limit = 20, after: After = "", as_json: AsJson = False) -> None:
    """List endpoints, by name."""
    columns = ("id", "wire", "url", "state", "price", "models", "probed_at")
    show_page(client(context).endpoints.list(after=after), limit, columns, as_json)


@app.command("get")
def get(context: typer.Context, id: str, as_json: AsJson = False) -> None:
    """Show an endpoint with what its probes have seen."""
    show(client(context).endpoints.get(id), as_json)


@app.command("change")
def change(
    context: typer.Context,
    id: str,
    url: Annotated[
        str | None,
        typer.Option(help="A new URL: what was probed is forgotten, and --price is needed where there was one."),
    ] = None,
    key_from_env: FromEnvironment = None,
    price_: PriceOption = None,
    batch: BatchOption = None,
    licence: LicenceOption = None,
    concurrency: Concurrency = None,
    requests_per_minute: Requests = None,
    tokens_per_minute: Tokens = None,
    stream_idle: Idle = None,
    as_json: AsJson = False,
) -> None:
    """Change an endpoint; what is not named stays, and so do rates that --price leaves out."""
    body: EndpointChange = {
        "url": url,
        "key": key(key_from_env),
        "price": price(price_, batch),
        "licence": licence,
        "limits": limits(concurrency, requests_per_minute, tokens_per_minute, stream_idle),
    }
    show(client(context).endpoints.change(id, **body), as_json)


@app.command("probe")
def probe(
    context: typer.Context,
    id: str,
    model: Annotated[
        str | None, typer.Option(help="Where none is named: all that were probed before, else the first that answers.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look anew at what a model can do."""
    show(client(context).endpoints.probe(id, model), as_json)


@app.command("delete")
def delete(context: typer.Context, id: str, as_json: AsJson = False) -> None:
    """Delete an endpoint and its key."""
    gone(client(context).endpoints.delete(id), as_json)
