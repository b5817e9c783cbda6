"""One figure and its interval on a line, a row of a table each: dots, never bars, so the axis may start above zero."""

from collections.abc import Sequence

from distill.report.axis import Axis, around, step_of, tick_label, ticks
from distill.report.figures import Figure
from distill.report.markup import Markup, tag
from distill.report.numbers import Metric, interval, level
from distill.report.roles import Kind, marker

WIDTH, HEIGHT, MARGIN = 230, 24, 10


def axis_of(figures: Sequence[Figure], factor: float, *, zero: bool = False, least: float = 2.0) -> Axis:
    """Round bounds around all figures and intervals times `factor`, and zero where differences are drawn."""
    values = [0.0] if zero else []
    for figure in figures:
        values += [factor * value for value in (figure.value, figure.low, figure.high) if value is not None]
    low, high = around(values or [0.0, 1.0], least=least)
    return Axis(low=low, high=high, start=MARGIN, end=WIDTH - MARGIN)


def marks(axis: Axis) -> list[float]:
    return ticks(axis.low, axis.high)


def heading(axis: Axis) -> Markup:
    """The axis' numbers, for the head of the column."""
    step = step_of(axis.high - axis.low, 4)
    texts = [
        tag("text", tick_label(value, step), x=axis.at(value), y=11, text_anchor="middle") for value in marks(axis)
    ]
    return tag("svg", texts, viewBox=f"0 0 {WIDTH} 14", width=WIDTH, height=14, class_="strip", aria_hidden="true")


def strip(axis: Axis, figure: Figure, kind: Kind, measure: Metric, *, zero: bool = False) -> Markup:
    """The row's own piece of the chart. `zero`: a line where there is no difference."""
    middle, factor = HEIGHT / 2, measure.factor
    lines = [_rule(axis.at(value), "grid") for value in marks(axis)]
    if zero:
        lines.append(_rule(axis.at(0.0), "zero"))
    if figure.low is not None and figure.high is not None:
        ends = axis.clamp(figure.low * factor), axis.clamp(figure.high * factor)
        lines.append(tag("line", x1=ends[0], x2=ends[1], y1=middle, y2=middle, class_=f"whisker {kind}l"))
    dot = marker(kind, axis.clamp(figure.value * factor), middle)
    words = f"{level(figure, measure)}, 95% interval {interval(figure, factor, measure.places) or 'unknown'}"
    size = {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "width": str(WIDTH), "height": str(HEIGHT)}
    return tag("svg", lines, dot, class_="strip", role="img", aria_label=words, **size)


def _rule(x: float, name: str) -> Markup:
    return tag("line", x1=x, x2=x, y1=0, y2=HEIGHT, class_=name)
