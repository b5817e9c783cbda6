"""Kinds of calls, and what a stranger is told by each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.api.world import World

Make = Callable[[World], str]
Body = Callable[[str, World], dict[str, Any]]


@dataclass(frozen=True)
class One:
    """A call on one thing, made by `make`: a stranger is told that there is no such thing."""

    make: Make
    rest: dict[str, str] | None = None
    body: dict[str, Any] | None = None


@dataclass(frozen=True)
class All:
    """A list, in which a stranger finds nothing of it."""

    make: Make
    rest: dict[str, str] | None = None


@dataclass(frozen=True)
class Own:
    """A call that names nothing, about all that the project has: a stranger has nothing."""

    make: Make


@dataclass(frozen=True)
class Naming:
    """A call whose body names a thing: a stranger is refused as if it were not there."""

    make: Make
    body: Body
    rest: dict[str, str] | None = None


@dataclass(frozen=True)
class Administrators:
    """A call that no tenant may make, the owner no more than a stranger."""

    make: Make
    body: dict[str, Any] | None = None


@dataclass(frozen=True)
class Shared:
    """The same for everybody: it tells nothing of any project."""

    anybody: bool = False
