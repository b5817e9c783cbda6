"""`train`: one student from rows and, where there is a teacher, its scores. Outputs model.safetensors, config.json, train.json, and the user's tokenizer.json."""

from dataclasses import replace
from typing import Any

import torch

from distill import loop
from distill.checkpoint import first_whole
from distill.data.draw import divide
from distill.data.rows import Rows
from distill.delivery import class_weights, deliver, digest
from distill.journal import Journal
from distill.loop import Course
from distill.material import transfer_set, watched_rows
from distill.objectives.balance import soft_weights
from distill.objectives.objective import Objective
from distill.optim import OPTIMIZERS
from distill.run import RunFolder
from distill.seeds import derived
from distill.snapshot import Snapshot
from distill.students import initialised
from distill.students.byte_pairs import learned
from distill.students.scaling import Scaling
from distill.transfer import Batches, Transfer
from spec.objective import SoftTargets
from spec.params import TrainParams
from spec.problem import Problem, Refused
from spec.run import Result
from spec.student import Convnet, Mlp
from spec.tokenizer import FILE


def run(folder: RunFolder, params: TrainParams) -> Result:
    """Trains to the last step, or to where a stop is asked for; then the outputs are the best so far.

    Refused: `no_training_rows`, `signals_missing`, `batch_too_small`, `loss_not_finite`.
    """
    rows = Rows.open(folder.input("train/rows.arrow"), params.selection.roles)
    division = divide(rows, params.selection)
    transfer = transfer_set(folder, params, rows, division)
    watched = watched_rows(folder, params, rows, division)
    course = beginning(folder, params, transfer)
    initial = digest(course.module)
    journal = Journal(folder, course, watched)
    last = min(params.steps, params.stop_step or params.steps)
    resume(folder, journal, last)
    loop.run(course, journal.step, last, journal.after)
    journal.settle()
    summary: dict[str, Any] = {"step": journal.step, "steps": params.steps, "micro_batch": course.micro}
    if journal.step:
        record = deliver(folder, course, journal, transfer, watched, initial)
        summary |= {"labels_seen": record.labels_seen, "train_loss": journal.last_loss}
    status = "succeeded" if journal.step == last else "stopped"
    return Result(status=status, summary=summary, step=journal.step)


def beginning(folder: RunFolder, params: TrainParams, transfer: Transfer) -> Course:
    """Everything that a step needs, as it is before the first one."""
    device = torch.device(folder.run.device)
    batched = isinstance(params.student, Mlp | Convnet) and params.student.norm == "batch"
    if batched and params.batch_size < 2:
        message, hint = "A batch norm needs two rows or more.", "Raise training.batch_size, or take another norm."
        raise Refused(Problem(code="batch_too_small", message=message, param="training.batch_size", hint=hint))
    merges = learned(params.student, transfer.inputs, transfer.rows)
    tokenizer = folder.input(f"tokenizer/{FILE}")
    module = initialised(params.student, params.signature, params.seed, merges, tokenizer).to(device)
    torch.manual_seed(derived(params.seed, "dropout"))
    course = Course(
        params=params,
        module=module,
        scaling=Scaling.of(params.signature.input, device),
        batches=Batches(transfer, params.batch_size, params.seed, device),
        objective=objective(params, transfer, device),
        optimizer=OPTIMIZERS[params.optimizer](module.parameters(), params.weight_decay),
        device=device,
        micro=min(params.batch_size, folder.run.micro_batch or params.batch_size),
        smallest=2 if batched else 1,
        tell=lambda text: folder.message(text, level="warning"),
    )
    course.replay = loop.recorded(course)
    return course


def objective(params: TrainParams, transfer: Transfer, device: torch.device) -> Objective:
    """With weights of classes, where a term balances them."""
    weights = class_weights(params, transfer)
    made = Objective(
        terms=params.objective,
        combine=params.combine,
        weights=params.weights,
        class_weights_V=None if weights is None else torch.from_numpy(weights).to(device),
        output=params.signature.output.kind,
    )
    if not any(isinstance(term, SoftTargets) and term.balance != "none" for term in params.objective):
        return made
    assert transfer.teachers is not None
    soft = soft_weights(made.said(transfer.teachers), len(params.signature.output.classes), made.several)
    return replace(made, soft_weights_V=torch.from_numpy(soft).to(device))


def resume(folder: RunFolder, journal: Journal, last: int) -> None:
    """Goes on from the newest checkpoint that verifies and is not past the last step; from the beginning, if there is none."""
    offered = [path for path in folder.resumable() if int(path.name) <= last]
    kept = first_whole(offered, Snapshot.read, lambda text: folder.message(text, level="warning"))
    if kept is not None:
        journal.resume(kept)
