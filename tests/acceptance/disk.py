"""A small disk of its own for some processes: a tmpfs in a mount namespace that a sleeping process holds open."""

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from types import TracebackType
from typing import Self

from standalone.process import ROOT, Process

MOUNT = 'mount -t tmpfs -o size="$1" disk "$0" && echo mounted && exec cat'
CHUNK = bytes(2**20)


class Disk:
    """Mounted at `path` for the processes that live on it, and for nobody else; `inside` is how others see it."""

    def __init__(self, path: Path, size: int) -> None:
        self.path, self.size = path, size

    def __enter__(self) -> Self:
        self.path.mkdir()
        unshare = [which("unshare") or "", "--user", "--map-root-user", "--mount", "sh", "-c", MOUNT]
        # It ends with its stdin, and the disk with the last process on it.
        self._holder = subprocess.Popen(
            [*unshare, str(self.path), str(self.size)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._holder.stdout is not None and self._holder.stdout.readline() == b"mounted\n"
        self.inside = Path(f"/proc/{self._holder.pid}/root{self.path}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._holder.communicate()

    def keep(self, process: Process) -> None:
        """Lets a process that is not yet started live here."""
        enter = [which("nsenter") or "", f"--target={self._holder.pid}", "--user", "--mount", "--preserve-credentials"]
        process.argv = [*enter, "env", f"--chdir={ROOT}", *process.argv]

    @contextmanager
    def full(self) -> Iterator[Callable[[], None]]:
        """No page is free. Others may let go of some meanwhile: call what is yielded to take those, too."""
        filler = self.inside / "filler"
        try:
            fill(filler)
            yield lambda: fill(filler)
        finally:
            filler.unlink()


def fill(path: Path) -> None:
    """Appends until there is no space left."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        while True:
            os.write(descriptor, CHUNK)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
    finally:
        os.close(descriptor)
