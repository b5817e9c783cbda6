"""report.json: what `grade` measured, with sizes, speed, cost and provenance."""

from collections.abc import Mapping
from typing import Any

from distill.report.asked import Bill, Copied, Synthesised, Tally
from distill.report.efficiency import Conversion, Latency, Ratios, Size, StepCost
from distill.report.figures import Grade, Report
from distill.report.specdiff import difference
from distill.report.verdict import verdict
from spec.facts import Standing
from spec.params import PackageParams

Latencies = Mapping[str, tuple[Latency, ...]]
Context = Mapping[str, Any]
"""`Run.context`: {job: {id, intent}, steps: [{name, verb, state, seconds, cached, cut, step, reason}], warnings, teachers}; {} without a service."""


def compose(
    params: PackageParams,
    grade: Grade,
    *,
    student: Size,
    latencies: Latencies,
    conversion: Conversion,
    context: Context,
    digests: Mapping[str, str],
    versions: Mapping[str, str],
    seconds: float,
    answers: Tally | None = None,
    synthesis: Synthesised | None = None,
    copies: Copied | None = None,
) -> Report:
    """`seconds`: of packing, so far; `answers`: of a teacher that was asked; `synthesis`: of texts that it wrote; `copies`: of training texts."""
    sizes = _sizes(params, grade, student)
    ratios = _ratios(grade, sizes, latencies)
    return Report(
        name=params.name,
        job=context.get("job", {}).get("id"),
        verdict=verdict(grade, ratios.parameters_of_all),
        grade=grade,
        sizes=sizes,
        latencies=dict(latencies),
        ratios=ratios,
        costs=_costs(context, seconds),
        spec=params.spec,
        baseline_spec=params.baseline_spec,
        spec_difference=difference(params.spec, params.baseline_spec) if params.baseline_spec else (),
        baseline_reasons=_reasons(params, grade, context),
        digests=dict(digests),
        versions=dict(versions),
        warnings=(*_warnings(grade, context, answers), *_written(synthesis)),
        conversion=conversion,
        endpoint=params.endpoint,
        answers=answers,
        synthesis=synthesis,
        copies=copies,
        bill=_bill(context),
        teachers=tuple(Standing.model_validate(one) for one in context.get("teachers", ())),
    )


def _bill(context: Context) -> Bill | None:
    """Of all calls of the job; None where it made none, as where every answer was kept before."""
    told = context.get("bill")
    if told is None:
        return None
    expected = told.get("expected") or {}
    return Bill(
        usd=told["usd"],
        calls=told["calls"],
        input_tokens=told["input_tokens"],
        output_tokens=told["output_tokens"],
        cached_tokens=told["cached_tokens"],
        expected=expected.get("answers"),
        low=expected.get("answers_low"),
        high=expected.get("answers_high"),
        cap=told.get("cap"),
    )


def _sizes(params: PackageParams, grade: Grade, student: Size) -> dict[str, Size]:
    """Baselines are the student's own architecture; an ensemble is the sum of its teachers."""
    teachers = [Size(parameters=given.facts.parameters, bytes=given.facts.bytes) for given in params.teachers]
    found = {f"teacher.{i}": size for i, size in enumerate(teachers)}
    if len(teachers) > 1:
        total = Size(parameters=sum(s.parameters for s in teachers), bytes=sum(s.bytes for s in teachers))
        found["ensemble"] = total
    own = [
        figures.role
        for figures in grade.roles
        if figures.role != "ensemble" and not figures.role.startswith("teacher.")
    ]
    return {figures.role: found[figures.role] for figures in grade.roles if figures.role in found} | dict.fromkeys(
        own, student
    )


def _ratios(grade: Grade, sizes: Mapping[str, Size], latencies: Latencies) -> Ratios:
    """Of the first teacher, and of all: the ensemble, or that one teacher."""
    one, whole = "teacher.0", grade.teacher or ""
    return Ratios(
        parameters_of_one=_smaller(sizes, one),
        parameters_of_all=_smaller(sizes, whole),
        speed_of_one=_faster(latencies, one),
        speed_of_all=_faster(latencies, whole),
    )


