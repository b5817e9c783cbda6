"""A real Redis for the limits that workers share."""

from collections.abc import Iterator

import pytest

from standalone.valkey import Valkey


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    valkey = Valkey(tmp_path_factory.mktemp("valkey"))
    valkey.start()
    valkey.wait_ready()
    yield valkey.url.replace("redis+socket://", "unix://", 1)
    valkey.stop()
