"""The whole stack, with two workers, for all acceptance tests; each makes projects of its own on it."""

from collections.abc import Iterator

import pytest

from standalone.services import Worker
from standalone.stack import Stack
from tests.acceptance.teacher import Teacher, served
from tests.acceptance.tenant import Tenant, tenant


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    workers = (Worker(name="one", slots=1), Worker(name="two", slots=1))
    seconds = {"LEASE": "6", "HEARTBEAT": "1", "SWEEP": "1", "LATENCY": "0.5", "BATCH": "0.2"}
    settings = {f"STILLHOUSE_{name}_SECONDS": value for name, value in seconds.items()}
    with Stack(tmp_path_factory.mktemp("stack"), workers=workers, durable=False, settings=settings) as running:
        yield running


@pytest.fixture(scope="module")
def owner(stack: Stack) -> Iterator[Tenant]:
    made = tenant(stack, "owner")
    with made.client:
        yield made


@pytest.fixture
def teacher() -> Iterator[Teacher]:
    """A model behind an endpoint."""
    with served() as running:
        yield running


@pytest.fixture
def asker(stack: Stack) -> Iterator[Tenant]:
    """A project whose key may allow an endpoint on this machine."""
    made = tenant(stack, "asker", ("read", "write", "admin"))
    with made.client:
        yield made
