"""Whether a model is as right as it is sure: accuracy against confidence, bin by bin."""

from math import sqrt

from distill.report.axis import Axis
from distill.report.figures import Bin, Report, RoleFigures
from distill.report.markup import Child, Markup, tag
from distill.report.numbers import decimal
from distill.report.roles import Role, compared, marker, role

WIDTH, HEIGHT = 208, 200
LEFT, RIGHT, TOP, BOTTOM = 34, 194, 28, 166
FEWEST = 5
"""Rows of a bin that is shown."""
Z = 1.959963984540054


def section(report: Report) -> Child:
    found = [figures for name in compared(report.grade) if (figures := report.grade.role(name)) and figures.calibration]
    panels = [_panel(figures, role(figures.role, report.grade)) for figures in found]
    if not panels:
        return None
    what = "decisions (a row and a class each)" if report.grade.output == "multilabel" else "rows"
    words = f"On the line, a model is right as often as it is sure. Bins under {FEWEST} {what} are left out; larger marks hold more."
    return tag("section", tag("h2", "Calibration"), tag("div", panels, class_="row"), tag("p", words, class_="caption"))


def _panel(figures: RoleFigures, who: Role) -> Markup:
    across, up = Axis(low=0, high=1, start=LEFT, end=RIGHT), Axis(low=0, high=1, start=BOTTOM, end=TOP)
    error = next((figure for name, figure in figures.metrics.items() if name.startswith("calibration")), None)
    title = f"{who.short.capitalize()}{f': ECE {decimal(100 * error.value)} points' if error else ''}"
    diagonal = tag("line", x1=LEFT, y1=BOTTOM, x2=RIGHT, y2=TOP, class_="grid")
    total = sum(found.rows for found in figures.calibration)
    marks = [_mark(found, who, across, up, total) for found in figures.calibration if found.rows >= FEWEST]
    return tag(
        "svg",
        tag("text", title, x=8, y=14, class_="title"),
        [_rule(value, across, up) for value in (0.0, 0.5, 1.0)],
        tag("text", "confidence", x=(LEFT + RIGHT) / 2, y=HEIGHT - 4, text_anchor="middle"),
        diagonal,
        marks,
        class_="panel", viewBox=f"0 0 {WIDTH} {HEIGHT}", width=WIDTH, height=HEIGHT, role="img",
        aria_label=f"{title}; accuracy against confidence",
    )  # fmt: skip


def _rule(value: float, across: Axis, up: Axis) -> list[Markup]:
    y = up.at(value)
    return [
        tag("line", x1=LEFT, x2=RIGHT, y1=y, y2=y, class_="grid"),
        tag("text", f"{value:g}", x=LEFT - 6, y=y + 4, text_anchor="end"),
        tag("text", f"{value:g}", x=across.at(value), y=BOTTOM + 15, text_anchor="middle"),
    ]


def _mark(found: Bin, who: Role, across: Axis, up: Axis, rows: int) -> list[Markup]:
    low, high = wilson(found.accuracy, found.rows)
    x = across.at(found.confidence)
    whisker = tag("line", x1=x, x2=x, y1=up.at(low), y2=up.at(high), class_=f"{who.kind}l")
    return [whisker, marker(who.kind, x, up.at(found.accuracy), 2.8 + 3 * sqrt(found.rows / rows))]


def wilson(share: float, rows: int) -> tuple[float, float]:
    """95% interval of a share (Wilson 1927)."""
    spread = Z * sqrt(share * (1 - share) / rows + Z * Z / (4 * rows * rows))
    middle, scale = share + Z * Z / (2 * rows), 1 + Z * Z / rows
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)
