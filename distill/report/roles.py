"""Who is who in a report: a role's name, and its colour and shape, the same all the way down."""

from dataclasses import dataclass
from typing import Literal

from distill.report.figures import Grade
from distill.report.markup import Child, Markup, tag
from distill.report.numbers import count, number_word

Kind = Literal["t", "s", "b"]
"""Teacher (square, dashed line), student (filled circle), baseline (open circle): classes of page.css."""


@dataclass(frozen=True, kw_only=True)
class Role:
    name: str
    kind: Kind
    short: str
    """In charts and heads of columns."""
    long: str
    """In tables."""


def role(name: str, grade: Grade) -> Role:
    """How a role of this report is called."""
    teachers = sum(figures.role.startswith("teacher.") for figures in grade.roles)
    match name:
        case "student":
            distilled = ", distilled" if grade.teacher else ", labels alone"
            return Role(name=name, kind="s", short="student", long=f"Student{distilled}")
        case "no_teacher":
            return Role(name=name, kind="b", short="baseline", long="Baseline, no teacher")
        case "all_labels":
            long = f"Baseline, all {count(grade.train_rows)} labels"
            return Role(name=name, kind="b", short="all labels", long=long)
        case "untrained":
            return Role(name=name, kind="b", short="untrained", long="Student, untrained")
        case "ensemble":
            return Role(name=name, kind="t", short="ensemble", long=f"Ensemble of {number_word(teachers)} teachers")
    index = int(name.removeprefix("teacher.")) + 1
    if teachers == 1:
        return Role(name=name, kind="t", short="teacher", long="Teacher")
    return Role(name=name, kind="t", short=f"teacher {index}", long=f"Teacher {index} of {number_word(teachers)}")


def shown(grade: Grade) -> list[str]:
    """Roles with a row of their own: of an ensemble's members only the first, so that it is not picked by its figures."""
    ensemble = grade.role("ensemble") is not None
    hidden = {
        figures.role for figures in grade.roles if figures.role.startswith("teacher.") and figures.role != "teacher.0"
    }
    return [figures.role for figures in grade.roles if not (ensemble and figures.role in hidden)]


def compared(grade: Grade) -> list[str]:
    """Roles that are looked at row by row: the teacher, the student, the baselines that were trained."""
    wanted = (grade.teacher, "student", "no_teacher", "all_labels")
    there = {figures.role for figures in grade.roles}
    return [name for name in wanted if name in there]


def marker(kind: Kind, x: float, y: float, size: float = 4.5) -> Markup:
    """The shape of a role, around (x, y)."""
    if kind == "t":
        return tag("rect", x=x - size * 0.9, y=y - size * 0.9, width=size * 1.8, height=size * 1.8, class_="t")
    return tag("circle", cx=x, cy=y, r=size if kind == "s" else size - 0.6, class_="s" if kind == "s" else "open")


def brackets(text: str) -> Child:
    """An interval beside its number; nothing where there is none."""
    return [" ", tag("span", text, class_="iv")] if text else None
