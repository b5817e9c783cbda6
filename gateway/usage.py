"""What a reply says of its tokens: read apart from the answer, for odd counts are no fault of that."""

import json
from abc import ABC, abstractmethod

from pydantic import BaseModel

from gateway.reply import Usage


class Counts(BaseModel, ABC):
    """As a wire has them."""

    @abstractmethod
    def counted(self) -> Usage:
        """Raises ValueError where the counts do not fit together."""

    @classmethod
    def of(cls, said: object) -> Usage | None:
        """None where it is not whole, or makes no sense: the call is then booked at what was set aside."""
        try:
            return cls.model_validate(said).counted()
        except ValueError:  # pydantic's is one
            return None

    @classmethod
    def within(cls, body: bytes) -> Usage | None:
        """Of a reply, whatever else it says."""
        try:
            return cls.of(json.loads(body)["usage"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
