"""New training texts that the teacher wrote: how many came, which were left out, and some of each."""

from distill.report.asked import Synthesised
from distill.report.markup import Child, tag
from distill.report.numbers import count

NEAR = {"heldout": "a held-out or validation row", "train": "a training row", "new": "another new text"}


def part(found: Synthesised | None) -> Child:
    """Of the section on answers."""
    if found is None:
        return None
    rows = [
        tag("tr", tag("th", name, scope="row"), tag("td", count(number))) for name, number in _numbers(found).items()
    ]
    table = tag("table", tag("tbody", rows), class_="figures")
    return [tag("h3", "New training texts"), tag("div", table, class_="scroll"), _caption(found), _texts(found)]


def _numbers(found: Synthesised) -> dict[str, int]:
    near = {f"near {words}, left out": found.near.get(side, 0) for side, words in NEAR.items()}
    return {
        "wanted": found.wanted,
        "calls": found.calls,
        "calls without a reply": found.failed,
        "texts that came": found.said,
        **near,
        "more than were wanted": found.spare,
        "lines that were no text": found.unparseable,
        "kept": found.kept,
    }


def _caption(found: Synthesised) -> Child:
    words = (
        f"Each call showed {count(found.examples)} texts, training rows and now and then new ones, and asked for more of the kind (Self-Instruct, "
        f"Wang et al. 2022). Near: a ROUGE-L of {found.similarity:g} or more over words. New rows have no gold label, and are on no side but training's."
    )
    return tag("p", words, class_="caption")


def _texts(found: Synthesised) -> Child:
    rows = [("kept", text) for text in found.first]
    rows += [(f"near {NEAR[one.near]}", one.text) for one in found.dropped]
    if not rows:
        return None
    lines = [tag("tr", tag("th", fate, scope="row"), tag("td", text[:200])) for fate, text in rows]
    return tag("div", tag("table", tag("tbody", lines), class_="figures left"), class_="scroll")
