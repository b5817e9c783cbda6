"""Who is how good: every role with its intervals, size and speed, and the paired differences below."""

from distill.report.efficiency import Latency
from distill.report.figures import Difference, Figure, Grade, Report
from distill.report.markup import Child, Markup, tag
from distill.report.numbers import (
    DASH,
    count,
    duration,
    interval,
    level,
    metric,
    number_word,
    rate,
    signed,
    size,
)
from distill.report.roles import Kind, brackets, role, shown
from distill.report.strips import axis_of, heading, strip

HEADLINE_ENGINE = "onnxruntime"
SHAPES = {
    "t": "Squares teach. ",
    "s": "The filled circle is the student. ",
    "b": "Open circles are the same network without a teacher. ",
}
ENGINES = {"onnxruntime": "ONNX Runtime", "torch": "torch"}


def latency(report: Report, name: str, engine: str = HEADLINE_ENGINE) -> Latency | None:
    return next((found for found in report.latencies.get(name, ()) if found.engine == engine), None)


def section(report: Report) -> Markup:
    return tag("section", tag("h2", "Who is how good"), _table(report), _caption(report), _differences(report))


def _table(report: Report) -> Markup:
    grade, headline = report.grade, report.grade.headline.metric
    kind = metric(headline)
    names = [name for name in shown(grade) if grade.role(name)]
    figures = {name: found.metrics[headline] for name in names if (found := grade.role(name))}
    trained = [figures[name] for name in names if name != "untrained"]
    axis = axis_of(trained, kind.factor, least=2.0 if kind.factor > 1 else 0.02)
    others = [other for other in (grade.role("student") or grade.roles[0]).metrics if other != headline]
    unit = ", %" if kind.suffix == "%" else ""
    head = [
        tag("th"),
        tag("th", heading(axis), class_="chart"),
        tag("th", f"{kind.name}{unit}"),
        [tag("th", _short(other)) for other in others],
        [tag("th", words) for words in ("parameters", "weights", "p50", "p95", "rows/s")],
    ]
    rows = [_row(report, name, strip(axis, figures[name], role(name, grade).kind, kind)) for name in names]
    table = tag("table", tag("thead", tag("tr", head)), tag("tbody", rows), class_="figures")
    return tag("div", table, class_="scroll")


def _row(report: Report, name: str, chart: Markup) -> Markup:
    grade, headline = report.grade, report.grade.headline.metric
    found, who, kind = grade.role(name), role(name, grade), metric(headline)
    assert found is not None
    figure = found.metrics[headline]
    sizes, speed = report.sizes.get(name), latency(report, name)
    others = [
        _cell(level(value, metric(other)), _short(other)) for other, value in found.metrics.items() if other != headline
    ]
    return tag(
        "tr",
        tag("th", who.long, scope="row"),
        tag("td", chart, class_="chart"),
        _cell([level(figure, kind), brackets(interval(figure, kind.factor, kind.places))], kind.name),
        others,
        _cell(count(sizes.parameters) if sizes else DASH, "parameters"),
        _cell(size(sizes.bytes) if sizes else DASH, "weights"),
        _cell(duration(speed.p50) if speed else DASH, "p50"),
        _cell(duration(speed.p95) if speed else DASH, "p95"),
        _cell(rate(speed.rows_per_second) if speed else DASH, "rows/s"),
        class_=who.kind,
    )


def _cell(content: Child, label: str) -> Markup:
    return tag("td", content, data_label=label)


def _short(name: str) -> str:
    """Of a metric, at the head of a column."""
    if name.startswith("calibration"):
        return "ECE"
    return {"nll": "NLL", "f1": "macro F1, %", "f1_micro": "micro F1, %", "accuracy": "accuracy, %"}[name]


def _caption(report: Report) -> Markup:
    grade = report.grade
    how = "whole groups resampled" if grade.groups else "Wilson for accuracy, rows resampled for the rest"
    kinds = {role(figures.role, grade).kind for figures in grade.roles}
    shapes = [words for kind, words in SHAPES.items() if kind in kinds and len(kinds) > 1]
    several = "Accuracy is of whole rows: every class decided rightly. " if grade.output == "multilabel" else ""
    words = f"{several}Whiskers and brackets: 95%, {how}. "
    return tag("p", shapes, words, _members(report), _speed(report), class_="caption")


