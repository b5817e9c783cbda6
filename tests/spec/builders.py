"""Specs and facts to test with: the digits demo, and variations of it by dotted path."""

from copy import deepcopy
from typing import Any

from spec.distillation import Distillation
from spec.errors import parse
from spec.facts import (
    Capabilities,
    ColumnFacts,
    DatasetFacts,
    EndpointFacts,
    Facts,
    InputSignature,
    ModelFacts,
    OutputSignature,
    Price,
    Roles,
    Signature,
    SplitFacts,
    StoredFile,
)
from spec.passages import HELD

DIGITS = tuple("0123456789")
DOCUMENT: dict[str, Any] = {
    "name": "digits",
    "teacher": {"models": ["mdl_x", "mdl_y", "mdl_z"], "combine": "geometric"},
    "data": {"train": "ds_digits/train", "heldout": "ds_digits/test", "labelled": 0.2},
    "student": {"type": "convnet", "channels": [8, 16], "hidden": 16, "norm": "batch"},
    "objective": [
        {"type": "soft_targets", "temperature": 4.0, "weight": 0.9},
        {"type": "labels", "weight": 0.1},
    ],
    "training": {"steps": 1500, "batch_size": 64, "learning_rate": 0.005, "weight_decay": 0.001, "seed": 1},
    "evaluation": {
        "graders": [{"type": "accuracy"}, {"type": "nll"}, {"type": "calibration"}],
        "baselines": ["no_teacher", "all_labels"],
    },
}
ABSENT = object()
"""As a value in `document`: the field is left out."""


def document(changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """The digits job with changes by path: `{"training.seed": 2, "objective.0.temperature": 8.0, "teacher": None}`."""
    made = deepcopy(DOCUMENT)
    for path, value in (changes or {}).items():
        *parents, last = path.split(".")
        place: Any = made
        for step in parents:
            place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
        if value is ABSENT:
            del place[last]
        elif isinstance(place, list):
            place[int(last)] = deepcopy(value)
        else:
            place[last] = deepcopy(value)
    return made


def job(changes: dict[str, Any] | None = None) -> Distillation:
    return parse(document(changes))


LABELS_ONLY: dict[str, Any] = {
    "teacher": None,
    "objective": [{"type": "labels"}],
    "evaluation.baselines": [],
}
"""Changes that make the digits job one without a teacher: its own baseline."""


def split(name: str, rows: int, *, labels: dict[str, int] | None = None, digest: str | None = None) -> SplitFacts:
    counts = dict.fromkeys(DIGITS, rows // 10) if labels is None else labels
    return SplitFacts(
        rows=rows,
        path=f"{name}.arrow",
        digest=digest or f"digest-of-{name}-{rows}",
        bytes=64 * rows,
        labels=counts,
        labelled=sum(counts.values()),
    )


def images(shape: tuple[int, ...] = (8, 8), dtype: str = "uint8", high: float | None = 16.0) -> ColumnFacts:
    return ColumnFacts(kind="image", shape=shape, dtype=dtype, low=0.0, high=high)


def names(values: tuple[str, ...] = DIGITS) -> ColumnFacts:
    return ColumnFacts(kind="class", dtype="str", values=dict.fromkeys(values, 180))


def dataset(
    splits: dict[str, SplitFacts] | None = None,
    columns: dict[str, ColumnFacts] | None = None,
    roles: Roles | None = None,
    **more: Any,
) -> DatasetFacts:
    return DatasetFacts(
        digest="digest-of-dataset",
        splits={"train": split("train", 1029), "test": split("test", 768)} if splits is None else splits,
        columns=columns or {"image": images(), "label": names(), "form": names(("a", "b"))},
        roles=roles or Roles(input="image", label="label"),
        **{"overlaps": {"train|test": 0}} | more,
    )


def model(
    classes: tuple[str, ...] = DIGITS, shape: tuple[int, ...] = (8, 8), scale: float = 1 / 16, digest: str = "x"
) -> ModelFacts:
    return ModelFacts(
        digest=f"digest-of-model-{digest}",
        format="safetensors",
        files={"model.safetensors": StoredFile(digest=f"digest-of-weights-{digest}", bytes=56_000)},
        signature=Signature(
            input=InputSignature(kind="image", shape=shape, dtype="uint8", scale=scale),
            output=OutputSignature(kind="classes", classes=classes),
        ),
        parameters=13_802,
        bytes=55_208,
    )


def endpoint(**more: Any) -> EndpointFacts:
    """One that was probed for its model `large`, and has a price."""
    passages = {kind: 0.25 * sum(held.values()) for kind, held in HELD.items()}
    able = Capabilities(
        top_logprobs=20, several=True, structured=True, tokens_per_byte=0.25, tokens_per_call=8.0, passages=passages
    )
    known = {"models": ("large", "small"), "probed": {"large": able}, "price": Price(input=0.4, output=1.6)}
    return EndpointFacts(digest="digest-of-url", **known | more)


def signals(classes: tuple[str, ...] | None = DIGITS, **more: Any) -> DatasetFacts:
    """Uploaded logits by row id."""
    scores = ColumnFacts(kind="array", shape=(10,), dtype="float32")
    columns = {"id": ColumnFacts(kind="string", dtype="str"), "logits": scores}
    return DatasetFacts(
        digest="digest-of-signals",
        splits={"train": split("signals", 1797, labels={})},
        columns=columns,
        roles=Roles(input=None, id="id", signal="logits"),
        signal="logits",
        classes=classes,
        **more,
    )


def facts(**changes: Any) -> Facts:
    """What the digits job names; `datasets` and `models` are added to it, other fields replaced."""
    known = {
        "datasets": {"ds_digits": dataset()} | changes.pop("datasets", {}),
        "models": {f"mdl_{one}": model(digest=one) for one in "xyz"} | changes.pop("models", {}),
    }
    return Facts(**known, **changes)
