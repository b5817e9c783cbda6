"""Whose errors are spoken: on the routes of a cloud, that cloud's."""

import re

from starlette.responses import Response

from api.clouds.bedrock import errors as bedrock
from api.clouds.vertex import errors as vertex
from api.errors import Failure, render

BEDROCK = re.compile(r"/model-customization-jobs(/|$)")
VERTEX = re.compile(r"/v1(beta1)?/projects/[^/]+/locations(/|$)")


def spoken(path: str, failure: Failure) -> Response:
    """The failure as a reply that the caller's client understands."""
    if BEDROCK.match(path):
        return bedrock.render(failure)
    return vertex.render(failure) if VERTEX.match(path) else render(failure)
