"""What the teacher said when it was asked: rows by kind, how its answers were read, how good they are, and what they cost."""

from typing import get_args

from distill.report import noise, written
from distill.report.asked import Agreement, Asked, Bill, Dropped, Kept, Tally
from distill.report.figures import Report
from distill.report.markup import Child, Markup, tag
from distill.report.numbers import DASH, count, decimal
from spec.money import dollars
from spec.outcomes import Kind

KINDS = get_args(Kind)
SIDES = {"heldout": "held-out", "train": "training"}
TOLD = 0.0005
"""Nats a row that are told apart: by less, rounding decides which of two alike is smaller."""
READ = {
    "logprobs": "Soft targets: the probabilities of the tokens that the names begin with (top_logprobs).",
    "votes": "Soft targets: shares of several sampled answers a row.",
    "text": "Hard labels: the name, or the names, that the answer gives.",
}


def section(report: Report) -> Child:
    if report.answers is None:
        return None
    answers, texts = report.answers, written.part(report.synthesis)
    title = tag("h2", "What the teacher answered")
    return tag(
        "section",
        title,
        _table(answers),
        _caption(report, answers),
        _worth(answers),
        noise.part(answers),
        _unanswered(report, answers),
        _kept(answers.kept),
        texts,
        _bill(report.bill),
    )


def _table(answers: Tally) -> Markup:
    there = [kind for kind in KINDS if any(part.kinds.get(kind) for part in answers.parts.values())]
    head = ["", "asked", *there, "outside, %", "right, %"]
    rows = [_row(name, part, there) for name, part in answers.parts.items()]
    table = tag(
        "table", tag("thead", tag("tr", [tag("th", words) for words in head])), tag("tbody", rows), class_="figures"
    )
    return tag("div", table, class_="scroll")


def _row(name: str, part: Asked, kinds: list[str]) -> Markup:
    gold = part.gold
    right = f"{decimal(100 * gold.accuracy)} [{decimal(100 * gold.low)}, {decimal(100 * gold.high)}]" if gold else DASH
    cells = [count(part.asked), *(count(part.kinds.get(kind, 0)) for kind in kinds), decimal(100 * part.outside), right]
    labels = ["asked", *kinds, "outside, %", "right, %"]
    return tag(
        "tr",
        tag("th", f"{SIDES.get(name, name)} rows", scope="row"),
        [tag("td", cell, data_label=label) for cell, label in zip(cells, labels, strict=True)],
    )


def _caption(report: Report, answers: Tally) -> Markup:
    samples = f" ({answers.samples} of each row)" if answers.samples > 1 else ""
    gold = "gold lists (each as a whole)" if report.grade.output == "multilabel" else "gold labels"
    words = (
        f"{report.endpoint}. {READ[answers.read]}{samples} Outside: probability or votes that fell on no name, before what is left was "
        f"divided by its sum.{hard_words(answers)} Right: against {gold} that the job may see, of answered rows; the rest is the noise of the labels."
    )
    return tag("p", words, class_="caption")


def hard_words(answers: Tally) -> str:
    """Of rows whose label is not soft; nothing where there is none."""
    hard = sum(part.hard for part in answers.parts.values())
    return (
        f" Of {count(hard)} rows the tokens say no choice, and the text names one: their label is hard." if hard else ""
    )


def _worth(answers: Tally) -> Child:
    """Soft targets against hard labels of the same answers, by the likelihood of gold."""
    heldout = answers.parts.get("heldout")
    gold = heldout.gold if heldout else None
    if gold is None or answers.read == "text":
        return None
    return tag("p", worth_words(gold), class_="caption")


def worth_words(gold: Agreement) -> str:
    better = "say more than" if gold.nll_hard - gold.nll >= TOLD else "say no more than"
    return (
        f"On {count(gold.rows)} held-out rows with gold the distributions {better} the names alone: {decimal(gold.nll, 3)} nats a row against "
        f"{decimal(gold.nll_hard, 3)} of the names, each mixed with as much of all choices alike as serves these rows best."
    )


