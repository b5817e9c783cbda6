"""The noise of the teacher's labels, class by class: what it says of rows of a class, and what rows are of which it says a class."""

from collections.abc import Sequence

from distill.report.asked import Noise, OfClass, Share, Tally
from distill.report.heatmap import shortened
from distill.report.markup import Child, Markup, tag
from distill.report.numbers import DASH, count, decimal

MOST = 40
"""Classes that have a row: those with most gold rows."""
SIDES = {"heldout": "held-out rows", "train": "training rows"}


def part(answers: Tally) -> Child:
    """A table for each side whose answers were compared with gold."""
    tables = [_side(answers, name, noise) for name in SIDES if (noise := _before(answers, name))]
    words = (
        "Named so: of rows with this gold label, the answers that name it. Right: of the answers that name it, those whose gold label it is; the "
        f"rest is the noise of these labels. 95% intervals by Wilson; {DASH} stands where there is no row. Estimated on rows whose gold label the job "
        "may see: other rows are as noisy if they are like these."
    )
    return (
        [tag("h3", "The noise of its labels, class by class"), tables, tag("p", words, class_="caption")]
        if tables
        else None
    )


def _before(answers: Tally, name: str) -> Noise | None:
    side = answers.parts.get(name)
    return side.gold.noise if side and side.gold else None


def _side(answers: Tally, name: str, noise: Noise) -> list[Child]:
    after = answers.kept.noise if name == "train" and answers.kept else None
    order = sorted(range(len(noise.classes)), key=lambda i: (-noise.classes[i].gold, i))[:MOST]
    heads = ["gold rows", "named so, %", "answers", "right, %", "most often instead"]
    heads += ["left: named so, %", "left: answers", "left: right, %"] if after else []
    rows = [_row(answers.classes, i, noise, after, heads) for i in order]
    head = tag("tr", tag("th"), [tag("th", words) for words in heads])
    table = tag("table", tag("thead", head), tag("tbody", rows), class_="figures")
    return [tag("p", told(name, noise, after), class_="caption"), tag("div", table, class_="scroll")]


def told(name: str, noise: Noise, after: Noise | None) -> str:
    few = f" The {MOST} classes with most of them:" if len(noise.classes) > MOST else ""
    words = f"Of {count(noise.rows)} {SIDES[name]} with gold {brackets(noise.right, '%')} of the answers are right"
    left = f"; of the {count(after.rows)} that the filters have left, {brackets(after.right, '%')}" if after else ""
    return f"{words}{left}.{few}"


def _row(classes: Sequence[str], place: int, noise: Noise, after: Noise | None, heads: list[str]) -> Markup:
    one = noise.classes[place]
    cells = [
        count(one.gold),
        brackets(one.of_gold),
        count(one.said),
        brackets(one.of_said),
        _instead(classes, place, noise),
    ]
    cells += _left(after.classes[place]) if after else []
    return tag(
        "tr",
        tag("th", shortened(classes[place], 24), scope="row"),
        [tag("td", cell, data_label=label) for cell, label in zip(cells, heads, strict=True)],
    )


def _left(one: OfClass) -> list[str]:
    return [brackets(one.of_gold), count(one.said), brackets(one.of_said)]


def _instead(classes: Sequence[str], place: int, noise: Noise) -> str:
    first = next((one for one in noise.confused if one.gold == place), None)
    return f"{shortened(classes[first.said], 24)} ({count(first.rows)})" if first else DASH


def brackets(share: Share | None, unit: str = "") -> str:
    if share is None:
        return DASH
    return f"{decimal(100 * share.value)}{unit} [{decimal(100 * share.low)}, {decimal(100 * share.high)}]"
