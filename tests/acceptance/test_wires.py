"""Jobs over the wires that are not the usual one: Anthropic's messages, and OpenAI's for a model that thinks. The bill is the server's own ledger's."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from examples.teacher_server.encoder import tokenizer
from gateway.subject import SHORT
from spec.passages import PROSE
from standalone.stack import Stack
from stillhouse import Stillhouse
from tests.acceptance.asking import answered, ended, report
from tests.acceptance.run import Run
from tests.acceptance.tenant import Tenant, good
from tests.examples.serving import KEY, LABELS, MODEL, TEXTS, Client, serving

PRICE = {"input": 20.0, "output": 40.0, "cached": 2.0, "batch": 0.5}
HELDOUT, TRAIN, ROWS = 20, 80, 100
THINKS = 24
PROBED = (SHORT, PROSE, "Say maybe.")


def table(folder: Path) -> Path:
    path = folder / "table.jsonl"
    known = TEXTS | dict.fromkeys(PROBED, LABELS[0])
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in known.items()))
    return path


def dataset(stack: Stack, owner: Tenant) -> str:
    texts = sorted(TEXTS)[:ROWS]
    splits = {"train": (0, TRAIN), "test": (TRAIN, ROWS)}
    with Stillhouse(stack.url, owner.key) as client:
        made = client.datasets.from_texts(texts, [TEXTS[text] for text in texts], name="t", splits=splits)["id"]
        client.datasets.wait(made)
    return made


def endpoint(owner: Tenant, server: Client, wire: str) -> dict[str, Any]:
    """Its probe is behind us: what the ledger says from here on is the job's."""
    body = {"name": "wire", "url": server.url, "wire": wire, "key": KEY, "price": PRICE, "allow_private": True}
    made = good(owner.client.post("/v1/endpoints", json=body))
    assert made["state"] == "ready", made["error"]
    able: dict[str, Any] = made["probed"][MODEL]
    return able


def job(rows: str, most: int, **more: Any) -> dict[str, Any]:
    return {
        "name": "wires",
        "teacher": {"models": [f"ep_wire/{MODEL}"], "batch": more.pop("batch", False)},
        "data": {
            "train": f"{rows}/train",
            "heldout": f"{rows}/test",
            "responses": {
                "type": "teacher",
                "sampling": {"max_tokens": most, "temperature": 0.0},
                **more.pop("responses", {}),
            },
        },
        "student": {"type": "text_classifier", "width": 8, "buckets": 1000},
        "objective": [{"type": "soft_targets"}],
        "training": {"steps": 20, "batch_size": 32},
        "evaluation": {"baselines": []},
        **more,
    }


def spent(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    counts = ("calls", "unbilled", "prompt_tokens", "cached_tokens", "completion_tokens")
    return {name: after[name] - before[name] for name in counts} | {
        "usd": float(Decimal(after["usd"]) - Decimal(before["usd"]))
    }


def test_a_job_over_the_wire_of_anthropic(stack: Stack, asker: Tenant, tmp_path: Path) -> None:
    """With examples in the prompt, under a cap, at an endpoint that is overloaded now and then."""
    flags = ("--table", table(tmp_path), "--price", "20/40/2", "--cached-from", "24")
    with serving(*flags) as server:
        able = endpoint(asker, server, "anthropic")
        assert able["bounded_by"] == "max_tokens" and able["streaming"] and not able["top_logprobs"]
        rows = dataset(stack, asker)
        spec = job(rows, 8, responses={"prompt": {"examples": 6}})
        priced = good(asker.client.post("/v1/distillations/validate", json=spec))["estimate"]["usd"]
        before = server.ledger()
        server.faults(shares={"status_529": 0.1}, seed=3)
        cap = priced["minimum"] * 1.01
        run = Run.start(asker, spec | {"budget": {"usd": cap}})
        found, ledger = ended(run), server.ledger()
        bill = spent(before, ledger)
    whole = report(run)
    assert found["usage"]["usd"] == whole["bill"]["usd"] == pytest.approx(bill["usd"], abs=1e-9) and bill["usd"] <= cap
    (used,) = good(asker.client.get("/v1/usage?group_by=endpoint"))["data"]
    told = {name: used[name] for name in ("calls", "input_tokens", "cached_tokens", "output_tokens")}
    assert told == {
        "calls": ledger["calls"], "input_tokens": ledger["prompt_tokens"], "cached_tokens": ledger["cached_tokens"],
        "output_tokens": ledger["completion_tokens"],
    }, "the probe's calls are among them"  # fmt: skip
    parts = whole["answers"]["parts"]
    assert bill["calls"] == sum(part["asked"] for part in parts.values()) <= ROWS
    assert parts["heldout"]["asked"] == HELDOUT and bill["unbilled"] > 0, "529 is waited out, and counted as nothing"
    assert {kind for part in parts.values() for kind, rows in part["kinds"].items() if rows} == {"answered"}
    own = len(tokenizer().encode(min(TEXTS), add_special_tokens=False).ids)
    assert bill["prompt_tokens"] > 7 * own * bill["calls"] and bill["cached_tokens"] > 0, "examples were shown"
    roles = {role["role"]: role for role in whole["grade"]["roles"]}
    assert roles["teacher.0"]["metrics"]["accuracy"]["value"] == 1.0 and whole["answers"]["read"] == "text"


def test_a_model_that_thinks_is_asked_in_a_batch(stack: Stack, asker: Tenant, tmp_path: Path) -> None:
    with serving("--table", table(tmp_path), "--price", "20/40", "--thought", str(THINKS)) as server:
        able = endpoint(asker, server, "openai")
        assert able["bounded_by"] == "max_completion_tokens" and able["batch"]
        before = server.ledger()
        run = Run.start(asker, job(dataset(stack, asker), THINKS + 8, batch=True, budget={"usd": 1.0}))
        answered(run)
        bill = spent(before, server.ledger())
    assert (bill["calls"], bill["unbilled"]) == (ROWS, 0) and bill["completion_tokens"] >= ROWS * (THINKS + 1)
    assert run.get()["usage"]["usd"] == pytest.approx(bill["usd"], abs=1e-9)
