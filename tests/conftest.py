"""What tests of several folders share."""

import signal
from collections.abc import Iterator

import pytest

from tests.postgres import Server


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture
def database_url(postgres_server: Server) -> Iterator[str]:
    """A migrated database of the test's own."""
    with postgres_server.database() as url:
        yield url


def pytest_sessionstart() -> None:
    """A suite that a shell started in the background ignores ^C, and so would every process that it starts and interrupts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
