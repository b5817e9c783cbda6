"""Every `auto` replaced, from spec and facts alone. Posting the result again gives the same result."""

from typing import Any

from spec import cost, rows, tokenizer
from spec.baseline import without_teacher
from spec.bill import able
from spec.data import Columns
from spec.distillation import Distillation
from spec.facts import Facts
from spec.problem import Problem
from spec.prompt import examples_of, own_system, system_of, template_of
from spec.responses import TeacherResponses
from spec.rules import problems
from spec.signature import classes, output_kind
from spec.student import Mlp, Student, TextEncoder, TextStudent
from spec.synthesis import instruction, most
from spec.training import Training

OWN = ("evaluation", "budget.preview", "data.synthesise", "data.augment")
"""Params that say nothing of how a baseline is trained."""
GRADERS = ({"type": "accuracy"}, {"type": "nll"}, {"type": "calibration"})
MULTILABEL_GRADERS = ({"type": "f1", "average": "micro"}, {"type": "f1"}, *GRADERS)


def resolve(spec: Distillation, facts: Facts) -> Distillation:
    """The complete job. Asserts complete facts and rules that found nothing; idempotent."""
    document = spec.model_dump(mode="json")
    document["data"] |= _data(spec, facts)
    if not isinstance(spec.student, TextStudent):
        document["student"]["normalise"] = spec.student.normalise is not False
    if called := tokenizer.named(spec):
        document["student"]["vocabulary"] = tokenizer.vocabulary(facts.tokenizers[called])
    document["training"] |= _training(spec, facts)
    document["teacher"] = _teacher(spec, facts)
    evaluation = document["evaluation"]
    if spec.evaluation.graders == "auto":
        evaluation["graders"] = MULTILABEL_GRADERS if output_kind(spec, facts) == "multilabel" else GRADERS
    if spec.evaluation.baselines == "auto":
        evaluation["baselines"] = []
        offered = spec.teacher is not None and refusal(Distillation.model_validate(document), facts) is None
        evaluation["baselines"] = ["no_teacher"] if offered else []
    return Distillation.model_validate(document)


def refusal(resolved: Distillation, facts: Facts) -> Problem | None:
    """Why the baseline without a teacher cannot be trained; None where it can. How it is judged, what is shown first and who writes new rows is the job's own business."""
    found = problems(without_teacher(resolved), facts)
    return next((problem for problem in found if not (problem.param or "").startswith(OWN)), None)


def _teacher(spec: Distillation, facts: Facts) -> dict[str, Any] | None:
    if spec.teacher is None:
        return None
    document = spec.teacher.model_dump(mode="json")
    if spec.teacher.weights == "auto":
        document["weights"] = [1.0] * len(spec.teacher.models)
    signals = rows.signals(spec, facts)
    return document | ({"signals": signals.reference} if signals else {})


def _data(spec: Distillation, facts: Facts) -> dict[str, Any]:
    train, heldout, validation = rows.train(spec, facts), rows.heldout(spec, facts), rows.validation(spec, facts)
    roles = rows.roles(spec, facts)
    assert train is not None and roles is not None and roles.input is not None
    return {
        "train": train.reference,
        "heldout": heldout.reference if heldout else rows.heldout_choice(spec, facts),
        "validation": validation.reference if validation else rows.validation_choice(spec),
        "responses": _responses(spec, facts, roles.inputs),
        "synthesise": _synthesise(spec),
        "columns": Columns(input=roles.input, label=roles.label, group=roles.group, id=roles.id).model_dump(),
    }


def _responses(spec: Distillation, facts: Facts, inputs: tuple[str, ...]) -> dict[str, Any]:
    """The whole question, as every row is asked it."""
    responses = spec.data.responses
    document = responses.model_dump(mode="json")
    if not isinstance(responses, TeacherResponses):
        return document
    names, seen, several = classes(spec, facts), able(spec, facts), output_kind(spec, facts) == "multilabel"
    prompt = document["prompt"] | {
        "system": system_of(spec, facts),
        "template": template_of(responses, inputs, own_system(spec, facts)),
        "examples": examples_of(spec, facts),
    }
    read = responses.read
    if read == "auto":
        tokens = seen is not None and seen.top_logprobs > 0 and not responses.structured and not several
        read = "votes" if responses.sampling.n > 1 else "logprobs" if tokens else "text"
    return document | {"prompt": prompt, "choices": list(names), "read": read}


def _synthesise(spec: Distillation) -> dict[str, Any] | None:
    wanted = spec.data.synthesise
    if wanted is None:
        return None
    return wanted.model_dump(mode="json") | {"instruction": instruction(wanted), "most_calls": most(wanted)}


def _training(spec: Distillation, facts: Facts) -> dict[str, Any]:
    training, count = spec.training, rows.counts(spec, facts).items
    free = training.epochs is None and training.steps is None
    return {
        "epochs": cost.EPOCHS if free else training.epochs,
        "batch_size": cost.batch_size(training, count),
        "learning_rate": training.learning_rate
        if training.learning_rate != "auto"
        else usual_rate(spec.student, training),
        "precision": "float32" if training.precision == "auto" else training.precision,
    }


def usual_rate(student: Student, training: Training) -> float:
    """The learning rate that `auto` stands for."""
    if training.optimizer == "sgd":
        return 0.1
    return 1e-3 if isinstance(student, Mlp | TextEncoder) else 5e-3
