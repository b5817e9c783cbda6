"""A preview: some rows, each with its answer, and what the filters would say of it. A judge is not asked yet."""

import json
from typing import Any

from distill.answers.filters import Filters, applying, words
from distill.answers.graders import Given
from distill.answers.layout import LOG, kept, named
from distill.answers.prompts import Prompts
from distill.answers.side import Sides
from distill.run import RunFolder
from spec.money import dollars
from spec.params import AnswerParams


def show(folder: RunFolder, params: AnswerParams, sides: Sides) -> None:
    """One message a row, with what its answer has cost this job, and one for all filters. Refused (`filter_too_slow`)."""
    rows = {side.name: side.rows for side in sides}
    prompts = {name: Prompts(params.question, found, ()) for name, found in rows.items()}
    filters = Filters(params.graders, applying(rows["train"], params.graders))
    for line in folder.output(LOG).read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        question = prompts[told["side"]].text(told["row"])
        said = " | ".join(told.get("answers", [])) or told.get("message", "")
        dropped = _dropped(filters, told) if params.graders and kept(told) else ""
        read = f"{named(told['label']) or told['kind']}{dropped}; {dollars(told['usd'])}"
        folder.message(f"{told['side']} row {told['row']}: {question[:300]} -> {said[:200]} ({read})", usd=told["usd"])
    if params.graders:
        folder.message(f"Filters would keep {filters.rows - filters.dropped} of {filters.rows} answered training rows.")


def _dropped(filters: Filters, told: dict[str, Any]) -> str:
    """What follows the label in a row's line; nothing where the row is kept."""
    failing = filters.take(int(told["row"]), Given(texts=tuple(told["answers"]), votes=told.get("votes", 1)))
    if failing is None:
        return ", dropped: no filter applies to it"
    return f", dropped by {'; '.join(words(filters.graders[place]) for place in failing)}" if failing else ""
