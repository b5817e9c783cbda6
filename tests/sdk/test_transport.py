"""Errors, retries, pages."""

import io
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from socket import socket

import pytest

from stillhouse import (
    APIError,
    Conflict,
    InvalidRequest,
    NoSpace,
    NotFound,
    Stillhouse,
    Unavailable,
    Unreachable,
    transport,
)
from stillhouse.errors import InspectionFailed, JobFailed, StillhouseError
from stillhouse.types import Problem
from tests.sdk.conftest import Reply, Scripted, scripted

AT_ONCE = {"retry-after": "0"}
FILE = {"id": "file-1", "object": "file"}
PROBLEM: Problem = {"code": "x", "param": "a", "message": "b", "hint": "c", "file": None, "line": None}


def error(status: int, code: str, **more: object) -> Reply:
    body = {"error": {"message": "No.", "type": "x", "param": None, "code": code, **more}}
    return Reply(status, body, {"x-request-id": "req_1", **AT_ONCE})


@pytest.mark.parametrize(
    ("status", "kind"), [(400, InvalidRequest), (404, NotFound), (409, Conflict), (507, NoSpace), (418, APIError)]
)
def test_an_error_reply_is_raised_as_what_it_is(
    client: Stillhouse, script: Scripted, status: int, kind: type[APIError]
) -> None:
    script.will(error(status, "some_code", hint="Do that.", problems=[PROBLEM] * 2))
    with pytest.raises(kind) as raised:
        client.files.get("file-1")
    found = raised.value
    assert (found.status, found.code, found.hint, found.request_id) == (status, "some_code", "Do that.", "req_1")
    assert str(found) == "No.\nhint: Do that.\na: b\nhint: c"
    assert len(script.requests) == 1, "such an error is not worth another try"


def test_what_failed_says_its_hint() -> None:
    assert str(InspectionFailed("ds_1", PROBLEM)) == "ds_1: b\nhint: c"
    assert str(JobFailed("job_1", "failed", PROBLEM)) == "job_1 failed: b\nhint: c"
    assert str(JobFailed("job_1", "cancelled", None)) == "job_1 cancelled"


def test_several_problems_are_told_and_not_counted() -> None:
    more: Problem = {**PROBLEM, "param": None, "message": "d", "hint": None}
    first = {"message": "b (and 1 more, see problems)", "param": "a", "hint": "c", "problems": [PROBLEM, more]}
    assert str(InvalidRequest(400, first, None)) == "a: b\nhint: c\nd"


def test_what_is_not_our_envelope_is_an_error_too(client: Stillhouse, script: Scripted) -> None:
    script.will(Reply(403, b"<html>proxy says no</html>"))
    with pytest.raises(APIError, match="proxy says no"):
        client.files.get("file-1")


def test_503_is_tried_again(client: Stillhouse, script: Scripted) -> None:
    script.will(error(503, "database_unavailable"), error(503, "database_unavailable"), FILE)
    assert client.files.get("file-1")["id"] == "file-1"


def test_but_not_for_ever(client: Stillhouse, script: Scripted) -> None:
    script.will(*[error(503, "database_unavailable")] * 3)
    with pytest.raises(Unavailable):
        client.files.get("file-1")
    assert len(script.requests) == 3


def test_the_server_may_forbid_another_try(client: Stillhouse, script: Scripted) -> None:
    script.will(Reply(500, {"error": {"message": "No."}}, {"x-should-retry": "false"}))
    with pytest.raises(APIError):
        client.files.get("file-1")
    assert len(script.requests) == 1


def test_retry_after_is_waited_for(client: Stillhouse, script: Scripted) -> None:
    script.will(Reply(503, {}, {"retry-after": "0.3"}), FILE)
    began = time.monotonic()
    client.files.get("file-1")
    assert time.monotonic() - began >= 0.3


def test_a_broken_connection_is_tried_again_under_the_same_key(client: Stillhouse, script: Scripted) -> None:
    script.will(Reply(close=True), {"id": "ds_1", "object": "dataset"})
    client.datasets.create(files=["file-1"])
    first, second = script.requests
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body


