"""`augment`: copies of training texts with words left out, behind the rows themselves, for a teacher to score or answer."""

import numpy as np

from distill.data.draw import divide
from distill.data.extended import extend
from distill.data.rows import Ints, Rows
from distill.data.words import copies
from distill.progress import Progress
from distill.report.asked import Copied
from distill.run import RunFolder
from spec.params import AugmentParams
from spec.problem import Problem, Refused
from spec.run import Result

SHOWN = 8
"""Copies that the report shows."""


def run(folder: RunFolder, params: AugmentParams) -> Result:
    """Stopped, it has no outputs. Refused: `no_copies` where every copy is a row's text."""
    rows = Rows.open(folder.input("train/rows.arrow"), params.take.roles)
    (name,) = rows.roles.inputs
    apart = [folder.input(f"{side}/rows.arrow") for side in ("heldout", "validation")]
    files = [rows, *(Rows.open(path, params.take.roles) for path in apart if path.exists())]
    known = {digest.tobytes() for one in files for digest in one.digests}
    train: Ints = divide(rows, params.take).train
    texts = [text or "" for text in rows.texts(name).take(train).to_pylist()]
    digests, wanted = rows.digests[train], params.words.copies
    progress = Progress(folder, start=0, total=wanted, unit="copies", rows=len(train))
    made: list[str] = []
    of: list[Ints] = []
    for number in range(wanted):
        if folder.stop_requested:
            return Result(status="stopped")
        drawn, places = copies(texts, digests, params.take.seed, params.words, number, known)
        made += drawn
        of.append(train[places])
        progress.tell(number + 1)
    found = Copied(wanted=len(train) * wanted, kept=len(made), first=tuple(made[:SHOWN]))
    if not made:
        message = "No copy with words left out is another text than a row's."
        hint = "Raise drop or ngram, or leave augment out."
        raise Refused(Problem(code="no_copies", message=message, param="data.augment", hint=hint))
    extend(folder.output("rows.arrow"), rows, made, np.concatenate(of))
    folder.output("copies.json").write_text(found.model_dump_json(indent=1), encoding="utf-8")
    folder.message(sentence(found))
    return Result(status="succeeded", summary={"wanted": found.wanted, "kept": found.kept})


def sentence(found: Copied) -> str:
    left = found.wanted - found.kept
    return f"{found.kept:,} copies of training texts with words left out; {left:,} more would have been a text that is there already."
