"""How jobs are accepted, wait for facts, and are planned or refused when these have come."""

from typing import Any

import pytest
from sqlalchemy import delete, func, select

from models import admission, blob, finish
from models import job as jobs
from models.admission import unplanned
from models.blob import Blob
from models.dataset import Dataset
from models.facts import gather
from models.file import File
from models.finish import Outcome, Patience
from models.intent import pause, resume
from models.job import Job
from models.model import Model
from models.step import Step
from spec.distillation import Distillation
from spec.facts import ColumnFacts, DatasetFacts, Roles
from spec.ids import new_id
from spec.problem import Problem, Refused
from spec.run import Result
from tests.models.world import World
from tests.spec import builders

BOTH = [{"type": "soft_targets"}, {"type": "labels"}]


def upload(world: World, project: str, name: str = "digits.npz", digest: str = "") -> str:
    def made(session: Any) -> str:
        id, stored = new_id("file-"), {"digest": digest or f"digest-of-{name}", "bytes": 9}
        blob.keep(session, project, id, {name: stored})
        session.add(File(id=id, project=project, filename=name, purpose="distillation", **stored))
        return id

    return world(made)


def dataset(world: World, project: str, facts: DatasetFacts | None) -> str:
    """A dataset in the state that its facts say."""
    id = new_id("ds_")

    def made(session: Any) -> None:
        row = Dataset(id=id, project=project, name="d", request={})
        if facts is not None:
            row.facts, row.state = facts.model_dump(mode="json"), "ready"
            row.files = {s.path: {"digest": s.digest, "bytes": s.bytes} for s in facts.splits.values()}
            blob.keep(session, project, id, row.files)
        session.add(row)

    world(made)
    return id


def student_job(train: str, **changes: Any) -> tuple[Distillation, dict[str, Any]]:
    """Labels only, held-out rows drawn from the training rows."""
    document = builders.document(builders.LABELS_ONLY | {"data.train": train, "data.heldout": 0.1} | changes)
    return Distillation.model_validate(document), document


def accept(world: World, project: str, job: tuple[Distillation, dict[str, Any]]) -> Job:
    made: Job = world(admission.accept, project, *job, metadata={})[0]
    return world.job(made.id)


def inspected(world: World, facts: DatasetFacts | None, **failure: Any) -> None:
    """The next inspection ends, with these facts or a failure."""
    grip = world.claim("cpu")
    assert grip is not None and world.start(grip) is not None
    if facts is None:
        outcome = Outcome(result=Result.model_validate({"status": "failed", "retry": "never", **failure}))
    else:
        files = {s.path: {"digest": s.digest, "bytes": s.bytes} for s in facts.splits.values()}
        said = Result(status="succeeded", facts=facts.model_dump(mode="json"))
        outcome = Outcome(result=said, outputs=files)
    world(finish.finish, grip, outcome, Patience(max_attempts=1))


def readmit(world: World, about: str | None = None) -> list[str]:
    tried = world(lambda session: list(session.scalars(unplanned(about))))
    for id in tried:
        world(lambda session, it: admission.admit(session, jobs.lock(session, it) or Job()), id)
    return tried


def count(world: World, table: type[Any]) -> int:
    return world(lambda session: session.scalar(select(func.count()).select_from(table))) or 0


FACTS = builders.dataset(splits={"train": builders.split("train", 1000)}, overlaps={})


def test_a_job_on_a_file_makes_its_dataset_and_waits(world: World) -> None:
    project = world.project()
    file = upload(world, project)
    job = accept(world, project, student_job(file))
    again = accept(world, project, student_job(file, **{"training.seed": 2}))
    assert job.waiting_for == again.waiting_for == [file] and job.state == "queued" and job.resolved is None
    assert count(world, Dataset) == 1, "one dataset serves both"
    made = world(lambda session: session.scalars(select(Dataset)).one())
    assert (made.made_for, made.state) == (file, "processing")
    inspected(world, FACTS)
    assert readmit(world, made.id) == [job.id, again.id]
    planned = world.job(job.id)
    assert planned.resolved is not None and planned.resolved["data"]["train"].endswith("/train")
    assert planned.waiting_for == [] and planned.estimate is not None
    assert world.states(job.id) == {"train": "ready", "grade": "blocked", "package": "blocked"}


COLUMNS = {"text": ColumnFacts(kind="text", dtype="str"), "label": builders.names()}
TEXTS = builders.dataset(
    {"train": builders.split("texts", 1000)}, COLUMNS, Roles(input="text", label="label"), overlaps={}
)
TOKENS: dict[str, Any] = {"digest": "d1" * 32, "bytes": 9, "vocabulary": 30_522}


