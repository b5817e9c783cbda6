"""Both stores, so that every test asks the same of each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import Storage, open_storage
from tests.storage.s3 import CREDENTIALS, S3, s3


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3(tmp_path_factory.mktemp("s3")) as started:
        yield started


@pytest.fixture(params=["local", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Storage:
    """An empty store."""
    if request.param == "local":
        return open_storage(str(tmp_path / "store"))
    started: S3 = request.getfixturevalue("server")
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return open_storage(f"s3://bucket/{tmp_path.name}/{request.node.name}", started.url)
