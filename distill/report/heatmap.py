"""Tables of classes by classes as colour: the student's colour at an opacity of at most a half, by square root; the diagonal is blank."""

from collections.abc import Callable, Sequence
from math import ceil, sqrt

from distill.report.markup import Child, Markup, tag

MOST = 40
"""Classes beyond which a table cannot be read: then words alone."""
ROOMY, WIDEST = 24, 420
"""Pixels of a cell, and of a whole table, at most."""
LETTER, SMALL = 7, 6
"""Pixels of a letter of the title and of an axis, about."""
NUMBERED = WIDEST // 22
"""Classes up to which cells of a whole table have room for their numbers."""
Table = Sequence[Sequence[float]]


def heatmap(
    title: str,
    classes: Sequence[str],
    cells: Table,
    write: Callable[[float], str],
    axes: tuple[str, str],
    widest: int = WIDEST,
) -> Child:
    """Rows are true classes. `write`: a cell's number, "" where it is not worth one. `widest`: of all cells, in pixels.

    None: too many classes, or nothing to show.
    """
    size = len(classes)
    most = max((cells[i][j] for i in range(size) for j in range(size) if i != j), default=0.0)
    if size > MOST or most <= 0:
        return None
    cell = max(6, min(ROOMY, widest // size))
    names = [shortened(name) for name in classes]
    wide = max(map(len, names)) > 2 or cell < 16
    room = 12 + 7 * max(map(len, names)) if wide else 26
    left, top = room + 14, (room if wide else 14) + 24
    body = [_cell(i, j, cells[i][j], most, (left, top, cell), write) for i in range(size) for j in range(size)]
    labels = [_label(name, i, (left, top, cell), wide) for i, name in enumerate(names)]
    half = SMALL * len(axes[0]) / 2
    centre, middle = max(left + size * cell / 2, half), top + size * cell / 2
    width = ceil(max(left + size * cell + 4, LETTER * len(title), centre + half))
    height = top + size * cell + 24
    return tag(
        "svg",
        tag("text", title, x=0, y=12, class_="title"),
        tag("text", axes[0], x=centre, y=height - 4, text_anchor="middle"),
        tag("text", axes[1], transform=f"translate(9 {middle:.1f}) rotate(-90)", text_anchor="middle"),
        labels,
        body,
        class_="panel", viewBox=f"0 0 {width} {height}", width=width, height=height, role="img", aria_label=title,
    )  # fmt: skip


def _cell(
    i: int, j: int, value: float, most: float, place: tuple[int, int, int], write: Callable[[float], str]
) -> Child:
    left, top, size = place
    x, y, middle = left + j * size, top + i * size, size / 2
    if i == j:
        return tag("line", x1=x + middle - 4, x2=x + middle + 4, y1=y + middle, y2=y + middle, class_="grid")
    if value <= 0:
        return None
    opacity = f"{0.5 * sqrt(value / most):.2f}"
    square = tag("rect", x=x + 0.5, y=y + 0.5, width=size - 1, height=size - 1, class_="heat", fill_opacity=opacity)
    text = write(value)
    if 7 * len(text) > size:
        text = ""
    return [
        square,
        tag("text", text, x=x + middle, y=y + middle + 4, text_anchor="middle", class_="in") if text else None,
    ]


def _label(name: str, i: int, place: tuple[int, int, int], wide: bool) -> list[Markup]:
    left, top, size = place
    middle = i * size + size / 2
    row = tag("text", name, x=left - 6, y=top + middle + 4, text_anchor="end")
    if not wide:
        return [row, tag("text", name, x=left + middle, y=top - 6, text_anchor="middle")]
    turned = f"translate({left + middle + 4:.1f} {top - 6}) rotate(-90)"
    return [row, tag("text", name, transform=turned)]


def shortened(name: str, most: int = 10) -> str:
    """A class's name where there is little room."""
    return name if len(name) <= most else f"{name[: most - 1]}…"
