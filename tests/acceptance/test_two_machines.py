"""Api and worker on two machines: they share PostgreSQL, Valkey and an S3-speaking server, and neither sees the other's folders.

The worker's three connections go by TLS, as docs/operations.md shows it, and it checks who answers.
"""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import cast

import boto3
import pytest

from standalone import secret
from standalone.process import Process, namespaces
from standalone.services import Worker
from standalone.stack import Stack
from stillhouse import Stillhouse
from stillhouse.types import Distillation, NewSignature, Student
from tests.acceptance import digits
from tests.acceptance.tls import Relay, certify, relays
from tests.storage.s3 import CREDENTIALS, S3, s3

BUCKET = "stillhouse"
HIDE = 'mount -t tmpfs none "$0" && exec "$@"'


@dataclass(frozen=True)
class Machines:
    """Two folders that stand for two disks, and the store between them."""

    stack: Stack
    store: S3
    api: Path
    worker: Path


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    home = tmp_path_factory.mktemp("two")
    api, worker = home / "api", home / "worker"
    for folder in (api, worker):
        folder.mkdir()
    with s3(home, BUCKET) as store:
        stack = Stack(
            home / "stack", durable=False, settings=shared(store), api_settings=folders(api),
            workers=[Worker(name="far", slots=2, settings=folders(worker))],
        )  # fmt: skip
        hide(stack.api, worker)
        hide(stack["far"], api)
        with by_tls(stack, store, home), stack:
            yield Machines(stack, store, api, worker)


def shared(store: S3) -> dict[str, str]:
    return {
        "STILLHOUSE_STORAGE": f"s3://{BUCKET}/prefix",
        "STILLHOUSE_S3_ENDPOINT": store.url,
        "STILLHOUSE_SWEEP_SECONDS": "1",
        **CREDENTIALS,
    }


def folders(machine: Path) -> dict[str, str]:
    """Everything that a process keeps on its own disk."""
    return {"STILLHOUSE_SCRATCH": str(machine / "scratch"), "HOME": str(machine), "TMPDIR": str(machine)}


def hide(process: Process, folder: Path) -> None:
    """Where the kernel lets us, the process finds an empty disk in the place of `folder`."""
    if namespaces():
        unshare = [which("unshare") or "", "--user", "--map-root-user", "--mount", "sh", "-c", HIDE, str(folder)]
        process.argv = [*unshare, *process.argv]


def by_tls(stack: Stack, store: S3, home: Path) -> AbstractContextManager[None]:
    """Gives the worker addresses of relays, and the authority that it shall believe."""
    trusted, shown = certify(home / "tls")
    logs = home / "logs"
    postgres = Relay("postgres", str(stack.postgres.run / ".s.PGSQL.5432"), shown, logs, "postgresql")
    redis = Relay("redis", str(stack.valkey.socket), shown, logs)
    bucket = Relay("s3", f"127.0.0.1:{store.port}", shown, logs)
    password = secret.keep(stack.postgres.data.parent / "password")
    # The relay knows nothing of PostgreSQL's own greeting: TLS from the first byte.
    verified = f"sslmode=verify-full&sslrootcert={trusted}&sslnegotiation=direct"
    stack["far"].environment |= {
        "STILLHOUSE_DATABASE_URL": f"postgresql+psycopg://stillhouse:{password}@localhost:{postgres.port}/stillhouse?{verified}",
        "STILLHOUSE_BROKER_URL": f"rediss://:{stack.valkey.password}@localhost:{redis.port}/0?ssl_ca_certs={trusted}",
        "STILLHOUSE_S3_ENDPOINT": f"https://localhost:{bucket.port}",
        "AWS_CA_BUNDLE": str(trusted),
    }
    return relays(postgres, redis, bucket)


@pytest.mark.timeout(300)
def test_a_job_runs_far_from_its_api(machines: Machines, tmp_path: Path) -> None:
    stack = machines.stack
    with Stillhouse(stack.url, stack.key) as client:
        sent = tmp_path / "digits.npz"
        sent.write_bytes(digits.npz(600))
        file = client.files.upload(sent)
        teacher = client.models.upload(
            digits.weights(64),
            architecture=cast("Student", digits.architecture(64)),
            signature=cast("NewSignature", digits.SIGNATURE),
        )
        job = client.distillations.create(cast("Distillation", digits.job(file["id"], teacher["id"])))
        job.wait(timeout=240)
        student = client.models.download(job.student, tmp_path / "student")
        assert client.models.get(job.student)["files"].keys() == {path.name for path in student.iterdir()}
        assert (student / "model.safetensors").stat().st_size > 0 and (student / "model.onnx").stat().st_size > 0
        assert job.report()["verdict"] and "<html" in job.save_report(tmp_path / "report.html").read_text()
        assert job.logs()
        again = client.files.download(file["id"], tmp_path / "again.npz")
        assert again.read_bytes() == sent.read_bytes()
        assert [worker["name"].partition("@")[0] for worker in client.workers.list()] == ["far"]
    digest = hashlib.sha256(sent.read_bytes()).hexdigest()
    assert f"prefix/{digest[:2]}/{digest[2:]}" in keys(machines.store), "the file lies in the store"


def test_neither_disk_keeps_anything(machines: Machines) -> None:
    """After the job: run folders are gone, no upload is left half way, and no local store was made."""
    left = [path for machine in (machines.api, machines.worker) for path in machine.rglob("*") if path.is_file()]
    assert left == []
    if namespaces():
        for process, other in ((machines.stack.api, machines.worker), (machines.stack["far"], machines.api)):
            assert list(Path(f"/proc/{process.pid}/root{other}").iterdir()) == [], "it sees the other's disk"
    assert (machines.worker / "scratch" / "runs").is_dir(), "the worker worked here"
    assert (machines.api / "scratch").is_dir(), "the api received here"
    assert not (machines.worker / "scratch" / "uploads").exists() and not (machines.api / "scratch" / "runs").exists()
    assert not (machines.stack.home.path / "blobs").exists() and not (machines.stack.home.path / "scratch").exists()


def keys(store: S3) -> set[str]:
    access = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=store.url, **access)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return {entry["Key"] for page in pages for entry in page.get("Contents", ())}