def _members(report: Report) -> str:
    """The ensemble's members that have no row."""
    grade, headline = report.grade, report.grade.headline.metric
    there = set(shown(grade))
    hidden = [found.metrics[headline] for found in grade.roles if found.role not in there]
    if not hidden:
        return ""
    kind = metric(headline)
    values = [level(figure, kind) for figure in hidden]
    listed = f"{', '.join(values[:-1])} and {values[-1]}" if len(values) > 1 else values[0]
    others = "The other teacher alone" if len(hidden) == 1 else f"The other {number_word(len(hidden))} teachers alone"
    return f"{others}: {listed}. "


def _speed(report: Report) -> str:
    """How latency was measured, and the other engine's."""
    student = latency(report, "student")
    if student is None:
        return ""
    threads = "one thread" if student.threads == 1 else f"{student.threads} threads"
    words = (
        f"{ENGINES[student.engine]}, {threads}: p50 and p95 of one row, rows a second in batches of {student.batch}; "
        f"medians over {student.rounds} rounds with the models in turn. "
    )
    other = latency(report, "student", "torch")
    if other is None:
        return words
    teacher = latency(report, report.grade.teacher, "torch") if report.grade.teacher else None
    against = (
        f" and the {role(report.grade.teacher or '', report.grade).short} {duration(teacher.p50)}" if teacher else ""
    )
    return f"{words}With torch the student takes {duration(other.p50)}{against}. A single row costs mostly the call."


def _differences(report: Report) -> Child:
    grade, headline = report.grade, report.grade.headline.metric
    kind = metric(headline)
    pairs = [(pair, pair.metrics[headline]) for pair in grade.differences if headline in pair.metrics]
    if not pairs:
        return _no_baseline(report)
    axis = axis_of([figure for _, figure in pairs], kind.factor, zero=True, least=2.0 if kind.factor > 1 else 0.02)
    rows = [
        _difference(report, pair, figure, strip(axis, figure, _kind(report, pair), kind, zero=True))
        for pair, figure in pairs
    ]
    head = tag("tr", tag("th"), tag("th", heading(axis), class_="chart"), tag("th"))
    table = tag("table", tag("thead", head), tag("tbody", rows), class_="figures left")
    words = [
        "Paired bootstrap on the same rows",
        " (whole groups)" if grade.groups else "",
        f", {count(grade.bootstrap)} draws. ",
        "The baseline with all labels is the sceptic’s: what could be had by labelling everything. "
        if grade.role("all_labels")
        else "",
        "Lower is better here: a negative difference is the student’s gain." if not kind.higher_is_better else "",
    ]
    title = tag("h3", f"Paired differences in {kind.name}, {kind.unit}")
    return [title, tag("div", table, class_="scroll"), tag("p", words, class_="caption"), _no_baseline(report)]


def _seen(grade: Grade) -> str:
    """How many labels the baseline saw, and whether the student saw as many."""
    baseline = grade.role("no_teacher")
    seen = grade.labels_seen if baseline is None or baseline.labels_seen is None else baseline.labels_seen
    return (
        f"same {count(seen)}"
        if seen == grade.labels_seen
        else f"{count(seen)} (the student: {count(grade.labels_seen)})"
    )


def _kind(report: Report, pair: Difference) -> Kind:
    return "t" if pair.second == report.grade.teacher else "s"


def _difference(report: Report, pair: Difference, figure: Figure, chart: Markup) -> Markup:
    grade, kind = report.grade, metric(report.grade.headline.metric)
    first, second = role(pair.first, grade), role(pair.second, grade)
    notes = {
        "no_teacher": f"baseline, {_seen(grade)} labels",
        "all_labels": f"baseline, all {count(grade.train_rows)} labels",
    }
    value = f"{signed(figure.value * kind.factor, kind.places)} {kind.unit}"
    return tag(
        "tr",
        tag("th", f"{first.short.capitalize()} − {notes.get(pair.second, second.short)}", scope="row"),
        tag("td", chart, class_="chart"),
        tag("td", value, brackets(interval(figure, kind.factor, kind.places))),
    )


def _no_baseline(report: Report) -> Child:
    """Why a baseline is not there."""
    names = [role(name, report.grade).long for name in report.baseline_reasons]
    lines = [
        f"{name}: not there. {reason}" for name, reason in zip(names, report.baseline_reasons.values(), strict=True)
    ]
    return [tag("p", line, class_="caption") for line in lines]
