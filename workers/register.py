"""What this machine has, and the worker's row that says so."""

import os
import shutil
import socket
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import structlog
from sqlalchemy import func

from models import lease
from models import worker as workers
from models.worker import Worker
from workers.post import Post

PACKAGES = ("torch", "onnxruntime", "numpy", "celery")
log = structlog.get_logger(__name__)


def device() -> tuple[str, int]:
    """Name and bytes of memory of the first accelerator; `cpu` and the machine's memory where there is none.

    Asked of the driver's own program: the worker never loads a library of the device.
    """
    program = shutil.which("nvidia-smi")
    if program:
        query = [program, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
        done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=False)
        name, _, mebibytes = done.stdout.partition("\n")[0].rpartition(",")
        if done.returncode == 0 and mebibytes.strip().isdigit():
            return name.strip(), int(mebibytes) * 2**20
    return "cpu", os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def versions() -> dict[str, Any]:
    found: dict[str, Any] = {"python": sys.version.split()[0]}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def arrive(post: Post) -> None:
    """Registers the worker and takes back, at once, what a predecessor of the same name still held."""
    before = post.ledger(workers.arrive, _row(post))
    log.info("worker_arrived", worker=post.name, id=post.id, device=post.device, sandbox=post.sandbox)
    if before is not None:
        held = post.ledger(lambda session: session.execute(lease.expired(dead=before)).all())
        for step, job in held:
            post.bell.ring(post.ledger(lease.expire, step, job, before))


def beat(post: Post) -> None:
    """Shows that the worker lives; registers again if it was forgotten meanwhile."""
    if not post.ledger(workers.beat, post.id):
        arrive(post)


def leave(post: Post) -> None:
    post.ledger(lambda session: session.execute(workers.leave(post.id)))


def _row(post: Post) -> Worker:
    return Worker(
        id=post.id,
        name=post.name,
        hostname=socket.gethostname(),
        queues=list(post.queues),
        slots=post.slots,
        device=post.device,
        memory=post.memory,
        price_per_hour=post.settings.device_price_per_hour,
        sandbox=post.sandbox,
        trusted=post.trusted,
        versions=versions(),
        last_seen=func.clock_timestamp(),
    )