def test_a_job_waits_for_a_look_at_its_tokenizer_and_keeps_the_file(world: World) -> None:
    project = world.project()
    file, data = upload(world, project, "tokenizer.json", TOKENS["digest"]), dataset(world, project, TEXTS)
    student = {"type": "text_encoder", "width": 16, "tokenizer": file}
    job, again = (accept(world, project, student_job(data, student=student, **{"training.seed": n})) for n in (1, 2))
    assert job.waiting_for == again.waiting_for == [file]
    assert count(world, Step) == 1 and count(world, Dataset) == 1, "one look serves both, and a tokenizer is no rows"
    work = world.begin("cpu")
    assert work.params == {"kind": "tokenizer", "file": {"path": "0", "filename": "tokenizer.json"}}
    world.end(work.grip, facts=TOKENS)
    assert readmit(world, file) == [job.id, again.id]
    planned = world.job(job.id)
    assert planned.resolved is not None and planned.resolved["student"]["vocabulary"] == 30_524
    assert [warning["code"] for warning in planned.warnings] == ["large_vocabulary"]
    assert list(world(lambda session: session.scalars(jobs.needing(project, (file,))))) == [job.id, again.id]
    train = world(lambda session: session.scalars(select(Step).where(Step.job == job.id, Step.name == "train")).one())
    assert train.inputs["tokenizer/tokenizer.json"]["digest"] == TOKENS["digest"]
    by_digest = accept(world, project, student_job(data, student=student | {"tokenizer": TOKENS["digest"]}))
    assert by_digest.resolved is not None, "the same bytes were looked at"
    twin = world(
        lambda session: session.scalars(select(Step).where(Step.job == by_digest.id, Step.name == "train")).one()
    )
    assert twin.params == train.params


def test_a_bad_tokenizer_fails_the_job_and_names_its_field(world: World) -> None:
    project = world.project()
    file, data = upload(world, project, "tokenizer.json"), dataset(world, project, TEXTS)
    spec = student_job(data, student={"type": "text_encoder", "width": 16, "tokenizer": file})
    job = accept(world, project, spec)
    inspected(world, None, error=Problem(code="tokenizer_invalid", message="It is no JSON object."))
    readmit(world)
    failed = world.job(job.id)
    assert failed.state == "failed" and failed.error is not None
    assert (failed.error["code"], failed.error["param"]) == ("tokenizer_invalid", "student.tokenizer")
    with pytest.raises(Refused):
        world(admission.accept, project, *spec, metadata={})
    other = world.project("q")
    foreign = dataset(world, other, TEXTS)
    theirs = student_job(foreign, student={"type": "text_encoder", "width": 16, "tokenizer": file})
    with pytest.raises(Refused) as refused:
        world(admission.accept, other, *theirs, metadata={})
    assert [problem.param for problem in refused.value.problems] == ["student.tokenizer"]


def test_a_student_exists_from_acceptance_and_a_chain_waits_for_it(world: World) -> None:
    project = world.project()
    data = dataset(world, project, FACTS)
    teacher = accept(world, project, student_job(data))
    row = world(lambda session: session.get(Model, teacher.subject))
    assert row is not None and (row.state, row.origin, row.job) == ("processing", "distillation", teacher.id)
    chained = student_job(data, teacher={"models": [teacher.subject]}, objective=BOTH)
    job = accept(world, project, chained)
    assert job.waiting_for == [teacher.subject]
    facts = world(gather, project, chained[0])
    assert facts.processing == {teacher.subject: teacher.id}


def test_what_is_known_to_be_wrong_is_refused_at_once(world: World) -> None:
    project = world.project()
    foreign = dataset(world, world.project("q"), FACTS)
    with pytest.raises(Refused) as refused:
        world(admission.accept, project, *student_job(foreign), metadata={})
    assert refused.value.problems[0].param == "data.train"
    assert count(world, Job) == count(world, Model) == 0


def test_a_failed_inspection_fails_the_job_with_its_reason(world: World) -> None:
    project = world.project()
    job = accept(world, project, student_job(upload(world, project)))
    inspected(world, None, error=Problem(code="ragged_rows", message="Row 3 is short.", line=3))
    readmit(world)
    failed = world.job(job.id)
    assert failed.state == "failed" and failed.error is not None and count(world, Step) == 1
    student = world(lambda session: session.get(Model, job.subject))
    assert student is not None and student.state == "failed"


