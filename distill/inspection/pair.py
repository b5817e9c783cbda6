"""Two sets of rows compared: training and held-out rows, or rows and the signals for them."""

from distill.data.rows import Rows
from distill.inspection.dataset import overlap
from distill.run import RunFolder
from spec.facts import PairFacts
from spec.params import InspectPair
from spec.run import Result


def inspect(folder: RunFolder, params: InspectPair) -> Result:
    """Counts rows of the second set that the first has, and rows of the first that the second lacks."""
    first, second = (_opened(folder, name, params) for name in ("train", "heldout"))
    unmatched = int((first.places_in(second) < 0).sum())
    facts = PairFacts(overlap=overlap(first, second), unmatched=unmatched)
    return Result(status="succeeded", facts=facts.model_dump(mode="json"))


def _opened(folder: RunFolder, name: str, params: InspectPair) -> Rows:
    path = folder.input(f"{name}/rows.arrow")
    own = Rows.open(path)
    if params.input is None or params.input == own.roles.input:
        return own
    return Rows.open(path, own.roles.model_copy(update={"input": params.input}))
