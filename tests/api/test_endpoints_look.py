"""A look at several models of an endpoint: what one does not answer hides no other, and it has an end."""

import asyncio
import time
from dataclasses import dataclass, field

import pytest

from api.endpoints import look as look_module
from api.endpoints.guess import likely
from api.endpoints.look import Seen, Target, look
from gateway.call import Endpoint
from spec.facts import Capabilities
from spec.passages import PASSAGES, PROSE
from tests.acceptance.teacher import Teacher, served
from tests.exchange import Request
from tests.gateway.shaky import Shaky


@dataclass
class Slow(Teacher):
    """Answers no model before so many were asked; a model called `never` not at all."""

    together: int = 1
    met: set[str] = field(default_factory=set)
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    async def _exchange(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        model = request.body.get("model")
        if model == "never":
            await asyncio.Event().wait()
        if model:
            self.met.add(model)
            if len(self.met) == self.together:
                self.enough.set()
            await self.enough.wait()
        return await super()._exchange(request, writer)


def seen(teacher: Teacher, *probed: str, model: str | None = None, concurrency: int = 32) -> Seen:
    before = dict.fromkeys(probed, Capabilities())
    return asyncio.run(look(Target(Endpoint(teacher.url, "sk-any"), True, concurrency, before), model))


def test_a_model_that_is_refused_hides_no_other() -> None:
    with served(retired=("old",), others=("voice",)) as teacher:
        found = seen(teacher, "old", "words", "voice", "words-large")
        assert set(found.probed) == {"words", "words-large"} and found.refused == {"old", "voice"}
        assert found.problem is not None and found.problem.message == "old: HTTP 404: This is not a chat model"
        assert (found.problem.code, found.problem.param) == ("endpoint_not_found", "model")
        assert not seen(teacher, "old", "voice").refused, "nobody answers: it may be the endpoint"
        assert not seen(teacher, "words", model="old").refused


def test_models_are_looked_at_side_by_side() -> None:
    with served(Slow(together=3)) as teacher:
        found = seen(teacher, "a", "b", "c")
    assert set(found.probed) == {"a", "b", "c"} and found.problem is None


def test_a_look_keeps_to_the_calls_in_flight_that_the_endpoint_allows() -> None:
    for concurrency in (1, 3):
        with served(latency=0.02) as teacher:
            assert len(seen(teacher, "a", "b", "c", concurrency=concurrency).probed) == 3
        assert teacher.most == concurrency


def test_a_list_that_is_not_told_now_is_no_empty_one() -> None:
    with served(teacher := Shaky(status=500, retired=("old",))):
        teacher.faults["models"] = 1000
        found = seen(teacher, "old", "words")
        assert found.models is None and set(found.probed) == {"words"} and found.refused == {"old"}
        nobody = seen(teacher)
    assert nobody.problem is not None and nobody.problem.code == "endpoint_server_error"
    with served(teacher := Shaky(status=404)):
        teacher.faults["models"] = 1000
        assert seen(teacher, model="words").models == ()
        unnamed = seen(teacher).problem
    assert unnamed is not None and unnamed.code == "model_unknown"


OPENAI = (
    "babbage-002", "chatgpt-image-latest", "codex-mini-latest", "computer-use-preview", "dall-e-3", "davinci-002", "gpt-3.5-turbo",
    "gpt-3.5-turbo-0125", "gpt-3.5-turbo-instruct", "gpt-4-0613", "gpt-4o-2024-08-06", "gpt-4o-mini-tts", "gpt-4o-search-preview", "gpt-audio",
    "gpt-realtime", "o1-pro", "omni-moderation-latest", "sora-2", "text-embedding-3-large", "text-embedding-ada-002", "tts-1", "whisper-1",
)  # fmt: skip


def test_a_model_that_chats_is_found_in_a_long_list() -> None:
    """Like OpenAI's: `words` stands for the chat model of it, behind two that chat elsewhere."""
    assert likely(OPENAI)[:5] == [
        "gpt-3.5-turbo",
        "gpt-3.5-turbo-instruct",
        "o1-pro",
        "gpt-3.5-turbo-0125",
        "gpt-4-0613",
    ]
    with served(others=tuple(name for name in OPENAI if name != "gpt-3.5-turbo")) as teacher:
        found = seen(teacher)
        assert set(found.probed) == {"words"} and found.problem is None and found.models is not None
        assert len(found.models) == len(OPENAI)
        teacher.faults["401"] = 1
        wrong = seen(teacher, model="words")
        assert wrong.problem is not None and wrong.problem.code == "endpoint_unauthorized"
    with served(others=("a", "b"), retired=("words",)) as teacher:
        nobody = seen(teacher)
    assert nobody.problem is not None and nobody.problem.hint is not None and not nobody.probed
    assert nobody.problem.message == "a: HTTP 404: This is not a chat model"
    assert (
        nobody.problem.hint
        == "None of the first 3 of those that are listed has answered (a, b, words): name the one that you mean."
    )


def test_a_key_that_is_wrong_is_tried_on_no_second_model() -> None:
    with served(others=("a", "b", "c")) as teacher:
        teacher.others, teacher.faults["401"] = (), 5
        found = seen(teacher)
    assert found.problem is not None and found.problem.code == "endpoint_unauthorized" and teacher.faults["401"] == 4


def test_a_slow_endpoint_is_seen_whole_in_several_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """One call after the other, as its limit says: what a look has seen stays, and the next one goes on with the rest."""
    with served(Shaky()) as quick:
        whole = seen(quick, model="words").probed["words"]
    monkeypatch.setattr(look_module, "WHOLE", 1.0)
    able, left = Capabilities(), list[tuple[int, int]]()
    with served(teacher := Shaky(latency=0.2)):
        while not left or left[-1][0]:
            target = Target(Endpoint(teacher.url, "sk-any"), True, 1, {"words": able} if left else {})
            found = asyncio.run(look(target, None))
            able = Capabilities.model_validate(found.probed["words"])
            left.append((len(able.unseen), len(PASSAGES) - len(able.passages)))
            assert len(left) < 2 or left[-1] < left[-2]
            told = found.problem and (found.problem.code, found.problem.param, able.unseen[0] in found.problem.message)
            assert told == (("endpoint_timeout", "model", True) if able.unseen else None)
    assert 2 <= len(left) <= 12 and able.model_dump(mode="json") == whole | {"seconds": pytest.approx(0.2, abs=0.2)}
    assert (able.top_logprobs, able.several, able.streaming, able.batch) == (3, True, True, True)
    assert teacher.put["n"] <= 2 and teacher.asked[PROSE] == 1, "prose is counted once"


def test_a_look_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure that may pass is nobody's refusal."""
    monkeypatch.setattr(look_module, "WHOLE", 3.0)
    with served(Slow()) as teacher:
        began = time.monotonic()
        found = seen(teacher, "never", "words")
    assert set(found.probed) == {"words"} and not found.refused and time.monotonic() - began < look_module.SECONDS
    assert found.problem is not None and (found.problem.code, found.problem.param) == ("endpoint_timeout", "model")
    assert found.problem.message == "never: not all of it was seen within 3 s"
