"""A job to test with: digits, teachers and a student, each brought as far as the test wants."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from models.start import Work
from spec.facts import ModelFacts
from tests.api.hand import Hand, hand, model
from tests.api.service import Tenant, good
from tests.spec.builders import LABELS_ONLY, document

NONE = ("kept", "helped", "retention", "lift", "lift_all_labels", "compression", "compression_of_one")
SUMMARY: dict[str, Any] = dict.fromkeys((*NONE, "speed_up", "speed_up_of_one")) | {
    "verdict": "Kept 98%.",
    "labels": "Nobody saw any.",
    "metric": "accuracy",
    "rows": [],
}


class Jobs:
    """What a project does, with a worker by hand."""

    def __init__(self, tenant: Tenant, by_hand: Hand) -> None:
        self.client, self.tenant, self.hand = tenant.client, tenant, by_hand

    def dataset(self) -> str:
        """A ready dataset with splits train and test."""
        id: str = good(self.client.post("/v1/datasets", json={"files": [self.tenant.upload(os.urandom(8))["id"]]}))[
            "id"
        ]
        self.hand.inspect_dataset(train=b"rows of train", test=b"rows of test")
        return id

    def teacher(self, weights: bytes = b"weights") -> str:
        """A ready model."""
        body = {"files": [self.tenant.upload(weights, "teacher.safetensors")["id"]]}
        id: str = good(self.client.post("/v1/models", json=body))["id"]
        self.hand.inspect_model(weights)
        return id

    def spec(self, changes: dict[str, Any] | None = None, *, labels_only: bool = True) -> dict[str, Any]:
        """A job on a dataset of its own; `labels_only`: train, grade and package, no teacher."""
        dataset = self.dataset()
        rows = {"data.train": f"{dataset}/train", "data.heldout": f"{dataset}/test"}
        taught = LABELS_ONLY if labels_only else {"teacher.models": [self.teacher()]}
        return document({**taught, **rows, **(changes or {})})

    def start(self, spec: dict[str, Any] | None = None) -> dict[str, Any]:
        return good(self.client.post("/v1/distillations", json=spec or self.spec()))

    def get(self, id: str) -> dict[str, Any]:
        return good(self.client.get(f"/v1/distillations/{id}"))

    def run(self, **outputs: bytes) -> Work:
        """Does the next step: outputs by name of file, with __ for the dot."""
        work = self.hand.begin()
        files = {name.replace("__", "."): content for name, content in outputs.items()}
        facts: ModelFacts | None = None
        if work.verb == "package":
            facts = model(self.hand.put(files["model.safetensors"]))
        summary = SUMMARY if work.verb == "package" else {}
        log = f"log of {work.grip.name}\n".encode()
        told = facts.model_dump(mode="json") if facts else None
        self.hand.end(work, files, log, facts=told, summary=summary)
        return work

    def complete(self, id: str) -> dict[str, Any]:
        """Does all that is left of a job without a teacher."""
        self.run(model__safetensors=b"student")
        self.run(grade__json=b"{}")
        self.run(model__safetensors=b"student", report__json=b'{"verdict": "Kept"}', report__html=b"<p>Kept</p>")
        job = self.get(id)
        assert job["state"] == "succeeded", job
        return job


@contextmanager
def jobs_of(tenant: Tenant, scratch: Path) -> Iterator[Jobs]:
    with hand(tenant, scratch) as worker:
        yield Jobs(tenant, worker)
