"""The steps of a job: a static plan, computed when its facts are known and never grown at run time."""

from dataclasses import replace
from typing import Any, Literal

from spec import cost, rows
from spec.answering import SYNTHESISE, answer, filtering, preview, synthesise
from spec.baseline import with_all_labels, without_teacher
from spec.bills import judge_step
from spec.distillation import Distillation
from spec.evaluation import Baseline
from spec.facts import Facts, ModelFacts, Signature
from spec.grader import Accuracy, Metric
from spec.inputs import row_files, teacher_files, teacher_inputs, tokenizer_files
from spec.objective import SoftTargets
from spec.params import (
    AugmentParams,
    GradedModel,
    GradeParams,
    PackageParams,
    ScoreParams,
    TrainParams,
)
from spec.resolve import refusal
from spec.responses import filters, judges
from spec.rules import warnings
from spec.rules.terms import standings
from spec.selection import selection
from spec.signature import signature, teachers
from spec.step import TRAIN, Step, dump
from spec.teacher import asked
from spec.tokenizer import sealed

AUGMENT = "augment"
"""The step whose training rows all later steps take, where texts are copied."""


def plan(resolved: Distillation, facts: Facts) -> tuple[Step, ...]:
    """The steps of a resolved job whose rules found nothing, each after what it needs."""
    given = signature(resolved, facts)
    variants = _variants(resolved)
    taught = {"answer": answer, "score": _score}.get(_source(resolved) or "")
    steps = (
        *([taught(resolved, facts, given)] if taught else []),
        *filtering(resolved, facts),
        *(_train(role, job, facts, given, resolved) for role, job in variants.items()),
        _grade(resolved, facts, given),
        _package(resolved, facts, given),
    )
    return (
        *([preview(resolved, facts, given)] if resolved.budget.preview is not None else []),
        *([synthesise(resolved, facts)] if resolved.data.synthesise else []),
        *([_augment(resolved, facts)] if resolved.data.words else []),
        *(_extended(step, resolved) for step in steps),
    )


def _extended(step: Step, resolved: Distillation) -> Step:
    """The step on old and new training rows, where the job makes new ones, in place of the stored rows."""
    source = SYNTHESISE if resolved.data.synthesise else AUGMENT if resolved.data.words else None
    if TRAIN not in step.inputs or source is None:
        return step
    inputs = {path: file for path, file in step.inputs.items() if path != TRAIN}
    return replace(step, inputs=inputs, needs={"train": source} | step.needs)


def _augment(resolved: Distillation, facts: Facts) -> Step:
    """Copies of texts. Whose labels are seen changes none."""
    assert resolved.data.words is not None
    needed = cost.augment(resolved, facts)
    take = selection(resolved, facts).model_copy(update={"labelled": 1.0})
    return Step(
        name=AUGMENT,
        verb="augment",
        queue="cpu",
        params=dump(AugmentParams(words=resolved.data.words, take=take)),
        inputs=row_files(resolved, facts, "train", "heldout", "validation"),
        memory=needed.memory,
        seconds=needed.seconds,
    )


def _source(job: Distillation) -> Literal["answer", "score"] | None:
    """The step that makes the teacher's scores: by asking an endpoint, or by running weights; None where no step does."""
    if asked(job.teacher):
        return "answer"
    return "score" if job.teacher and job.teacher.models else None


def _material(resolved: Distillation) -> str | None:
    """The step whose outputs are what is learned from: the source's, or what the last filter left of them."""
    asking = judges(resolved.data.responses)
    if asking:
        return judge_step(asking[-1][0])
    return "keep" if filters(resolved.data.responses) else _source(resolved)


def _variants(resolved: Distillation) -> dict[str, Distillation]:
    """Every student that is trained, by role; `untrained` needs no training."""
    make = {"no_teacher": without_teacher, "all_labels": with_all_labels}
    asked = [role for role in resolved.evaluation.baselines if role in make]
    return {"student": resolved, **{role: make[role](resolved) for role in asked}}


def _step_of(role: str) -> str:
    return "train" if role == "student" else f"train.{role}"


def _score(resolved: Distillation, facts: Facts, given: Signature) -> Step:
    jitter = resolved.data.jitter
    copies = jitter is not None and jitter.copies is not None
    some = bool(resolved.data.where) or resolved.data.share < 1 or jitter is not None
    params = ScoreParams(
        teachers=teacher_inputs(resolved, facts),
        classes=given.output.classes,
        input=selection(resolved, facts).roles.input or "",
        take=selection(resolved, facts).model_copy(update={"labelled": 1.0}) if some else None,
    )
    needed = cost.score(resolved, facts)
    return Step(
        name="score",
        verb="score",
        queue="gpu",
        params=dump(params),
        wider=dump(params.model_copy(update={"take": None})) if some and not copies else None,
        inputs=row_files(resolved, facts, "train", "heldout") | teacher_files(resolved, facts),
        memory=needed.memory,
        seconds=needed.seconds,
    )


