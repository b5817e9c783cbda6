"""Everything that users, workers and the sweeper can do, in any order, on real PostgreSQL: the promises hold at every step."""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select, update

from models import intent, lease
from models.blob import Ref
from models.charge import Charge
from models.claim import Grip
from models.conflict import Conflict
from models.event import Event
from models.job import ENDED, Job
from models.step import Step, StepState
from spec.problem import Problem
from tests.models.world import HINTON, World
from tests.postgres import Server

FULL = Problem(code="disk_full", message="Full.")
EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "8"))
INTENTS = {"pause": intent.pause, "resume": intent.resume, "cancel": intent.cancel, "finish": intent.finish}


class Engine(RuleBasedStateMachine):
    """Grips stay usable after they are lost: a stale worker is the common case here."""

    submitted, grips = Bundle("jobs"), Bundle("grips")
    server: Server

    def __init__(self) -> None:
        super().__init__()
        self._database = self.server.database()
        self.world = World(self._database.__enter__())
        self.projects = [self.world.project(), self.world.project()]
        self.ended: dict[str, str] = {}
        self.cancelled: set[str] = set()

    @rule(
        target=submitted, project=st.integers(0, 1), seed=st.integers(0, 1), hours=st.sampled_from([None, None, 1e-9])
    )
    def submit(self, project: int, seed: int, hours: float | None) -> str:
        return self.world.submit(self.projects[project], HINTON, seed=seed, hours=hours)

    @rule(target=grips, queue=st.sampled_from(["gpu", "gpu", "cpu"]))
    def claim(self, queue: str) -> Any:
        grip = self.world.claim(queue)
        return multiple() if grip is None else grip

    @rule(grip=grips)
    def start(self, grip: Grip) -> None:
        self.world.start(grip)

    @rule(grip=grips, number=st.integers(1, 99))
    def checkpoint(self, grip: Grip, number: int) -> None:
        self.world.checkpoint(grip, number)

    @rule(grip=consumes(grips), step=st.integers(1, 99))
    def succeed(self, grip: Grip, step: int) -> None:
        self.world.end(grip, step=100)

    @rule(grip=grips, step=st.integers(1, 99), over_budget=st.booleans())
    def stop(self, grip: Grip, step: int, over_budget: bool) -> None:
        self.world.end(grip, "stopped", step=step, over_budget=over_budget)

    @rule(grip=grips, retry=st.sampled_from(["unknown", "infrastructure", "memory", "never"]))
    def fail(self, grip: Grip, retry: str) -> None:
        self.world.end(grip, "failed", retry=retry)

    @rule(grip=grips)
    def fill_the_disk(self, grip: Grip) -> None:
        self.world.end(grip, "failed", retry="infrastructure", error=FULL)

    @rule(job=submitted)
    def find_room(self, job: str) -> None:
        self.world(intent.release, job, "disk_full")

    @rule(grip=grips)
    def expire(self, grip: Grip) -> None:
        self.world.outlive(grip)
        self.world(lease.expire, grip.step, grip.job)

    @rule(job=submitted, wish=st.sampled_from(sorted(INTENTS)))
    def want(self, job: str, wish: str) -> None:
        row = self.world.job(job)
        try:
            self.world(INTENTS[wish], row.project, job)
        except Conflict:
            return
        if wish == "cancel":
            self.cancelled.add(job)

    @invariant()
    def what_has_ended_stays(self) -> None:
        for job in self._jobs():
            if job.id in self.ended:
                assert job.state == self.ended[job.id]
            if job.state in ENDED:
                self.ended[job.id] = job.state
                assert job.finished_at is not None and (job.state != "failed" or job.error is not None)
            if job.id in self.cancelled:
                assert job.state in ("queued", "running", "cancelled")

    @invariant()
    def events_have_no_gap(self) -> None:
        numbers = select(Event.job, func.count(), func.max(Event.seq)).group_by(Event.job)
        last = {job.id: job.last_seq for job in self._jobs()}
        for job, count, highest in self.world(lambda session: session.execute(numbers).all()):
            assert count == highest == last[job]

    @invariant()
    def one_key_runs_once_and_outputs_are_held(self) -> None:
        steps = self.world(lambda session: session.scalars(select(Step)).all())
        held = set(self.world(lambda session: session.execute(select(Ref.owner, Ref.digest)).all()))
        running = [(step.project, step.key) for step in steps if step.state == StepState.RUNNING and step.key]
        assert len(running) == len(set(running))
        for step in steps:
            assert (step.owner is not None) == (step.state == StepState.RUNNING)
            if step.state == StepState.SUCCEEDED:
                assert step.outputs and all((step.id, file["digest"]) in held for file in step.outputs.values())

    @invariant()
    def what_is_to_be_short_stays_short(self) -> None:
        """A finishing job's student is being stopped or ends at its checkpoint; a baseline is no longer than a cut student."""
        steps = {
            (step.job, step.name): step for step in self.world(lambda session: session.scalars(select(Step)).all())
        }
        for job in self._jobs():
            student, baseline = steps[job.id, "train"], steps[job.id, "train.no_teacher"]
            if job.intent == "finish" and student.state in ("ready", "paused"):
                assert student.checkpoints[:1] and student.params["stop_step"] <= student.checkpoints[0]["step"]
            if job.intent == "finish" and student.state == "running":
                assert student.halt == "finish" or "stop_step" in student.params
            if student.cut and student.state == "succeeded" and baseline.state in ("ready", "paused"):
                assert baseline.params["stop_step"] == student.summary["step"]

    @invariant()
    def a_lease_is_charged_once(self) -> None:
        charged = select(func.count(Charge.id)).group_by(Charge.step, Charge.fence)
        assert set(self.world(lambda session: session.scalars(charged).all())) <= {1}

    def teardown(self) -> None:
        """Whatever has happened, an ideal worker brings every job to its end."""
        try:
            for job in self._jobs():
                if job.wish == "pause" and job.state not in ENDED:
                    self.world(intent.resume, job.project, job.id)
            for step, job_id in self.world(
                lambda s: s.execute(select(Step.id, Step.job).where(Step.state == "running")).all()
            ):
                self.world(lease.expire, step, job_id, self._owner(step))
            self.world(lambda session: session.execute(update(Step).values(not_before=None)))
            self.world.drain()
            stuck = {job.id: self.world.states(job.id) for job in self._jobs() if job.state not in ENDED}
            assert not stuck, stuck
        finally:
            self.world.close()
            self._database.__exit__(None, None, None)

    def _owner(self, step: str) -> str | None:
        return self.world(lambda session: session.scalar(select(Step.owner).where(Step.id == step)))

    def _jobs(self) -> list[Job]:
        return list(self.world(lambda session: session.scalars(select(Job)).all()))


@pytest.mark.timeout(600)
def test_the_engine_keeps_its_promises(postgres_server: Server) -> None:
    Engine.server = postgres_server
    allowed = settings(
        max_examples=EXAMPLES, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Engine, settings=allowed)
