"""What every store does."""

import hashlib
import os
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from storage import CHUNK, Corrupt, LocalStorage, Missing, Storage, open_storage
from storage.s3 import S3Storage

ABSENT = "0" * 64


def put(storage: Storage, folder: Path, content: bytes) -> str:
    source = folder / os.urandom(8).hex()
    source.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    storage.put(source, digest)
    assert not source.exists()
    return digest


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 70 * CHUNK])
def test_what_is_put_is_had(storage: Storage, tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    digest = put(storage, tmp_path, content)
    assert storage.exists(digest)
    chunks = list(storage.read(digest))
    assert b"".join(chunks) == content and all(len(chunk) <= CHUNK for chunk in chunks)
    storage.fetch(digest, tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == content
    ((found, bytes, modified),) = storage.all()
    assert (found, bytes) == (digest, size) and abs(modified - time.time()) < 60
    assert storage.modified(digest) == modified


@pytest.mark.parametrize(("start", "length"), [(0, 0), (0, 1), (3, 4), (9, None), (10, None), (5, 100)])
def test_a_part(storage: Storage, tmp_path: Path, start: int, length: int | None) -> None:
    digest = put(storage, tmp_path, b"0123456789")
    end = None if length is None else start + length
    assert b"".join(storage.read(digest, start, length)) == b"0123456789"[start:end]


def test_putting_again_is_no_change(storage: Storage, tmp_path: Path) -> None:
    digest = put(storage, tmp_path, b"twice")
    assert put(storage, tmp_path, b"twice") == digest
    assert [found for found, *_ in storage.all()] == [digest]


def test_putting_again_mends(tmp_path: Path) -> None:
    storage = LocalStorage(str(tmp_path / "store"))
    digest = put(storage, tmp_path, b"sound")
    storage.path(digest).write_bytes(b"rotten")
    put(storage, tmp_path, b"sound")
    storage.fetch(digest, tmp_path / "fetched")


def test_nothing_there(storage: Storage, tmp_path: Path) -> None:
    assert not storage.exists(ABSENT) and storage.modified(ABSENT) is None
    with pytest.raises(Missing):
        storage.read(ABSENT)
    with pytest.raises(Missing):
        storage.fetch(ABSENT, tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()
    storage.delete(ABSENT)
    assert list(storage.all()) == []


def test_deleted(storage: Storage, tmp_path: Path) -> None:
    digest = put(storage, tmp_path, b"short-lived")
    storage.delete(digest)
    assert not storage.exists(digest)
    with pytest.raises(Missing):
        storage.read(digest)


def test_other_bytes_than_the_digest_says(storage: Storage, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"something else")
    storage.put(source, ABSENT)
    with pytest.raises(Corrupt):
        storage.fetch(ABSENT, tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()


def test_from_many_threads(storage: Storage, tmp_path: Path) -> None:
    contents = [os.urandom(50_000) for _ in range(8)] * 3
    with ThreadPoolExecutor(12) as pool:
        digests = list(pool.map(lambda content: put(storage, tmp_path, content), contents))
        read = list(pool.map(lambda digest: b"".join(storage.read(digest)), digests))
    assert read == contents
    assert len(list(storage.all())) == 8


def test_memory_stays_flat(storage: Storage, tmp_path: Path) -> None:
    size = 192 * CHUNK
    source, target = tmp_path / "source", tmp_path / "fetched"
    with source.open("wb") as large:
        large.truncate(size)
    with source.open("rb") as large:
        digest = hashlib.file_digest(large, "sha256").hexdigest()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    storage.put(source, digest)
    storage.fetch(digest, target)
    assert sum(len(chunk) for chunk in storage.read(digest)) == size
    growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert growth < size / 2


def test_what_a_dead_writer_began_is_dropped(storage: Storage, tmp_path: Path) -> None:
    kept = put(storage, tmp_path, b"whole")
    if isinstance(storage, S3Storage):
        begun = {"Bucket": storage.bucket, "Key": storage.prefix + "ab/cd"}
        storage.client.create_multipart_upload(**begun)

        def left() -> int:
            return len(
                storage.client.list_multipart_uploads(Bucket=storage.bucket, Prefix=storage.prefix).get("Uploads", ())
            )
    else:
        assert isinstance(storage, LocalStorage)
        (storage.partial / "half").touch()

        def left() -> int:
            return len(list(storage.partial.iterdir()))

    assert left() == 1
    storage.tidy(0.0)
    assert left() == 1, "it may still be on its way"
    storage.tidy(time.time() + 60)
    assert left() == 0 and storage.exists(kept)


def test_ready(storage: Storage) -> None:
    storage.check()


def test_what_is_no_store() -> None:
    with pytest.raises(ValueError, match="absolute path"):
        open_storage("relative/folder")
    with pytest.raises(ValueError, match="no bucket"):
        open_storage("s3:///prefix")
