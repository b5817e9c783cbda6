"""What a child says of a dataset that it has inspected, against what it left."""

from typing import Any

import pytest

from models.claim import Grip
from models.start import Work
from spec.run import PREVIEW, PREVIEW_BYTES, Output, Result
from tests.spec.builders import dataset, split
from workers.intake import Untrusted
from workers.verify import verify

FACTS = dataset(splits={"train": split("train", 100)})
ROWS = {"train.arrow": {"digest": FACTS.splits["train"].digest, "bytes": FACTS.splits["train"].bytes}}


def inspected(outputs: dict[str, dict[str, Any]]) -> None:
    work = Work(
        grip=Grip(job="job_x", step="stp_x", name="inspect", fence=1, memory=1), project="prj_x", verb="inspect", queue="cpu", optional=False,
        divisible=False, params={}, files={}, checkpoints=[], micro_batch=None, context={}, seconds_left=None,
    )  # fmt: skip
    told = {path: Output.model_validate(file) for path, file in outputs.items()}
    verify(work, Result(status="succeeded", outputs=told, facts=FACTS.model_dump(mode="json")), outputs)


def test_a_preview_that_the_api_can_read() -> None:
    inspected({**ROWS, PREVIEW: {"digest": "d", "bytes": PREVIEW_BYTES}})
    for wrong in ({}, {PREVIEW: {"digest": "d", "bytes": PREVIEW_BYTES + 1}}):
        with pytest.raises(Untrusted, match=PREVIEW):
            inspected({**ROWS, **wrong})


def test_rows_that_are_not_what_the_facts_say() -> None:
    with pytest.raises(Untrusted, match=r"train\.arrow"):
        inspected({PREVIEW: {"digest": "d", "bytes": 2}})
