"""Interval of a share (Wilson 1927): holds near 0 and 1, where the plain normal one does not."""

from math import sqrt

Z = 1.959963984540054
"""Of 95%, two-sided."""


def wilson(hits: int, rows: int) -> tuple[float, float]:
    """95% interval of `hits` out of `rows` > 0."""
    share, z2 = hits / rows, Z * Z
    middle = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    half = Z * sqrt(share * (1 - share) / rows + z2 / (4 * rows * rows)) / (1 + z2 / rows)
    return (0.0 if hits == 0 else middle - half), (1.0 if hits == rows else middle + half)
