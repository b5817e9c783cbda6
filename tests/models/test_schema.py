"""What Alembic cannot see: the members of the CHECKs, and the transitions that the triggers allow."""

import re
from contextlib import nullcontext
from enum import StrEnum
from itertools import product

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from models import job as jobs
from models import step as steps
from models.batch import BatchState
from models.dataset import Readiness
from tests.models.world import Planned, World

CHECKED = {
    "ck_jobs_kind": jobs.JobKind,
    "ck_jobs_state": jobs.JobState,
    "ck_jobs_intent": jobs.Intent,
    "ck_steps_state": steps.StepState,
    "ck_steps_queue": steps.Queue,
    "ck_datasets_state": Readiness,
    "ck_models_state": Readiness,
    "ck_batches_state": BatchState,
}


def test_every_check_has_the_members_of_its_enum(world: World) -> None:
    listed = text("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c' AND conrelid <> 0")
    found: dict[str, str] = dict(world(lambda session: session.execute(listed).all()))
    members = {name: set(re.findall(r"'(\w+)'", definition)) for name, definition in found.items()}
    assert members == {name: {member.value for member in enum} for name, enum in CHECKED.items()}


@pytest.mark.parametrize(
    ("table", "states", "transitions"),
    [("jobs", jobs.JobState, jobs.TRANSITIONS), ("steps", steps.StepState, steps.TRANSITIONS)],
)
def test_the_trigger_allows_what_the_model_says(
    world: World, table: str, states: type[StrEnum], transitions: dict[StrEnum, frozenset[StrEnum]]
) -> None:
    job = world.submit(world.project(), [Planned(name="only")])
    id = job if table == "jobs" else world.steps(job)["only"].id
    fence = "" if table == "jobs" else ", fence = fence + 1"
    for old, new in product(states, states):
        # Without the trigger for a moment, to begin in any state.
        force = f"UPDATE {table} SET state = '{old}' WHERE id = '{id}'"
        world(lambda session, it: session.execute(text(f"SET LOCAL session_replication_role = replica; {it}")), force)
        allowed = new == old or new in transitions[old]
        with nullcontext() if allowed else pytest.raises(IntegrityError, match=f"{old} to {new} is no transition"):
            move = f"UPDATE {table} SET state = '{new}'{fence} WHERE id = '{id}'"
            world(lambda session, it: session.execute(text(it)), move)


@pytest.mark.parametrize("change", ["fence = fence - 1", "state = 'running'"])
def test_a_fence_only_rises(world: World, change: str) -> None:
    job = world.submit(world.project(), [Planned(name="only")])
    with pytest.raises(IntegrityError):
        world(lambda session: session.execute(text(f"UPDATE steps SET {change} WHERE job = '{job}'")))


@pytest.mark.parametrize("table", ["jobs", "steps"])
def test_nothing_begins_in_the_middle(world: World, table: str) -> None:
    world.submit(world.project(), [Planned(name="only")])
    columns = "id || 'x', project, kind, name, spec, 'running', intent"
    copied = "id, project, kind, name, spec, state, intent"
    if table == "steps":
        columns = "id || 'x', job, project, ordinal, name, verb, queue, optional, divisible, params, 'ready', cut"
        copied = "id, job, project, ordinal, name, verb, queue, optional, divisible, params, state, cut"
    with pytest.raises(IntegrityError, match="begins"):
        world(lambda s: s.execute(text(f"INSERT INTO {table} ({copied}) SELECT {columns} FROM {table}")))
