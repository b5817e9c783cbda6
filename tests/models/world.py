"""The engine without processes: jobs of hand-made plans, and a worker's moves made one by one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import create_engine, func, select, text
from sqlalchemy.orm import Session, sessionmaker

from models import claim, finish, scribe, start
from models import job as jobs
from models.advance import advance
from models.claim import Grip
from models.event import Event
from models.finish import Outcome, Patience
from models.job import Job, JobKind
from models.model import Model
from models.project import Project
from models.start import Work
from models.step import Step, StepState
from models.worker import Worker
from spec.digest import digest
from spec.ids import new_id
from spec.run import Result

P = ParamSpec("P")
T = TypeVar("T")
LEASE = 60.0
MEMORY = 10**12
WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A step of a hand-made plan."""

    name: str
    verb: str = "train"
    queue: str = "gpu"
    needs: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    optional: bool = False
    divisible: bool = False
    memory: int = 0
    estimate: float = 0.0
    params: Mapping[str, Any] = field(default_factory=dict)
    wider: Mapping[str, Any] | None = None


HINTON = (
    Planned(name="score", verb="score"),
    Planned(name="train", needs=("score",), divisible=True),
    Planned(name="train.no_teacher", optional=True, divisible=True),
    Planned(name="grade", verb="grade", needs=("score", "train"), wants=("train.no_teacher",), estimate=10.0),
    Planned(name="package", verb="package", queue="cpu", needs=("train", "grade"), wants=("train.no_teacher",)),
)


class World:
    """One database. Every call is a transaction of its own."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url, pool_pre_ping=True)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    def __call__(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        with self._sessions.begin() as session:
            return work(session, *args, **kwargs)

    def project(self, name: str = "p") -> str:
        def made(session: Session) -> str:
            session.add(Project(id=(id := new_id("proj_")), name=name))
            return id

        return self(made)

    def submit(
        self, project: str, plan: Sequence[Planned] = HINTON, *, seed: int = 0, hours: float | None = None
    ) -> str:
        """A job of this plan; jobs of one seed have equal keys."""

        def made(session: Session) -> str:
            job = Job(id=new_id("dst_"), project=project, kind=JobKind.DISTILLATION, name="job", spec={}, resolved={})
            job.hours, job.subject = hours, new_id("mdl_")
            session.add_all([job, Model(id=job.subject, project=project, name="s", origin="distillation", request={})])
            session.flush()
            for ordinal, step in enumerate(plan):
                session.add(_row(job, ordinal, step, seed))
            advance(session, job)
            return job.id

        return self(made)

    def connect(self, price: float, *queues: str, id: str = "wrk_a") -> None:
        """A worker whose device costs so much an hour."""
        row = Worker(
            id=id, name=id, hostname="h", queues=list(queues), slots=1, device="cpu", memory=MEMORY, price_per_hour=price,
            sandbox="none", trusted=True, last_seen=func.now(),
        )  # fmt: skip
        self(lambda session: session.add(row))

    def claim(self, queue: str = "gpu", *, memory: int = MEMORY, worker: str = "wrk_a") -> Grip | None:
        return self(claim.claim, worker, queue, memory, LEASE)

    def start(self, grip: Grip) -> Work | None:
        return self(start.start, grip, LEASE)[0]

    def begin(self, queue: str = "gpu") -> Work:
        """Claims and starts the next step of a queue, which must be there."""
        grip = self.claim(queue)
        assert grip is not None, f"nothing waits in {queue}"
        work = self.start(grip)
        assert work is not None, f"{grip.name} had not to be done"
        return work

    def end(
        self, grip: Grip, status: str = "succeeded", *, over_budget: bool = False, bare: bool = False, **result: Any
    ) -> set[str]:
        """The end of an attempt, with one output if it has any; `bare`: it was killed before it could write some."""
        step = result.setdefault("step", 100)
        made = {} if bare or status == "failed" else {"out": {"digest": digest([grip.step, step]), "bytes": 4}}
        said = Result.model_validate(
            {"status": status, "facts": MODEL_FACTS if grip.name == "package" else None, **result}
        )
        outcome = Outcome(result=said, outputs=made, over_budget=over_budget)
        return self(finish.finish, grip, outcome, Patience(max_attempts=3, backoff=0.0))

    def checkpoint(self, grip: Grip, number: int) -> bool:
        files = {"state": {"digest": digest([grip.step, "checkpoint", number]), "bytes": 9}}
        return self(scribe.checkpoint, grip, f"{number:06d}", number, files)

    def outlive(self, grip: Grip) -> None:
        """The lease of a step runs out."""
        late = text("UPDATE steps SET lease = clock_timestamp() - interval '1 second' WHERE id = :id")
        self(lambda session: session.execute(late, {"id": grip.step}))

    def job(self, id: str) -> Job:
        found = self(lambda session: session.get(Job, id))
        assert found is not None
        return found

    def steps(self, job: str) -> dict[str, Step]:
        listed = select(Step).where(Step.job == job).order_by(Step.ordinal)
        return {step.name: step for step in self(lambda session: session.scalars(listed).all())}

    def states(self, job: str) -> dict[str, str]:
        return {name: step.state for name, step in self.steps(job).items()}

    def events(self, job: str) -> list[Event]:
        return list(
            self(lambda session: session.scalars(select(Event).where(Event.job == job).order_by(Event.seq)).all())
        )

    def drain(self) -> None:
        """An ideal worker: everything that can be claimed succeeds."""
        while grips := [grip for queue in ("gpu", "cpu") if (grip := self.claim(queue)) is not None]:
            for grip in grips:
                if self.start(grip) is not None:
                    self.end(grip)

    @contextmanager
    def held(self, job: str) -> Iterator[None]:
        """Somebody else has the job's lock."""
        with self._sessions.begin() as session:
            jobs.lock(session, job)
            yield

    def waiting(self) -> int:
        """Transactions that wait for another's lock."""
        return self(lambda session: session.scalar(WAITING)) or 0

    def close(self) -> None:
        self.engine.dispose()


MODEL_FACTS: dict[str, Any] = {
    "digest": "d",
    "format": "safetensors",
    "files": {},
    "signature": {"input": {"kind": "array", "shape": [4]}, "output": {"kind": "classes", "classes": ["a", "b"]}},
    "parameters": 1,
    "bytes": 4,
}


def _row(job: Job, ordinal: int, step: Planned, seed: int) -> Step:
    return Step(
        id=new_id("stp_"),
        job=job.id,
        project=job.project,
        ordinal=ordinal,
        name=step.name,
        verb=step.verb,
        queue=step.queue,
        needs={name: name for name in step.needs},
        wants={name: name for name in step.wants},
        optional=step.optional,
        divisible=step.divisible,
        params={"seed": seed, "of": step.name, **step.params},
        wider={"seed": seed, "of": step.name, **step.wider} if step.wider is not None else None,
        memory=step.memory,
        estimate=step.estimate,
        state=StepState.BLOCKED,
    )
