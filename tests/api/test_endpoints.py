"""Endpoints over HTTP: what is made, changed, refused and shown, and that a key is never seen again."""

import threading
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from tests.acceptance.teacher import Teacher, served
from tests.api.batches import sent, settle
from tests.api.jobs import jobs_of
from tests.api.service import Service, Tenant, good, refused
from tests.api.words import KEY, PRICE, body
from tests.gateway.test_hostile import URLS


def test_a_new_price_keeps_the_rates_that_it_does_not_name(boss: Tenant, teacher: Teacher) -> None:
    price = PRICE | {"cached": 0.1, "batch": 0.5}
    good(boss.client.post("/v1/endpoints", json=body(teacher, price=price)))

    def changed(**to: float | None) -> dict[str, Any]:
        found: dict[str, Any] = good(boss.client.patch("/v1/endpoints/ep_words", json={"price": to}))["price"]
        return found

    assert changed(input=0.5, output=2.0) == {"input": 0.5, "output": 2.0, "cached": 0.1, "batch": 0.5, "version": 2}
    assert changed(input=0.5, output=2.0, cached=None)["cached"] is None
    last = changed(input=0.6, output=2.0, batch=0.4)
    assert last == {"input": 0.6, "output": 2.0, "cached": None, "batch": 0.4, "version": 4}


def test_a_url_may_have_a_query(boss: Tenant, teacher: Teacher) -> None:
    made = good(boss.client.post("/v1/endpoints", json=body(teacher, url=teacher.url + "?api-version=preview")))
    assert made["state"] == "ready" and made["url"].endswith("/v1?api-version=preview") and made["probed"]["words"]


def test_a_change_keeps_what_it_does_not_name(boss: Tenant, teacher: Teacher) -> None:
    good(boss.client.post("/v1/endpoints", json=body(teacher)))
    dearer = good(boss.client.patch("/v1/endpoints/ep_words", json={"price": {"input": 1.0, "output": 2.0}}))
    assert [price["version"] for price in dearer["prices"]] == [1, 2] and dearer["price"]["input"] == 1.0
    assert dearer["probed"] and dearer["key_hint"] == KEY[-4:]
    good(boss.client.patch("/v1/endpoints/ep_words", json={"limits": {"requests_per_minute": 60_000}}))
    slower = good(boss.client.patch("/v1/endpoints/ep_words", json={"limits": {"concurrency": 4}}))
    assert (
        slower["limits"]
        == {
            "concurrency": 4,
            "requests_per_minute": 60_000,
            "tokens_per_minute": 0,
            "seconds": 120.0,
            "stream_idle": None,
        }
        and slower["price"]["version"] == 2
    )
    new = good(boss.client.patch("/v1/endpoints/ep_words", json={"key": "sk-another-key-0000"}))
    assert new["key_hint"] == "0000" and "sk-another-key-0000" in teacher.keys


def test_nobody_is_asked_by_stream_who_was_not_seen_to_stream(boss: Tenant, teacher: Teacher) -> None:
    made = good(boss.client.post("/v1/endpoints", json=body(teacher)))
    assert not made["probed"]["words"]["streaming"]
    refused(boss.client.patch("/v1/endpoints/ep_words", json={"limits": {"stream_idle": 20}}), 400, "not_probed")
    good(boss.client.patch("/v1/endpoints/ep_words", json={"limits": {"stream_idle": None, "concurrency": 3}}))
    asked = good(boss.client.post("/v1/endpoints", json=body(teacher, "asked", limits={"stream_idle": 20})))
    assert asked["limits"]["stream_idle"] == 20.0, "it is made whatever the probe says: a job is refused"
    teacher.streams = True
    assert good(boss.client.post("/v1/endpoints/ep_words/probe", json={}))["probed"]["words"]["streaming"]
    good(boss.client.patch("/v1/endpoints/ep_words", json={"limits": {"stream_idle": 20}}))


