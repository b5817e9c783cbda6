"""The example's teacher over sockets: what it answers, and how its wires say it."""

import json
import math
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from examples.teacher_server.encoder import tokenizer
from tests.examples.serving import LABELS, MODEL, TEXTS, Client, serving, table

TEXT, LABEL = "text number 3 about pydantic", "pydantic"
SURE, LEFT = 0.9, 0.1 / (len(LABELS) - 1)  # of the table's label, and of each other class


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with serving("--table", table(tmp_path_factory.mktemp("table") / "table.jsonl")) as found:
        yield found


def tokens(text: str) -> int:
    return len(tokenizer().encode(text, add_special_tokens=False).ids)


def schema(names: list[str]) -> dict[str, Any]:
    wanted = {"type": "object", "properties": {"library": {"type": "string", "enum": names}}, "required": ["library"]}
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": wanted}}


class TestAnswers:
    def test_the_openai_client_reads_log_probabilities_that_add_up(self, client: Client) -> None:
        with openai.OpenAI(base_url=client.url, api_key="k", max_retries=0) as official:
            made = official.chat.completions.create(
                model=MODEL, messages=[{"role": "user", "content": TEXT}], temperature=0, logprobs=True, top_logprobs=20
            )
            assert [model.id for model in official.models.list()] == [MODEL] == [official.models.retrieve(MODEL).id]
        told = made.choices[0].logprobs
        assert told is not None and told.content is not None
        assert "".join(token.token for token in told.content) == made.choices[0].message.content == LABEL
        for token in told.content:
            tops = [top.logprob for top in token.top_logprobs]
            assert tops == sorted(tops, reverse=True) and math.fsum(map(math.exp, tops)) == pytest.approx(1)
        assert math.exp(sum(token.logprob for token in told.content)) == pytest.approx(SURE)
        first = {top.token: math.exp(top.logprob) for top in told.content[0].top_logprobs}
        assert first["p"] == pytest.approx(SURE + LEFT) and first["torch"] == pytest.approx(LEFT)

    def test_fewer_top_logprobs_are_the_likeliest(self, client: Client) -> None:
        told = client.chat(TEXT, logprobs=True, top_logprobs=2).json()["choices"][0]["logprobs"]["content"]
        assert len(told[0]["top_logprobs"]) == 2 and told[0]["top_logprobs"][0]["token"] == told[0]["token"]
        assert client.chat(TEXT, logprobs=True).json()["choices"][0]["logprobs"]["content"][0]["top_logprobs"] == []
        assert client.chat(TEXT).json()["choices"][0]["logprobs"] is None

    @pytest.mark.parametrize(
        "prompt",
        [
            TEXT,
            f"Text: {TEXT}",
            f"Which library?\n\nText: {TEXT}\n\nThink well.",
            f"Which library?\n\n{TEXT}",
            f"Say one of these: yes, no.\n\n{TEXT}",
            f"{TEXT}\n\nAnswer with one of the following: torch, pydantic.",
        ],
    )
    def test_the_text_is_found_in_a_prompt(self, client: Client, prompt: str) -> None:
        assert client.answer(prompt) == LABEL

    def test_only_offered_names_are_said(self, client: Client) -> None:
        offer = [
            {"role": "system", "content": "Answer with one of: torch, networkx."},
            {"role": "user", "content": TEXT},
        ]
        reply = client.chat("", messages=offer, logprobs=True, top_logprobs=20, n=60, temperature=1, seed=1).json()
        assert Counter(choice["message"]["content"] for choice in reply["choices"]).keys() == {"torch", "networkx"}
        tops = reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        assert [math.exp(top["logprob"]) for top in tops] == pytest.approx([0.5, 0.5])

    def test_json_is_told_token_by_token(self, client: Client) -> None:
        wanted = schema(["torch", "pygments", "pydantic", "unheard-of"])
        choice = client.chat(TEXT, response_format=wanted, logprobs=True, top_logprobs=5).json()["choices"][0]
        content = choice["message"]["content"]
        assert json.loads(content) == {"library": LABEL}
        assert "".join(token["token"] for token in choice["logprobs"]["content"]) == content
        share = math.exp(sum(token["logprob"] for token in choice["logprobs"]["content"]))
        assert share == pytest.approx(SURE / (SURE + 2 * LEFT))

    def test_a_seed_repeats_its_samples(self, client: Client) -> None:
        def drawn(**fields: Any) -> list[str]:
            reply = client.chat(TEXT, n=128, temperature=1.5, **fields).json()
            assert [choice["index"] for choice in reply["choices"]] == list(range(128))
            return [choice["message"]["content"] for choice in reply["choices"]]

        assert drawn(seed=1) == drawn(seed=1) != drawn(seed=2)
        assert drawn() != drawn()
        assert set(drawn(seed=3)) == set(LABELS)
        assert set(drawn(seed=3, top_p=0.5)) == {LABEL}

    def test_samples_follow_the_temperature(self, client: Client) -> None:
        for heat in (1.0, 2.0):
            weights = [share ** (1 / heat) for share in (SURE, *[LEFT] * 4)]
            expected = weights[0] / sum(weights)
            replies = [client.chat(TEXT, n=128, temperature=heat, seed=seed).json() for seed in range(8)]
            said = [choice["message"]["content"] for reply in replies for choice in reply["choices"]]
            error = math.sqrt(expected * (1 - expected) / len(said))
            assert said.count(LABEL) / len(said) == pytest.approx(expected, abs=4 * error)

    def test_answers_are_cut_by_tokens_and_by_stop(self, client: Client) -> None:
        whole = tokens(LABEL)
        for limit in range(1, whole + 1):
            reply = client.chat(TEXT, max_tokens=limit, logprobs=True).json()
            choice = reply["choices"][0]
            assert choice["finish_reason"] == ("stop" if limit == whole else "length")
            assert reply["usage"]["completion_tokens"] == limit == len(choice["logprobs"]["content"])
            assert LABEL.startswith(choice["message"]["content"])
        stopped = client.chat(TEXT, stop=["zzz", "dan"], logprobs=True).json()["choices"][0]
        assert (stopped["message"]["content"], stopped["finish_reason"]) == ("py", "stop")
        assert "".join(token["token"] for token in stopped["logprobs"]["content"]) == "py"

    def test_a_stream_says_the_same(self, client: Client) -> None:
        with openai.OpenAI(base_url=client.url, api_key="k", max_retries=0) as official:
            chunks = list(
                official.chat.completions.create(
                    model=MODEL,
                    messages=[{"role": "user", "content": TEXT}],
                    temperature=0,
                    stream=True,
                    stream_options={"include_usage": True},
                )
            )
        said = [chunk.choices[0] for chunk in chunks if chunk.choices]
        assert "".join(part.delta.content or "" for part in said) == LABEL
        assert [part.finish_reason for part in said] == [None] * (tokens(LABEL) + 1) + ["stop"]
        usage = chunks[-1].usage
        assert usage is not None and (usage.prompt_tokens, usage.completion_tokens) == (tokens(TEXT), tokens(LABEL))

    def test_usage_counts_the_encoders_tokens(self, client: Client) -> None:
        messages = [{"role": "system", "content": "Say it. " * 300}, {"role": "user", "content": f"Text: {TEXT}"}]
        usage = client.chat("", messages=messages, n=3).json()["usage"]
        prompt = sum(tokens(message["content"]) for message in messages)
        assert prompt > 256, "more than the encoder reads"
        assert (usage["prompt_tokens"], usage["completion_tokens"]) == (prompt, 3 * tokens(LABEL))
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


