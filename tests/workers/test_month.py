"""Jobs that a project's month has no money for: they wait while it is set aside or spent, and go on by themselves."""

from typing import Any

import pytest
from sqlalchemy import text

from gateway.front import SPENT
from models import month, postage, purse
from models.postage import Entry, Parcel
from models.project import Project
from models.purse import Spent
from models.start import Work
from spec.problem import Problem
from tests.models.world import World
from tests.workers.desk import begun
from workers.claim import Ledger
from workers.post import Post
from workers.sweeper import Sweeper

CAP = 1.0
MOST, CALL = 900_000, 200_000
"""Micro-dollars: what one job has of the month, and what a call of the other may cost."""
LAST_MONTH = text("UPDATE charges SET day = to_char(timezone('UTC', now()) - interval '1 month', 'YYYY-MM-DD')")


def capped(world: World, project: str, usd: float | None) -> None:
    def change(session: Any) -> None:
        session.get(Project, project).usd_per_month = usd

    world(change)


@pytest.fixture
def project(world: World) -> str:
    capped(world, made := world.project(), CAP)
    return made


def barred(world: World, ledger: Ledger, project: str, rich: Work) -> str:
    """A job that pauses, since another one has had the money. What it is told."""
    ledger(purse.reserve, rich.grip, "ep_words", 1, MOST, MOST)
    poor = begun(world, project)
    assert ledger(purse.reserve, poor.grip, "ep_words", 1, 64 * CALL, CALL).barred == "project"
    return paused(world, poor, SPENT["project"])


def paused(world: World, work: Work, problem: Problem) -> str:
    world.end(work.grip, "failed", retry="infrastructure", error=problem)
    assert world.job(work.grip.job).paused_for == "month_cap"
    return work.grip.job


def told(world: World, job: str) -> str:
    return [event.message for event in world.events(job) if event.type == "message"][-1]


def spend(world: World, ledger: Ledger, project: str, work: Work, amount: int) -> None:
    spent = Spent(
        group=1, endpoint="ep_words", price_version=1, amount=amount, released=MOST, calls=1, input_tokens=1,
        output_tokens=1, cached_tokens=0,
    )  # fmt: skip
    ledger(purse.settle, work.grip, project, spent)
    world.end(work.grip)


def test_money_that_is_set_aside_is_waited_for(world: World, ledger: Ledger, post: Post, project: str) -> None:
    rich = begun(world, project)
    job = barred(world, ledger, project, rich)
    assert "set aside for calls that are under way" in told(world, job) and "spent" not in told(world, job)
    Sweeper(post).sweep()
    assert world.states(job)["answer"] == "paused"
    spend(world, ledger, project, rich, 100_000)
    Sweeper(post).sweep()
    assert world.states(job)["answer"] == "ready" and world.job(job).paused_for is None


@pytest.mark.parametrize("end", ["month", "cap", "no cap"])
def test_money_that_is_spent_is_waited_for_until_the_month_ends(
    world: World, ledger: Ledger, post: Post, project: str, end: str
) -> None:
    rich = begun(world, project)
    job = barred(world, ledger, project, rich)
    spend(world, ledger, project, rich, MOST)
    following = world(lambda session: session.scalar(month.NEXT))
    reason = world(month.why, world.job(job))
    assert reason is not None and f"($1.00) is spent: the job goes on by itself on {following} (UTC)" in reason
    Sweeper(post).sweep()
    assert world.states(job)["answer"] == "paused"
    if end == "month":
        world(lambda session: session.execute(LAST_MONTH))
    else:
        capped(world, project, 5.0 if end == "cap" else None)
    Sweeper(post).sweep()
    assert world.states(job)["answer"] == "ready"
    assert not any(purse.BARRED in step.context for step in world.steps(job).values()), (
        "it may lack something else next"
    )


def test_a_little_that_comes_back_is_left_to_those_who_ask(
    world: World, ledger: Ledger, post: Post, project: str
) -> None:
    """Else a job would go on for a call, and pause again."""
    rich = begun(world, project)
    job = barred(world, ledger, project, rich)
    capped(world, project, CAP + 0.3)
    Sweeper(post).sweep()
    assert world.states(job)["answer"] == "paused"


def test_what_a_job_has_itself_is_no_room(world: World, ledger: Ledger, project: str) -> None:
    """It comes back before the job waits: with it alone the job would go on, and pause again."""
    rich, poor = begun(world, project), begun(world, project)
    ledger(purse.reserve, rich.grip, "ep_words", 1, MOST, MOST)
    assert ledger(purse.reserve, poor.grip, "ep_words", 1, 100_000, 100_000).granted == 100_000
    assert ledger(purse.reserve, poor.grip, "ep_words", 2, 64 * CALL, CALL - 100_000, CALL).barred == "project"
    assert world.steps(poor.grip.job)["answer"].context[purse.BARRED] == CALL


def test_a_new_month_is_not_waited_for_till_nothing_is_set_aside(
    world: World, ledger: Ledger, post: Post, project: str
) -> None:
    """Eight calls of this job are more than the cap."""
    rich = begun(world, project)
    job = barred(world, ledger, project, rich)
    spend(world, ledger, project, rich, MOST)
    ledger(purse.reserve, begun(world, project).grip, "ep_words", 1, 10, 10)
    Sweeper(post).sweep()
    assert world.states(job)["answer"] == "paused"
    world(lambda session: session.execute(LAST_MONTH))
    Sweeper(post).sweep()
    assert world.states(job)["answer"] == "ready"


def test_a_batch_waits_too(world: World, ledger: Ledger, post: Post, project: str) -> None:
    """For the money of a call: when it goes on, nothing is sent yet, and any batch is worth sending."""
    rich = begun(world, project)
    ledger(purse.reserve, rich.grip, "ep_words", 1, MOST, MOST)
    poor = begun(world, project)
    entries = [Entry(digest=str(number), first=0, samples=1, bound=CALL // 8) for number in range(8)]
    parcel = Parcel(id="bat_a", endpoint="ep_words", place="d", price=None, entries=entries, least=8)
    assert ledger(postage.stamp, poor.grip, parcel).barred == "project"
    assert world.steps(poor.grip.job)["answer"].context[purse.BARRED] == CALL // 8
    job = paused(world, poor, SPENT["project"])
    assert "set aside for calls that are under way" in told(world, job)
    spend(world, ledger, project, rich, 100_000)
    Sweeper(post).sweep()
    assert world.states(job)["answer"] == "ready"


def test_what_cannot_be_held_waits_for_its_owner(world: World, ledger: Ledger, post: Post, project: str) -> None:
    work = begun(world, project)
    job = paused(world, work, Problem(code="month_cap", message="The endpoint has no price."))
    Sweeper(post).sweep()
    assert world.states(job)["answer"] == "paused"
    assert told(world, job) == "Paused: the project's cap of this month forbids further calls."
    assert world(month.why, world.job(job)) is None
