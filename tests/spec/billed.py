"""Rows whose answers have a price that can be reckoned by hand."""

from spec.facts import ColumnFacts, Facts, Roles
from tests.spec.builders import dataset, endpoint, facts, names, split

PROSE = {"makeup": {"text": {"prose": 1.0}}}
TRAIN = split("train", 1000).model_copy(update=PROSE | {"text_bytes": {"text": 60_000}, "longest": {"text": 200}})
TEST = split("test", 100).model_copy(update=PROSE | {"text_bytes": {"text": 8_000}, "longest": {"text": 150}})
COLUMNS = {"text": ColumnFacts(kind="text", dtype="str"), "label": names()}
SYSTEM = "Which digit?"


def known(**more: object) -> Facts:
    rows = dataset({"train": TRAIN, "test": TEST}, COLUMNS, Roles(input="text", label="label"))
    return facts(datasets={"ds_texts": rows}, endpoints={"ep_open": endpoint(**more)})


def tokens(text: str) -> float:
    """Of plain letters and single symbols, at a quarter of a token each; blanks around a symbol count as one, here `_`."""
    return 0.25 * len("".join(text.split()))
