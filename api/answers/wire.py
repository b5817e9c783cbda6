"""Kept answers as they are counted and deleted."""

from typing import Literal

from pydantic import BaseModel

from models.answer import Size


class KeptAnswers(BaseModel):
    """How much a project keeps of what endpoints have said, judges and writers of texts too."""

    object: Literal["answers"] = "answers"
    count: int
    """Answers: with `sampling.n` a question has several."""
    bytes: int
    """Of what was said, as it is stored (compressed). They are in no quota, and not in `bytes_stored` of usage."""
    exact: bool
    """False above 5,000 answers: both are then reckoned from the first 5,000, to some percent."""

    @classmethod
    def of(cls, size: Size) -> "KeptAnswers":
        return cls(count=size.count, bytes=size.bytes, exact=size.exact)


class AnswersDeleted(BaseModel):
    """What one request has deleted."""

    object: Literal["answers"] = "answers"
    deleted: int
    done: bool
    """False: the time of the request was over before all were looked at. Repeat it."""
