"""What the teacher knows besides the answer: its mean soft targets, in words, and the rows whose soft targets say most."""

from distill.report.figures import Confusion, DarkKnowledge, Report, RichRow
from distill.report.heatmap import NUMBERED, heatmap, shortened
from distill.report.markup import Child, Markup, tag
from distill.report.numbers import count, decimal, share
from distill.report.pixels import image
from distill.report.roles import role

SAID = 5
"""Confusions in words beside a heat map; without one all are said."""
LEAST = 0.01
"""A share that is worth a number in its cell."""
DRAWN, PITCH = 12, 13
"""Classes up to which a soft target is drawn whole, if their names are short; pixels of a bar."""
LYING = 4
"""Classes of a soft target that is not."""


def section(report: Report, ink: bool) -> Child:
    """`ink`: images are strokes, drawn as ink on the page's paper."""
    dark = report.grade.dark_knowledge
    if dark is None:
        return None
    chart = heatmap(
        f"Mean soft target at T = {dark.temperature:g}, %",
        report.grade.classes,
        _without_empty(dark),
        _cell,
        ("the teacher sees a …", "a true …" if _all_labelled(dark) else "a … by label or teacher"),
    )
    return tag(
        "section",
        tag("h2", "What the teacher knows besides the answer"),
        tag("div", chart, _words(report, dark, chart is not None), class_="row"),
        _richest(report, dark, ink),
    )


def _cell(value: float) -> str:
    """A share in percent, as wide as a cell: "7.1", "12"."""
    return decimal(100 * value, 1 if value < 0.0995 else 0) if value >= LEAST else ""


def _without_empty(dark: DarkKnowledge) -> list[tuple[float, ...]]:
    """Classes without a row say nothing."""
    return [row if number else (0.0,) * len(row) for row, number in zip(dark.mean, dark.counts, strict=True)]


def _words(report: Report, dark: DarkKnowledge, charted: bool) -> Markup:
    who = role(report.grade.teacher or "teacher.0", report.grade).short
    intro = (
        f"What the {who} puts on the classes beside the true one: the mean over {count(dark.rows)} transfer rows. {_stand_ins(dark)}"
        "A label alone says none of this; the student learns it. "
    )
    if charted:
        numbered = len(report.grade.classes) <= NUMBERED
        intro += f"Colour grows with the square root{'; cells under 1% carry no number' if numbered else ''}."
    else:
        intro += f"The {len(dark.confusions)} strongest of {len(report.grade.classes)} classes:"
    said = dark.confusions[:SAID] if charted else dark.confusions
    return tag("div", tag("p", intro), tag("ol", [tag("li", confusion_words(each)) for each in said]), class_="say")


def _all_labelled(dark: DarkKnowledge) -> bool:
    return dark.labelled in (None, dark.rows)


def _stand_ins(dark: DarkKnowledge) -> str:
    """Where a row's label was not seen, its own answer is the teacher's highest by definition: that is to be known."""
    if _all_labelled(dark):
        return ""
    seen = (
        f"Training saw the labels of {count(dark.labelled)} of them"
        if dark.labelled
        else "Training saw none of their labels"
    )
    return f"{seen}; for the others the teacher's own answer stands as the true class, so what is beside it is less. "


def confusion_words(found: Confusion) -> list[Child]:
    """A 4 looks like a 9: 7.1%, like a 0: 0.02%."""
    first = articled(found.truth)
    start = f"{first[0].upper()}{first[1:]} looks like {articled(found.looks_like)}: "
    return [start, tag("b", share(found.share)), f", like {articled(found.least_like)}: {share(found.least_share)}"]


def articled(name: str) -> str:
    """ "a 4", "an 8", "an airplane"."""
    vowel = name[:1].lower() in set("aeio8") or name in {"11", "18"}
    return f"{'an' if vowel else 'a'} {name}"


def _richest(report: Report, dark: DarkKnowledge, ink: bool) -> Child:
    if not dark.richest:
        return None
    title = f"The richest soft targets, by entropy at T = {dark.temperature:g}"
    return [tag("h3", title), tag("div", [_rich(report, row, ink) for row in dark.richest], class_="rich")]


def _rich(report: Report, row: RichRow, ink: bool) -> Markup:
    words = f"training row {row.row}, taken as {articled(row.truth)}"
    picture = image(row.picture, words, ink, 40) if row.picture else None
    what = f"row {row.row}" if row.text is None else f"“{shortened(row.text, 60)}”"
    name = None if row.picture else tag("figcaption", f"{what}: {shortened(row.truth, 18)}")
    return tag("figure", picture, name, _target(report, row))


def _target(report: Report, row: RichRow) -> Markup:
    """The soft target as bars from zero, an upright one for each of a few short names, else lying ones for the highest."""
    classes = report.grade.classes
    ranked = sorted(range(len(classes)), key=lambda i: -row.probabilities[i])
    words = ", ".join(f"{classes[i]} {share(row.probabilities[i])}" for i in ranked[:3])
    short = len(classes) <= DRAWN and max(map(len, classes)) <= 2
    heights = [value / row.probabilities[ranked[0]] for value in row.probabilities]
    bars = [_upright(i, heights[i], classes[i]) for i in range(len(classes))] if short else None
    lying = [
        _lying(k, heights[i], shortened(classes[i], 9), share(row.probabilities[i]))
        for k, i in enumerate(ranked[:LYING])
    ]
    width, height = (PITCH * len(classes), 42) if short else (152, 15 * len(lying))
    size = {"viewBox": f"0 0 {width} {height}", "width": str(width), "height": str(height)}
    return tag("svg", tag("title", words), bars or lying, class_="bars", role="img", aria_label=words, **size)


def _upright(i: int, height: float, name: str) -> list[Markup]:
    bar = tag("rect", x=i * PITCH + 2, y=28 - 26 * height, width=PITCH - 4, height=max(26 * height, 0.6), class_="t")
    return [bar, tag("text", name, x=(i + 0.5) * PITCH, y=40, text_anchor="middle")]


def _lying(k: int, length: float, name: str, value: str) -> list[Markup]:
    y = 15 * k
    bar = tag("rect", x=62, y=y + 3, width=max(48 * length, 0.6), height=8, class_="t")
    return [tag("text", name, x=0, y=y + 11), bar, tag("text", value, x=67 + 48 * length, y=y + 11)]
