"""Answers and new texts of a job, as they are streamed."""

import json

import pytest

from stillhouse import Job, Stillhouse, Unreachable
from tests.sdk.conftest import Reply, Scripted

SAID = [{"row": 1, "answers": ["one\u2028two\x85\x0c"]}, {"row": 2, "answers": ["grün"]}]
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in SAID).encode()


@pytest.fixture
def job(client: Stillhouse, script: Scripted) -> Job:
    script.will({"id": "dst_1", "state": "succeeded"})
    return client.distillations.get("dst_1")


def test_a_line_ends_in_lf_alone(job: Job, script: Scripted) -> None:
    script.will(Reply(body=LINES), Reply(body=LINES))
    assert list(job.answers()) == SAID
    assert list(job.answers(kind=["truncated", "empty"], side="train")) == SAID
    plain, narrowed = [request.path for request in script.requests[1:]]
    assert plain == "/v1/distillations/dst_1/answers"
    assert narrowed == f"{plain}?kind=truncated&kind=empty&side=train"


def test_csv_and_texts(job: Job, script: Scripted) -> None:
    script.will(*[Reply(body=LINES)] * 3)
    assert "".join(job.answers_csv(kind=["failed"])) == LINES.decode()
    assert list(job.texts(fate=["kept"])) == SAID
    assert "".join(job.texts_csv()) == LINES.decode()
    below = "/v1/distillations/dst_1"
    assert [request.path.removeprefix(below) for request in script.requests[1:]] == [
        "/answers?format=csv&kind=failed",
        "/texts?fate=kept",
        "/texts?format=csv",
    ]


def test_what_breaks_off_is_not_taken_for_the_end(job: Job, script: Scripted) -> None:
    script.will(Reply(body=LINES, headers={"content-length": str(len(LINES) + 1)}, close=True))
    found = job.answers()
    assert [next(found), next(found)] == SAID
    with pytest.raises(Unreachable):
        next(found)