def _smaller(sizes: Mapping[str, Size], role: str) -> float | None:
    return sizes[role].parameters / sizes["student"].parameters if role in sizes else None


def _faster(latencies: Latencies, role: str) -> float | None:
    """By the p50 of one row, on the first engine: ONNX Runtime."""
    return latencies[role][0].p50 / latencies["student"][0].p50 if latencies.get(role) else None


UNDONE = ("failed", "cancelled", "skipped")


def _costs(context: Context, seconds: float) -> tuple[StepCost, ...]:
    """Of steps that have ended, those that came to nothing too, if they took any time."""
    steps = [
        s for s in context.get("steps", ()) if s["state"] == "succeeded" or (s["state"] in UNDONE and s["seconds"])
    ]
    done = [
        StepCost(
            step=s["name"],
            verb=s["verb"],
            seconds=s["seconds"],
            cached=s["cached"],
            usd=s.get("usd") or None,
            ended=s["state"],
        )
        for s in steps
    ]
    return (*done, StepCost(step="package", verb="package", seconds=seconds))


def _reasons(params: PackageParams, grade: Grade, context: Context) -> dict[str, str]:
    """Why a baseline is not there: its own rules, or what became of its step."""
    steps = {step["name"]: step for step in context.get("steps", ())}
    missing = [name for name in params.baselines if grade.role(name) is None]
    reasons = {name: _end(steps.get(f"train.{name}")) for name in missing if name not in params.baseline_reasons}
    return {**params.baseline_reasons, **reasons}


def _end(step: Mapping[str, Any] | None) -> str:
    """What became of a baseline's training."""
    if step is None:
        return "Its training left nothing."
    return step["reason"] or f"Its training {'failed' if step['state'] == 'failed' else 'was ' + step['state']}."


def _warnings(grade: Grade, context: Context, answers: Tally | None) -> tuple[str, ...]:
    """Of the job's rules, of rows that were not answered, and of answers and training that were cut short."""
    cut = next((step for step in context.get("steps", ()) if step["name"] == "train" and step["cut"]), None)
    student = grade.role("student")
    found = [str(warning) for warning in context.get("warnings", ())]
    if cut and student and student.steps:
        planned = next((curve.steps for curve in grade.curves if curve.role == "student"), None)
        of = f" of {planned:,}" if planned and planned > student.steps else ""
        found.append(f"Training was ended early, at step {student.steps:,}{of}.")
    if answers is not None:
        found += _unanswered(answers)
    return tuple(found)


def _unanswered(answers: Tally) -> list[str]:
    """Rows that nobody learns from, whether unanswered or filtered, and a cap that left some unasked."""
    found = []
    for name, part in answers.parts.items():
        kinds = {kind: count for kind, count in part.kinds.items() if kind != "answered"}
        if kinds:
            told = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
            what = "count as errors of the teacher" if name == "heldout" else "are left out of training"
            side = "held-out" if name == "heldout" else "training"
            found.append(
                f"The teacher did not answer {sum(kinds.values()):,} of {part.asked:,} {side} rows ({told}): they {what}."
            )
    if answers.kept is not None and answers.kept.kept < answers.kept.answered:
        left = answers.kept.answered - answers.kept.kept
        found.append(
            f"The filters left {left:,} of {answers.kept.answered:,} answered training rows out of training (data.responses.keep)."
        )
    unasked = sum(one.unasked for one in answers.kept.filters) if answers.kept else 0
    if unasked:
        found.append(
            f"The cap was reached before the judge was asked about {unasked:,} answers: their rows are left out."
        )
    if answers.cut:
        found.append(
            f"The cap was reached after {answers.parts['train'].asked:,} training rows: the others were not asked about."
        )
    return found


def _written(synthesis: Synthesised | None) -> tuple[str, ...]:
    """Fewer new rows than were wanted."""
    if synthesis is None or synthesis.kept == synthesis.wanted:
        return ()
    why = "the cap was reached" if synthesis.cut else f"no call was left after {synthesis.calls:,}"
    return (
        f"The teacher wrote {synthesis.kept:,} of the {synthesis.wanted:,} new training rows that were wanted: {why}.",
    )