class TestAnthropic:
    def test_a_reply(self, client: Client) -> None:
        reply = client.message(TEXT, system=[{"type": "text", "text": "Answer with one of: torch, pydantic."}])
        body = reply.raise_for_status().json()
        assert body["content"] == [{"type": "text", "text": LABEL}]
        assert (body["type"], body["role"], body["model"]) == ("message", "assistant", MODEL)
        assert (body["stop_reason"], body["stop_sequence"]) == ("end_turn", None)
        prompt = tokens("Answer with one of: torch, pydantic.") + tokens(TEXT)
        assert (body["usage"]["input_tokens"], body["usage"]["output_tokens"]) == (prompt, tokens(LABEL))

    def test_answers_are_cut_and_framed(self, client: Client) -> None:
        assert client.message(TEXT, max_tokens=1).json()["stop_reason"] == "max_tokens"
        stopped = client.message(TEXT, stop_sequences=["dan"]).json()
        assert (stopped["stop_reason"], stopped["stop_sequence"]) == ("stop_sequence", "dan")
        form = {"type": "json_schema", "schema": schema(["torch", "pydantic"])["json_schema"]["schema"]}
        framed = client.message(TEXT, output_config={"format": form}).json()["content"][0]["text"]
        assert json.loads(framed) == {"library": LABEL}

    def test_models(self, client: Client) -> None:
        headers = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
        assert httpx.get(f"{client.url}/models", headers=headers).json()["first_id"] == MODEL

    @pytest.mark.parametrize(
        ("fields", "status", "kind", "said"),
        [
            ({"model": "other"}, 404, "not_found_error", "other"),
            ({"max_tokens": 0}, 400, "invalid_request_error", "max_tokens"),
            ({"temperature": 1.5}, 400, "invalid_request_error", "temperature"),
            ({"stream": 1}, 400, "invalid_request_error", "stream"),
            ({"version": None}, 400, "invalid_request_error", "anthropic-version"),
            ({"key": "wrong"}, 401, "authentication_error", "key"),
        ],
    )
    def test_errors(self, client: Client, fields: dict[str, Any], status: int, kind: str, said: str) -> None:
        reply = client.message(TEXT, **fields)
        body = reply.json()
        assert (reply.status_code, body["type"], body["error"]["type"]) == (status, "error", kind)
        assert said in body["error"]["message"]


