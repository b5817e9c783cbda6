"""The whole stack, with two workers, for all acceptance tests; each makes projects of its own on it."""

from collections.abc import Iterator

import pytest

from standalone.services import Worker
from standalone.stack import Stack
from tests.acceptance.tenant import Tenant, tenant


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    workers = (Worker(name="one", slots=1), Worker(name="two", slots=1))
    settings = {"STILLHOUSE_LEASE_SECONDS": "6", "STILLHOUSE_HEARTBEAT_SECONDS": "1", "STILLHOUSE_SWEEP_SECONDS": "1"}
    with Stack(tmp_path_factory.mktemp("stack"), workers=workers, durable=False, settings=settings) as running:
        yield running


@pytest.fixture(scope="module")
def owner(stack: Stack) -> Iterator[Tenant]:
    made = tenant(stack, "owner")
    with made.client:
        yield made
