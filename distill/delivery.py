"""The end of a training: the weights that are kept, corrected where asked for, and the record of how they came about."""

import hashlib
import shutil

import numpy as np
import torch
from safetensors.torch import save
from torch import nn

from distill.bias import best_offset
from distill.data.rows import Ints, seen
from distill.journal import Journal
from distill.loop import Course
from distill.objectives.balance import Floats, by_named_class, label_weights
from distill.record import Config, TrainRecord
from distill.run import RunFolder
from distill.students import tensors
from distill.transfer import Transfer
from distill.versions import versions
from distill.watch import Watched
from spec.objective import Labels
from spec.params import TrainParams
from spec.problem import Problem, Refused
from spec.student import TextEncoder
from spec.tokenizer import FILE


def deliver(
    folder: RunFolder, course: Course, journal: Journal, transfer: Transfer, watched: tuple[Watched, ...], initial: str
) -> TrainRecord:
    """Writes model.safetensors, config.json, train.json and the user's tokenizer: the best weights if they were asked for and measured, else the last.

    Refused (`loss_not_finite`): the weights are no numbers.
    """
    params = course.params
    if journal.best is not None:
        course.module.load_state_dict(journal.best)
    offset = correct(course, transfer.absent, watched) if params.bias_correction else None
    held = tensors(course.module)
    if not all(bool(torch.isfinite(tensor).all()) for tensor in held.values()):
        message = f"After step {journal.step} some weights are no numbers."
        raise Refused(Problem(code="loss_not_finite", message=message, param="training.learning_rate"))
    weights = class_weights(params, transfer)
    record = TrainRecord(
        steps=journal.step,
        planned_steps=params.steps,
        rows=len(transfer.rows),
        items=transfer.items,
        labels_seen=labels_seen(params, transfer),
        class_weights=() if weights is None else tuple(np.atleast_2d(weights)[-1].tolist()),
        soft_weights=soft_counted(course, transfer),
        validation_labels=sum(len(rows.rows) for rows in _choosing(course, watched)),
        best_step=journal.best_step,
        bias_correction=offset,
        bias_classes=() if offset is None else tuple(params.signature.output.classes[i] for i in transfer.absent),
        initial_digest=initial,
        curve=tuple(journal.curve),
        versions=versions() | {"threads": str(folder.run.threads), "device": course.device.type},
    )
    parameters = sum(parameter.numel() for parameter in course.module.parameters())
    config = Config(student=params.student, signature=params.signature, parameters=parameters)
    folder.output("model.safetensors").write_bytes(save(held))
    folder.output("config.json").write_text(config.model_dump_json(indent=2))
    folder.output("train.json").write_text(record.model_dump_json(indent=2))
    if isinstance(params.student, TextEncoder) and params.student.tokenizer:
        shutil.copyfile(folder.input(f"tokenizer/{FILE}"), folder.output(FILE))
    return record


def labels_seen(params: TrainParams, transfer: Transfer) -> int:
    """Rows whose gold labels the loss uses: none where no term asks for labels, or where they are a teacher's answers."""
    asked = params.answers != "labels" and any(isinstance(term, Labels) for term in params.objective)
    return int(seen(transfer.labels).sum()) if asked else 0


def class_weights(params: TrainParams, transfer: Transfer) -> Floats | None:
    """How much a label of each class counts, (V,), or (2, V) of several classes a row; None where all count alike."""
    if not any(isinstance(term, Labels) and term.balance != "none" for term in params.objective):
        return None
    return label_weights(transfer.labels, len(params.signature.output.classes))


def soft_counted(course: Course, transfer: Transfer) -> tuple[float, ...]:
    """How much rows counted for balanced soft targets, on average of those that the teachers call so; () where all counted alike."""
    weights = course.objective.soft_weights_V
    if weights is None or transfer.teachers is None:
        return ()
    return tuple(by_named_class(course.objective.said(transfer.teachers), weights.cpu()).tolist())


def digest(module: nn.Module) -> str:
    """sha256 of the weights as safetensors."""
    return hashlib.sha256(save(tensors(module))).hexdigest()


def correct(course: Course, absent: Ints, watched: tuple[Watched, ...]) -> float:
    """Adds to `output.bias` of the absent classes the offset that is best on validation rows, and gives it."""
    offset = 0.0
    for rows in _choosing(course, watched):
        logits = rows.logits(course.module, course.scaling)
        offset = best_offset(logits, rows.truth, absent, course.params.headline)
    output = course.module.get_submodule("output")
    assert isinstance(output, nn.Linear)
    with torch.no_grad():
        output.bias[torch.from_numpy(absent).to(course.device)] += offset
    return offset


def _choosing(course: Course, watched: tuple[Watched, ...]) -> tuple[Watched, ...]:
    """The validation rows, where something is chosen by them."""
    chooses = course.params.select == "best" or course.params.bias_correction
    return tuple(rows for rows in watched if rows.name == "validation" and chooses)
