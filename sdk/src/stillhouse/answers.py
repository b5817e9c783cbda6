"""Kept answers: what endpoints have said to a project's questions."""

from __future__ import annotations

from stillhouse.transport import Transport
from stillhouse.types import AnswersDeleted, KeptAnswers


class Answers:
    """`client.answers`. Those of one job are `job.answers()`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self) -> KeptAnswers:
        """How many there are, and their bytes."""
        found: KeptAnswers = self._transport.get("/v1/answers")
        return found

    def delete(self, *, before: int | None = None) -> AnswersDeleted:
        """Deletes all, or those that were kept before a time (Unix seconds), in as many requests as it takes. Their questions cost anew."""
        path = "/v1/answers" if before is None else f"/v1/answers?before={before}"
        total = AnswersDeleted(object="answers", deleted=0, done=False)
        while not total["done"]:
            part = self._transport.delete(path, total)
            total = AnswersDeleted(object="answers", deleted=total["deleted"] + part["deleted"], done=part["done"])
        return total
