"""Endpoints: somebody's API with models behind it. The key lies sealed in the row, and only a keyring of the server opens it."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Index, LargeBinary, Select, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Created, ProjectId
from spec.digest import digest
from spec.facts import EndpointFacts
from spec.terms import of_host


class Endpoint(Base):
    __tablename__ = "endpoints"
    __table_args__ = (Index(None, "sealed_by"),)

    project: Mapped[ProjectId] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)  # ep_ and the name that its owner gave it
    wire: Mapped[str]  # openai or anthropic
    url: Mapped[str]  # ends where the wire's own path begins
    sealed_by: Mapped[str | None]  # name of the master key; None: no key is sent
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # nonce and box
    hint: Mapped[str | None]  # last four characters of the key
    licence: Mapped[str | None]  # of what it serves, as its owner states it
    private: Mapped[bool] = mapped_column(default=False)  # an administrator allows private addresses
    limits: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # concurrency, requests_per_minute, …
    prices: Mapped[list[Any]] = mapped_column(server_default="[]")  # spec.facts.Price, every version, the last holds
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # models and probed
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # of the last probe
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", server_default="{}")
    created_at: Mapped[Created]
    probed_at: Mapped[datetime | None]

    def known(self) -> EndpointFacts:
        """What rules and plans may know of it."""
        price = self.prices[-1] if self.prices else None
        where = digest({"wire": self.wire, "url": self.url})
        terms = of_host(urlsplit(self.url).hostname or "")
        streamed = self.limits.get("stream_idle") is not None
        stated = {
            "digest": where,
            "wire": self.wire,
            "price": price,
            "licence": self.licence,
            "terms": terms,
            "streamed": streamed,
        }
        return EndpointFacts.model_validate({**(self.facts or {}), **stated})


def of_project(project: str) -> Select[Endpoint]:
    return select(Endpoint).where(Endpoint.project == project)


def one(project: str, id: str) -> Select[Endpoint]:
    return of_project(project).where(Endpoint.id == id)


def sealed_by_others(master: str) -> Select[Endpoint]:
    """Endpoints of all projects whose key lies under another master key than this one."""
    return select(Endpoint).where(Endpoint.sealed_by.is_not(None), Endpoint.sealed_by != master)
