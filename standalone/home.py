"""The home folder of an embedded stack: where everything lies, and the variables that say so."""

import fcntl
import os
from pathlib import Path

from standalone import secret


class Occupied(RuntimeError):
    """Another stack runs in this home."""


class Home:
    """`pg/`, `blobs/`, `scratch/`, `logs/`, `run/`, and the secrets `pepper`, `sealing-keys` and `admin-key` (mode 0600)."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.path.mkdir(parents=True, mode=0o700, exist_ok=True)
        self.logs = self.path / "logs"
        self.key_file = self.path / "admin-key"

    def lock(self) -> int:
        """Keeps others out for as long as the returned descriptor is open. Raises Occupied."""
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise Occupied(f"another stack runs in {self.path}") from None
        return descriptor

    def variables(self, database_url: str, broker_url: str) -> dict[str, str]:
        """What api, workers and migrations are told. A STILLHOUSE_STORAGE that is set already is respected."""
        return {
            "STILLHOUSE_DATABASE_URL": database_url,
            "STILLHOUSE_BROKER_URL": broker_url,
            "STILLHOUSE_STORAGE": os.environ.get("STILLHOUSE_STORAGE", str(self.path / "blobs")),
            "STILLHOUSE_SCRATCH": str(self.path / "scratch"),
            "STILLHOUSE_PEPPER": secret.keep(self.path / "pepper"),
            "STILLHOUSE_SEALING_KEYS": secret.keep(self.path / "sealing-keys", secret.master_key),
        }
