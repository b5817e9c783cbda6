"""Lines of a file of any size in little memory."""

from collections.abc import Iterator
from typing import BinaryIO

LONGEST = 16 * 2**20
"""Bytes of a line."""
MOST_VALUES = 2**20
"""Commas in a line: with more of them even a short line grows by a factor of thirty once it is parsed."""


def lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None, str]]:
    """(number from 1, line with its end, ""), or (number, None, reason) for a line that is too much to hold.

    The rest of such a line is skipped piece by piece: a line of a gigabyte costs 32 MB of memory.
    """
    number = 0
    while line := stream.readline(LONGEST + 1):
        number += 1
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if len(line) > LONGEST and not line.endswith(b"\n"):
            del line
            while (rest := stream.readline(2**16)) and not rest.endswith(b"\n"):
                pass
            yield number, None, f"the line is longer than {LONGEST // 2**20} MiB"
        elif line.count(b",") > MOST_VALUES:
            yield number, None, f"the line has more than {MOST_VALUES:,} values"
        else:
            yield number, line, ""
