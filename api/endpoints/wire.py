"""Endpoints as they are received and sent. A key comes in, and never goes out."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from models.endpoint import Endpoint as Row
from spec.distillation import Metadata
from spec.facts import Capabilities, Terms
from spec.facts import Price as PriceFacts
from spec.part import Licence, Part
from spec.problem import Problem
from spec.terms import standing

EndpointName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Url = Annotated[str, StringConstraints(pattern=r"^[!-~]+$", min_length=8, max_length=2000)]
ApiKey = Annotated[str, StringConstraints(pattern=r"^[!-~]+$", min_length=1, max_length=4096)]
ModelName = Annotated[str, StringConstraints(pattern=r"^[!-~]+$", min_length=1, max_length=200)]
Rate = Annotated[float, Field(ge=0, le=1_000_000)]


class NewPrice(Part):
    """US dollars per million tokens."""

    input: Rate
    output: Rate
    cached: Rate | None = None
    """Of input that comes from the endpoint's cache; null: as other input."""
    batch: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of these rates that a call in a batch costs, such as 0.5; null: all of them."""


class NewLimits(Part):
    """How fast it may be called, by all workers together. 0: no limit."""

    concurrency: Annotated[int, Field(ge=1, le=1024)] = 32
    """Calls in flight; fewer while it refuses some as too many."""
    requests_per_minute: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    tokens_per_minute: Annotated[int, Field(ge=0, le=10_000_000_000)] = 0
    seconds: Annotated[float, Field(ge=1, le=600)] = 120.0
    """Of one call, to the last byte of its reply."""
    stream_idle: Annotated[float, Field(ge=1, le=600)] | None = None
    """With it, replies are asked for as a stream, and given up after so many seconds without a byte. null: they come whole."""


class NewEndpoint(Part):
    """What POST /v1/endpoints takes."""

    name: EndpointName
    """Its id is `ep_` and this; a job's teacher is `ep_name/model`."""
    url: Url
    """Where the wire's own path begins: https://api.openai.com/v1. A query, such as `?api-version=…`, goes with every call. It is shown, so that a key does not belong in it."""
    wire: Literal["openai", "anthropic"] = "openai"
    """`openai`: chat completions, as vLLM, SGLang, llama.cpp, Ollama and TGI speak them, too; `anthropic`: messages."""
    key: ApiKey | None = None
    """Sealed before it is stored, and never shown again. null: none is sent."""
    licence: Licence | None = None
    """Of the models that it serves: an SPDX id, a name such as `llama3.1` or `gemma`, or a few words. null: not stated."""
    price: NewPrice | None = None
    """null: not known; calls are booked at nothing, and no cap in dollars can be held."""
    limits: NewLimits = NewLimits()
    model: ModelName | None = None
    """The model that is probed; null: the first that answers of those that it lists, eight at most, likely ones first. `probed` names it."""
    allow_private: bool = False
    """Admit addresses of private networks and loopback, any port, and HTTP without TLS. Needs the scope `admin`."""
    metadata: Metadata = {}


class EndpointChange(Part):
    """What PATCH /v1/endpoints/{id} takes: what is absent or null stays as it is."""

    url: Url | None = None
    key: ApiKey | None = None
    licence: Licence | None = None
    price: NewPrice | None = None
    """A new version, in which `cached` and `batch` stay where they are absent, and go where they are null; calls that were made are not booked anew."""
    limits: NewLimits | None = None
    allow_private: bool | None = None
    metadata: Metadata | None = None


class Probe(Part):
    """What POST /v1/endpoints/{id}/probe takes."""

    model: ModelName | None = None
    """null: those that were probed before, or else the first that answers of those that it lists."""


class Endpoint(BaseModel):
    """An endpoint. A probe sees what its models can do; what was not probed is not asked."""

    id: str
    object: Literal["endpoint"] = "endpoint"
    name: str
    wire: Literal["openai", "anthropic"]
    url: str
    state: Literal["ready", "failed", "unprobed"]
    """`failed`: no model answered at the last probe, and `error` says why. Where some did, `error` names the first that did not."""
    key_hint: str | None
    """The last four characters of the key; null: none is sent."""
    allow_private: bool
    limits: NewLimits
    price: PriceFacts | None
    prices: list[PriceFacts]
    """Every version, the last one holds."""
    models: list[str]
    """As it lists them."""
    probed: dict[str, Capabilities]
    """By model."""
    probed_at: int | None
    licence: str | None
    """Of what it serves; null: not stated."""
    terms: list[Terms]
    """Known terms of its host and of its licence. Of those that forbid something a job says `teacher.accept_terms`."""
    error: Problem | None
    metadata: dict[str, str]
    created_at: int

    @classmethod
    def of(cls, row: Row) -> "Endpoint":
        facts = row.facts or {}
        probed = facts.get("probed", {})
        bad = row.error and (not probed or row.error.get("param") != "model")
        state = "failed" if bad else "ready" if probed else "unprobed"
        return cls.model_validate(
            {
                "id": row.id,
                "name": row.id.removeprefix("ep_"),
                "wire": row.wire,
                "url": row.url,
                "state": state,
                "key_hint": row.hint,
                "allow_private": row.private,
                "limits": row.limits,
                "price": row.prices[-1] if row.prices else None,
                "prices": row.prices,
                "models": facts.get("models", []),
                "probed": probed,
                "probed_at": row.probed_at and int(row.probed_at.timestamp()),
                "licence": row.licence,
                "terms": standing(row.id, row.known()).terms,
                "error": row.error,
                "metadata": row.metadata_,
                "created_at": int(row.created_at.timestamp()),
            }
        )


class EndpointDeleted(BaseModel):
    id: str
    object: Literal["endpoint"] = "endpoint"
    deleted: bool = True
