"""Class by class, where a row has any number of them: how often each is there, and how well it is found."""

from distill.report.figures import ByClass, Report
from distill.report.heatmap import shortened
from distill.report.markup import Child, Markup, tag
from distill.report.numbers import DASH, count, decimal
from distill.report.roles import compared, role

MOST = 40
"""Classes that have a row: the most frequent ones."""


def section(report: Report) -> Child:
    grade, student = report.grade, report.grade.role("student")
    if student is None or not student.by_class:
        return None
    others = [found for name in compared(grade) if name != "student" and (found := grade.role(name))]
    heads = [
        "rows",
        "precision, %",
        "recall, %",
        "F1, %",
        *(f"{role(found.role, grade).short}: F1" for found in others),
    ]
    order = sorted(range(len(grade.classes)), key=lambda i: -student.by_class[i].there)[:MOST]
    rows = [_row(grade.classes[i], student.by_class[i], [found.by_class[i] for found in others], heads) for i in order]
    head = tag("tr", tag("th"), [tag("th", words) for words in heads])
    table = tag("table", tag("thead", head), tag("tbody", rows), class_="figures")
    title = tag("h2", "Class by class")
    return tag(
        "section", title, tag("div", table, class_="scroll"), tag("p", _words(len(grade.classes)), class_="caption")
    )


def _row(name: str, student: ByClass, others: list[ByClass], heads: list[str]) -> Markup:
    shares = [share(student.hits, student.named), share(student.hits, student.there)]
    cells = [count(student.there), *shares, f1(student), *map(f1, others)]
    return tag(
        "tr",
        tag("th", shortened(name, 24), scope="row"),
        [tag("td", cell, data_label=label) for cell, label in zip(cells, heads, strict=True)],
    )


def share(part: int, whole: int) -> str:
    return decimal(100 * part / whole) if whole else DASH


def f1(found: ByClass) -> str:
    return share(2 * found.hits, found.named + found.there)


def _words(classes: int) -> str:
    first = f"The {MOST} most frequent of {count(classes)} classes. " if classes > MOST else ""
    return (
        f"{first}A class is named where its probability is over 0.5; {DASH} stands where there is nothing to divide by. "
        "Confusions of classes and the teacher’s soft targets beside the answer are of rows that have one class, and not here."
    )
