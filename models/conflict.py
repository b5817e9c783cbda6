"""How a statement of the engine says no. The API renders both; a worker never meets them."""


class NotFound(LookupError):
    """No such thing in this project: 404, whether or not another project has it."""

    def __init__(self, noun: str, id: str) -> None:
        super().__init__(f"No {noun} '{id}'.")
        self.noun = noun
        self.id = id


class Conflict(Exception):
    """The thing is in no state for what was asked: 409."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