def test_a_new_url_gets_no_stored_key(owner: Tenant, boss: Tenant, teacher: Teacher) -> None:
    good(boss.client.post("/v1/endpoints", json=body(teacher, price=PRICE | {"cached": 0.1, "batch": 0.5})))
    teacher.keys.clear()
    with served() as other:
        refused(boss.client.patch("/v1/endpoints/ep_words", json={"url": other.url}), 400, "key_needed")
        refused(
            owner.client.patch("/v1/endpoints/ep_words", json={"url": other.url, "key": "sk-new"}), 403, "missing_scope"
        )
        good(boss.client.patch("/v1/endpoints/ep_words", json={"licence": "Llama2"}))
        elsewhere = {"url": other.url, "key": "sk-new"}
        refused(boss.client.patch("/v1/endpoints/ep_words", json=elsewhere), 400, "price_needed")
        assert not other.keys
        moved = good(boss.client.patch("/v1/endpoints/ep_words", json=elsewhere | {"price": {"input": 7, "output": 8}}))
        assert moved["price"] == {"input": 7.0, "output": 8.0, "cached": None, "batch": None, "version": 2}
        assert moved["licence"] is None, "what was said of another is not said of it"
        assert other.keys == {"sk-new"} and moved["url"] == other.url and not teacher.keys


def test_known_terms_are_told(owner: Tenant) -> None:
    made = good(
        owner.client.post("/v1/endpoints", json={"name": "closed", "url": "https://API.OpenAI.com/v1", "model": "m"})
    )
    (terms,) = made["terms"]
    assert terms["party"] == "OpenAI" and terms["source"].startswith("https://openai.com/") and made["licence"] is None
    assert good(owner.client.get("/v1/endpoints/ep_closed"))["terms"] == made["terms"]
    stated = good(owner.client.patch("/v1/endpoints/ep_closed", json={"licence": "Llama2"}))
    assert stated["licence"] == "Llama2" and [one["party"] for one in stated["terms"]] == ["Meta", "OpenAI"]


def test_one_name_is_one_endpoint(boss: Tenant, teacher: Teacher) -> None:
    once = {"idempotency-key": "once"}
    first = good(boss.client.post("/v1/endpoints", json=body(teacher, licence="apache-2.0"), headers=once))
    asked = sum(teacher.asked.values())
    second = good(boss.client.post("/v1/endpoints", json=body(teacher, licence="apache-2.0"), headers=once))
    assert second == first and first["state"] == "ready" and first["licence"] == "apache-2.0"
    assert sum(teacher.asked.values()) == asked > 0, "a repeated request probes nothing"
    refused(boss.client.post("/v1/endpoints", json=body(teacher)), 409, "name_taken")


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [({"name": "Open AI"}, "invalid_value", "name"), ({"url": "ftp://a.example/"}, "url_refused", "url"),
     ({"url": "http://a.example/v1"}, "url_refused", "url"), ({"url": "https://user@a.example/v1"}, "url_refused", "url"),
     ({"url": "https://a.example:22/v1"}, "url_refused", "url"), ({"url": "https://a.example/v1#models"}, "url_refused", "url"),
     ({"key": "two words"}, "invalid_value", "key"),
     ({"price": {"input": -1.0, "output": 1.0}}, "invalid_value", "price.input"),
     ({"price": {"input": 1.0}}, "required", "price.output"), ({"limits": {"concurrency": 0}}, "invalid_value", "limits.concurrency"),
     ({"limits": {"stream_idle": 0}}, "invalid_value", "limits.stream_idle"),
     ({"licence": " "}, "invalid_value", "licence"), ({"licence": "a" * 201}, "invalid_value", "licence"),
     ({"wire": "grpc"}, "invalid_value", "wire"), ({"secret": "x"}, "unknown_field", "secret")],
)  # fmt: skip
def test_a_bad_one_is_refused(owner: Tenant, change: dict[str, Any], code: str, param: str) -> None:
    sent = {"name": "words", "url": "https://a.example/v1", "key": KEY, **change}
    reply = owner.client.post("/v1/endpoints", json=sent)
    error = reply.json()["error"]
    assert reply.status_code == 400 and (error["code"], error["param"]) == (code, param), error
    assert KEY not in reply.text and "two words" not in reply.text
    assert not good(owner.client.get("/v1/endpoints"))["data"]


def test_only_an_administrator_allows_private_addresses(owner: Tenant, boss: Tenant, teacher: Teacher) -> None:
    refused(owner.client.post("/v1/endpoints", json=body(teacher)), 403, "missing_scope")
    good(boss.client.post("/v1/endpoints", json=body(teacher, allow_private=False, url="https://127.0.0.1:9999/v1")))
    refused(owner.client.patch("/v1/endpoints/ep_words", json={"allow_private": True}), 403, "missing_scope")
    assert teacher.calls == 0


