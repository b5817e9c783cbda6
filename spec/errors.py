"""What pydantic found wrong with a document, in our own words: a path as the user wrote it, no tags, no branches, all problems at once."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from spec.distillation import Distillation
from spec.nearest import nearest, suggestion
from spec.problem import Problem, Refused
from spec.shape import Place, bare, fields, homes, is_model, place, tagged
from spec.words import expected, listed

MOST = 100
"""Errors of one document that are told one by one."""
BRANCH = re.compile(r"[.\[]")
"""Where a path goes deeper. A bad item makes its list too short as well, and its union unlike every branch: only the item is at fault."""
NOT_JSON = Problem(
    code="not_an_object",
    message="The body must be a JSON object.",
    hint="Send JSON, with the header Content-Type: application/json.",
)


SECRET = ("key",)
"""Fields whose values no error repeats."""


def parse(document: object) -> Distillation:
    """The job that a document describes. Raises Refused with every problem of its structure."""
    try:
        return Distillation.model_validate(document)
    except ValidationError as error:
        raise Refused(*problems_of(error, Distillation)) from None


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Problems of a document that should have been a `model`, in the order of its fields, one a place."""
    return explained(error.errors(include_url=False), model)


def explained(errors: Sequence[Mapping[str, Any]], model: type[BaseModel]) -> list[Problem]:
    """The same for pydantic's list of errors, whose locations must start at the model."""
    found: dict[str, Problem] = {}
    for error in errors[:MOST]:
        where = _place(error["loc"], model)
        problem = _problem(error, where, model)
        found.setdefault(problem.param or "", problem)
    inside = {path[: mark.start()] for path in found for mark in BRANCH.finditer(path)}
    told = [problem for path, problem in found.items() if not (problem.code == "invalid_value" and path in inside)]
    return told if len(errors) <= MOST else [*told, _more(len(errors) - MOST)]


def _more(number: int) -> Problem:
    return Problem(code="more_problems", message=f"There are {number:,} more problems of this kind.")


def _place(location: Sequence[int | str], model: type[BaseModel]) -> Place:
    """The place of an error; of one inside something unknown, the nearest place outside of it."""
    for end in range(len(location), -1, -1):
        if where := place(location[:end], model):
            return where
    return Place("", model)


def _problem(error: Mapping[str, Any], where: Place, model: type[BaseModel]) -> Problem:
    kind = error["type"]
    if not where.path and kind != "extra_forbidden":
        return NOT_JSON
    if kind == "missing":
        what = expected(where.annotation) if where.annotation is not None else "a value"
        return Problem(code="required", message=f"{where.path} is missing.", param=where.path, hint=f"It is {what}.")
    if kind == "extra_forbidden":
        return _unknown(where.path, error["loc"], model)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _untagged(where, error)
    shown = "" if where.path.rpartition(".")[2] in SECRET else _shown(error.get("input"))
    message = f"{where.path} must be {expected(where.annotation)}{shown}."
    return Problem(code="invalid_value", message=message, param=where.path)


def _untagged(where: Place, error: Mapping[str, Any]) -> Problem:
    param, known, tag = f"{where.path}.type", tagged(where.annotation), error["ctx"].get("tag")
    if tag is None:
        return Problem(code="required", message=f"{param} is missing.", param=param, hint=f"It is {listed(known)}.")
    return Problem(
        code="unknown_type",
        message=f"{param} must be {listed(known)}{_shown(tag)}.",
        param=param,
        hint=suggestion(str(tag), known) if nearest(str(tag), known) else None,
    )


def _unknown(path: str, location: Sequence[int | str], model: type[BaseModel]) -> Problem:
    """An unknown field: the nearest name that its parent has, and all the places that it belongs to."""
    name = str(location[-1])
    outside = place(location[:-1], model)
    core = bare(outside.annotation).core if outside else None
    near = nearest(name, fields(core)) if is_model(core) else None
    belongs = homes(model).get(name, ())
    hints = [f'Did you mean "{near}"?'] if near else []
    if belongs:
        hints.append(f"{name} belongs to {' and '.join(belongs)}.")
    elif not near and (elsewhere := nearest(name, homes(model))):
        hints.append(f'Did you mean "{elsewhere}"? It belongs to {" and ".join(homes(model)[elsewhere])}.')
    parent = outside.path if outside and outside.path else "The body"
    return Problem(
        code="unknown_field",
        message=f'{parent} has no field "{name[:64]}".',
        param=path,
        hint=" ".join(hints) or None,
    )


def _shown(value: object) -> str:
    """What was sent, where it is short enough to help."""
    match value:
        case None:
            shown = "null"
        case bool():
            shown = str(value).lower()
        case str():
            shown = _text(value)
        case int() | float():
            shown = str(value) if len(str(value)) <= 40 else "a number so long"
        case list() | tuple():
            shown = f"a list of {len(value)}"
        case dict():
            shown = f"an object of {len(value)}"
        case _:
            return ""
    return f", not {shown}"


def _text(value: str) -> str:
    if "\0" in value:
        return "text with the character NUL"
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "text with half a character"
    return f'"{value}"' if len(value) <= 40 and value.isprintable() else f"text of {len(value)} characters"
