"""Where they disagree: held-out rows side by side, disagreements of student and teacher first."""

from distill.graders.decisions import THRESHOLD
from distill.report.figures import HeldoutRow, Report
from distill.report.heatmap import shortened
from distill.report.markup import Child, Markup, tag
from distill.report.numbers import count
from distill.report.pixels import image
from distill.report.roles import compared, role

FIRST, COLUMN = 20, 10
"""Rows that are seen at once, and rows of one table; the others unfold."""
WIDE = 40
"""Letters of several names together."""


def section(report: Report, ink: bool) -> Child:
    rows = report.grade.side_by_side
    if not rows:
        return None
    names = [name for name in compared(report.grade) if name in rows[0].probabilities]
    rest = tag("details", tag("summary", f"{len(rows) - FIRST} more rows"), _tables(report, rows[FIRST:], names, ink))
    return tag(
        "section",
        tag("h2", "Where they disagree" if len(names) > 1 else "Where it is wrong, or least sure"),
        _tables(report, rows[:FIRST], names, ink),
        tag("p", _words(report), class_="caption"),
        rest if len(rows) > FIRST else None,
    )


def _words(report: Report) -> str:
    grade = report.grade
    pair = "Student and teacher" if grade.teacher else "Student and baseline"
    differ = f"{pair} answer differently on {count(grade.disagreements)} of {count(grade.rows)} held-out rows; these come first. "
    alone = not grade.teacher and not grade.role("no_teacher")
    sure = "how sure of the least sure decision" if grade.output == "multilabel" else "how sure"
    return f"{'' if alone else differ}Small figures: {sure}. ✗ marks a wrong answer."


def _tables(report: Report, rows: tuple[HeldoutRow, ...], names: list[str], ink: bool) -> Markup:
    parts = [rows[i : i + COLUMN] for i in range(0, len(rows), COLUMN)]
    return tag("div", [_table(report, part, names, ink) for part in parts], class_="row")


def _table(report: Report, rows: tuple[HeldoutRow, ...], names: list[str], ink: bool) -> Markup:
    pictured = any(row.picture for row in rows)
    written = any(row.text is not None for row in rows)
    heads = [
        "" if pictured else "text" if written else "row",
        "truth",
        *(role(name, report.grade).short for name in names),
    ]
    body = [_row(report, row, names, ink) for row in rows]
    head = tag("tr", [tag("th", words) for words in heads])
    return tag("table", tag("thead", head), tag("tbody", body), class_="side")


def _row(report: Report, row: HeldoutRow, names: list[str], ink: bool) -> Markup:
    where = row.id if row.id and len(row.id) <= 24 else f"row {row.row}"
    first: Child = image(row.picture, f"held-out {where}: {words(row.truth)}", ink) if row.picture else where
    if row.text is not None:
        first = tag("span", row.text, title=where)
    answers = [_answer(report, row, name) for name in names]
    return tag(
        "tr",
        tag("td", first, class_="text" if row.text is not None else None),
        tag("td", shortened(words(row.truth), WIDE if isinstance(row.truth, tuple) else 16)),
        answers,
    )


def words(truth: str | tuple[str, ...]) -> str:
    """A class, or any number of them."""
    return truth if isinstance(truth, str) else ", ".join(truth) or "none"


def _answer(report: Report, row: HeldoutRow, name: str) -> Markup:
    probabilities, classes = row.probabilities[name], report.grade.classes
    answer: str | tuple[str, ...]
    if isinstance(row.truth, tuple):
        answer = tuple(one for one, p in zip(classes, probabilities, strict=True) if p > THRESHOLD)
        sure, room = min(max(p, 1 - p) for p in probabilities), WIDE
    else:
        best = max(range(len(probabilities)), key=probabilities.__getitem__)
        answer, sure, room = classes[best], probabilities[best], 16
    wrong = answer != row.truth
    small = tag("small", f" {100 * sure:.0f}%")
    return tag("td", shortened(words(answer), room), small, " ✗" if wrong else None, class_="wrong" if wrong else None)