class TestErrors:
    @pytest.mark.parametrize(
        ("fields", "status", "param", "code"),
        [
            ({"model": "other"}, 404, "model", "model_not_found"),
            ({"messages": []}, 400, "messages", None),
            ({"messages": [{"role": "robot", "content": "x"}]}, 400, "messages.0.role", None),
            ({"messages": [{"role": "user", "content": "not in the table"}]}, 400, "messages", "unknown_text"),
            ({"temperature": 2.1}, 400, "temperature", None),
            ({"temperature": "0"}, 400, "temperature", None),
            ({"top_p": 0}, 400, "top_p", None),
            ({"n": 0}, 400, "n", None),
            ({"max_tokens": 0}, 400, "max_tokens", None),
            ({"top_logprobs": 21, "logprobs": True}, 400, "top_logprobs", None),
            ({"top_logprobs": 2}, 400, "top_logprobs", None),
            ({"prompt_logprobs": 1}, 400, "prompt_logprobs", None),
            ({"response_format": {"type": "xml"}}, 400, "response_format.type", None),
            ({"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}}, 400, "response_format", None),
            ({"response_format": schema(["unheard-of"])}, 400, "response_format", None),
        ],
    )
    def test_the_envelope_names_the_field(
        self, client: Client, fields: dict[str, Any], status: int, param: str, code: str | None
    ) -> None:
        before = client.ledger()
        reply = client.chat(TEXT, **fields)
        error = reply.json()["error"]
        assert (reply.status_code, error["param"], error["code"]) == (status, param, code)
        assert error["message"] and error["type"] == "invalid_request_error"
        assert client.ledger() == before | {"unbilled": before["unbilled"] + 1}

    def test_what_is_no_json_is_refused(self, client: Client) -> None:
        reply = httpx.post(f"{client.url}/chat/completions", content=b'{"model":', headers=client.headers)
        assert reply.status_code == 400 and "JSON" in reply.json()["error"]["message"]

    @pytest.mark.parametrize("path", ["/v1/models", f"/v1/models/{MODEL}", "/ledger", "/faults"])
    def test_a_key_is_asked_for(self, client: Client, path: str) -> None:
        url = client.url.removesuffix("/v1") + path
        for headers in ({}, {"authorization": "Bearer wrong"}):
            reply = httpx.get(url, headers=headers)
            assert (reply.status_code, reply.json()["error"]["code"]) == (401, "invalid_api_key")
        assert httpx.get(url, headers=client.headers).status_code == 200

    def test_unknown_routes_are_404_in_the_envelope(self, client: Client) -> None:
        reply = httpx.get(f"{client.url}/completions", headers=client.headers)
        assert (reply.status_code, reply.json()["error"]["type"]) == (404, "invalid_request_error")
        assert httpx.get(f"{client.url}/models/other", headers=client.headers).status_code == 404


def test_every_text_of_the_table_is_found(client: Client) -> None:
    for text, label in list(TEXTS.items())[::20]:
        assert client.answer(text) == label


class TestBatches:
    def test_the_openai_client_gets_a_batch_answered_at_half_the_price(self, client: Client) -> None:
        before, asked = client.ledger(), [text for text, label in TEXTS.items() if label == "torch"][:5]
        calls = [
            {"custom_id": text, "method": "POST", "url": "/v1/chat/completions", "body": body_of(text)}
            for text in asked
        ]
        lines = "".join(json.dumps(call) + "\n" for call in [*calls, calls[0] | {"custom_id": "x", "body": {}}])
        with openai.OpenAI(base_url=client.url, api_key="k", max_retries=0) as official:
            file = official.files.create(file=("calls.jsonl", lines.encode()), purpose="batch")
            made = official.batches.create(
                input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"a": "b"}
            )
            while (found := official.batches.retrieve(made.id)).status not in ("completed", "failed"):
                time.sleep(0.02)
            assert found.output_file_id and found.error_file_id and found.metadata == {"a": "b"}
            assert [one.id for one in official.batches.list(limit=1).data] == [made.id]
            replies = [json.loads(line) for line in official.files.content(found.output_file_id).text.splitlines()]
            (error,) = [json.loads(line) for line in official.files.content(found.error_file_id).text.splitlines()]
        said = {one["custom_id"]: one["response"]["body"]["choices"][0]["message"]["content"] for one in replies}
        assert said == dict.fromkeys(asked, "torch") and (found.request_counts and found.request_counts.failed) == 1
        assert (error["custom_id"], error["response"]["status_code"]) == ("x", 400)
        after, usage = client.ledger(), [one["response"]["body"]["usage"] for one in replies]
        whole = sum(one["prompt_tokens"] * 0.4 + one["completion_tokens"] * 1.6 for one in usage) / 1e6
        assert float(after["usd"]) - float(before["usd"]) == pytest.approx(whole / 2)


def body_of(text: str) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": text}], "temperature": 0}
