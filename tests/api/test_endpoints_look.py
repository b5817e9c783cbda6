"""A look at several models of an endpoint: what one does not answer hides no other, and it has an end."""

import asyncio
import time
from dataclasses import dataclass, field

import pytest

from api.endpoints import look as look_module
from api.endpoints.look import Seen, Target, look
from gateway.call import Endpoint
from tests.acceptance.teacher import Teacher, served
from tests.exchange import Request


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


def seen(teacher: Teacher, *probed: str, model: str | None = None) -> Seen:
    return asyncio.run(look(Target(Endpoint(teacher.url, "sk-any"), True, probed), model))


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


def test_a_look_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure that may pass is nobody's refusal."""
    monkeypatch.setattr(look_module, "WHOLE", 3.0)
    with served(Slow()) as teacher:
        began = time.monotonic()
        found = seen(teacher, "never", "words")
    assert set(found.probed) == {"words"} and not found.refused and time.monotonic() - began < look_module.SECONDS
    assert found.problem is not None and (found.problem.code, found.problem.param) == ("endpoint_timeout", "model")
    assert found.problem.message == "never: not all of it was seen within 3 s"
