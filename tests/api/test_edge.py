"""Every error leaves in the envelope, with its request's id, whoever raised it."""

import json

import httpx
import psycopg
import pytest

from tests.api.service import Service, Tenant, eventually, good, refused


def test_every_reply_has_an_id(service: Service, owner: Tenant) -> None:
    ids = {owner.client.get(path).headers["x-request-id"] for path in ("/v1/files", "/healthz", "/nowhere")}
    assert len(ids) == 3


def test_no_such_route(owner: Tenant) -> None:
    refused(owner.client.get("/v1/nothing"), 404, "not_found")
    refused(owner.client.get("/v1/files/"), 404, "not_found")
    reply = owner.client.patch("/v1/files")
    refused(reply, 405, "method_not_allowed")
    assert "POST" in reply.headers["allow"] or "GET" in reply.headers["allow"]


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"{", "invalid_json", "character 1"),
        (b"", "not_an_object", "JSON object"),
        (b"[]", "not_an_object", "JSON object"),
        (b"7", "not_an_object", "JSON object"),
        (b'{"name": "\xff"}', "invalid_json", "UTF-8"),
        (b"[" * 100_000, "invalid_json", "deeply"),
        (b'{"name": ' + b"9" * 5_000 + b"}", "invalid_json", "digits"),
        (b'{"name": NaN}', "invalid_value", "name"),
        (b'{"name": "x", "quota_bytes": 1e400}', "invalid_value", "quota_bytes"),
        (b'{"name": "x", "quota_bytes": "7"}', "invalid_value", "quota_bytes"),
        (b'{"name": "x", "quota_bytes": 9223372036854775808}', "invalid_value", "quota_bytes"),
        (b'{"name": "a\\u0000b"}', "invalid_value", "name"),
        (b'{"name": "\\ud800"}', "invalid_value", "name"),
    ],
)
def test_bodies_that_cannot_be_read(service: Service, content: bytes, code: str, words: str) -> None:
    reply = service.admin.post("/v1/projects", content=content, headers={"content-type": "application/json"})
    assert words in refused(reply, 400, code)["message"]


def test_a_body_without_its_type(service: Service) -> None:
    reply = service.admin.post("/v1/projects", content=b'{"name": "x"}', headers={"content-type": "text/plain"})
    assert "Content-Type" in (refused(reply, 400, "not_an_object")["hint"] or "")


def test_oversized_bodies(service: Service) -> None:
    body = json.dumps({"name": "x" * 3_000_000}).encode()
    headers = {"content-type": "application/json"}
    refused(service.admin.post("/v1/projects", content=body, headers=headers), 413, "too_large")
    refused(service.admin.post("/v1/projects", content=iter([body]), headers=headers), 413, "too_large")
    refused(service.admin.post("/v1/projects", content=b"{}", headers=headers), 400, "required")


def test_lines_of_the_log(service: Service, owner: Tenant) -> None:
    reply = owner.client.get("/v1/files/file-none")
    log, id = service.home / "logs" / "api.log", reply.headers["x-request-id"]
    eventually(lambda: id in log.read_text())
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    (line,) = [line for line in lines if line.get("request") == id]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/v1/files/file-none", 404)
    assert (line["project"], line["event"], line["level"]) == (owner.project, "request", "info")
    assert owner.key not in log.read_text()


def test_metrics_count_routes_not_paths(service: Service, owner: Tenant) -> None:
    owner.client.get("/v1/files/file-none")
    text = service.admin.get("/metrics").text
    assert 'stillhouse_requests_total{method="GET",route="/v1/files/{file_id}",status="404"}' in text
    assert "file-none" not in text
    assert "stillhouse_postgres_up 1.0" in text
    assert "stillhouse_workers 0.0" in text
    assert 'stillhouse_bells{queue="gpu"}' in text


def test_the_log_tells_what_a_request_made(service: Service, owner: Tenant) -> None:
    made, log = owner.upload()["id"], service.home / "logs" / "api.log"
    eventually(lambda: f'"made": "{made}"' in log.read_text())
    (line,) = [json.loads(line) for line in log.read_text().splitlines() if made in line]
    assert (line["method"], line["path"], line["status"]) == ("POST", "/v1/files", 201)


def test_openapi_names(service: Service) -> None:
    document = good(service.admin.get("/openapi.json"))
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert all(operation["summary"] and operation["tags"] for operation in operations)
    assert all({"4XX", "5XX"} <= set(operation["responses"]) for operation in operations)
    assert not [
        name for name in document["components"]["schemas"] if "_" in name or name.endswith(("-Input", "-Output"))
    ]


def test_what_nobody_expected(service: Service) -> None:
    """A table taken away: the cause goes to the log, under the id that the caller got."""
    with service.another() as api, httpx.Client(base_url=api.url, headers=service.admin.headers) as client:
        with psycopg.connect(service.postgres.url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("ALTER TABLE workers RENAME TO strikers")
            try:
                reply = client.get("/v1/workers")
            finally:
                connection.execute("ALTER TABLE strikers RENAME TO workers")
        error = refused(reply, 500, "internal")
        assert "strikers" not in json.dumps(error) and "SELECT" not in json.dumps(error)
        log = (service.home / "logs" / "another" / "api.log").read_text()
    (line,) = [line for line in log.splitlines() if '"unhandled"' in line]
    assert json.loads(line)["request"] == reply.headers["x-request-id"]
    assert "UndefinedTable" in json.loads(line)["exception"]
