"""One service for all tests of the API; each test has projects of its own on it."""

from collections.abc import Iterator

import pytest

from tests.acceptance.teacher import Teacher, served
from tests.api.service import Service, Tenant, running


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("api")) as started:
        yield started


@pytest.fixture
def owner(service: Service) -> Tenant:
    return service.tenant("owner")


@pytest.fixture
def stranger(service: Service) -> Tenant:
    return service.tenant("stranger")


@pytest.fixture
def boss(service: Service, owner: Tenant) -> Tenant:
    """The owner, who may allow private addresses."""
    return Tenant(service, owner.project, service.key(owner.project, "read", "write", "admin"))


@pytest.fixture
def teacher() -> Iterator[Teacher]:
    """A model behind an endpoint."""
    with served() as running:
        yield running
