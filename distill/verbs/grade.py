"""`grade`: everybody's answers on the held-out rows, and all figures of the report. Outputs grade.json and predictions.npz."""

from typing import Any

import numpy as np

from distill.data.rows import Labels
from distill.graders.bootstrap import Bootstrap
from distill.graders.calibration import calibration_bins
from distill.graders.decisions import named_classes
from distill.grading.answers import Answers, Probabilities, answers
from distill.grading.comparison import Comparison
from distill.grading.dark import dark_knowledge
from distill.grading.heldout import Heldout, heldout, opened
from distill.grading.mistakes import mistakes
from distill.grading.side_by_side import disagreements, side_by_side
from distill.grading.teachers import Teachers
from distill.progress import Progress
from distill.report.figures import ByClass, Curve, Grade, RoleFigures
from distill.run import RunFolder
from spec.grader import Calibration
from spec.params import GradeParams
from spec.run import Result


def run(folder: RunFolder, params: GradeParams) -> Result:
    """Refused (`no_heldout_rows`): no held-out row has a label."""
    progress = Progress(folder, start=0, total=3, unit="parts", rows=0.0)
    train, division = opened(folder, params)
    held = heldout(folder, params, train, division)
    teachers = Teachers(folder=folder, params=params)
    given = answers(folder, params, held, teachers)
    progress.tell(1)
    bootstrap = Bootstrap(held.units, params.bootstrap, params.bootstrap_seed)
    comparison = Comparison(given, held, params.graders, bootstrap)
    progress.tell(2)
    record, classes = given.records["student"], params.signature.output.classes
    grade = Grade(
        classes=classes,
        output=params.signature.output.kind,
        rows=len(held.truth),
        unlabelled=held.unlabelled,
        unscored=given.unscored,
        train_rows=len(division.train),
        labels_seen=record.labels_seen,
        class_weights=record.class_weights,
        soft_weights=record.soft_weights,
        groups=held.groups,
        bootstrap=bootstrap.resamples,
        bootstrap_seed=params.bootstrap_seed,
        teacher=given.teacher,
        roles=tuple(role_figures(role, given, held, params, comparison) for role in given.by_role),
        headline=comparison.headline(params.contract),
        differences=comparison.differences(),
        side_by_side=side_by_side(given, held, classes),
        disagreements=int(disagreements(given).sum()),
        mistakes=mistakes(given, held, bootstrap),
        dark_knowledge=dark_knowledge(teachers, train, division),
        curves=tuple(Curve(role=role, steps=r.planned_steps, points=r.curve) for role, r in given.records.items()),
        bias_correction={r: o.bias_correction for r, o in given.records.items() if o.bias_correction is not None},
        bias_classes=record.bias_classes,
    )
    folder.output("grade.json").write_text(grade.model_dump_json(indent=1))
    predictions(folder, held, classes, given)
    progress.tell(3)
    return Result(status="succeeded", summary=summary(grade))


def role_figures(role: str, given: Answers, held: Heldout, params: GradeParams, comparison: Comparison) -> RoleFigures:
    """One role's row of the table, its confusion matrix (of several classes a row, its figures by class) and its reliability diagram."""
    probabilities = given.by_role[role]
    record = given.records.get(role)
    asked = {model.role: model.labels_seen for model in params.models} | taught(params.teacher_labels)
    bins = next((grader.bins for grader in params.graders if isinstance(grader, Calibration)), 10)
    return RoleFigures(
        role=role,
        rows=len(held.truth),
        metrics=comparison.metrics(role),
        confusion=() if given.several else confusion(probabilities, held.truth),
        by_class=by_class(probabilities, held.truth) if given.several else (),
        calibration=calibration_bins(probabilities, held.truth, bins),
        labels_seen=record.labels_seen if record else asked.get(role),
        validation_labels=record.validation_labels if record else 0,
        steps=record.steps if record else None,
    )


def confusion(probabilities_NV: Probabilities, truth_N: Labels) -> tuple[tuple[int, ...], ...]:
    """[true class][answer]: rows."""
    classes = probabilities_NV.shape[1]
    pairs = np.bincount(truth_N * classes + probabilities_NV.argmax(axis=1), minlength=classes * classes)
    return tuple(map(tuple, pairs.reshape(classes, classes).tolist()))


def by_class(probabilities_NV: Probabilities, truth_NV: Labels) -> tuple[ByClass, ...]:
    """Of each class: rows that have it, rows that are said to, and both."""
    named, there = named_classes(probabilities_NV), truth_NV == 1
    counts = zip(*(found.sum(axis=0).tolist() for found in (there, named, named & there)), strict=True)
    return tuple(ByClass(there=there, named=named, hits=hits) for there, named, hits in counts)


def taught(labels: tuple[int | None, ...]) -> dict[str, int | None]:
    """Labels that each teacher saw; of an ensemble the most that one of them did, if all are known."""
    known = [number for number in labels if number is not None]
    each: dict[str, int | None] = {f"teacher.{i}": number for i, number in enumerate(labels)}
    return each | {"ensemble": max(known) if known and len(known) == len(labels) else None}


def predictions(folder: RunFolder, held: Heldout, classes: tuple[str, ...], given: Answers) -> None:
    """Row numbers, truth and everybody's probabilities, so that every figure can be computed again."""
    arrays = {role.replace(".", "_"): probabilities.astype(np.float32) for role, probabilities in given.by_role.items()}
    names = np.array(classes)
    with folder.output("predictions.npz").open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, rows=held.which, truth=held.truth, classes=names, **arrays)


def summary(grade: Grade) -> dict[str, Any]:
    """The headline in small, for events and the API."""
    headline = grade.headline
    values = {role.role: role.metrics[headline.metric].value for role in grade.roles}
    small = {"metric": headline.metric, "values": values, "rows": grade.rows}
    named = {"retention": headline.retention, "lift": headline.lift, "lift_all_labels": headline.lift_all_labels}
    return small | {name: figure.model_dump() for name, figure in named.items() if figure is not None}