def _unanswered(report: Report, answers: Tally) -> Child:
    """The first rows that nobody learns from, with what was said, and how to have the others."""
    if not answers.unanswered:
        return None
    rows = [
        tag(
            "tr",
            tag("th", f"{SIDES.get(one.side, one.side)} row {count(one.row)}", scope="row"),
            tag("td", one.kind, data_label="kind"),
            tag("td", one.said or DASH, data_label="said"),
            tag("td", one.finish_reason or DASH, data_label="finish reason"),
        )
        for one in answers.unanswered
    ]
    head = tag("tr", [tag("th", words) for words in ("", "kind", "said", "finish reason")])
    table = tag("table", tag("thead", head), tag("tbody", rows), class_="figures left")
    title = tag("h3", "Rows without an answer, the first of them")
    return [title, tag("div", table, class_="scroll"), _all_of_them(report, answers)]


def _all_of_them(report: Report, answers: Tally) -> Child:
    """The command that prints every row of the kinds that are there."""
    if report.job is None:
        return None
    there = [kind for kind in KINDS[1:] if any(part.kinds.get(kind) for part in answers.parts.values())]
    command = f"stillhouse distillations answers {report.job} {' '.join(f'--kind {kind}' for kind in there)}"
    return tag("p", "All of them: ", tag("code", command), class_="caption")


def _kept(kept: Kept | None) -> Child:
    """Filters, what each has dropped, and some of the rows that are left out."""
    if kept is None:
        return None
    rows = [
        _filter(f"keep[{place}]", one.what, count(one.applied), one.drops) for place, one in enumerate(kept.filters)
    ]
    rows += [_filter("no filter applies", DASH, DASH, count(kept.unmatched))] if kept.unmatched else []
    head = tag("tr", [tag("th", words) for words in ("", "filter", "applies to", "drops")])
    table = tag("table", tag("thead", head), tag("tbody", rows), class_="figures left")
    return [
        tag("h3", "What the filters have left"),
        tag("div", table, class_="scroll"),
        tag("p", kept_words(kept), class_="caption"),
        _dropped(kept.dropped),
    ]


def _filter(name: str, what: str, applied: str, dropped: str) -> Markup:
    cells = zip((what, applied, dropped), ("filter", "applies to", "drops"), strict=True)
    return tag("tr", tag("th", name, scope="row"), [tag("td", cell, data_label=label) for cell, label in cells])


def kept_words(kept: Kept) -> str:
    return (
        f"Of {count(kept.answered)} answered training rows {count(kept.kept)} are learned from: one filter or more applies to each, and all that "
        "apply pass. A row may fail several. The figures above are of all answers, where they do not say what is left, and no held-out row is filtered."
    )


def _dropped(dropped: tuple[Dropped, ...]) -> Child:
    if not dropped:
        return None
    rows = [
        tag(
            "tr",
            tag("th", f"training row {count(one.row)}", scope="row"),
            tag("td", ", ".join(f"keep[{place}]" for place in one.by) or "none applies", data_label="dropped by"),
            tag("td", one.said or DASH, data_label="said"),
        )
        for one in dropped
    ]
    head = tag("tr", [tag("th", words) for words in ("", "dropped by", "said")])
    table = tag("table", tag("thead", head), tag("tbody", rows), class_="figures left")
    return [tag("h3", "Rows that the filters left out, some of them"), tag("div", table, class_="scroll")]


def _bill(bill: Bill | None) -> Child:
    if bill is None:
        return None
    said = ""
    if bill.expected is not None and bill.low is not None and bill.high is not None:
        said = f"; {dollars(bill.expected)} [{dollars(bill.low)}, {dollars(bill.high)}] was expected"
    cap = f" under a cap of {dollars(bill.cap)}" if bill.cap is not None else ""
    cached = f" ({count(bill.cached_tokens)} of them from its cache)" if bill.cached_tokens else ""
    tokens = f"{count(bill.input_tokens)} tokens in{cached}, {count(bill.output_tokens)} out"
    words = f"The bill: {dollars(bill.usd)} for {count(bill.calls)} calls ({tokens}){cap}{said}. Answers that were kept from before cost nothing."
    return tag("p", words, class_="caption")
