"""What is wrong, in places and words of the request that was sent: rules speak of our own spec."""

from collections.abc import Mapping

from api.errors import Failure
from spec.problem import Problem, Refused

Places = Mapping[str, str]
"""Path in our spec to the field of theirs that said it."""
LABELS = "Give more of the conversations a response: these are the golden examples."
HINTS = {"heldout_labels": LABELS, "classes_unknown": LABELS}


def sentences(failure: Failure) -> list[str]:
    """One for each problem: `message hint [code, param]`."""
    found = failure.problems or (
        Problem(code=failure.code, message=failure.message, param=failure.param, hint=failure.hint),
    )
    return [sentence(problem) for problem in found]


def sentence(problem: Problem) -> str:
    said = " ".join(filter(None, (problem.message, problem.hint)))
    return f"{said} [{', '.join(filter(None, (problem.code, problem.param)))}]"


def theirs(refusal: Refused, places: Places) -> Refused:
    """The same problems, said of their fields."""
    return Refused(*(_moved(problem, places) for problem in refusal.problems))


def named(places: Places, heldout: object) -> Places:
    """Held-out rows that nobody named come from the training rows."""
    return {path: place for path, place in places.items() if path != "data.heldout" or heldout not in (None, "auto")}


def _moved(problem: Problem, places: Places) -> Problem:
    ours = problem.param or ""
    parents = [ours[:end] for end in range(len(ours), 0, -1) if ours[end:][:1] in ("", ".", "[")]
    place = next((places[path] for path in parents if path in places), problem.param)
    said = ours and place and problem.message.startswith(f"{ours} ")
    message = f"{place}{problem.message[len(ours) :]}" if said else problem.message
    hint = HINTS.get(problem.code, problem.hint)
    return problem.model_copy(update={"param": place, "message": message, "hint": hint})
