from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery

from settings import Settings
from standalone import valkey
from standalone.valkey import Valkey
from tests.acceptance.teacher import Teacher, served
from tests.examples.serving import Client, serving, table
from tests.models.world import World
from tests.workers.desk import PRICE
from tests.workers.post import FLAGS
from tests.workers.shop import Shop
from workers import register
from workers.claim import Ledger
from workers.post import Post
from workers.station import make_post

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture(scope="session")
def bells(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    server = valkey.start(tmp_path_factory.mktemp("valkey"))
    yield server
    server.stop()


@pytest.fixture
def shop(tmp_path: Path, database_url: str, bells: Valkey) -> Iterator[Shop]:
    with Shop(tmp_path, database_url, bells) as opened:
        yield opened


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    made = World(database_url)
    yield made
    made.close()


@pytest.fixture
def post(tmp_path: Path, database_url: str) -> Iterator[Post]:
    """A worker's, without a broker: bells are lost, and nothing else."""
    given = Settings(
        database_url=database_url, broker_url=NOWHERE, storage=str(tmp_path / "blobs"), scratch=tmp_path / "scratch"
    )
    made = make_post(given, Celery("test", broker=NOWHERE), "one", ("cpu", "gpu"), 1)
    register.arrive(made)
    yield made
    made.close()


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    made = Ledger(database_url, lease_seconds=60.0, connections=4)
    yield made
    made.close()


@pytest.fixture
def teacher() -> Iterator[Teacher]:
    """It bills what the desk in desk.py reckons with."""
    with served(rate_in=PRICE.input, rate_out=PRICE.output) as running:
        yield running


@pytest.fixture(scope="session")
def batching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The example's server, which has a batch API."""
    with serving("--table", table(tmp_path_factory.mktemp("table") / "t.jsonl"), "--batch-most", "60", *FLAGS) as found:
        yield found


@pytest.fixture
def server(batching: Client) -> Iterator[Client]:
    """The same, without a fault."""
    batching.faults()
    yield batching
    batching.faults()
