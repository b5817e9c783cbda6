"""The top of the page: the verdict, its conditions, the key figures."""

import re

from distill.report.figures import Figure, Report
from distill.report.markup import Child, Markup, join, tag
from distill.report.numbers import count, decimal, duration, interval, level, metric, ratio, signed
from distill.report.standings import ENGINES, latency

BRACKETS = re.compile(r" (\[[^\]]*\])")
UNIT = re.compile(r"(\d) (points|nats)\b")


def header(report: Report) -> Markup:
    eyebrow = ["Distillation report", report.name, report.job, f"seed {report.spec.get('training', {}).get('seed', 0)}"]
    parts = [tag("span", part) for part in eyebrow if part]
    lede = [lede_words(report)]
    return tag(
        "header",
        tag("p", parts, class_="eyebrow"),
        tag("h1", with_intervals(report.verdict.sentence)),
        tag("p", lede, class_="lede"),
        _warnings(report),
    )


def with_intervals(sentence: str) -> Markup:
    """The sentence, its intervals smaller and never broken over lines."""
    pieces = BRACKETS.split(UNIT.sub("\\1\u00a0\\2", sentence))
    return join([["\u00a0", tag("span", piece, class_="iv")] if i % 2 else piece for i, piece in enumerate(pieces)])


def lede_words(report: Report) -> list[Child]:
    grade = report.grade
    groups = f" in {count(grade.groups)} groups" if grade.groups else ""
    without = f" ({count(grade.unlabelled)} more have no label and are in no figure)" if grade.unlabelled else ""
    intervals = (
        "Brackets are 95% intervals over the held-out rows of this one run; the luck of the seed is not in them."
    )
    return [
        f"Measured on {count(grade.rows)} held-out rows{groups}{without}. {report.verdict.labels} ",
        _sceptic(report),
        intervals,
    ]


def _sceptic(report: Report) -> Child:
    headline = report.grade.headline
    lift = headline.lift_all_labels
    if lift is None:
        return None
    kind = metric(headline.metric)
    value = f"{signed(lift.value * kind.factor, kind.places)} {kind.unit} {interval(lift, kind.factor, kind.places)}".rstrip()
    return [
        with_intervals(f"Over the same network given all {count(report.grade.train_rows)} labels the lift is {value}."),
        " ",
    ]


def _warnings(report: Report) -> Child:
    return [tag("p", warning, class_="warning") for warning in report.warnings]


def strip(report: Report) -> Markup:
    """Key figures, as far as they are there."""
    cells = [_retention(report), _lift(report), _compression(report), _speed(report), _cost(report)]
    return tag("dl", [cell for cell in cells if cell] or _level(report), class_="strip-of-figures")


def _cell(name: str, value: str, *below: Child) -> Markup:
    return tag("div", tag("dt", name), tag("dd", value), tag("dd", *below, class_="iv"))


def _retention(report: Report) -> Child:
    figure = report.grade.headline.retention
    if figure is None:
        return _level(report)
    return _cell("retention", f"{decimal(100 * figure.value)}%", interval(figure))


def _level(report: Report) -> Child:
    """Where nobody teaches: the student's own figure."""
    kind, student = metric(report.grade.headline.metric), report.grade.role("student")
    if student is None:
        return None
    figure: Figure = student.metrics[report.grade.headline.metric]
    return _cell(kind.name, f"{level(figure, kind)}{kind.suffix}", interval(figure, kind.factor, kind.places))


def _lift(report: Report) -> Child:
    headline = report.grade.headline
    if headline.lift is None:
        return None
    kind = metric(headline.metric)
    value = signed(headline.lift.value * kind.factor, kind.places)
    return _cell("lift", value, f"{kind.unit} ", interval(headline.lift, kind.factor, kind.places))


def _compression(report: Report) -> Child:
    teacher, student = report.sizes.get(report.grade.teacher or ""), report.sizes.get("student")
    if student is None:
        return None
    if teacher is None or report.ratios.parameters_of_all is None:
        return _cell("parameters", count(student.parameters), f"{student.bytes / 1000:,.1f} kB")
    sizes = f"{count(teacher.parameters)} → {count(student.parameters)} parameters"
    return _of_one_and_all("compression", report.ratios.parameters_of_one, report.ratios.parameters_of_all, sizes)


def _speed(report: Report) -> Child:
    grade, student = report.grade, latency(report, "student")
    if student is None:
        return None
    if grade.teacher is None or report.ratios.speed_of_all is None:
        return _cell("one row", duration(student.p50), f"{ENGINES[student.engine]}, p50")
    slow, fast = latency(report, grade.teacher, "torch"), latency(report, "student", "torch")
    other = f"; torch {ratio(slow.p50 / fast.p50)}" if slow and fast else ""
    return _of_one_and_all("speed-up", report.ratios.speed_of_one, report.ratios.speed_of_all, f"ONNX p50{other}")


def _of_one_and_all(name: str, one: float | None, together: float, how: str) -> Child:
    """Against one teacher; the ensemble's ratio apart, which is larger whatever the student."""
    if one is None or one == together:
        return _cell(name, ratio(together), how)
    return _cell(name, ratio(one), f"of one teacher, {ratio(together)} of all together; {how}")


def _cost(report: Report) -> Child:
    if not report.costs:
        return None
    cached = sum(cost.cached for cost in report.costs)
    note = f"{len(report.costs)} steps" if len(report.costs) > 1 else "this step alone"
    note += f", {cached} from the cache" if cached else ""
    return _cell("cost", duration(sum(cost.seconds for cost in report.costs)), note)
