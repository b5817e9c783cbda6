"""Events: every one, once, in order, live or listed; streams outlive the database and end with the process."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.event import Line
from tests.api.jobs import Jobs, jobs_of
from tests.api.service import Service, Tenant, eventually, good, refused

LIVE = {"accept": "text/event-stream"}


@pytest.fixture
def jobs(owner: Tenant, tmp_path: Path) -> Iterator[Jobs]:
    with jobs_of(owner, tmp_path) as made:
        yield made


def messages(reply: httpx.Response) -> Iterator[dict[str, Any]]:
    """The server-sent events of a stream, as {event, id, data}."""
    message: dict[str, Any] = {}
    for line in reply.iter_lines():
        if not line and message:
            yield message
            message = {}
        elif line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            message[name] = value


def test_events_are_listed_in_order(jobs: Jobs) -> None:
    job = jobs.start()["id"]
    jobs.complete(job)
    path = f"/v1/distillations/{job}/events"
    page = good(jobs.client.get(path))
    events = page["data"]
    assert [event["id"] for event in events] == list(range(1, len(events) + 1)) and page["has_more"] is False
    assert (events[0]["type"], events[0]["data"]) == ("job", {"state": "queued"})
    assert (events[-1]["type"], events[-1]["data"]) == ("job", {"state": "succeeded"})
    assert {event["step"] for event in events if event["type"] == "step"} == {"train", "grade", "package"}
    some = good(jobs.client.get(path, params={"after": 2, "limit": 3}))
    assert [event["id"] for event in some["data"]] == [3, 4, 5] and some["has_more"] is True and some["last_id"] == "5"
    for asked in ({"after": -1}, {"after": "x"}, {"limit": 0}, {"stream": "yes"}):
        refused(jobs.client.get(path, params=asked), 400, "invalid_value")


@pytest.mark.parametrize("asked", [{"headers": LIVE}, {"params": {"stream": "true"}}])
def test_a_stream_of_an_ended_job(jobs: Jobs, asked: dict[str, Any]) -> None:
    job = jobs.start()["id"]
    jobs.complete(job)
    listed = good(jobs.client.get(f"/v1/distillations/{job}/events"))["data"]
    with jobs.client.stream("GET", f"/v1/distillations/{job}/events", **asked) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        *events, end = messages(reply)
    assert end == {"data": "[DONE]"}
    assert [json.loads(event["data"]) for event in events] == listed
    assert [(event["id"], event["event"]) for event in events] == [(str(one["id"]), one["type"]) for one in listed]


def test_a_stream_goes_on_where_it_broke_off(jobs: Jobs) -> None:
    job = jobs.start()["id"]
    jobs.complete(job)
    headers = {**LIVE, "last-event-id": "4"}
    with jobs.client.stream("GET", f"/v1/distillations/{job}/events", headers=headers) as reply:
        assert next(messages(reply))["id"] == "5"
    bad = jobs.client.get(f"/v1/distillations/{job}/events", headers={**LIVE, "last-event-id": "x"})
    refused(bad, 400, "invalid_value")


def test_a_stream_hears_of_events_as_they_happen(jobs: Jobs) -> None:
    job = jobs.start()["id"]
    with jobs.client.stream("GET", f"/v1/distillations/{job}/events", headers=LIVE) as reply:
        live = messages(reply)
        assert json.loads(next(live)["data"])["data"] == {"state": "queued"}
        work = jobs.hand.begin()
        jobs.hand.tell(work, Line("metrics", "", "train", {"step": 10, "series": {"loss": 0.5}}))
        heard: dict[str, Any] = {}
        while heard.get("type") != "metrics":
            heard = json.loads(next(live)["data"])
        assert heard["data"] == {"step": 10, "series": {"loss": 0.5}} and heard["step"] == "train"
        good(jobs.client.post(f"/v1/distillations/{job}/cancel"))
        jobs.hand.end(work, status="stopped")
        *rest, end = live
    assert end == {"data": "[DONE]"} and json.loads(rest[-1]["data"])["data"] == {"state": "cancelled"}


def test_a_stream_of_nothing_is_refused_before_it_begins(owner: Tenant) -> None:
    refused(owner.client.get("/v1/distillations/dst_0/events", headers=LIVE), 404, "not_found")


def test_streams_outlive_postgres(jobs: Jobs, service: Service) -> None:
    job = jobs.start()["id"]
    with jobs.client.stream("GET", f"/v1/distillations/{job}/events", headers=LIVE) as reply:
        live = messages(reply)
        next(live)
        jobs.hand.engine.dispose()
        service.postgres.stop()
        refused(jobs.client.get(f"/v1/distillations/{job}"), 503, "database_unavailable")
        service.postgres.start()
        service.postgres.wait_ready()
        eventually(lambda: jobs.client.get(f"/v1/distillations/{job}").is_success)
        good(jobs.client.post(f"/v1/distillations/{job}/cancel"))
        assert list(live)[-1] == {"data": "[DONE]"}


def test_streams_end_when_the_process_is_asked_to(jobs: Jobs, service: Service) -> None:
    path = f"/v1/distillations/{jobs.start()['id']}/events"
    headers = {**LIVE, "authorization": f"Bearer {jobs.tenant.key}"}
    with service.another() as other, httpx.stream("GET", other.url + path, headers=headers, timeout=30) as reply:
        live = messages(reply)
        assert [next(live)["id"] for _ in range(2)] == ["1", "2"]
        other.ask()
        assert list(live) == []  # the reply is whole: it was ended, not cut off
