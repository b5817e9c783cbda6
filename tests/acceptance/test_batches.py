"""A teacher that is asked through its batch API, from the price beforehand to the report, with a worker that dies while the batch is under way."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from standalone.stack import Stack
from stillhouse import Stillhouse
from tests.acceptance.run import Run, until
from tests.acceptance.tenant import Tenant, good
from tests.examples.serving import KEY, LABELS, MODEL, PROBED, Client, serving

PRICE = {"input": 20.0, "output": 40.0, "batch": 0.5}
TEXTS = {f"text number {number} about {label}": label for number in range(400) for label in LABELS}
"""More than are put to a desk before the first is answered."""
TRAIN, ROWS = 1950, len(TEXTS)
SAID = {
    text: label if place % 7 else LABELS[(LABELS.index(label) + 1) % len(LABELS)]
    for place, (text, label) in enumerate(sorted(TEXTS.items()))
}
"""The teacher is wrong about every seventh text."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Client]:
    table = tmp_path / "table.jsonl"
    known = SAID | dict.fromkeys(PROBED, LABELS[0])  # a probe's questions are answered, too
    table.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in known.items()))
    with serving("--table", table, "--price", "20/40", "--batch-price", "0.5") as found:
        yield found


def job(rows: str, **teacher: Any) -> dict[str, Any]:
    return {
        "name": "batches",
        "teacher": {"models": [f"ep_batch/{MODEL}"], **teacher},
        "data": {
            "train": f"{rows}/train",
            "heldout": f"{rows}/test",
            "responses": {"type": "teacher", "sampling": {"temperature": 0.0, "max_tokens": 8}},
        },
        "student": {"type": "text_classifier", "width": 8, "buckets": 1000},
        "objective": [{"type": "soft_targets"}],
        "training": {"steps": 20, "batch_size": 32},
        "evaluation": {"baselines": []},
        "budget": {"usd": 10.0},
    }


def waits(run: Run) -> bool:
    """For a batch, as its progress says."""
    return any("batches" in (step["progress"] or {}) for step in run.get()["steps"])


def test_a_batch_survives_its_worker_and_is_paid_once(stack: Stack, asker: Tenant, server: Client) -> None:
    body = {"name": "batch", "url": server.url, "key": KEY, "price": PRICE, "allow_private": True}
    begun = server.ledger()
    made = good(asker.client.post("/v1/endpoints", json=body))
    assert made["probed"][MODEL]["batch"] and made["price"]["batch"] == 0.5
    with Stillhouse(stack.url, asker.key) as client:
        texts = sorted(TEXTS)
        splits = {"train": (0, TRAIN), "test": (TRAIN, ROWS)}
        rows = client.datasets.from_texts(texts, [TEXTS[text] for text in texts], name="t", splits=splits)["id"]
        client.datasets.wait(rows)
    single, said = (
        good(asker.client.post("/v1/distillations/validate", json=job(rows, batch=on)))["estimate"]["usd"]
        for on in (False, True)
    )
    assert said["expected"] == pytest.approx(single["expected"] / 2, abs=2e-6)
    before = server.ledger()
    server.faults(shares={"slow_batch": 1.0}, seconds=4.0)
    run = Run.start(asker, job(rows, batch=True))
    until(lambda: waits(run))
    for name in ("one", "two"):
        stack[name].kill()
        stack[name].start()
    run.succeeded()
    after, found = server.ledger(), run.get()
    billed = float(Decimal(after["usd"]) - Decimal(before["usd"]))
    assert after["calls"] - before["calls"] == ROWS, (
        "the worker that was killed and the one after it have sent one batch"
    )
    tokens = [after[name] - before[name] for name in ("prompt_tokens", "completion_tokens")]
    assert billed == pytest.approx((tokens[0] * 20 + tokens[1] * 40) * 0.5 / 1e6)
    assert found["usage"]["usd"] == pytest.approx(billed, abs=2e-6) and said["low"] <= billed <= said["high"]
    whole = good(asker.client.get(f"/v1/distillations/{run.id}/report"))
    assert whole["bill"]["usd"] == found["usage"]["usd"] and whole["bill"]["calls"] == ROWS
    (row,) = good(asker.client.get("/v1/usage?group_by=endpoint"))["data"]
    assert (row["calls"], row["output_tokens"]) == (
        after["calls"] - begun["calls"],
        after["completion_tokens"] - begun["completion_tokens"],
    )
    right = sum(SAID[text] == TEXTS[text] for text in texts[TRAIN:]) / (ROWS - TRAIN)
    roles = {role["role"]: role for role in whole["grade"]["roles"]}
    assert roles["teacher.0"]["metrics"]["accuracy"]["value"] == pytest.approx(right)
    assert whole["answers"]["read"] == "logprobs" and whole["answers"]["parts"]["heldout"]["asked"] == ROWS - TRAIN
    events = [event["message"] for event in run.events() if event["step"] == "answer"]
    assert f"{ROWS:,} calls are with the endpoint, in 1 batch." in events, events
