"""How it learned: held-out figures by training step. Lines are labelled at their ends; what lies beyond the axis is cut off."""

from dataclasses import dataclass

from distill.report.axis import Axis, around, step_of, tick_label, ticks
from distill.report.figures import Report
from distill.report.markup import Child, Markup, tag
from distill.report.numbers import metric
from distill.report.roles import Kind, role

WIDTH, HEIGHT = 290, 236
LEFT, RIGHT, TOP, BOTTOM = 36, 222, 30, 202
PARTS = {"heldout": "Held-out", "validation": "Validation"}
HELDOUT = {"heldout_accuracy", "heldout_nll", "heldout_f1_micro"}
SPREAD = 13.0
"""Pixels between the labels of two lines."""
SHOWN = 0.15
"""The axis holds each curve from this share of its steps on."""


@dataclass(frozen=True, kw_only=True)
class Line:
    label: str
    kind: Kind
    points: tuple[tuple[float, float], ...]
    level: bool = False
    """A teacher's: the same all along, dashed."""


def section(report: Report) -> Child:
    grade = report.grade
    names = {name for curve in grade.curves for point in curve.points for name in point.series}
    charts = [
        (f"{part}_{name}", f"{words} {_title(name)}", name)
        for part, words in PARTS.items()
        for name in ("f1_micro" if grade.output == "multilabel" else "accuracy", "nll")
    ]
    chosen = [chart for chart in charts if chart[0] in names][:2]
    panels = [panel(title, lines(report, series, name), name) for series, title, name in chosen]
    if "train_loss" in names:
        panels.append(panel("Training loss, each its own objective", lines(report, "train_loss", None), None))
    drawn = [each for each in panels if each]
    if not drawn:
        return None
    words = [
        "Held-out curves are shown, never used to stop or to choose. " if chosen and chosen[0][0] in HELDOUT else ""
    ]
    words.append("A line begins where it enters the axis.")
    if len(grade.curves) > 1:
        words.insert(0, "Same initial weights, same batches, same steps. ")
    return tag(
        "section", tag("h2", "How it learned"), tag("div", drawn, class_="row"), tag("p", words, class_="caption")
    )


def _title(name: str) -> str:
    return f"{metric(name).name}{', %' if metric(name).suffix == '%' else ''}"


def lines(report: Report, series: str, name: str | None) -> list[Line]:
    """Each curve that has the series, and the teacher's level of the metric where it is of held-out rows."""
    grade, factor = report.grade, metric(name).factor if name else 1.0
    found = []
    for curve in grade.curves:
        points = tuple((float(p.step), factor * p.series[series]) for p in curve.points if series in p.series)
        if points:
            who = role(curve.role, grade)
            found.append(Line(label=who.short, kind=who.kind, points=points))
    teacher = grade.role(grade.teacher) if grade.teacher else None
    if found and teacher and name in teacher.metrics and series in HELDOUT:
        last = max(line.points[-1][0] for line in found)
        value = factor * teacher.metrics[name].value
        label = role(teacher.role, grade).short
        found.append(Line(label=label, kind="t", points=((0.0, value), (last, value)), level=True))
    return found


def panel(title: str, shown: list[Line], name: str | None) -> Child:
    """One chart; None without lines."""
    if not shown:
        return None
    last = max(line.points[-1][0] for line in shown)
    across = Axis(low=0.0, high=max(last, 1.0), start=LEFT, end=RIGHT)
    up = _upward(shown, name)
    labels = _spread([(up.clamp(line.points[-1][1]), line) for line in shown])
    texts = [tag("text", line.label, x=RIGHT + 7, y=y + 4, class_=f"{line.kind}x") for y, line in labels]
    inner = tag(
        "svg",
        [_line(line, across, up) for line in shown],
        x=LEFT, y=TOP - 3, width=RIGHT - LEFT + 2, height=BOTTOM - TOP + 6,
        viewBox=f"{LEFT} {TOP - 3} {RIGHT - LEFT + 2} {BOTTOM - TOP + 6}",
        overflow="hidden",
    )  # fmt: skip
    words = f"{title}, by training step: {', '.join(line.label for line in shown)}"
    return tag(
        "svg",
        tag("text", title, x=8, y=14, class_="title"),
        _grid(across, up),
        inner,
        texts,
        class_="panel", viewBox=f"0 0 {WIDTH} {HEIGHT}", width=WIDTH, height=HEIGHT, role="img", aria_label=words,
    )  # fmt: skip


def _upward(shown: list[Line], name: str | None) -> Axis:
    """Holds the later part of every curve: the first steps would flatten all that follows."""
    values = [
        value for line in shown for step, value in line.points if line.level or step >= SHOWN * line.points[-1][0]
    ]
    share = name is not None and metric(name).suffix == "%"
    low, high = around(values if share else [*values, 0.0], least=2.0 if share else 0.02)
    if share:
        low, high = max(low, 0.0), min(high, 100.0)
    return Axis(low=low, high=high, start=BOTTOM, end=TOP)


def _line(line: Line, across: Axis, up: Axis) -> Markup:
    points = " ".join(f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in line.points)
    return tag("polyline", points=points, fill="none", class_=f"{line.kind}l{' dashed' if line.level else ''}")


def _grid(across: Axis, up: Axis) -> list[Child]:
    step = step_of(up.high - up.low, 4)
    rules = [(up.at(value), tick_label(value, step)) for value in ticks(up.low, up.high)]
    steps = [(across.at(value), tick_label(value, 1.0)) for value in ticks(across.low, across.high, 3)]
    return [
        [tag("line", x1=LEFT, x2=RIGHT, y1=y, y2=y, class_="grid") for y, _ in rules],
        [tag("text", words, x=LEFT - 6, y=y + 4, text_anchor="end") for y, words in rules],
        [tag("text", words, x=x, y=BOTTOM + 16, text_anchor="middle") for x, words in steps],
        tag("text", "training step", x=(LEFT + RIGHT) / 2, y=BOTTOM + 31, text_anchor="middle"),
    ]


def _spread(places: list[tuple[float, Line]]) -> list[tuple[float, Line]]:
    """Labels at the ends of their lines, moved down where they would lie on each other, and up again from the bottom."""
    found: list[tuple[float, Line]] = []
    for y, line in sorted(places, key=lambda place: place[0]):
        found.append((max(y, found[-1][0] + SPREAD) if found else y, line))
    limit = float(BOTTOM)
    for i in reversed(range(len(found))):
        found[i] = (min(found[i][0], limit), found[i][1])
        limit = found[i][0] - SPREAD
    return found
