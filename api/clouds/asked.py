"""The job that a request of any cloud becomes. Problems name places of our spec; `told.theirs` says them of the request."""

from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from api.clouds.sources import source
from api.clouds.students import student as student_of
from api.clouds.told import Places, theirs
from spec.nearest import suggestion
from spec.problem import Problem, Refused
from spec.resolve import usual_rate
from spec.teacher import behind
from spec.training import Training

P = ParamSpec("P")
T = TypeVar("T")
OWN = "stillhouse_"
"""What only our jobs can say is said by labels (tags) that begin with it."""
TERMS, USD = f"{OWN}accept_terms", f"{OWN}usd"
BOUND = 256
"""Tokens of an answer under a cap, where the cloud's request names none: a response has 256 characters at most."""
MAX_TOKENS = "data.responses.sampling.max_tokens"


class Findings:
    """All problems of a request at once."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def take(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """What `work` returns; None where it refuses, which is remembered."""
        try:
            return work(*args, **kwargs)
        except Refused as refusal:
            self._problems += refusal.problems
            return None

    def add(self, *, code: str, param: str, message: str, hint: str | None = None) -> None:
        self._problems.append(Problem(code=code, message=message, param=param, hint=hint))

    def settle(self, places: Places | None = None) -> None:
        """Raises Refused if there was a problem, said of the fields of `places`."""
        if self._problems:
            raise theirs(Refused(*self._problems), places or {})


def job(
    *,
    name: str,
    teacher: str,
    train: str,
    heldout: str | None,
    student: str,
    max_tokens: int | None,
    training: Mapping[str, Any],
    labels: Mapping[str, str],
) -> dict[str, Any]:
    """A document for POST /v1/distillations. `training` may have `multiplier`, of the student's usual learning rate.

    Raises Refused with every problem. A model behind an endpoint answers, after golden examples; one that we hold scores.
    """
    found = Findings()
    data = {"train": found.take(source, train, "data.train")}
    if heldout is not None:
        data["heldout"] = found.take(source, heldout, "data.heldout")
    small = found.take(student_of, student, "student")
    how = dict(training)
    if (multiplier := how.pop("multiplier", None)) is not None and small is not None:
        how["learning_rate"] = multiplier * usual_rate(small, Training())
    own = found.take(options, labels) or {}
    if max_tokens is not None and behind(teacher) is None:
        message = f"{MAX_TOKENS} changes nothing here: a model that is held here scores the rows, and writes no answer."
        found.add(code="changes_nothing", param=MAX_TOKENS, message=message, hint="Leave it out.")
    found.settle()
    assert small is not None
    if max_tokens is None and USD in own:
        max_tokens = BOUND
    return {
        "name": name,
        "teacher": {"models": [teacher], **({"accept_terms": True} if TERMS in own else {})},
        "data": {**data, **({"responses": responses(max_tokens)} if behind(teacher) else {})},
        "student": small.model_dump(mode="json", exclude_defaults=True),
        "objective": [{"type": "soft_targets"}],
        **({"training": how} if how else {}),
        **({"budget": {"usd": own[USD]}} if USD in own else {}),
        "metadata": dict(labels),
    }


def responses(max_tokens: int | None) -> dict[str, Any]:
    """Rows that have a label are golden: some are shown before each question, all measure."""
    bound = {"max_tokens": max_tokens} if max_tokens is not None else {}
    return {"type": "teacher", "prompt": {"examples": "auto"}, "sampling": {"temperature": 0.0, **bound}}


def options(labels: Mapping[str, str]) -> dict[str, Any]:
    """What our own labels say. Raises Refused: one that there is not, or that says nothing."""
    found = Findings()
    own: dict[str, Any] = {}
    for name, value in labels.items():
        if name == TERMS and value == "true":
            own[name] = True
        elif name == TERMS:
            found.add(code="invalid_value", param="metadata", message=f'{name} must be "true", not "{value[:40]}".')
        elif name == USD:
            own[name] = found.take(number, value, "metadata")
        elif name.startswith(OWN):
            hint = suggestion(name, (TERMS, USD))
            found.add(
                code="unknown_field", param="metadata", message=f'There is no label "{name[:64]}" of ours.', hint=hint
            )
    found.settle()
    return own


def number(text: str, param: str) -> float:
    """A number that is written as text; whole ones stay whole. Raises Refused."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    raise Refused(Problem(code="invalid_value", message=f'{param} must be a number, not "{text[:40]}".', param=param))
