"""What FastAPI found wrong with a request, in our own words. Never echoes FastAPI's: they name tags and branches."""

import sys
from collections.abc import Mapping, Sequence
from json import JSONDecodeError
from typing import Any

from fastapi.routing import APIRoute
from pydantic import BaseModel

from spec.errors import NOT_JSON, explained
from spec.problem import Problem

Found = Mapping[str, Any]


def body_of(route: APIRoute) -> type[BaseModel] | None:
    """The model of a route's JSON body."""
    for field in route.dependant.body_params:
        if isinstance(field.field_info.annotation, type) and issubclass(field.field_info.annotation, BaseModel):
            return field.field_info.annotation
    return None


def problems_of(errors: Sequence[Found], body: type[BaseModel] | None) -> list[Problem]:
    """All problems, those of the query and the headers first."""
    apart = [error for error in errors if error["loc"][0] != "body"]
    inside = [error for error in errors if error["loc"][0] == "body"]
    return [of_parameter(error) for error in apart] + (of_body(inside, body) if inside else [])


def of_body(errors: Sequence[Found], body: type[BaseModel] | None) -> list[Problem]:
    """Of one model; JSON that cannot be read has an offset in the place of a field."""
    if errors[0]["type"] == "json_invalid":
        return [_not_json(f"{errors[0]['ctx']['error']} at character {errors[0]['loc'][-1]}")]
    if body is None or len(errors[0]["loc"]) == 1:
        return [NOT_JSON]
    return explained([{**error, "loc": error["loc"][1:]} for error in errors], body)


def unreadable(error: ValueError | RecursionError) -> Problem:
    """Of a body that `json.loads` cannot read."""
    match error:
        case JSONDecodeError():
            return _not_json(f"{error.msg} at character {error.pos}")
        case UnicodeDecodeError():
            return _not_json(f"byte {error.start} is no UTF-8")
        case RecursionError():
            return _not_json("it is nested too deeply")
        case _:  # Python's own limit
            return _not_json(f"a number in it has more than {sys.get_int_max_str_digits():,} digits")


def _not_json(why: str) -> Problem:
    return Problem(code="invalid_json", message=f"The body is not JSON: {why}.")


def of_parameter(error: Found) -> Problem:
    """Of the query, a header or the path; of one that may be repeated, the place of the wrong value among them is not told."""
    name = str(error["loc"][1])
    return Problem(code="invalid_value", message=f"{name}: {error['msg']}.", param=name)
