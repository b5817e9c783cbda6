"""The run folder on the worker's side: filled from storage before the child starts, gone when the step has ended.

<scratch>/runs/<step>-<fence>/run/   what the child sees; the rest is ours: leash.json, root/, staged
"""

import shutil
from pathlib import Path

import structlog

from models.start import Work
from spec.run import CHECKPOINTS, INPUTS, SPEC, Run
from storage import Corrupt, Missing, Storage

RUNS = "runs"
log = structlog.get_logger(__name__)


class Folder:
    """Paths of one attempt."""

    def __init__(self, scratch: Path, work: Work) -> None:
        self.path = scratch / RUNS / f"{work.grip.step}-{work.grip.fence}"
        self.run = self.path / "run"
        self.root = self.path / "root"
        self.report = self.path / "leash.json"
        self.staged = self.path / "staged"

    def prepare(self, work: Work, storage: Storage, *, threads: int, device: str, copied: bool, latency: float) -> None:
        """Inputs and checkpoints from storage, and spec.json. Raises storage's errors (of an input), OSError.

        `copied`: the child could write to its inputs: they are copies, not the links that storage may make.
        """
        self.root.mkdir(parents=True)
        for path, file in work.files.items():
            self._fetch(storage, file["digest"], self.run / INPUTS / path, copied=copied)
        (self.run / INPUTS).mkdir(parents=True, exist_ok=True)
        run = Run.model_validate(
            {
                "verb": work.verb,
                "step": work.grip.name,
                "params": work.params,
                "threads": threads,
                "device": device,
                "checkpoint": self._checkpoints(work, storage),
                "micro_batch": work.micro_batch,
                "context": work.context | ({"latency_seconds": latency} if work.verb == "package" else {}),
            }
        )
        (self.run / SPEC).write_text(run.model_dump_json())

    def _checkpoints(self, work: Work, storage: Storage) -> list[str]:
        """Names of the checkpoints that could be had, newest first. One that is damaged is passed over."""
        names: list[str] = []
        for checkpoint in work.checkpoints:
            folder = self.run / CHECKPOINTS / checkpoint["path"]
            try:
                for path, file in checkpoint["files"].items():
                    self._fetch(storage, file["digest"], folder / path, copied=True)
            except (Corrupt, Missing) as error:
                log.warning("checkpoint_damaged", step=work.grip.step, checkpoint=checkpoint["path"], error=str(error))
                shutil.rmtree(folder, ignore_errors=True)
                continue
            names.append(checkpoint["path"])
        return names

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def _fetch(self, storage: Storage, digest: str, target: Path, *, copied: bool) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if copied:
            self.staged.unlink(missing_ok=True)
            storage.fetch(digest, self.staged)
            shutil.copyfile(self.staged, target)
            self.staged.unlink()
        else:
            storage.fetch(digest, target)
