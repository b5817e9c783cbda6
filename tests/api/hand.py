"""A worker by hand: the engine's own functions and storage, driven by a test, so that the API is tested without torch."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, delete, text
from sqlalchemy.orm import Session

import models.project  # noqa: F401  # other tables refer to its table by name
from models import job as jobs
from models import scribe
from models.admission import admit, unplanned
from models.claim import Grip
from models.event import Line
from models.finish import Outcome, Patience, finish
from models.job import Job
from models.start import Work, start
from models.worker import Worker
from spec.facts import ColumnFacts, DatasetFacts, ModelFacts, Roles, SplitFacts, StoredFile
from spec.ids import new_id
from spec.problem import Problem
from spec.run import Result
from storage import Storage, open_storage
from tests.api.service import Tenant
from tests.spec import builders

LEASE = 60.0
# The claim, of one project alone: other tests' steps are none of our business.
CLAIM = text("""
UPDATE steps SET state = 'running', owner = :owner, fence = fence + 1, attempts = attempts + 1, tailed = 0,
  claimed_at = clock_timestamp(), lease = clock_timestamp() + make_interval(secs => 60)
WHERE id = (SELECT id FROM steps WHERE project = :project AND state = 'ready' AND verb LIKE :verb
  ORDER BY created_at, ordinal LIMIT 1)
RETURNING id, job, fence, name, memory
""")


@dataclass
class Hand:
    """Works for one project."""

    tenant: Tenant
    engine: Engine
    storage: Storage
    scratch: Path
    inputs: dict[str, Any] = field(default_factory=dict)

    def begin(self, verb: str = "%") -> Work:
        """The project's next ready step, running."""
        with Session(self.engine) as session, session.begin():
            values = {"project": self.tenant.project, "owner": "by hand", "verb": verb}
            row = session.execute(CLAIM, values).one()
        grip = Grip(step=row.id, job=row.job, fence=row.fence, name=row.name, memory=row.memory)
        with Session(self.engine) as session, session.begin():
            work, _ = start(session, grip, LEASE)
        assert work is not None
        return work

    def tell(self, work: Work, *lines: Line) -> None:
        with Session(self.engine) as session, session.begin():
            numbered = [(self._number(), line) for line in lines]
            assert scribe.write(session, work.grip, numbered)

    def progress(self, work: Work, **data: Any) -> None:
        with Session(self.engine) as session, session.begin():
            scribe.progress(session, work.grip, data)

    def checkpoint(self, work: Work, number: int, content: bytes = b"weights") -> None:
        files = {"state.safetensors": self.put(content)}
        with Session(self.engine) as session, session.begin():
            assert scribe.checkpoint(session, work.grip, f"checkpoints/{number:06d}", number, files)

    def end(self, work: Work, outputs: Mapping[str, bytes] | None = None, log: bytes = b"", **result: Any) -> None:
        """Succeeds the step, unless `result` says otherwise."""
        kept = {path: self.put(content) for path, content in (outputs or {}).items()}
        outcome = Outcome(
            result=Result(**{"status": "succeeded"} | result), outputs=kept, log=self.put(log) if log else None
        )
        with Session(self.engine) as session, session.begin():
            finish(session, work.grip, outcome, Patience(max_attempts=1))

    def fail(self, work: Work, problem: Problem) -> None:
        self.end(work, status="failed", error=problem, retry="never")

    def readmit(self) -> None:
        """What a worker does when an inspection has ended: looks again at the project's jobs that wait for facts."""
        with Session(self.engine) as session, session.begin():
            waiting = unplanned().where(Job.project == self.tenant.project)
            for id in session.scalars(waiting).all():
                job = jobs.lock(session, id)
                assert job is not None
                admit(session, job)

    def put(self, content: bytes) -> dict[str, Any]:
        """Content in storage."""
        digest = hashlib.sha256(content).hexdigest()
        source = self.scratch / new_id("tmp_")
        source.write_bytes(content)
        self.storage.put(source, digest)
        return {"digest": digest, "bytes": len(content)}

    def inspect_dataset(self, facts: DatasetFacts | None = None, **content: bytes) -> None:
        """Does the inspection of a dataset: rows of each split, `train=b"..."`, as given."""
        work = self.begin("inspect")
        files = {f"{name}.arrow": rows for name, rows in content.items()}
        preview = {name: [{"image": [[0, 1]], "label": str(i)} for i in range(20)] for name in content}
        outputs = {**files, "preview.json": json.dumps(preview).encode()}
        known = facts or digits({name: self.put(rows) for name, rows in content.items()})
        self.end(work, outputs, facts=known.model_dump(mode="json"))

    def inspect_model(self, weights: bytes = b"weights") -> None:
        work = self.begin("inspect")
        self.end(work, {"model.safetensors": weights}, facts=model(self.put(weights)).model_dump(mode="json"))

    def _number(self) -> int:
        self.inputs["n"] = self.inputs.get("n", 0) + 1
        return int(self.inputs["n"])


def digits(files: Mapping[str, Mapping[str, Any]]) -> DatasetFacts:
    """Facts of the digits, with splits that are really in storage."""
    splits = {
        name: SplitFacts(**{**builders.split(name, 100).model_dump(), "digest": file["digest"], "bytes": file["bytes"]})
        for name, file in files.items()
    }
    return builders.dataset(splits=splits, roles=Roles(input="image", label="label"))


def texts(by: "Hand") -> DatasetFacts:
    """The same of texts, with the rows `rows of train` and `rows of test`."""
    known = digits({name: by.put(f"rows of {name}".encode()) for name in ("train", "test")})
    columns = {"text": ColumnFacts(kind="text", dtype="str"), "label": builders.names()}
    return known.model_copy(update={"columns": columns, "roles": Roles(input="text", label="label")})


def model(file: Mapping[str, Any]) -> ModelFacts:
    stored = {"model.safetensors": StoredFile(digest=file["digest"], bytes=file["bytes"])}
    return builders.model(digest=file["digest"]).model_copy(update={"files": stored})


@contextmanager
def hand(tenant: Tenant, scratch: Path) -> Iterator[Hand]:
    environment = tenant.service.environment
    engine = create_engine(environment["STILLHOUSE_DATABASE_URL"])
    yield Hand(tenant, engine, open_storage(environment["STILLHOUSE_STORAGE"]), scratch)
    engine.dispose()


@contextmanager
def connected(by: Hand, *queues: str, memory: int = 2**40, trusted: bool = True) -> Iterator[None]:
    """A worker of these queues, as far as anybody can see."""
    row = {"id": new_id("wrk_"), "name": new_id("name_"), "hostname": "test", "slots": 1, "device": "cpu"}
    with Session(by.engine) as session, session.begin():
        session.execute(
            text(
                "INSERT INTO workers (id, name, hostname, queues, slots, device, memory, price_per_hour, sandbox, trusted, last_seen)"
                " VALUES (:id, :name, :hostname, cast(:queues AS jsonb), :slots, :device, :memory, 0, 'none', :trusted, now())"
            ),
            {**row, "queues": json.dumps(queues), "memory": memory, "trusted": trusted},
        )
    yield
    with Session(by.engine) as session, session.begin():
        session.execute(delete(Worker).where(Worker.id == row["id"]))
