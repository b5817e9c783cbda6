"""The Range header: one range of bytes."""

import re

from api.errors import Failure

RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Unsatisfiable(Failure):
    """The range begins after the end."""

    status = 416
    type = "invalid_request_error"
    code = "range_not_satisfiable"


def span(asked: str | None, size: int) -> tuple[int, int]:
    """(start, length) of what is asked for; everything where nothing is, or several ranges, or not in bytes.

    Raises Unsatisfiable.
    """
    match = RANGE.fullmatch(asked.strip()) if asked else None
    if match is None or match.group(1) == match.group(2) == "":
        return 0, size
    first, last = match.groups()
    if first == "":
        length = min(int(last), size)
        start = size - length
    else:
        start = int(first)
        length = min(int(last) + 1 if last else size, size) - start
    if length <= 0:
        raise Unsatisfiable(f"There are only {size} bytes.")
    return start, length
