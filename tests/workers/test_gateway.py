"""The gateway of an attempt, and the child's own `answer` at its socket: failures that may pass, rows that no line can hold, and a limit of questions."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event

import pyarrow as pa
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from distill.answers.asker import connect
from distill.data.canonical import Heading, digest_array, text_digests, write
from gateway.front import TOO_MANY
from models import scribe
from models.answer import StoredAnswer
from models.endpoint import Endpoint
from models.job import Job
from models.project import Project
from models.start import Work
from settings import Settings
from spec.facts import ColumnFacts, Price, Roles
from spec.gateway import LONGEST, Message
from spec.params import AnswerParams, Question
from spec.problem import Problem
from spec.run import GATEWAY
from spec.sampling import Sampling
from tests.acceptance.teacher import Teacher, model, sentences
from tests.distill.runs import here, messages, read, run_folder, selection
from tests.models.world import World
from tests.workers.conftest import NOWHERE
from tests.workers.desk import PRICE, TEXTS, begun, booked
from tests.workers.leashed import until
from workers import asking as asking_module
from workers.asking import Asking
from workers.claim import Ledger
from workers.heartbeat import Heartbeat

NAMES = ("animals", "plants", "stones")
ROLES = Roles(input="text", label="label")


@pytest.fixture
def work(world: World, teacher: Teacher) -> Work:
    """The answer step of a job whose endpoint there is, claimed; eight questions are all that it may put."""
    project = world.project()
    row = Endpoint(
        project=project, id="ep_words", wire="openai", url=teacher.url, private=True, limits={"concurrency": 1},
        prices=[PRICE.model_dump()],
    )  # fmt: skip
    digest = row.known().digest
    world(lambda session: session.add(row))
    sampling = Sampling(temperature=0.0, max_tokens=4)
    question = Question(endpoint=digest, model="words", system=None, template="{text}", sampling=sampling)
    params = AnswerParams(question=question, classes=NAMES, read="text", take=selection(roles=ROLES, heldout=0.5))
    context = {"endpoint": "ep_words", "questions": 8}
    return replace(begun(world, project), params=params.model_dump(mode="json"), context=context)


@contextmanager
def asking(
    ledger: Ledger, work: Work, run: Path, stopping: Event | None = None, stop_seconds: float = 8.0
) -> Iterator[Asking]:
    given = Settings(broker_url=NOWHERE, stop_seconds=stop_seconds)
    with (
        Heartbeat(ledger, work, period=0.2, began=time.monotonic()) as heartbeat,
        Asking(ledger, given, work, run, heartbeat, stopping or Event()) as gateway,
    ):
        yield gateway
    heartbeat._thread.join()  # a renewal under way would outlive the database's engine


def rows(path: Path, texts: list[str]) -> Path:
    labels = [NAMES[i % 3] for i in range(len(texts))]
    columns = {"text": ColumnFacts(kind="text", dtype="str"), "label": ColumnFacts(kind="class", dtype="str")}
    held = {"text": pa.array(texts, pa.string()), "label": pa.array(labels, pa.string())}
    write(path, held, digest_array(text_digests(texts)), Heading(columns=columns, roles=ROLES))
    return path


def test_a_row_fails_for_good_or_for_now(
    world: World, ledger: Ledger, work: Work, teacher: Teacher, tmp_path: Path
) -> None:
    """Of eight rows one is too long for a line, one is refused, and one meets an endpoint that is busy: only the last is worth another try."""
    texts = [*TEXTS[:7], "a " * (LONGEST // 2)]
    train = rows(tmp_path / "rows.arrow", texts)
    params = AnswerParams.model_validate(work.params)
    teacher.faults["400"], teacher.failing = 1, TEXTS[3]
    run = run_folder(tmp_path / "run", "answer", params, {"train/rows.arrow": train})
    with asking(ledger, work, run) as gateway:
        done = here(run)
    assert gateway.problem is None and (done.status, done.passing) == ("succeeded", 1), done.error
    lines = [line for line in (run / "outputs/answers.jsonl").read_text().splitlines() if '"failed"' in line]
    assert sorted(word for word in ("bad_request", "server_error", "too_large") if word in str(lines)) == [
        "bad_request", "server_error", "too_large",
    ] and len(lines) == 3  # fmt: skip
    assert sum(part["kinds"].get("failed", 0) for part in read(run / "outputs/answers.json")["parts"].values()) == 3
    again = run_folder(tmp_path / "again", "answer", params, {"train/rows.arrow": train})
    teacher.forget()
    teacher.failing = ""
    later = replace(begun(world, work.project), params=work.params, context=work.context)
    with asking(ledger, later, again):
        assert here(again).passing == 0
    assert teacher.calls == 2, "what failed is asked again, and nothing else"


def test_a_child_has_no_more_questions_than_rows(ledger: Ledger, work: Work, teacher: Teacher, tmp_path: Path) -> None:
    """Whoever took the child over may ask about the rows, and then about nothing."""
    with asking(ledger, work, tmp_path) as gateway:
        asker = connect(tmp_path / GATEWAY, 5.0)
        questions = ((i, (Message(role="user", content=text),)) for i, text in enumerate(TEXTS[:30]))
        told = list(asker.ask(questions, lambda: False))
        asker.close()
    assert asker.stopped == TOO_MANY and len(told) <= 8 and teacher.calls <= 8
    assert gateway.problem is not None and gateway.problem.code == TOO_MANY


@pytest.mark.parametrize(("number", "first", "few"), [(400, None, 50), (12, None, 6), (12, 10, 10)])
def test_a_teacher_that_cannot_be_read_is_asked_no_further(
    world: World, ledger: Ledger, work: Work, teacher: Teacher, tmp_path: Path, number: int, first: int | None, few: int
) -> None:
    """200 held-out rows are given up after 50, six after six; a preview of ten shows them all. One call at a time, with some more until the child has gone."""
    teacher.faults["garbage"], teacher.latency = 10_000, 0.01
    texts = sentences(number, 3)[0]
    params = AnswerParams.model_validate(work.params | ({} if first is None else {"first": first}))
    run = run_folder(tmp_path / "run", "answer", params, {"train/rows.arrow": rows(tmp_path / "rows.arrow", texts)})
    with asking(ledger, replace(work, context=work.context | {"questions": number}), run):
        done = here(run)
    told = [line for line in messages(run).splitlines() if "I would rather talk of the sea." in line]
    assert few <= teacher.calls <= (120 if number > 100 else few)
    if first is not None:
        assert (done.status, len(told)) == ("succeeded", 10)
        return
    assert done.error is not None and done.error.code == "no_answers" and done.retry == "never" and len(told) == 4
    assert (
        f"first {few} of {number // 2} heldout rows" in done.error.message
        and f"{few} unparseable" in done.error.message
    )


def test_rows_that_only_the_text_says_are_counted(ledger: Ledger, work: Work, teacher: Teacher, tmp_path: Path) -> None:
    """Two replies come without log-probabilities."""
    teacher.faults["unusable"] = 2
    question = work.params["question"] | {"top_logprobs": 3}
    params = AnswerParams.model_validate(work.params | {"read": "logprobs", "question": question})
    train = rows(tmp_path / "rows.arrow", TEXTS[:8])
    run = run_folder(tmp_path / "run", "answer", params, {"train/rows.arrow": train})
    with asking(ledger, replace(work, params=params.model_dump(mode="json")), run):
        done = here(run)
    parts = done.summary["parts"].values()
    assert sum(part["hard"] for part in parts) == 2 and {kind for part in parts for kind in part["kinds"]} == {
        "answered"
    }
    assert "by their text alone" in messages(run)


@pytest.mark.parametrize("why", ["pause", "unsaid", "shutdown", "cancel"])
def test_calls_in_flight_are_waited_for_where_there_is_time(
    world: World,
    ledger: Ledger,
    work: Work,
    teacher: Teacher,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    why: str,
) -> None:
    """Of four calls of a second and a half, to a worker with 0.2 s to stop: at a pause all are answered and kept, else they are booked at their bounds."""
    monkeypatch.setattr(asking_module, "SILENT", 0.3)
    teacher.latency = 1.5
    stopping = Event()

    def change(session: Session) -> None:
        session.get_one(Endpoint, (work.project, "ep_words")).limits = {"concurrency": 4}

    def wish(session: Session) -> None:
        session.get_one(Job, work.grip.job).intent = "cancel" if why == "cancel" else "pause"

    def dumb(*_: object) -> None:
        raise RuntimeError("an event cannot be written")

    if why == "unsaid":
        monkeypatch.setattr(scribe, "say", dumb)
    world(change)
    with asking(ledger, work, tmp_path, stopping, stop_seconds=0.2):
        asker = connect(tmp_path / GATEWAY, 5.0)
        questions = ((i, (Message(role="user", content=text),)) for i, text in enumerate(TEXTS[:8]))
        assert not list(asker.ask(questions, lambda: teacher.flying == 4))
        if why == "shutdown":
            stopping.set()
        else:
            world(wish)
        asker.close()
        began = time.monotonic()
    took, waits = time.monotonic() - began, why in ("pause", "unsaid")
    until(lambda: teacher.flying == 0)
    kept = world(lambda s: s.scalar(select(func.count()).where(StoredAnswer.project == work.project)))
    assert (teacher.calls, kept) == (4, 4 if waits else 0), "no further one was begun"
    assert (booked(world, work.grip.job) == pytest.approx(teacher.bill, abs=1e-9)) == waits
    assert (took > 1.0) == waits, took
    said = [event.message for event in world.events(work.grip.job) if event.message]
    assert said == (["Stopping: 4 calls are in flight and waited for, 120 s at most."] if why == "pause" else [])


@pytest.mark.parametrize("idle", [None, 5.0])
def test_an_endpoint_is_asked_as_its_limits_say(
    world: World, ledger: Ledger, work: Work, teacher: Teacher, tmp_path: Path, idle: float | None
) -> None:
    """By stream or whole, for the same answers and the same bill."""

    def limit(session: Session) -> None:
        session.get_one(Endpoint, (work.project, "ep_words")).limits = {"concurrency": 4, "stream_idle": idle}

    world(limit)
    teacher.streams = True
    train = rows(tmp_path / "rows.arrow", TEXTS[:8])
    run = run_folder(tmp_path / "run", "answer", AnswerParams.model_validate(work.params), {"train/rows.arrow": train})
    with asking(ledger, work, run):
        assert here(run).status == "succeeded"
    assert (teacher.calls, teacher.streamed) == (8, 0 if idle is None else 8)
    assert booked(world, work.grip.job) == pytest.approx(teacher.bill, abs=1e-9)
    log = [json.loads(line) for line in (run / "outputs/answers.jsonl").read_text().splitlines()]
    found = {TEXTS[line["row"]]: line["answers"][0] for line in log}
    assert found == {text: max(model(text), key=lambda name: model(text)[name]) for text in TEXTS[:8]}


@pytest.mark.parametrize(
    ("prices", "bounded", "lacks"), [([], True, "no price"), ([PRICE], False, "max_tokens is null")]
)
def test_no_call_is_made_under_a_month_cap_that_cannot_be_held(
    world: World,
    ledger: Ledger,
    work: Work,
    teacher: Teacher,
    tmp_path: Path,
    prices: list[Price],
    bounded: bool,
    lacks: str,
) -> None:
    """Without a price a call would be booked at nothing, without a bound too little would be set aside. Without a cap it may be made."""
    sampling = {"temperature": 0.0} | ({"max_tokens": 4} if bounded else {})
    work = replace(work, params=work.params | {"question": work.params["question"] | {"sampling": sampling}})

    def told(cap: float | None) -> int:
        def change(session: Session) -> None:
            session.get_one(Project, work.project).usd_per_month = cap
            session.get_one(Endpoint, (work.project, "ep_words")).prices = [price.model_dump() for price in prices]

        world(change)
        with asking(ledger, work, tmp_path) as gateway:
            if gateway.problem is None:
                asker = connect(tmp_path / GATEWAY, 5.0)
                list(asker.ask(iter([(0, (Message(role="user", content=TEXTS[0]),))]), lambda: False))
                asker.close()
        found.append(gateway.problem)
        return teacher.calls

    found: list[Problem | None] = []
    assert (told(5.0), told(None)) == (0, 1)
    assert found[0] is not None and found[0].code == "month_cap" and lacks in found[0].message and found[0].hint
    assert found[1] is None
