"""How stores fail: in our own words, leaving nothing half done."""

import hashlib
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest

from standalone.process import ROOT, namespaces
from storage import LocalStorage, Unavailable, open_storage
from tests.storage.s3 import CREDENTIALS, S3

IN_A_SMALL_DISK = """
import hashlib, os, sys
from pathlib import Path
from storage import Full, LocalStorage
disk, outside = Path(sys.argv[1]), Path(sys.argv[2])
storage = LocalStorage(str(disk / "store"))
def put(size):
    content = os.urandom(size)
    source, digest = outside / "source", hashlib.sha256(content).hexdigest()
    source.write_bytes(content)
    storage.put(source, digest)
    return digest
kept = put(3 << 20)
try:
    put(6 << 20)
except Full:
    assert (outside / "source").exists(), "the source must survive"
else:
    sys.exit("no Full")
try:
    storage.fetch(kept, disk / "fetched") or storage.put(outside / "source", "0" * 64)
except Full:
    pass
assert list((disk / "store" / "partial").iterdir()) == [], "a half copy is left"
assert [digest for digest, *_ in storage.all()] == [kept]
storage.fetch(kept, outside / "fetched")
put(1 << 20)
"""


@pytest.mark.skipif(not namespaces(), reason="a small disk is mounted in a user namespace")
def test_full(tmp_path: Path) -> None:
    disk, outside = tmp_path / "disk", tmp_path / "outside"
    disk.mkdir()
    outside.mkdir()
    script = f'mount -t tmpfs -o size=8m small {disk} && exec "$0" -c "$1" {disk} {outside}'
    argv = [which("unshare") or "", "--user", "--map-root-user", "--mount", "sh", "-c", script]
    done = subprocess.run(
        [*argv, sys.executable, IN_A_SMALL_DISK], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_folder_that_went_away(tmp_path: Path) -> None:
    storage = LocalStorage(str(tmp_path / "store"))
    (tmp_path / "store").rename(tmp_path / "away")
    with pytest.raises(Unavailable):
        storage.check()


def test_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    storage = open_storage("s3://bucket", "http://127.0.0.1:9")
    with pytest.raises(Unavailable):
        storage.check()
    source = tmp_path / "source"
    source.write_bytes(b"x")
    with pytest.raises(Unavailable):
        storage.put(source, hashlib.sha256(b"x").hexdigest())
    assert source.exists()


def test_no_bucket(server: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    storage = open_storage("s3://nowhere/prefix", server.url)
    with pytest.raises(Unavailable):
        storage.check()
