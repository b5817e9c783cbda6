"""`score`: the logits of every teacher on every row that a job needs, in shards. Outputs as `distill/signals/scores.py` reads them.

No teacher is asked for a shard before the one before it is kept: whoever kills the worker costs one shard of a teacher's work
(of more than a million rows a teacher, a 256th of all the work: `CHECKPOINTS`).
"""

import os
import shutil
from pathlib import Path

import numpy as np

from distill.batched import in_batches
from distill.checkpoint import Damaged, intact, manifest, prune, write
from distill.progress import Onward, Progress
from distill.run import RunFolder, seal
from distill.signals.scores import Floats, index_path
from distill.signals.shards import Shard, parts, shards
from distill.students.teacher import Scorer, teacher
from spec.params import PASS, ScoreParams
from spec.problem import Problem, Refused
from spec.run import Result

CHECKPOINTS = 256
"""Where there are more shards than this, not each is kept by itself, but every so many together: a checkpoint names all shards so far."""


def run(folder: RunFolder, params: ScoreParams) -> Result:
    """Scores what no checkpoint has yet. Refused (`scores_not_finite`): a teacher gives numbers that are none."""
    found = parts(folder, params)
    wanted = shards(params, found)
    work = folder.path / "shards"
    done = recovered(folder, {shard.path for shard in wanted}, work)
    todo = [shard for shard in wanted if shard.path not in done]
    total, left = (sum(shard.rows for shard in some) for some in (wanted, todo))
    kept = rows = total - left
    progress = Progress(folder, start=kept, total=total, unit="rows", rows=1.0)
    score: Scorer | None = None
    for i, shard in enumerate(todo):
        folder.wait_kept()
        if folder.stop_requested:
            break
        if score is None or shard.teacher != todo[i - 1].teacher:
            score = opened(folder, params, shard.teacher)
        scores = scores_of(shard, score, folder.run.micro_batch or PASS, Onward(progress, rows))
        done[shard.path] = save(work / shard.path, scores)
        rows += shard.rows
        if len(done) % -(-len(wanted) // CHECKPOINTS) == 0:
            keep(folder, work, done)
    summary = {"teacher_rows": rows - kept, "teacher_rows_kept": kept}
    if len(done) < len(wanted):
        keep(folder, work, done)
        return Result(status="stopped", summary=summary)
    for path in done:
        link(work / path, folder.output(path))
    for part in found:
        if part.index is not None:
            np.save(folder.output(index_path(part.name)), part.index, allow_pickle=False)
    return Result(status="succeeded", summary=summary)


def opened(folder: RunFolder, params: ScoreParams, number: int) -> Scorer:
    given = params.teachers[number]
    files = folder.input(given.path)
    return teacher(given, files, params.classes, device=folder.run.device, threads=folder.run.threads)


def scores_of(shard: Shard, score: Scorer, batch: int, told: Onward) -> Floats:
    """(rows, V). Refused: some are no numbers."""

    def part(first: int, last: int) -> Floats:
        found = score(shard.part.raw(slice(shard.first + first, shard.first + last)))
        told(last)
        return found

    scores = np.concatenate(list(in_batches(shard.rows, batch, part)))
    if not np.isfinite(scores).all():
        row = shard.first + int(np.flatnonzero(~np.isfinite(scores).all(axis=1))[0])
        message = f"The teacher's scores of row {row} ({shard.part.name}) are not all finite numbers."
        hint = "Check the scale and offset of its signature against the raw values."
        param = f"teacher.models[{shard.teacher}]"
        raise Refused(Problem(code="scores_not_finite", message=message, param=param, hint=hint))
    return scores


def save(path: Path, scores: Floats) -> str:
    """Writes a shard, and gives its sha256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, scores, allow_pickle=False)
    return seal(path).digest


def keep(folder: RunFolder, work: Path, done: dict[str, str]) -> None:
    """A checkpoint of all shards so far: new names of the same bytes."""

    def fill(target: Path) -> None:
        for path in done:
            link(work / path, target / path)

    written = write(folder.checkpoints, f"{len(done):06d}", fill, known=done)
    folder.emit("checkpoint", {"path": written.name, "step": len(done)})
    prune(folder.checkpoints, len(done))


def recovered(folder: RunFolder, wanted: set[str], work: Path) -> dict[str, str]:
    """sha256 by path of the shards that checkpoints hold as they were written, now in `work`; newest checkpoints first."""
    shutil.rmtree(work, ignore_errors=True)
    found: dict[str, str] = {}
    for checkpoint in folder.resumable():
        try:
            held = manifest(checkpoint)
        except Damaged as error:
            folder.message(f"Checkpoint {checkpoint.name} is damaged: {error}.", level="warning")
            continue
        for path in sorted(wanted.intersection(held) - found.keys()):
            if intact(checkpoint / path, held[path]):
                link(checkpoint / path, work / path)
                found[path] = held[path]
            else:
                folder.message(f"Shard {path} of checkpoint {checkpoint.name} is damaged.", level="warning")
    return found


def link(source: Path, target: Path) -> None:
    """A second name of the same bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    os.link(source, target)
