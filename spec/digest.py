"""Canonical JSON, and the keys that a step's outputs are found by."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from spec.facts import Signature, StoredFile
from spec.step import VERSIONS, personal
from spec.student import Student


class Keyed(Protocol):
    """What a key is made of: a planned step, or its row."""

    @property
    def verb(self) -> str: ...
    @property
    def params(self) -> Mapping[str, Any]: ...
    @property
    def wider(self) -> Mapping[str, Any] | None: ...
    @property
    def inputs(self) -> Mapping[str, StoredFile | Mapping[str, Any]]: ...


def plain(value: Any) -> Any:
    """`value` as JSON has it: tuples are lists, and -0.0, which equals 0.0, is written like it."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value + 0.0
    return value


def canonical(value: Any) -> bytes:
    """One spelling of plain values: sorted keys, no spaces, floats by `repr`. Raises ValueError for NaN and infinities."""
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def digest(value: Any) -> str:
    """sha256 of the canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def step_key(step: Keyed, project: str, inputs_of_needs: Mapping[str, str]) -> str:
    """The key of a step's outputs.

    `inputs_of_needs`: input name to the output digest of the step that it comes from, of needs and of settled wants.
    `step.params` must leave defaults out, so that a new field with a neutral default keeps old keys.
    """
    return _key(step, step.params, project, inputs_of_needs)


def serving_keys(step: Keyed, project: str, inputs_of_needs: Mapping[str, str]) -> tuple[str, ...]:
    """Keys whose outputs may stand for this step's, the best first: its own, and a wider step's. None for a step that is done for every job."""
    if personal(step.verb, step.params):
        return ()
    return tuple(
        _key(step, params, project, inputs_of_needs) for params in (step.params, step.wider) if params is not None
    )


def _key(step: Keyed, params: Mapping[str, Any], project: str, inputs_of_needs: Mapping[str, str]) -> str:
    return digest(
        {
            "verb": step.verb,
            "version": VERSIONS[step.verb],
            "project": project,
            "params": params,
            "inputs": {path: _digest_of(file) for path, file in step.inputs.items()},
            "needs": inputs_of_needs,
        }
    )


def output_digest(outputs: Mapping[str, StoredFile | Mapping[str, Any]]) -> str:
    """One digest for all the files that a step made."""
    return digest({path: _digest_of(file) for path, file in outputs.items()})


YOUNGER = (
    ("text_encoder", "tokenizer", None),
    ("text_classifier", "pooling", "mean"),
    ("text_classifier", "dropout", 0.0),
)
"""Fields of architectures, at the values that all had before there were digests with them: they are left out."""


def model_digest(weights: str, architecture: Student | None, signature: Signature) -> str:
    """`ModelFacts.digest`, of uploads and students alike: what the weights' file holds (its sha256), and how it is read."""
    described = architecture and architecture.model_dump(mode="json")
    if described:
        described = {
            name: value for name, value in described.items() if (described["type"], name, value) not in YOUNGER
        }
    return digest(
        {
            "weights": weights,
            "architecture": described,
            "signature": signature.model_dump(mode="json"),
        }
    )


def _digest_of(file: StoredFile | Mapping[str, Any]) -> str:
    return file.digest if isinstance(file, StoredFile) else str(file["digest"])
