"""Copies of training texts with words left out: how many, and the first of them."""

from distill.report.figures import Report
from distill.report.markup import Child, tag
from distill.report.numbers import count


def section(report: Report) -> Child:
    found = report.copies
    if found is None:
        return None
    augment = report.spec["data"]["augment"]
    words = (
        f"{count(found.kept)} copies of training texts were learned from beside the texts themselves, as the teacher answers or scores them: a word was left out with a "
        f"probability of {augment['drop']:g}, or one to five neighbours alone were kept, with {augment['ngram']:g} (after Tang et al. 2019). "
        f"{count(found.wanted)} were wanted; no copy is a text that is there already, on whichever side. Copies have no gold label."
    )
    rows = [tag("tr", tag("td", text[:200])) for text in found.first]
    table = tag("div", tag("table", tag("tbody", rows), class_="figures left"), class_="scroll")
    return tag("section", tag("h2", "Copies of training texts"), tag("p", words, class_="caption"), table)
