"""A disk that is full answers 507, loses nothing, and serves again as soon as there is room."""

import os
import sys
from pathlib import Path
from shutil import which

import httpx
import pytest

from standalone.process import namespaces
from tests.api.service import Service, Tenant, good, refused

MIB = 2**20
MOUNT = 'mount -t tmpfs -o size=8m disk "$0" && exec "$@"'


@pytest.mark.skipif(not namespaces(), reason="a small disk is mounted in a user namespace")
def test_full_disk(service: Service, owner: Tenant, tmp_path: Path) -> None:
    wrapper = [which("unshare") or "", "--user", "--map-root-user", "--mount", "sh", "-c", MOUNT, str(tmp_path)]
    paths = {"storage": str(tmp_path / "blobs"), "scratch": str(tmp_path / "scratch")}
    with (
        service.another(wrapper, **paths) as api,
        httpx.Client(base_url=api.url, headers=owner.client.headers) as client,
    ):
        first = good(upload(client, os.urandom(3 * MIB)))
        refused(upload(client, os.urandom(12 * MIB)), 507, "disk_full")
        good(upload(client, os.urandom(3 * MIB)))
        reply = upload(client, os.urandom(3 * MIB))
        assert refused(reply, 507, "disk_full")["type"] == "server_error"
        assert reply.headers["x-should-retry"] == "false"
        assert len(good(client.get("/v1/files"))["data"]) == 2
        assert len(client.get(f"/v1/files/{first['id']}/content").content) == 3 * MIB
        good(client.get("/readyz"))


def test_no_file_may_be_so_large(service: Service, owner: Tenant, tmp_path: Path) -> None:
    """The same by a limit on the size of files, which every kernel has."""
    limited = "import resource, os, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, 4 << 20)); os.execv(sys.argv[1], sys.argv[1:])"
    paths = {"storage": str(tmp_path / "blobs"), "scratch": str(tmp_path / "scratch")}
    with service.another([sys.executable, "-c", limited], **paths) as api:
        with httpx.Client(base_url=api.url, headers=owner.client.headers) as client:
            refused(upload(client, os.urandom(5 * MIB)), 507, "disk_full")
            good(upload(client, os.urandom(3 * MIB)))
        assert not list((tmp_path / "scratch" / "uploads").iterdir())


def upload(client: httpx.Client, content: bytes) -> httpx.Response:
    return client.post("/v1/files", files={"file": ("f", content)}, data={"purpose": "x"})