@pytest.mark.parametrize(("overlap", "state"), [(0, "queued"), (5, "failed")])
def test_rows_of_two_datasets_are_compared_once(world: World, overlap: int, state: str) -> None:
    project = world.project()
    held = builders.dataset(splits={"test": builders.split("test", 200)}, overlaps={})
    pair = dataset(world, project, FACTS), dataset(world, project, held)
    two = [
        accept(world, project, student_job(pair[0], **{"data.heldout": pair[1], "training.seed": n})) for n in (1, 2)
    ]
    assert two[0].waiting_for == two[1].waiting_for and two[0].waiting_for[0].startswith("pair:")
    assert count(world, Step) == 1
    work = world.begin("cpu")
    assert set(work.files) == {"train/rows.arrow", "heldout/rows.arrow"} and work.params == {"kind": "pair"}
    world.end(work.grip, facts={"overlap": overlap})
    assert len(readmit(world, two[0].waiting_for[0])) == 2
    assert {world.job(job.id).state for job in two} == {state}
    assert all((world.job(job.id).resolved is not None) == (state == "queued") for job in two)


def test_rows_are_compared_by_the_input_that_a_job_takes(world: World) -> None:
    project = world.project()
    held = builders.dataset(splits={"test": builders.split("test", 200)}, overlaps={})
    other = held.model_copy(update={"roles": held.roles.model_copy(update={"input": "label"})})
    train, test = dataset(world, project, FACTS), dataset(world, project, other)
    accept(world, project, student_job(train, **{"data.heldout": test}))
    assert world.begin("cpu").params == {"kind": "pair", "input": FACTS.roles.input}


def test_a_failed_comparison_is_told_to_who_waited_and_begun_anew_for_who_asks_later(world: World) -> None:
    project = world.project()
    held = builders.dataset(splits={"test": builders.split("test", 200)}, overlaps={})
    train, test = dataset(world, project, FACTS), dataset(world, project, held)

    def ask(seed: int) -> Job:
        return accept(world, project, student_job(train, **{"data.heldout": test, "training.seed": seed}))

    waited = [ask(1), ask(2)]
    inspected(world, None, error=Problem(code="out_of_memory", message="Out of memory."))
    readmit(world)
    for job in waited:
        failed = world.job(job.id)
        assert failed.state == "failed" and failed.error is not None and failed.error["code"] == "out_of_memory"
    later, beside = ask(3), ask(4)
    assert later.state == beside.state == "queued" and later.waiting_for == beside.waiting_for != []
    assert count(world, Step) == 2, "one comparison that failed, and another that serves both"
    world.end(world.begin("cpu").grip, facts={"overlap": 0})
    readmit(world)
    assert all(world.job(job.id).resolved is not None for job in (later, beside))


def test_a_paused_job_is_planned_when_it_is_resumed(world: World) -> None:
    project = world.project()
    job = accept(world, project, student_job(upload(world, project)))
    world(pause, project, job.id)
    inspected(world, FACTS)
    assert readmit(world) == [] and world.job(job.id).state == "paused"
    world(resume, project, job.id)
    assert world.states(job.id)["train"] == "ready"


def test_what_was_deleted_meanwhile_fails_the_job(world: World) -> None:
    project = world.project()
    file = upload(world, project)
    job = accept(world, project, student_job(file))
    inspected(world, FACTS)

    def lost(session: Any) -> None:
        made = session.scalars(select(Dataset)).one()
        blob.release(session, made.id)
        for step in session.scalars(select(Step.id)):
            blob.release(session, step)
        session.execute(delete(Blob).where(Blob.digest == FACTS.splits["train"].digest))

    world(lost)
    readmit(world)
    failed = world.job(job.id)
    assert failed.error is not None and failed.error["code"] == "gone" and failed.state == "failed"


def test_a_second_inspection_of_the_same_bytes_is_free(world: World) -> None:
    project = world.project()
    stored = {"0": {"digest": "digest-of-a", "bytes": 9}}
    world(blob.keep, project, "file-a", stored)
    for _ in range(2):
        id = dataset(world, project, None)
        params = {"kind": "dataset", "files": [{"path": "0", "filename": "a.npz"}]}
        world(admission.start_inspection, project, id, "a.npz", params, stored)
        if count(world, Job) == 1:
            inspected(world, FACTS)
        row = world(lambda session, it: session.get(Dataset, it), id)
        assert row is not None and row.state == "ready" and row.facts is not None
