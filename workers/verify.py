"""What a child says of its outputs, against what was found. A child that lies fails its step."""

from typing import Any

from pydantic import ValidationError

from models.start import Work
from spec.facts import DatasetFacts, ModelFacts, PairFacts, TokenizerFacts
from spec.run import PREVIEW, PREVIEW_BYTES, Result
from workers.intake import Untrusted

Files = dict[str, dict[str, Any]]


def verify(work: Work, result: Result, outputs: Files) -> None:
    """Raises Untrusted if outputs or facts of a result are not what is there."""
    said = {path: {"digest": file.digest, "bytes": file.bytes} for path, file in result.outputs.items()}
    if said != outputs:
        wrong = sorted(path for path in said.keys() | outputs.keys() if said.get(path) != outputs.get(path))
        raise Untrusted(f"outputs/{wrong[0]} is not what the result says")
    if result.status != "succeeded":
        return
    try:
        _verify_facts(work, result, outputs)
    except ValidationError as error:
        raise Untrusted(f"facts: {error}") from error
    if work.verb == "train" and result.step is None:
        raise Untrusted("a training that does not say its steps")


def _verify_facts(work: Work, result: Result, outputs: Files) -> None:
    kind = work.params.get("kind", "dataset") if work.verb == "inspect" else work.verb
    if kind == "dataset":
        splits = DatasetFacts.model_validate(result.facts).splits
        _found({split.path: (split.digest, split.bytes) for split in splits.values()}, outputs)
        if PREVIEW not in outputs or outputs[PREVIEW]["bytes"] > PREVIEW_BYTES:
            raise Untrusted(f"{PREVIEW} is not there, or has more than {PREVIEW_BYTES} bytes")
    elif kind in ("model", "package"):
        files = ModelFacts.model_validate(result.facts).files
        known = {(file["digest"], file["bytes"]) for file in (*outputs.values(), *work.files.values())}
        strange = sorted(name for name, file in files.items() if (file.digest, file.bytes) not in known)
        if strange:
            raise Untrusted(f"facts name a file that is not there: {strange[0]}")
    elif kind == "tokenizer":
        told = TokenizerFacts.model_validate(result.facts)
        if (told.digest, told.bytes) not in {(file["digest"], file["bytes"]) for file in work.files.values()}:
            raise Untrusted("facts tell of another tokenizer")
    elif kind == "pair":
        PairFacts.model_validate(result.facts)


def _found(told: dict[str, tuple[str, int]], outputs: Files) -> None:
    for path, (digest, size) in told.items():
        if outputs.get(path) != {"digest": digest, "bytes": size}:
            raise Untrusted(f"facts name a file that is not there: {path}")
