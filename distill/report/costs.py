"""What it cost, step by step."""

from distill.report.efficiency import StepCost
from distill.report.figures import Report
from distill.report.markup import Child, Markup, tag
from distill.report.numbers import duration
from distill.report.roles import Kind
from spec.money import dollars

WIDTH = 230
WORDS = {
    "preview": "ask the teacher, to be looked at",
    "synthesise": "have the teacher write texts",
    "augment": "copy texts with words left out",
    "answer": "ask the teacher",
    "keep": "filter its answers",
    "score": "score the training and held-out rows",
    "train": "train the student",
    "train.no_teacher": "train without the teacher",
    "train.all_labels": "train with all labels",
    "grade": "answer and grade",
    "package": "convert, time and pack",
}


def section(report: Report) -> Child:
    if not report.costs:
        return None
    most = max(cost.seconds for cost in report.costs) or 1.0
    total = sum(cost.seconds for cost in report.costs)
    rows = [_row(cost, most) for cost in report.costs]
    last = tag(
        "tr",
        tag("th", "together", scope="row"),
        tag("td", class_="chart"),
        tag("td", tag("b", duration(total))),
        tag("td"),
    )
    table = tag("table", tag("tbody", rows, last), class_="figures left")
    words = "Seconds for which a worker held each step, all attempts and imports included; packing until this page was written."
    return tag(
        "section", tag("h2", "What it cost"), tag("div", table, class_="scroll"), tag("p", words, class_="caption")
    )


def _row(cost: StepCost, most: float) -> Markup:
    note = "found in the cache: paid before" if cost.cached else dollars(cost.usd) if cost.usd is not None else None
    if cost.ended != "succeeded":
        note = ", ".join(filter(None, (note, cost.ended)))
    width = max(1.0, WIDTH * cost.seconds / most)
    bar = tag("rect", x=0, y=7, width=width, height=10, class_=f"{_kind(cost)}bar")
    size = {"viewBox": f"0 0 {WIDTH} 24", "width": str(WIDTH), "height": "24"}
    return tag(
        "tr",
        tag("th", _words(cost.step), scope="row"),
        tag("td", tag("svg", bar, class_="strip", aria_hidden="true", **size), class_="chart"),
        tag("td", duration(cost.seconds)),
        tag("td", note, class_="soft"),
        class_="cached" if cost.cached else None,
    )


def _words(step: str) -> str:
    judge, _, place = step.partition(".")
    return f"ask the judge, keep[{place}]" if judge == "judge" else WORDS.get(step, step)


def _kind(cost: StepCost) -> Kind | str:
    if cost.step.startswith("train."):
        return "b"
    return {"synthesise": "t", "answer": "t", "keep": "t", "score": "t", "train": "s"}.get(cost.step, "g")