def _train(role: str, job: Distillation, facts: Facts, given: Signature, resolved: Distillation) -> Step:
    """One student; its params do not say whose: a labels-only job and another's baseline are one step.

    All students of a job divide its rows alike. Where a teacher answers, the baselines learn from the answered rows alone: a row counts for
    all or for nobody.
    """
    training, source = job.training, _material(job)
    answers: Literal["labels", "rows"] | None = "labels" if _source(job) == "answer" else None
    if source is None and _source(resolved) == "answer":
        source, answers = _material(resolved), "rows"
    count = rows.counts(resolved, facts).items
    assert training.batch_size != "auto" and training.learning_rate != "auto" and training.precision != "auto"
    params = TrainParams(
        selection=selection(resolved, facts).model_copy(update={"labelled": job.data.labelled}),
        student=sealed(job.student, facts),
        signature=given,
        objective=job.objective,
        steps=cost.steps(training, count),
        batch_size=training.batch_size,
        learning_rate=training.learning_rate,
        optimizer=training.optimizer,
        schedule=training.schedule,
        weight_decay=training.weight_decay,
        seed=training.seed,
        precision=training.precision,
        select=training.select,
        bias_correction=training.bias_correction,
        headline=_graders(job)[0] if rows.chooses(job) else Accuracy(type="accuracy"),
        answers=answers,
        **_ensemble(job),
    )
    needed = cost.train(job, facts, given.input.shape, count)
    return Step(
        name=_step_of(role),
        verb="train",
        queue="gpu",
        params=dump(params),
        inputs=row_files(job, facts, "train", "heldout", "validation", "signals") | tokenizer_files(job, facts),
        needs={"scores": source} if source else {},
        optional=role != "student",
        divisible=True,
        memory=needed.memory,
        seconds=needed.seconds,
    )


def _grade(resolved: Distillation, facts: Facts, given: Signature) -> Step:
    baselines = _baselines(resolved)
    trained: dict[str, str] = {role: _step_of(role) for role in baselines if role != "untrained"}
    params = GradeParams(
        selection=selection(resolved, facts),
        student=sealed(resolved.student, facts),
        signature=given,
        models=(GradedModel(role="student", path="student"), *(_graded(role, resolved) for role in baselines)),
        graders=_graders(resolved),
        contract=resolved.evaluation.contract,
        signals=bool(resolved.teacher and resolved.teacher.signals),
        temperature=next((term.temperature for term in resolved.objective if isinstance(term, SoftTargets)), None),
        teacher_labels=_labels_of(teachers(resolved, facts)),
        answers=_source(resolved) == "answer",
        **_ensemble(resolved),
    )
    needed = cost.grade(resolved, facts)
    return Step(
        name="grade",
        verb="grade",
        queue="gpu",
        params=dump(params),
        inputs=row_files(resolved, facts, "train", "heldout", "signals"),
        needs=({"scores": source} if (source := _material(resolved)) else {}) | {"student": "train"},
        wants=trained,
        memory=needed.memory,
        seconds=needed.seconds,
    )


def _labels_of(held: list[ModelFacts]) -> tuple[int | None, ...]:
    seen = tuple(facts.labels_seen for facts in held)
    return seen if any(number is not None for number in seen) else ()


def _package(resolved: Distillation, facts: Facts, given: Signature) -> Step:
    trained = tuple(role for role in _baselines(resolved) if role != "untrained")
    params = PackageParams(
        name=resolved.name,
        student=sealed(resolved.student, facts),
        signature=given,
        teachers=teacher_inputs(resolved, facts),
        endpoint=next(iter(resolved.teacher.models), None) if resolved.teacher and asked(resolved.teacher) else None,
        baselines=trained,
        spec=_document(resolved),
        baseline_spec=_document(without_teacher(resolved)) if "no_teacher" in trained else None,
        baseline_reasons=_reasons(resolved, facts),
    )
    needed, source = cost.package(resolved, facts), _material(resolved)
    return Step(
        name="package",
        verb="package",
        queue="cpu",
        params=dump(params),
        inputs=row_files(resolved, facts, "train", "heldout") | teacher_files(resolved, facts),
        needs={"student": "train", "grade": "grade"} | ({"answers": source} if params.endpoint and source else {}),
        wants={str(role): _step_of(role) for role in trained},
        memory=needed.memory,
        seconds=needed.seconds,
        context={
            "warnings": [warning.message for warning in warnings(resolved, facts)],
            "teachers": [one.model_dump(mode="json") for one in standings(resolved, facts)],
        },
    )


def _ensemble(job: Distillation) -> dict[str, Any]:
    """How many teachers there are; how they combine, only where there is something to combine."""
    number = len(job.teacher.models) if job.teacher else 0
    if job.teacher is None or number < 2:
        return {"teachers": number}
    weights = job.teacher.weights if job.teacher.weights != "auto" else (1.0,) * number
    return {
        "teachers": number,
        "combine": job.teacher.combine,
        "weights": tuple(weight / sum(weights) for weight in weights),
    }


def _graders(job: Distillation) -> tuple[Metric, ...]:
    assert job.evaluation.graders != "auto"
    return job.evaluation.graders


def _baselines(job: Distillation) -> tuple[Baseline, ...]:
    assert job.evaluation.baselines != "auto"
    return job.evaluation.baselines


def _graded(role: Baseline, job: Distillation) -> GradedModel:
    """Who is graded; the untrained student has no step: its seed makes it."""
    if role == "untrained":
        return GradedModel(role=role, path=None, seed=job.training.seed, labels_seen=0)
    return GradedModel(role=role, path=role)


def _document(job: Distillation) -> dict[str, Any]:
    """The spec as the manifest has it: what changes no result (metadata, budget) is left out, or it would be in the key."""
    return job.model_dump(mode="json", exclude={"metadata", "budget"})


def _reasons(resolved: Distillation, facts: Facts) -> dict[str, str]:
    """Why a job with a teacher has no baseline without one, where its own rules find something."""
    if resolved.teacher is None or "no_teacher" in _baselines(resolved):
        return {}
    problem = refusal(resolved, facts)
    return {"no_teacher": problem.message} if problem else {}
