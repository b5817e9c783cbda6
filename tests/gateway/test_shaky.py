"""A fault that passes takes no capability away, in whichever question of a probe it comes; what a model cannot do is still seen."""

import asyncio
import time
from typing import Any

import pytest

from gateway.call import Endpoint
from gateway.client import Client
from gateway.failure import Permanent, Retryable
from gateway.probe import models, probe
from gateway.retry import TRIES
from gateway.subject import Subject
from spec.facts import Capabilities
from spec.passages import PASSAGES
from tests.acceptance.teacher import served
from tests.gateway.shaky import Shaky

TRIALS = {
    "top_logprobs 20": "top_logprobs", "n": "several", "stream": "streaming", "prompt_logprobs": "prompt_logprobs", "batches": "batch",
    "response_format": "structured",
}  # fmt: skip
QUESTIONS = (*TRIALS, "plain")
ABLE = Capabilities(top_logprobs=20, several=True, streaming=True, prompt_logprobs=True, batch=True, structured=True)
EVER = 1000


async def able(teacher: Shaky, **more: Any) -> Capabilities:
    async with Client(private=True, seconds=5.0) as client:
        return await probe(Subject(client=client, endpoint=Endpoint(teacher.url, "sk-any"), model="words", **more))


def seen(teacher: Shaky, **more: Any) -> Capabilities:
    return asyncio.run(able(teacher, **more))


@pytest.mark.parametrize("status", [429, 500, 504, 408])
def test_each_question_is_put_again(status: int) -> None:
    with served(teacher := Shaky(status=status, first=TRIES - 1)):
        found = seen(teacher)
    assert (found.top_logprobs, found.several, found.streaming, found.batch) == (3, True, True, True)
    assert not found.structured and not found.prompt_logprobs, "it replies, without the thing"
    assert all(teacher.put[name] >= TRIES for name in QUESTIONS) and "top_logprobs 5" not in teacher.put


@pytest.mark.parametrize("status", [429, 504])
@pytest.mark.parametrize("question", TRIALS)
def test_what_does_not_pass_is_no_capability_that_is_missing(question: str, status: int) -> None:
    """It is not seen, stays as it was, and the next probe goes on with it alone."""
    name = TRIALS[question]
    with served(teacher := Shaky(status=status)):
        teacher.faults[question] = EVER
        found = seen(teacher, before=ABLE)
        assert found.unseen == (name,) and teacher.put[question] == TRIES
        assert getattr(found, name) == getattr(ABLE, name)
        teacher.faults.clear()
        teacher.put.clear()
        assert not seen(teacher, before=found).unseen and teacher.put["plain"] <= 1


def test_an_endpoint_that_answers_no_plain_question_has_no_probe() -> None:
    with served(teacher := Shaky(status=429)):
        teacher.faults["plain"] = EVER
        with pytest.raises(Retryable, match="HTTP 429: no plain") as caught:
            seen(teacher)
    assert caught.value.kind == "rate_limited" and teacher.put["plain"] == TRIES


@pytest.mark.parametrize("question", ["top_logprobs 20", "n", "stream", "batches"])
def test_a_question_that_is_refused_is_put_once(question: str) -> None:
    with served(teacher := Shaky(status=400)):
        teacher.faults[question] = EVER
        found = seen(teacher, before=Capabilities(top_logprobs=20, several=True, streaming=True, batch=True))
    shown = {"top_logprobs 20": found.top_logprobs == 3, "n": not found.several, "stream": not found.streaming, "batches": not found.batch}  # fmt: skip
    assert shown[question] and teacher.put[question] == 1


def test_a_server_that_fails_at_what_it_cannot_do_is_believed_once_a_plain_question_goes_well() -> None:
    """But not of what the model was seen to do before."""
    with served(teacher := Shaky(status=500)):
        teacher.faults["top_logprobs 20"] = teacher.faults["n"] = EVER
        found = seen(teacher)
        assert found.top_logprobs == 3 and not found.several and teacher.put["top_logprobs 20"] == TRIES
        assert seen(teacher, before=found) == found.model_copy(update={"seconds": pytest.approx(found.seconds, abs=1)})
        for before in (Capabilities(top_logprobs=20), Capabilities(several=True)):
            with pytest.raises(Retryable, match="HTTP 500"):
                seen(teacher, before=before)


def test_nobody_waits_for_longer_than_a_probe_may_take() -> None:
    with served(teacher := Shaky(status=429, retry_after_ms=60_000)):
        teacher.faults["n"] = EVER
        began = time.monotonic()
        assert seen(teacher, until=began + 5.0).unseen == ("several",)
        assert time.monotonic() - began < 3.0 and teacher.put["n"] == 1


def test_a_list_is_asked_for_again() -> None:
    async def listed(teacher: Shaky) -> tuple[str, ...]:
        async with Client(private=True) as client:
            return await models(client, Endpoint(teacher.url, "sk-any"))

    with served(teacher := Shaky(status=503, first=TRIES - 1)):
        assert asyncio.run(listed(teacher)) == ("words",)
    with served(teacher := Shaky(status=404)):
        teacher.faults["models"] = EVER
        with pytest.raises(Permanent, match="HTTP 404"):
            asyncio.run(listed(teacher))


def test_a_limit_takes_no_passage_away() -> None:
    """Nor a capability, of a model that was seen whole before."""
    with served(teacher := Shaky()):
        whole = seen(teacher)
        teacher.room = 4
        found = seen(teacher, before=whole)
    assert len(whole.passages) == len(PASSAGES) and "passages" in found.unseen
    assert found.passages == whole.passages and found.top_logprobs == whole.top_logprobs


def test_a_question_that_is_held_up_for_ever_does_not_keep_the_rest_from_being_counted_anew() -> None:
    with served(teacher := Shaky(status=504)):
        teacher.faults["prompt_logprobs"] = EVER
        first = seen(teacher)
        teacher.hidden = 50
        second = seen(teacher, before=first)
        third = seen(teacher, before=second)
        fourth = seen(teacher, before=third)
    assert {one.unseen for one in (first, second, third, fourth)} == {("prompt_logprobs",)}
    assert [one.anew for one in (first, second, third, fourth)] == [False, True, False, True]
    assert first.tokens_per_call == second.tokens_per_call == pytest.approx(third.tokens_per_call - 50, abs=0.1)
