"""Garbage by reference: what is needed stays, what nobody needs goes, and what is on its way is left alone."""

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from models import blob
from models.blob import Blob
from storage import LocalStorage
from tests.models.world import World
from tests.workers.leashed import until
from workers.claim import Ledger
from workers.garbage import collect, orphans
from workers.shelf import Shelf

AGED = "UPDATE blobs SET created_at = created_at - interval '2 hours'"


@dataclass
class Store:
    """Bytes and rows of one project. `later`: two hours pass for all that is there."""

    world: World
    ledger: Ledger
    storage: LocalStorage
    project: str
    scratch: Path

    def put(self, content: bytes) -> str:
        source, digest = self.scratch / "source", hashlib.sha256(content).hexdigest()
        source.write_bytes(content)
        self.storage.put(source, digest)
        return digest

    def keep(self, owner: str, digest: str) -> None:
        self.ledger(blob.keep, self.project, owner, {"file": {"digest": digest, "bytes": 1}})

    def release(self, owner: str) -> None:
        self.ledger(blob.release, owner)

    def later(self) -> None:
        self.ledger(lambda session: session.execute(text(AGED)))
        for digest, _, modified in self.storage.all():
            os.utime(self.storage.path(digest), (time.time(), modified - 7200))

    def row(self, digest: str) -> bool:
        return self.ledger(_has, digest)

    def collect(self) -> None:
        collect(self.ledger, self.storage)

    def orphans(self) -> None:
        orphans(self.ledger, self.storage)


def _has(session: Session, digest: str) -> bool:
    return session.get(Blob, digest) is not None


@pytest.fixture
def store(tmp_path: Path, database_url: str) -> Iterator[Store]:
    world = World(database_url)
    ledger = Ledger(database_url, lease_seconds=30, connections=3)
    yield Store(world, ledger, LocalStorage(str(tmp_path / "blobs")), world.project(), tmp_path)
    ledger.close()
    world.close()


def test_bytes_stay_until_the_last_who_needs_them_is_gone(store: Store) -> None:
    digest = store.put(b"shared")
    store.keep("file-a", digest)
    store.keep("ds_b", digest)
    for owner in ("file-a", "ds_b"):
        store.later()
        store.collect()
        store.orphans()
        assert store.storage.exists(digest) and store.row(digest)
        store.release(owner)
    store.collect()
    assert not store.storage.exists(digest) and not store.row(digest)


def test_what_was_just_needed_has_its_grace(store: Store) -> None:
    digest = store.put(b"young")
    store.keep("file-a", digest)
    store.release("file-a")
    store.collect()
    assert store.storage.exists(digest) and store.row(digest)


def test_bytes_that_are_put_anew_survive_the_end_of_the_old_ones(store: Store) -> None:
    digest = store.put(b"again")
    store.keep("file-a", digest)
    store.release("file-a")
    store.later()
    store.put(b"again")  # an upload that has not yet written its row
    store.collect()
    assert store.storage.exists(digest) and not store.row(digest)
    store.keep("file-b", digest)
    store.later()
    store.collect()
    store.orphans()
    assert store.storage.exists(digest)


class Slow(LocalStorage):
    """Deletes when it may."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.deleting, self.may = threading.Event(), threading.Event()

    def delete(self, digest: str) -> None:
        self.deleting.set()
        assert self.may.wait(30)
        super().delete(digest)


@pytest.mark.parametrize("row", [True, False], ids=["garbage", "orphan"])
def test_who_brings_bytes_that_are_being_deleted_waits_and_keeps_them(store: Store, row: bool) -> None:
    store.storage = slow = Slow(str(store.storage.root))
    digest = store.put(b"again")
    if row:
        store.keep("file-a", digest)
        store.release("file-a")
    store.later()
    source = store.scratch / "new"
    source.write_bytes(b"again")
    shelf = Shelf(store.ledger, slow, lambda _: True)
    with ThreadPoolExecutor(2) as threads:
        deleting = threads.submit(store.collect if row else store.orphans)
        assert slow.deleting.wait(30)
        bringing = threads.submit(shelf.put, source, digest, 5)
        until(lambda: store.world.waiting() > 0 or bringing.done())
        assert not bringing.done()
        slow.may.set()
        deleting.result()
        bringing.result()
    assert store.storage.exists(digest) and store.row(digest)


def test_bytes_without_a_row(store: Store) -> None:
    old = store.put(b"of a writer that died")
    store.later()
    young = store.put(b"of one that is about to write its row")
    store.orphans()
    assert [store.storage.exists(digest) for digest in (old, young)] == [False, True]
