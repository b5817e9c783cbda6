"""Secrets that are made once and kept in files that only their owner reads."""

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path


def password() -> str:
    """24 bytes, hexadecimal."""
    return secrets.token_hex(24)


def master_key() -> str:
    """32 bytes, base64: a key of AES-256."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def keep(path: Path, draw: Callable[[], str] = password) -> str:
    """The secret in `path`; the first call draws it."""
    if not path.exists():
        write(path, draw())
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
