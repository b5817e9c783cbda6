"""Secrets that are made once and kept in files that only their owner reads."""

import os
import secrets
from pathlib import Path


def keep(path: Path) -> str:
    """The secret in `path`; the first call draws it (24 bytes, hexadecimal)."""
    if not path.exists():
        write(path, secrets.token_hex(24))
    return path.read_text().strip()


def write(path: Path, text: str) -> None:
    """Writes a file of mode 0600, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
    new.rename(path)
