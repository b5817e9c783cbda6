"""Reports that a test makes: of any classes, roles and names, with figures that hang together."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from distill.report.compose import compose
from distill.report.efficiency import Conversion, Latency, Size
from distill.report.figures import (
    Bin,
    Confusion,
    Curve,
    CurvePoint,
    DarkKnowledge,
    Difference,
    Figure,
    Grade,
    Headline,
    HeldoutRow,
    Mistakes,
    Picture,
    Report,
    RichRow,
    RoleFigures,
)
from spec.baseline import without_teacher
from spec.distillation import Distillation
from spec.facts import InputSignature, ModelFacts, OutputSignature, Signature
from spec.params import PackageParams, TeacherInput
from spec.student import Mlp

ROWS = 200
DIGITS = tuple("0123456789")
LEVELS = {
    "ensemble": 0.99,
    "teacher.0": 0.97,
    "teacher.1": 0.96,
    "student": 0.95,
    "no_teacher": 0.9,
    "all_labels": 0.94,
}


def figure(value: float, spread: float = 0.02) -> Figure:
    return Figure(value=value, low=value - spread, high=value + spread)


def headline(retention: Figure | None = None, lift: Figure | None = None, **changes: Any) -> Headline:
    values = {
        "metric": "accuracy",
        "higher_is_better": True,
        "retention": retention,
        "lift": lift,
        "lift_all_labels": None,
        "asked_retention": 0.95,
        "asked_lift": 0.01,
        "rows_to_settle": None,
    }
    return Headline(**(values | changes))


def role_figures(role: str, classes: int) -> RoleFigures:
    right = round(ROWS * LEVELS.get(role, 0.1))
    confusion = np.zeros((classes, classes), dtype=int)
    confusion[0, 0], confusion[0, 1 % classes] = right, ROWS - right
    metrics = {"accuracy": figure(right / ROWS), "nll": figure(0.1), "calibration": figure(0.01, 0.005)}
    bins = (
        Bin(low=0.4, high=0.5, rows=3, confidence=0.45, accuracy=0.5),
        Bin(low=0.9, high=1.0, rows=197, confidence=0.97, accuracy=0.96),
    )
    seen = None if role.startswith(("teacher", "ensemble")) else 40
    table = tuple(tuple(int(n) for n in row) for row in confusion)
    return RoleFigures(
        role=role, rows=ROWS, metrics=metrics, confusion=table, calibration=bins, labels_seen=seen, steps=10
    )


def picture(shape: tuple[int, ...]) -> Picture | None:
    if len(shape) < 2:
        return None
    channels = 3 if len(shape) == 3 else 1
    height, width = shape[-2:]
    data = bytes(i * 7 % 256 for i in range(height * width * channels))
    return Picture(height=height, width=width, channels=channels, data=base64.b64encode(data).decode())


def soft(classes: int, best: int) -> tuple[float, ...]:
    rest = 0.3 / (classes - 1)
    return tuple(0.7 if i == best else rest for i in range(classes))


def grade(
    classes: Sequence[str] = DIGITS, roles: Sequence[str] = tuple(LEVELS), shape: tuple[int, ...] = (8, 8)
) -> Grade:
    size = len(classes)
    teacher = next((role for role in roles if role in ("ensemble", "teacher.0")), None)
    others = [role for role in ("no_teacher", "all_labels", teacher) if role in roles and role is not None]
    answers = {role: soft(size, 1) for role in roles}
    dark = DarkKnowledge(
        temperature=4.0,
        rows=500,
        labelled=100,
        counts=(500, *[0] * (size - 1)),
        mean=tuple(soft(size, i) for i in range(size)),
        confusions=(
            Confusion(truth=classes[0], looks_like=classes[1], share=0.071, least_like=classes[-1], least_share=0.0002),
        ),
        richest=(RichRow(row=7, truth=classes[0], entropy=1.2, probabilities=soft(size, 0), picture=picture(shape)),),
    )
    points = tuple(
        CurvePoint(
            step=step, series={"train_loss": 1 / step, "heldout_accuracy": 1 - 0.5 / step, "heldout_nll": 1 / step}
        )
        for step in (1, 5, 10)
    )
    return Grade(
        classes=tuple(classes),
        rows=ROWS,
        unlabelled=0,
        train_rows=500,
        labels_seen=40,
        groups=None,
        bootstrap=2000,
        bootstrap_seed=0,
        teacher=teacher,
        roles=tuple(role_figures(role, size) for role in roles),
        headline=headline(
            figure(0.96, 0.005) if teacher else None,
            figure(0.05) if "no_teacher" in roles else None,
            lift_all_labels=figure(0.01) if "all_labels" in roles else None,
        ),
        differences=tuple(
            Difference(first="student", second=other, metrics={"accuracy": figure(0.01)}) for other in others
        ),
        side_by_side=tuple(
            HeldoutRow(row=i, id=f"id {i}", truth=classes[0], probabilities=answers, picture=picture(shape))
            for i in range(23)
        ),
        disagreements=12,
        mistakes=(Mistakes(role="student", rows=10, teacher_probability=figure(0.2)),) if teacher else (),
        dark_knowledge=dark if teacher else None,
        curves=tuple(Curve(role=role, steps=10, points=points) for role in ("student", "no_teacher") if role in roles),
    )


def spec(name: str, taught: bool) -> Distillation:
    teacher = {"models": ["mdl_a", "mdl_b"], "weights": [1.0, 1.0]} if taught else None
    terms = [{"type": "soft_targets", "temperature": 4.0, "weight": 0.9}] if taught else []
    return Distillation.model_validate(
        {
            "name": name,
            "teacher": teacher,
            "data": {"train": "ds_train", "heldout": "ds_heldout"},
            "student": {"type": "mlp", "hidden_sizes": [8]},
            "objective": [*terms, {"type": "labels", "weight": 0.1}],
        }
    )


def params(
    classes: Sequence[str], name: str, taught: bool, baselines: Sequence[str], shape: tuple[int, ...]
) -> PackageParams:
    student = Mlp(type="mlp", hidden_sizes=(8,))
    signature = Signature(
        input=InputSignature(kind="image" if len(shape) > 1 else "array", shape=shape),
        output=OutputSignature(kind="classes", classes=tuple(classes)),
    )
    facts = ModelFacts(
        digest="0" * 64,
        format="safetensors",
        files={},
        architecture=student,
        signature=signature,
        parameters=5000,
        bytes=20000,
    )
    job = spec(name, taught)
    teachers = tuple(TeacherInput(path=f"teacher.{i}", facts=facts) for i in range(2)) if taught else ()
    return PackageParams(
        name=name,
        student=student,
        signature=signature,
        teachers=teachers,
        baselines=tuple(baselines),
        spec=job.model_dump(mode="json"),
        baseline_spec=without_teacher(job).model_dump(mode="json") if "no_teacher" in baselines else None,
    )


def latency(engine: str, p50: float) -> Latency:
    return Latency(
        engine=engine, threads=1, p50=p50, p95=1.2 * p50, rows_per_second=1 / p50, batch=256, rounds=15, calls=200
    )


def report(
    classes: Sequence[str] = DIGITS,
    roles: Sequence[str] = tuple(LEVELS),
    shape: tuple[int, ...] = (8, 8),
    name: str = "digits",
    context: dict[str, Any] | None = None,
    asked: Sequence[str] | None = None,
) -> Report:
    """`context`: as a supervisor gives it. `asked`: baselines of the job, where these are not those in `roles`."""
    taught = "ensemble" in roles
    baselines = [role for role in ("no_teacher", "all_labels") if role in roles] if asked is None else asked
    timed = [role for role in roles if role != "teacher.1" and (taught or not role.startswith("teacher"))]
    return compose(
        params(classes, name, taught, baselines, shape),
        grade(classes, roles, shape),
        student=Size(parameters=1000, bytes=4000),
        latencies={
            role: (latency("onnxruntime", 1e-5 * (1 + i)), latency("torch", 1e-4 * (1 + i)))
            for i, role in enumerate(timed)
        },
        conversion=Conversion(rows=ROWS, largest_difference=1.1e-5, tolerance=1e-4),
        context=context or {},
        digests={"training rows": "ab" * 32, "student": "cd" * 32},
        versions={"torch": "2.13.0"},
        seconds=3.2,
    )
