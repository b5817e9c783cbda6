"""Jobs that waited for facts are planned each on its own."""

import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from models import admission, blob
from models.dataset import Dataset
from models.job import Job
from models.model import Model
from spec.distillation import Distillation
from spec.facts import DatasetFacts, Facts
from spec.resolve import resolve
from tests.models.test_admission import accept, dataset, student_job
from tests.models.world import World
from tests.spec import builders
from workers import readmission
from workers.claim import Ledger
from workers.post import Post

NONSENSE = {"nonsense": 1, "password": "hidden"}
LOCKED = text("SELECT 1 FROM jobs WHERE id = :id FOR UPDATE")


def learn(session: Session, id: str, facts: DatasetFacts) -> None:
    """What the dataset's inspection has found."""
    row = session.get_one(Dataset, id)
    row.facts, row.state = facts.model_dump(mode="json"), "ready"
    row.files = {s.path: {"digest": s.digest, "bytes": s.bytes} for s in facts.splits.values()}
    blob.keep(session, row.project, id, row.files)


def waiting(world: World) -> list[Job]:
    """Two projects' jobs, the first to be tried first; all their facts are there."""
    facts, made = builders.dataset(), list[Job]()
    for project in (world.project("a"), world.project("b")):
        id = dataset(world, project, None)
        made.append(accept(world, project, student_job(id)))
        world(learn, id, facts)
    made.sort(key=lambda job: job.id)
    return made


def unreadable(world: World, job: Job) -> None:
    """As one of a newer version is."""
    world(lambda session: session.execute(update(Job).where(Job.id == job.id).values(spec=NONSENSE)))


def test_a_job_whose_planning_raises_fails_and_holds_up_no_other(
    world: World, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = waiting(world)

    def raises(spec: Distillation, facts: Facts) -> Distillation:
        if spec.data.train == broken.spec["data"]["train"]:
            raise ValueError("nobody foresaw this")
        return resolve(spec, facts)

    monkeypatch.setattr(admission, "resolve", raises)
    assert broken.state == sound.state == "queued"
    assert readmission.readmit(post) == {"gpu"}
    failed = world.job(broken.id)
    assert failed.state == "failed" and failed.finished_at is not None
    assert failed.error == {"code": "internal", "message": "The job could not be planned."}
    assert world.job(sound.id).resolved is not None and world.states(sound.id)["train"] == "ready"
    assert world.events(broken.id)[-1].message == "The job could not be planned."
    student = world(lambda session: session.get_one(Model, broken.subject))
    assert student.state == "failed"
    assert readmission.readmit(post) == set(), "and is not tried again"


def test_a_job_of_a_newer_version_waits_and_holds_up_no_other(world: World, post: Post) -> None:
    newer, sound = waiting(world)
    unreadable(world, newer)
    assert readmission.readmit(post) == {"gpu"} and world.job(newer.id).state == "queued"
    assert world.job(sound.id).resolved is not None


def test_a_job_about_rows_that_a_newer_version_has_inspected_waits(world: World, post: Post) -> None:
    newer, sound = waiting(world)
    about = update(Dataset).where(Dataset.id == newer.spec["data"]["train"])
    world(
        lambda session: session.execute(about.values(facts=Dataset.facts.op("||")(text("""'{"newer": 1}'::jsonb"""))))
    )
    assert readmission.readmit(post) == {"gpu"} and world.job(newer.id).state == "queued"
    assert world.job(sound.id).resolved is not None


def test_a_job_that_another_holds_waits_and_holds_up_no_other(world: World, post: Post) -> None:
    """Its transaction is not had: it fails nothing."""
    held, sound = waiting(world)
    hurried = Ledger(post.settings.database_url, lease_seconds=1.0, connections=1)
    with post.ledger.engine.begin() as connection:
        connection.execute(LOCKED, {"id": held.id})
        patient, post.ledger = post.ledger, hurried
        with hurried.engine.begin() as session:
            session.execute(text("SET lock_timeout = '200ms'"))
        try:
            assert readmission.readmit(post) == {"gpu"}
        finally:
            post.ledger = patient
            hurried.close()
    assert world.job(held.id).state == "queued" and world.job(sound.id).resolved is not None
