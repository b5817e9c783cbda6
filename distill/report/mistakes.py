"""What is got wrong: how bad the mistakes are in the teacher's eyes, and which classes are taken for which."""

from distill.report.figures import Figure, Mistakes, Report, RoleFigures
from distill.report.heatmap import MOST, heatmap
from distill.report.markup import Child, Markup, tag
from distill.report.numbers import Metric, count, decimal, interval
from distill.report.roles import brackets, compared, role
from distill.report.strips import axis_of, heading, strip

PROBABILITY = Metric(name="probability")
WIDEST = 260
"""Pixels of a table: three stand beside each other."""
LISTED = 8
"""Confusions in words, where there are too many classes for a table."""


def section(report: Report) -> Child:
    parts = [_badness(report), _confusion(report)]
    title = "How bad the mistakes are" if parts[0] else "What it gets wrong"
    return tag("section", tag("h2", title), parts) if any(parts) else None


def _badness(report: Report) -> Child:
    told = [(each, each.teacher_probability) for each in report.grade.mistakes]
    known = [(each, figure) for each, figure in told if figure is not None]
    if not known:
        return None
    axis = axis_of([figure for _, figure in known], 100.0, zero=True)
    head = tag(
        "tr",
        tag("th"),
        tag("th", heading(axis), class_="chart"),
        tag("th", "teacher’s probability, %"),
        tag("th", "wrong"),
    )
    rows = [
        _row(report, each, figure, strip(axis, figure, role(each.role, report.grade).kind, PROBABILITY))
        for each, figure in known
    ]
    words = (
        "The probability that the teacher (at T = 1) gives to the answer that was wrongly given, mean over the wrong answers. "
        "Wrong answers are never equally bad: a high one was a mistake that the teacher finds plausible."
    )
    table = tag("table", tag("thead", head), tag("tbody", rows), class_="figures")
    return [tag("div", table, class_="scroll"), tag("p", words, class_="caption")]


def _row(report: Report, found: Mistakes, figure: Figure, chart: Markup) -> Markup:
    who = role(found.role, report.grade)
    return tag(
        "tr",
        tag("th", who.long, scope="row"),
        tag("td", chart, class_="chart"),
        tag("td", decimal(100 * figure.value), brackets(interval(figure)), data_label="teacher’s probability, %"),
        tag("td", count(found.rows), data_label="wrong"),
        class_=who.kind,
    )


def _confusion(report: Report) -> Child:
    grade = report.grade
    if grade.output == "multilabel":
        return None
    shown = [found for name in compared(grade) if name != "all_labels" and (found := grade.role(name))]
    if len(grade.classes) > MOST:
        return [_listed(report, found) for found in shown if found.role == "student"]
    charts = [chart for found in shown if (chart := _chart(report, found))]
    if not charts:
        return None
    title = tag("h3", "Held-out rows by true class and answer, errors alone")
    return [title, tag("div", charts, class_="row")]


def _chart(report: Report, found: RoleFigures) -> Child:
    name = role(found.role, report.grade).short.capitalize()
    wrong = sum(sum(row) - row[i] for i, row in enumerate(found.confusion))
    words = f"{name}: {count(wrong)} wrong of {count(found.rows)}"
    axes = ("is taken for a …", "a true …")
    return heatmap(words, report.grade.classes, found.confusion, lambda value: f"{value:.0f}", axes, WIDEST)


def _listed(report: Report, found: RoleFigures) -> Child:
    classes, table = report.grade.classes, found.confusion
    size = range(len(classes))
    wrong = sorted(
        ((table[i][j], i, j) for i in size for j in size if i != j and table[i][j]),
        key=lambda each: (-each[0], each[1:]),
    )
    if not wrong:
        return None
    items = [tag("li", f"{classes[i]} taken for {classes[j]}: ", tag("b", count(n))) for n, i, j in wrong[:LISTED]]
    return [tag("h3", "The student’s most frequent confusions"), tag("ol", items, class_="say")]
