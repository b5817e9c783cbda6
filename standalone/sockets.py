"""Folders for unix sockets, whose paths may have 107 bytes at most."""

import hashlib
import os
import tempfile
from pathlib import Path

LONGEST = 107 - len("/pg/.s.PGSQL.5432.lock")


def folder_for(home: Path) -> Path:
    """`home/run`, or a folder that belongs to it in the runtime or temporary folder when `home` is too deep. Mode 0700.

    Raises PermissionError when somebody else made that folder.
    """
    run = home.resolve() / "run"
    if len(os.fsencode(run)) > LONGEST:
        name = f"stillhouse-{os.geteuid()}-{hashlib.sha256(os.fsencode(run)).hexdigest()[:12]}"
        run = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / name
    run.mkdir(parents=True, mode=0o700, exist_ok=True)
    if run.stat().st_uid != os.geteuid():
        raise PermissionError(f"{run} belongs to somebody else")
    return run
