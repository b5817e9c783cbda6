"""A step: one process of a job, as it is planned."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from spec.facts import StoredFile
from spec.params import Params
from spec.run import Verb

VERSIONS: dict[str, int] = {
    "inspect": 5, "synthesise": 1, "augment": 1, "answer": 6, "keep": 2, "score": 1, "train": 2, "grade": 1, "package": 1,
}  # fmt: skip
"""In every key: raised when a verb gives other bytes for the same params, or a default of its params changes."""
PERSONAL: frozenset[Verb] = frozenset({"package"})
"""Verbs whose outputs tell of their job, its costs and its hour: done for every job, however alike."""
FIRST = "first"
"""The param of an `answer` that is a preview: whoever has to approve sees the answers in the events of his own job, and what they cost it."""
TRAIN = "train/rows.arrow"
"""The input of training rows."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One process: the unit of lease, retry, cost and cache."""

    name: str
    verb: Verb
    queue: Literal["gpu", "cpu", "io"]
    params: dict[str, Any]
    """One of spec/params.py, without its defaults."""
    inputs: dict[str, StoredFile]
    """`train/rows.arrow` to the file in storage."""
    wider: dict[str, Any] | None = None
    """Params of a step of this verb and these inputs that makes all that this one makes, and more: its outputs serve as well."""
    needs: dict[str, str] = field(default_factory=dict)
    """Input name to the step whose outputs it is; must succeed."""
    wants: dict[str, str] = field(default_factory=dict)
    """The same, taken if it is there."""
    after: tuple[str, ...] = ()
    """Order alone."""
    optional: bool = False
    """Its failure does not fail the job."""
    divisible: bool = False
    """May be cut short by a cap or by `finish`."""
    memory: int
    """Bytes, estimated."""
    seconds: float
    """Of one CPU core, estimated."""
    context: dict[str, Any] = field(default_factory=dict)
    """For reports; changes no result and is in no key."""


def personal(verb: str, params: Mapping[str, Any]) -> bool:
    """Whether a step is done for every job, and what it makes answers for no other."""
    return verb in PERSONAL or params.get(FIRST) is not None


def dump(params: Params) -> dict[str, Any]:
    """Defaults are left out: a new field with a neutral default keeps old keys."""
    return params.model_dump(mode="json", exclude_defaults=True)
