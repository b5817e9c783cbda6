"""Keys leave defaults out, so a changed default would answer for other bytes: it must come with a new version of the verb."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from spec.params import (
    AnswerParams,
    AugmentParams,
    GradeParams,
    InspectDataset,
    InspectModel,
    InspectPair,
    InspectTokenizer,
    KeepParams,
    PackageParams,
    ScoreParams,
    SynthesiseParams,
    TrainParams,
)
from spec.step import VERSIONS

SNAPSHOT = Path(__file__).with_name("defaults.json")
PARAMS: dict[str, tuple[type[BaseModel], ...]] = {
    "inspect": (InspectDataset, InspectModel, InspectTokenizer, InspectPair),
    "synthesise": (SynthesiseParams,),
    "augment": (AugmentParams,),
    "answer": (AnswerParams,),
    "keep": (KeepParams,),
    "score": (ScoreParams,),
    "train": (TrainParams,),
    "grade": (GradeParams,),
    "package": (PackageParams,),
}


def defaults(verb: str) -> dict[str, Any]:
    """Every default that params of a verb may leave out, `Mlp.norm` to "none"."""
    found: dict[str, Any] = {}
    for model in PARAMS[verb]:
        schema = model.model_json_schema()
        for name, part in {model.__name__: schema, **schema.get("$defs", {})}.items():
            fields = part.get("properties", {}).items()
            found |= {f"{name}.{field}": inner["default"] for field, inner in fields if "default" in inner}
    return found


def current() -> dict[str, Any]:
    return {verb: {"version": VERSIONS[verb], "defaults": defaults(verb)} for verb in PARAMS}


@pytest.mark.parametrize("verb", PARAMS)
def test_a_changed_default_raises_the_verbs_version(verb: str) -> None:
    known = json.loads(SNAPSHOT.read_text())[verb]
    now = defaults(verb)
    changed = [name for name, value in known["defaults"].items() if name in now and now[name] != value]
    assert not changed or VERSIONS[verb] > known["version"], f"raise VERSIONS[{verb!r}]: {changed} changed"


def test_the_snapshot_is_current() -> None:
    assert json.loads(SNAPSHOT.read_text()) == current(), "python -m tests.spec.test_defaults writes it anew"


def test_every_verb_has_a_version() -> None:
    assert VERSIONS.keys() == PARAMS.keys()


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(current(), indent=1, sort_keys=True) + "\n")
    sys.stdout.write(f"{SNAPSHOT}\n")
