"""The query of a request: a name that the route does not take is refused, since a misspelt filter lists everything."""

from fastapi import Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute

from spec.nearest import suggestion
from spec.problem import Problem, Refused


async def known(request: Request) -> None:
    """Raises Refused with every name that the route does not take."""
    if not request.query_params:
        return
    names, groups = taken(request.scope["route"])
    sent = dict.fromkeys(request.query_params)
    unknown = [name for name in sent if name not in names and not _in_group(name, groups)]
    if unknown:
        raise Refused(*(_problem(name, [*names, *(f"{group}[…]" for group in groups)]) for name in unknown))


def taken(route: APIRoute) -> tuple[list[str], list[str]]:
    """Parameters of a route's query, and those that are written as `name[key]`."""
    fields = get_flat_params(route.dependant)
    names = [field.alias for field in fields if isinstance(field.field_info, Query)]
    further = (route.openapi_extra or {}).get("parameters", [])
    return names, [extra["name"] for extra in further if extra["in"] == "query"]


def _in_group(name: str, groups: list[str]) -> bool:
    return name.endswith("]") and any(name.startswith(f"{group}[") for group in groups)


def _problem(name: str, names: list[str]) -> Problem:
    shown = name[:64].replace("\0", "")
    message = f'The query has no parameter "{shown}" here.'
    return Problem(code="unknown_field", message=message, param=shown, hint=suggestion(shown, names))
