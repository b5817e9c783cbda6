"""Terms that restrict or burden models trained on outputs, as far as they are known: data with dates and sources (terms.toml), no legal advice.

Two kinds stand in one table: terms of a service, found by its host, and licences of weights, found by the name that an endpoint or a model
states. What is not listed may say the same. Whoever runs the service adds entries, or puts others of the same name in their places (`add`).
"""

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, model_validator

from spec.facts import EndpointFacts, ModelFacts, Standing, Terms

TABLE = Path(__file__).with_name("terms.toml")
HOST = re.compile(r"\.?([a-z0-9-]+\.)*[a-z0-9-]+")


def _host(text: str) -> str:
    if not HOST.fullmatch(text):
        raise ValueError("is a host in lower case, or a dot and the host that others stand under")
    return text


def _name(text: str) -> str:
    if text != text.strip().casefold() or not text:
        raise ValueError("is a licence's name in lower case")
    return text


def _source(text: str) -> str:
    if not text.startswith("https://"):
        raise ValueError("begins with https://")
    return text


def _day(text: str) -> str:
    return date.fromisoformat(text).isoformat()


class _Entry(Terms):
    """Of a file. Its date may stand without quotes."""

    hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = ()
    licences: tuple[Annotated[str, AfterValidator(_name)], ...] = ()
    source: Annotated[str, AfterValidator(_source)]
    effective: Annotated[str, AfterValidator(_day)]

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:
        dated = isinstance(given, Mapping) and isinstance(given.get("effective"), date)
        return {**given, "effective": given["effective"].isoformat()} if dated else given

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.hosts or self.licences):
            raise ValueError("names neither hosts nor licences")
        if not (self.forbids or self.asks):
            raise ValueError("says neither what is forbidden nor what is asked")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    terms: tuple[_Entry, ...]


def read(file: Path) -> list[Terms]:
    """The entries of a file. Raises ValueError, which names file, entry and field, where it cannot be read."""
    try:
        found = _File.model_validate(tomllib.loads(file.read_text(encoding="utf-8"))).terms
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
        raise ValueError(f"{file}: {where}: {first['msg']}") from error
    except (OSError, ValueError) as error:
        raise ValueError(f"{file}: {error}") from error
    entries = [Terms.model_validate(one.model_dump()) for one in found]
    if len({one.name for one in entries}) < len(entries):
        raise ValueError(f"{file}: two entries have the same name")
    return entries


KNOWN = read(TABLE)


def add(file: Path) -> None:
    """Entries of a file of one's own, which take the place of those that have their names. Before anything is looked up. Raises ValueError."""
    own = {one.name: one for one in read(file)}
    KNOWN[:] = [own.pop(one.name, one) for one in KNOWN] + list(own.values())


def of_host(host: str) -> tuple[Terms, ...]:
    name = host.lower().removesuffix(".")
    return tuple(terms for terms in KNOWN if any(_is(name, one) for one in terms.hosts))


def _is(host: str, listed: str) -> bool:
    return host.endswith(listed) if listed.startswith(".") else host == listed


def of_licence(licence: str | None) -> tuple[Terms, ...]:
    """Of a licence as its owner has written it, without regard to case."""
    name = (licence or "").strip().casefold()
    return tuple(terms for terms in KNOWN if name in terms.licences)


def standing(model: str, known: EndpointFacts | ModelFacts) -> Standing:
    """Under which terms a teacher stands: those of its host, of its licence, and of whoever taught it."""
    own = of_licence(known.licence)
    further = known.terms if isinstance(known, EndpointFacts) else known.taught_under
    return Standing(model=model, licence=known.licence, terms=tuple(dict.fromkeys((*own, *further))))
