"""Jobs over the wires that are not the usual one: Anthropic's messages, and OpenAI's for a model that thinks. The bill is the server's own ledger's."""

import json
import random
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from examples.teacher_server.encoder import tokenizer
from spec.passages import PASSAGES
from standalone.stack import Stack
from stillhouse import Stillhouse
from tests.acceptance.asking import answered, ended, report
from tests.acceptance.run import Run
from tests.acceptance.tenant import Tenant, good
from tests.examples.serving import KEY, LABELS, MODEL, PROBED, TEXTS, Client, serving

PRICE = {"input": 20.0, "output": 40.0, "cached": 2.0, "batch": 0.5}
HELDOUT, TRAIN, ROWS = 20, 80, 100
THINKS = 24


def table(folder: Path, texts: Mapping[str, str] = TEXTS) -> Path:
    path = folder / "table.jsonl"
    known = {**texts} | dict.fromkeys(PROBED, LABELS[0])
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in known.items()))
    return path


def dataset(stack: Stack, owner: Tenant, known: Mapping[str, str] = TEXTS) -> str:
    texts = sorted(known)[:ROWS]
    splits = {"train": (0, TRAIN), "test": (TRAIN, ROWS)}
    with Stillhouse(stack.url, owner.key) as client:
        made = client.datasets.from_texts(texts, [known[text] for text in texts], name="t", splits=splits)["id"]
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


def test_the_first_price_of_rows_that_are_no_prose(stack: Stack, asker: Tenant, tmp_path: Path) -> None:
    """Digits, and Russian: the server's tokenizer, BERT's, makes several times as many tokens of them as of English."""
    source = random.Random(1)
    words = ("машина", "человек", "дистилляция", "стоимость", "учитель", "вопросы", "девяносто", "ученик")
    texts = {
        f"{' '.join(source.choices(words, k=20))} {source.getrandbits(60)} {number}": LABELS[number % 5]
        for number in range(ROWS)
    }
    with serving("--table", table(tmp_path, texts), "--price", "20/40") as server:
        able = endpoint(asker, server, "openai")
        spec = job(dataset(stack, asker, texts), 8)
        first = good(asker.client.post("/v1/distillations/validate", json=spec))["estimate"]
        before = server.ledger()
        answered(Run.start(asker, spec))
        bill = spent(before, server.ledger())
    assert "what a sample of the rows is made of" in first["basis"] and len(able["passages"]) == len(PASSAGES)
    assert first["usd"]["answers_low"] <= bill["usd"] <= first["usd"]["answers_high"] < 3 * bill["usd"]
    prose = able["tokens_per_byte"] * sum(len(text.encode()) for text in texts) * PRICE["input"] / 1e6
    assert bill["usd"] > 1.5 * prose, "by prose alone it would have been too low"


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