def test_hostile_urls_reach_no_canary(owner: Tenant) -> None:
    """By way of the API: a URL is refused, or the endpoint is made and its probe has failed."""
    reached: list[str] = []

    class Canary(BaseRequestHandler):
        def handle(self) -> None:
            reached.append(str(self.client_address))

    with ThreadingTCPServer(("127.0.0.1", 0), Canary) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        for number, url in enumerate(URLS):
            sent = {"name": f"e{number}", "url": url.format(port=port)}
            reply = owner.client.post("/v1/endpoints", json=sent)
            assert reply.status_code == 400 or reply.json()["state"] == "failed", (url, reply.text)
        server.shutdown()
    assert len(URLS) >= 40 and not reached


def test_a_job_keeps_its_endpoint(boss: Tenant, teacher: Teacher, tmp_path: Path) -> None:
    made = good(boss.client.post("/v1/endpoints", json=body(teacher)))
    good(boss.client.post("/v1/endpoints/ep_words/probe", json={"model": "words-large"}))
    teacher.retired = ("words-large",)
    with jobs_of(boss, tmp_path) as jobs:
        asked = {"type": "teacher", "prompt": {"template": "{form}"}, "choices": list("0123456789")}
        changes = {"teacher": {"models": ["ep_words/words"]}, "data.responses": asked, "evaluation.baselines": []}
        spec = jobs.spec(changes)
        spec["data"]["labelled"] = 1.0
        job = good(boss.client.post("/v1/distillations", json=spec))
        needed = good(boss.client.post("/v1/endpoints/ep_words/probe", json={}))
        assert needed["state"] == "ready" and set(needed["probed"]) == {"words", "words-large"}
        refused(boss.client.delete(f"/v1/endpoints/{made['id']}"), 409, "in_use")
        good(boss.client.post(f"/v1/distillations/{job['id']}/cancel"))
    for error in ("endpoint_not_found", None):
        freed = good(boss.client.post("/v1/endpoints/ep_words/probe", json={}))
        assert (freed["state"], [*freed["probed"]], (freed["error"] or {}).get("code")) == ("ready", ["words"], error)
    good(boss.client.delete(f"/v1/endpoints/{made['id']}"))
    refused(boss.client.get(f"/v1/endpoints/{made['id']}"), 404, "not_found")


def test_it_stays_where_it_is_until_its_batches_are_settled(service: Service, boss: Tenant, teacher: Teacher) -> None:
    """Nobody could ask elsewhere what they have cost. What is settled keeps neither it nor the project."""
    path = f"/v1/endpoints/{good(boss.client.post('/v1/endpoints', json=body(teacher)))['id']}"
    batch = sent(service, boss.project, "dst_ended")
    assert "dst_ended" in refused(boss.client.delete(path), 409, "in_use")["message"]
    elsewhere = {"url": "https://other.example/v1", "key": KEY, "price": PRICE}
    refused(boss.client.patch(path, json=elsewhere), 409, "in_use")
    assert good(boss.client.patch(path, json={"key": KEY, "url": teacher.url}))["state"] == "ready"
    settle(service, batch)
    assert good(boss.client.patch(path, json=elsewhere))["url"] == elsewhere["url"]
    good(boss.client.delete(path))
    good(service.admin.delete(f"/v1/projects/{boss.project}"))


def test_a_planted_key_is_found_nowhere(service: Service, boss: Tenant, teacher: Teacher) -> None:
    good(boss.client.post("/v1/endpoints", json=body(teacher)))
    teacher.faults["400"] = 1
    replies = [
        boss.client.get("/v1/endpoints"),
        boss.client.post("/v1/endpoints/ep_words/probe", json={"model": KEY[:9]}),
    ]
    assert KEY in teacher.keys and not [reply for reply in replies if KEY in reply.text]
    engine = create_engine(service.postgres.url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT endpoints::text, encode(sealed, 'escape') FROM endpoints")).all()
        idempotent = connection.execute(text("SELECT body::text FROM idempotency_keys")).all()
    engine.dispose()
    assert rows and KEY not in str(rows) and KEY not in str(idempotent)
    logs = "".join(path.read_text() for path in (service.home / "logs").rglob("*") if path.is_file())
    assert "ep_words" in logs and KEY not in logs
