"""What probes cost is in the project's usage and in its month, by the count of the endpoint's own ledger."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from stillhouse import Stillhouse
from tests.acceptance.teacher import Teacher, served
from tests.api.service import Service, Tenant, good
from tests.examples.serving import KEY, LABELS, MODEL, PROBED, Client, serving, table

PRICE = {"input": 0.4, "output": 1.6, "cached": 0.1}
COUNTS = {
    "calls": "calls", "input_tokens": "prompt_tokens", "output_tokens": "completion_tokens", "cached_tokens": "cached_tokens",
}  # fmt: skip
DEAR = {"input": 0.01, "output": 100.0}
"""The bound of a constrained answer, which may have 32 tokens, is 3,200 micro-dollars; of a plain question it is 201."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Client]:
    path = table(tmp_path / "table.jsonl")
    with path.open("a") as lines:
        lines.writelines(json.dumps({"text": text, "label": LABELS[0]}) + "\n" for text in PROBED)
    with serving("--table", path, "--price", "0.4/1.6/0.1", "--cached-from", "1") as found:
        yield found


def made(tenant: Tenant, server: Client, **more: Any) -> dict[str, Any]:
    body = {"name": "words", "url": server.url, "key": KEY, "allow_private": True, "model": MODEL, **more}
    found: dict[str, Any] = good(tenant.client.post("/v1/endpoints", json=body))
    assert found["state"] == "ready", found["error"]
    return found


def used(tenant: Tenant, group: str) -> dict[str, Any]:
    return good(tenant.client.get("/v1/usage", params={"group_by": group}))


def told(ledger: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, int]:
    return {ours: ledger[theirs] - (before[theirs] if before else 0) for ours, theirs in COUNTS.items()}


def test_what_probes_cost_is_what_the_endpoint_has_billed(service: Service, boss: Tenant, server: Client) -> None:
    """At the price of the day, which may change; and a project is told of its own, whatever others call their endpoint."""
    made(boss, server, price=PRICE)
    first = server.ledger()
    good(boss.client.patch("/v1/endpoints/ep_words", json={"price": {name: 2 * usd for name, usd in PRICE.items()}}))
    good(boss.client.post("/v1/endpoints/ep_words/probe", json={"model": MODEL}))
    second = server.ledger()
    usd = 2 * Decimal(second["usd"]) - Decimal(first["usd"])
    assert usd > 0 and second["calls"] > first["calls"] > 4
    for group in ("endpoint", "day", "project"):
        usage = used(boss, group)
        rows = [row for row in usage["data"] if row["id"] in ("ep_words", boss.project) or group == "day"]
        for sums in (usage, *rows) if group != "project" else rows:
            assert {name: sums[name] for name in COUNTS} == told(second)
            assert 0 <= sums["usd"] - float(usd) < 3e-6, "each probe is rounded up once"
        assert len(rows) == 1 and (rows[0]["job"], rows[0]["device_seconds"]) == (None, 0)
    assert not used(boss, "job")["data"] and not used(boss, "step")["data"] and used(boss, "job")["usd"] > 0
    key, url = boss.client.headers["authorization"].removeprefix("Bearer "), str(boss.client.base_url)
    with Stillhouse(url, key) as client:
        assert [(row["id"], row["calls"]) for row in client.usage.rows(group_by="endpoint")] == [
            ("ep_words", second["calls"])
        ]
    project = service.tenant("other").project
    other = Tenant(service, project, service.key(project, "read", "write", "admin"))
    made(other, server)
    usage = used(other, "endpoint")
    assert usage["usd"] == 0 and {name: usage[name] for name in COUNTS} == told(server.ledger(), second)
    assert {name: used(boss, "endpoint")[name] for name in COUNTS} == told(second)


def test_a_month_that_is_used_up_pays_for_no_probe(service: Service, boss: Tenant) -> None:
    """The endpoint is made all the same; as far as the month goes, the probe does."""
    with served(teacher := Teacher(streams=True)):
        capped(service, boss, 0.0004)
        body = {"name": "words", "url": teacher.url, "price": DEAR, "allow_private": True}
        poor = good(boss.client.post("/v1/endpoints", json=body))
        assert (poor["state"], poor["error"]["code"], poor["probed"]) == ("failed", "month_cap", {})
        assert not teacher.keys and used(boss, "endpoint")["calls"] == 0, "nothing was asked"
        capped(service, boss, 0.001)
        some = good(boss.client.post("/v1/endpoints/ep_words/probe", json={"model": "words"}))
        left = some["probed"]["words"]["unseen"]
        assert (some["state"], some["error"]["code"]) == ("ready", "month_cap") and "structured" in left
        assert 0 < used(boss, "endpoint")["usd"] <= 0.001
        capped(service, boss, used(boss, "endpoint")["usd"])
        teacher.keys.clear()
        refused = good(boss.client.post("/v1/endpoints/ep_words/probe", json={"model": "words"}))
        assert (refused["state"], refused["error"]["code"]) == ("ready", "month_cap") and not teacher.keys
        assert refused["probed"] == some["probed"]
        capped(service, boss, 1.0)
        whole = good(boss.client.post("/v1/endpoints/ep_words/probe", json={"model": "words"}))
    assert whole["error"] is None and not whole["probed"]["words"]["unseen"]
    assert used(boss, "endpoint")["calls"] == teacher.calls


def capped(service: Service, tenant: Tenant, usd: float) -> None:
    good(service.admin.patch(f"/v1/projects/{tenant.project}", json={"usd_per_month": usd}))
