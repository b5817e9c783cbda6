"""Why something is refused: one shape for spec errors, rules, bad rows and failed steps."""

from pydantic import BaseModel, ConfigDict


class Problem(BaseModel):
    """A reason, in words a user can act on."""

    model_config = ConfigDict(frozen=True)

    code: str
    """Stable, snake_case; docs/errors.md lists all."""
    message: str
    """One sentence: what is wrong, with the value where that helps."""
    param: str | None = None
    """Path in what was sent, such as `objective[0].temperature`."""
    hint: str | None = None
    """What to do."""
    file: str | None = None
    """Name of the uploaded file, where one is at fault."""
    line: int | None = None
    """1-based line or row in it."""


class Refused(Exception):
    """Raised where work cannot go on for reasons that the user can mend."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(p.message for p in problems))
        self.problems = problems
