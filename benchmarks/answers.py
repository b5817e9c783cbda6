"""How fast a teacher behind an endpoint is asked, beside a bare asyncio loop that makes the same calls and does nothing else.

The endpoint answers from a table after 200 ms; 32 calls are in flight. Ours is the span from the first to the last call in the endpoint's own
ledger, of a job through the API: every call with money set aside, its answer kept in PostgreSQL before it is told, limits shared through Redis.

    python -m benchmarks.answers --rows 3200
"""

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from benchmarks.stack import stillhouse, table, teacher
from spec.prompt import system_text
from spec.responses import TeacherResponses

MODEL = "minilm-docstrings"
NAMES = ("even", "odd")


def texts(number: int) -> tuple[list[str], list[str]]:
    rows = [f"the number {i} stands in row {i} of this table" for i in range(number)]
    return rows, [NAMES[i % 2] for i in range(number)]


async def bare(url: str, rows: list[str], flight: int) -> float:
    """Seconds of all calls by a loop that keeps nothing."""
    limit = asyncio.Semaphore(flight)
    system = system_text(TeacherResponses(type="teacher"), NAMES)
    connections = httpx.Limits(max_connections=flight, max_keepalive_connections=flight)
    async with httpx.AsyncClient(limits=connections, timeout=60) as client:

        async def one(text: str) -> None:
            messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
            body = {"model": MODEL, "messages": messages, "temperature": 0.0, "max_tokens": 4}
            async with limit:
                reply = await client.post(f"{url}/chat/completions", json=body | {"logprobs": True, "top_logprobs": 2})
                assert reply.json()["choices"][0]["message"]["content"] in NAMES

        began = time.perf_counter()
        await asyncio.gather(*(one(text) for text in rows))
        return time.perf_counter() - began


def ours(url: str, ledger: Path, rows: list[str], labels: list[str], flight: int) -> float:
    """Seconds from the first to the last call that the endpoint has served for a job."""
    with stillhouse() as client:
        client.endpoints.create(
            name="table", url=url, model=MODEL, price={"input": 0.4, "output": 1.6}, allow_private=True,
            limits={"concurrency": flight},
        )  # fmt: skip
        dataset = client.datasets.from_texts(rows, labels)["id"]
        client.datasets.wait(dataset)
        before = len(ledger.read_text().splitlines())
        asked: Any = {"type": "teacher", "sampling": {"temperature": 0.0, "max_tokens": 4}}
        job = client.distillations.create(
            {
                "name": "answers",
                "teacher": {"models": [f"ep_table/{MODEL}"]},
                "data": {"train": dataset, "heldout": 0.1, "responses": asked},
                "student": {"type": "text_classifier", "width": 8, "buckets": 1000},
                "objective": [{"type": "soft_targets"}],
                "training": {"steps": 20},
                "evaluation": {"baselines": []},
            }
        )
        job.wait(progress=False)
    at = [json.loads(line)["at"] for line in ledger.read_text().splitlines()[before:]]
    assert len(at) == len(rows), (len(at), len(rows))
    return float(max(at) - min(at))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=3200)
    parser.add_argument("--flight", type=int, default=32)
    parser.add_argument("--latency", type=float, default=0.2)
    asked = parser.parse_args()
    rows, labels = texts(asked.rows)
    with tempfile.TemporaryDirectory() as folder:
        answers = table(Path(folder) / "table.jsonl", zip(rows, labels, strict=True))
        ledger = Path(folder) / "ledger.jsonl"
        ledger.touch()
        with teacher("--table", answers, "--ledger", ledger, "--latency", str(asked.latency), "--model", MODEL) as url:
            plain = asyncio.run(bare(url, rows, asked.flight))
            mine = ours(url, ledger, rows, labels, asked.flight) + asked.latency
            again = asyncio.run(bare(url, rows, asked.flight))
    anchor = (plain + again) / 2
    ideal = asked.rows * asked.latency / asked.flight
    print(
        f"{asked.rows:,} calls of {asked.latency * 1000:.0f} ms, {asked.flight} in flight: {ideal:.1f} s if nothing cost anything"
    )
    print(
        f"a bare loop      {anchor:6.2f} s  {asked.rows / anchor:6.1f} calls/s  ({plain:.2f} before, {again:.2f} after)"
    )
    print(f"a job's answers  {mine:6.2f} s  {asked.rows / mine:6.1f} calls/s  {anchor / mine:.1%} of it (promised 95%)")


if __name__ == "__main__":
    main()
