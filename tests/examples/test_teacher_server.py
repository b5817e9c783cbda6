"""The example's teacher, over sockets."""

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal

import httpx
import openai
import pytest

from examples.docstrings.texts import Row, rows
from examples.teacher_server.encoder import Encoder
from examples.teacher_server.teacher import fit

FAULTS = {"status_429": 429, "status_500": 500, "reset": 0, "truncated_body": 0, "malformed_json": 200, "empty": 200}


@pytest.fixture(scope="module")
def material() -> list[Row]:
    return rows(limit=20)


@pytest.fixture(scope="module")
def url(material: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data = tmp_path_factory.mktemp("teacher") / "texts.jsonl"
    data.write_text("".join(json.dumps(asdict(row)) + "\n" for row in material))
    argv = [sys.executable, "-m", "examples.teacher_server", "--data", str(data), "--key", "k"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.terminate()


def ask(url: str, text: str) -> httpx.Response:
    body = {"messages": [{"role": "user", "content": f"Text: {text}"}], "temperature": 0}
    return httpx.post(f"{url}/chat/completions", json=body, headers={"authorization": "Bearer k"})


def admin(url: str, method: str, path: str, body: object = None) -> dict[str, list[dict[str, object]]]:
    reply = httpx.request(method, url.removesuffix("/v1") + path, json=body, headers={"authorization": "Bearer k"})
    found: dict[str, list[dict[str, object]]] = reply.raise_for_status().json()
    return found


def test_answers_are_the_models_own(url: str, material: list[Row]) -> None:
    train = [row for row in material if row.split == "train"]
    teacher = fit(Encoder(), [row.text for row in train], [row.label for row in train])
    texts = [row.text for row in material if row.split == "heldout"][:30]
    own = [teacher.classes[best] for best in teacher.logprobs(texts).argmax(1).tolist()]
    assert [ask(url, text).json()["choices"][0]["message"]["content"] for text in texts] == own


def test_the_openai_client_reads_log_probabilities_that_add_up(url: str) -> None:
    client = openai.OpenAI(base_url=url, api_key="k", max_retries=0)
    content = "One of: numpy, torch, sympy\n\nText: Gradients of a tensor."
    made = client.chat.completions.create(
        model="any", messages=[{"role": "user", "content": content}], temperature=0, logprobs=True, top_logprobs=5
    )
    told = made.choices[0].logprobs
    assert told is not None and told.content is not None
    tops = [top.logprob for top in told.content[0].top_logprobs]
    assert tops == sorted(tops, reverse=True) and math.isclose(sum(map(math.exp, tops)), 1, rel_tol=1e-6)
    assert told.content[0].logprob == tops[0] and len(tops) > 1


@pytest.mark.parametrize("kind", FAULTS)
def test_each_fault_happens_and_the_ledger_knows_it(url: str, kind: str) -> None:
    admin(url, "POST", "/faults", {"rates": {kind: 1.0}})
    if FAULTS[kind] == 0:
        with pytest.raises(httpx.TransportError):
            ask(url, "a text of words")
    else:
        reply = ask(url, "a text of words")
        assert reply.status_code == FAULTS[kind]
        if kind == "malformed_json":
            with pytest.raises(json.JSONDecodeError):
                reply.json()
    admin(url, "POST", "/faults", {"rates": {}})
    last = admin(url, "GET", "/ledger")["data"][-1]
    assert last["fault"] == kind and (Decimal(str(last["billed_usd"])) > 0) == (not kind.startswith("status"))


def test_the_ledger_equals_usage(url: str) -> None:
    usage = ask(url, "Open a file").json()["usage"]
    last = admin(url, "GET", "/ledger")["data"][-1]
    assert (last["prompt_tokens"], last["completion_tokens"]) == (usage["prompt_tokens"], usage["completion_tokens"])
    exact = (Decimal("0.40") * usage["prompt_tokens"] + Decimal("1.60") * usage["completion_tokens"]) / 10**6
    assert Decimal(str(last["billed_usd"])) == exact


def test_a_key_is_asked_for(url: str) -> None:
    assert httpx.get(f"{url}/models").status_code == 401
