"""Checkpoints: written safely, read only if every byte is as it was written.

A checkpoint is a folder that appears whole: written under a temporary name, its files and names on disk, then renamed. `manifest.json`
holds the sha256 of every other file, so a torn or flipped file is seen, and the checkpoint before it is taken.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from distill.run import seal, sync_folder

T = TypeVar("T")
MANIFEST = "manifest.json"
KEPT = 3
"""Checkpoints that stay in the run folder: a supervisor may still be reading one."""


class Damaged(Exception):
    """Not what was written."""


def write(parent: Path, name: str, fill: Callable[[Path], None], known: Mapping[str, str] | None = None) -> Path:
    """Makes `parent/name` of what `fill` puts into a folder. OSError: nothing of that name has appeared.

    `known`: sha256 by path, of files that are on disk already.
    """
    known = known or {}
    target, partial = parent / name, parent / f".{name}.part"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    fill(partial)
    paths = sorted(path.relative_to(partial).as_posix() for path in partial.rglob("*") if path.is_file())
    digests = {path: known.get(path) or seal(partial / path).digest for path in paths}
    (partial / MANIFEST).write_text(json.dumps(digests, indent=0, sort_keys=True))
    seal(partial / MANIFEST)
    for folder in [*(path for path in partial.rglob("*") if path.is_dir()), partial]:
        sync_folder(folder)
    shutil.rmtree(target, ignore_errors=True)  # of an attempt that went on from an older one
    partial.rename(target)
    sync_folder(parent)
    return target


def verify(folder: Path) -> dict[str, str]:
    """sha256 by path of a whole checkpoint. Damaged: says which file."""
    digests = manifest(folder)
    for path, digest in digests.items():
        if not intact(folder / path, digest):
            raise Damaged(f"{path} is not what was written")
    return digests


def manifest(folder: Path) -> dict[str, str]:
    """sha256 by path, as it was written. Damaged: it cannot be read."""
    try:
        digests = json.loads((folder / MANIFEST).read_text())
        return {str(path): str(digest) for path, digest in digests.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise Damaged(f"{MANIFEST} cannot be read ({error})") from error


def intact(path: Path, digest: str) -> bool:
    return path.is_file() and seal(path).digest == digest


def first_whole(folders: Iterable[Path], read: Callable[[Path], T], tell: Callable[[str], None]) -> T | None:
    """The first checkpoint that verifies and can be read, newest first; of each that does not, `tell` is told."""
    for folder in folders:
        try:
            verify(folder)
            return read(folder)
        except Damaged as error:
            tell(f"Checkpoint {folder.name} is damaged: {error}. The one before it is taken.")
    return None


def prune(parent: Path, newest: int) -> None:
    """Drops all checkpoints before number `newest` but the last few."""
    older = sorted(int(path.name) for path in parent.iterdir() if path.name.isdigit() and int(path.name) < newest)
    for number in older[: 1 - KEPT]:
        shutil.rmtree(parent / f"{number:06d}")