@pytest.mark.parametrize("first", [Reply(close=True), error(503, "database_unavailable"), error(502, "x")])
def test_a_deletion_whose_reply_was_lost_is_done(client: Stillhouse, script: Scripted, first: Reply) -> None:
    script.will(first, error(404, "not_found"))
    assert client.files.delete("file-1") == {"id": "file-1", "object": "file", "deleted": True}
    assert [request.method for request in script.requests] == ["DELETE", "DELETE"]


def test_a_lost_reply_is_remembered_over_further_tries(client: Stillhouse, script: Scripted) -> None:
    script.will(Reply(close=True), error(429, "too_many_requests"), error(404, "not_found"))
    assert client.keys.delete("key_1") == {"id": "key_1", "object": "key", "deleted": True}


@pytest.mark.parametrize(
    "replies",
    [
        [error(404, "not_found")],
        [error(429, "too_many_requests"), error(404, "not_found")],
        [Reply(close=True), Reply(404, b"<html>no such host</html>")],
    ],
)
def test_what_was_never_there_is_not_said_to_be_deleted(
    client: Stillhouse, script: Scripted, replies: list[Reply]
) -> None:
    """The first try, one that was refused, and a 404 that is not the server's own."""
    script.will(*replies)
    with pytest.raises(NotFound):
        client.files.delete("file-1")
    assert not script.replies


def test_what_is_only_read_is_not_found_after_a_lost_reply(client: Stillhouse, script: Scripted) -> None:
    script.will(Reply(close=True), error(404, "not_found"))
    with pytest.raises(NotFound):
        client.files.get("file-1")


def test_a_deletion_that_was_never_sent_is_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens at the first try; at the second, a server that has nothing of the kind."""
    with ExitStack() as stack:
        door = stack.enter_context(socket())
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]

        def between(*_: object) -> float:
            door.close()
            stack.enter_context(scripted(port)).will(error(404, "not_found"))
            return 0.0

        monkeypatch.setattr(transport, "pause", between)
        client = stack.enter_context(Stillhouse(f"http://127.0.0.1:{port}", "sh_live_test"))
        with pytest.raises(NotFound):
            client.files.delete("file-1")


def test_two_creations_have_two_keys(client: Stillhouse, script: Scripted) -> None:
    script.will(FILE, FILE)
    client.datasets.create(files=["file-1"])
    client.datasets.create(files=["file-1"])
    assert len({request.headers["idempotency-key"] for request in script.requests}) == 2


def test_an_upload_begins_again_from_its_start(client: Stillhouse, script: Scripted, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"x,y\n1,2\n")
    script.will(error(503, "unavailable"), FILE)
    client.files.upload(path)
    assert all(b"x,y\n1,2\n" in request.body for request in script.requests)
    assert b'filename="rows.csv"' in script.requests[1].body


def test_nobody_there(script: Scripted) -> None:
    with Stillhouse("http://127.0.0.1:9", "sh_live_test", max_retries=0) as client, pytest.raises(Unreachable):
        client.files.get("file-1")


def test_a_key_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STILLHOUSE_API_KEY", raising=False)
    with pytest.raises(StillhouseError, match="STILLHOUSE_API_KEY"):
        Stillhouse()


def test_pages_are_fetched_as_they_are_wanted(client: Stillhouse, script: Scripted) -> None:
    script.will(
        {"data": [{"id": "a"}, {"id": "b"}], "has_more": True, "last_id": "b"},
        {"data": [{"id": "c"}], "has_more": False, "last_id": "c"},
    )
    found: Iterator[str] = (file["id"] for file in client.files.list(purpose="dataset"))
    assert next(found) == "a"
    assert len(script.requests) == 1
    assert list(found) == ["b", "c"]
    assert "after=b" in script.requests[1].path and "purpose=dataset" in script.requests[1].path


def test_a_broken_download_leaves_no_half_file(client: Stillhouse, script: Scripted, tmp_path: Path) -> None:
    script.will(Reply(body=b"half", headers={"content-length": "100"}, close=True))
    with pytest.raises(Unreachable):
        client.files.download("file-1", tmp_path / "whole")
    assert not (tmp_path / "whole").exists()


def test_bytes_have_a_name(client: Stillhouse, script: Scripted) -> None:
    script.will(FILE)
    client.files.upload(io.BytesIO(b"x").getvalue(), filename="x.csv")
    assert b'filename="x.csv"' in script.requests[0].body
