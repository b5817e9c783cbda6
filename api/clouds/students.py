"""Students by name: what a cloud's own list of small models is to its customers."""

from spec.nearest import suggestion
from spec.problem import Problem, Refused
from spec.student import Student, TextClassifier, TextEncoder

STUDENTS: dict[str, Student] = {
    "text-classifier-16": TextClassifier(type="text_classifier", width=16),
    "text-classifier-64": TextClassifier(type="text_classifier", width=64),
    "text-classifier-256": TextClassifier(type="text_classifier", width=256),
    "text-encoder-2x128": TextEncoder(type="text_encoder", layers=2, width=128),
    "text-encoder-4x256": TextEncoder(type="text_encoder", layers=4, width=256),
}
"""`text-classifier-<width>`, `text-encoder-<layers>x<width>`; docs/clouds.md lists them."""


def student(name: str, param: str) -> Student:
    """Raises Refused (`unknown_student`), with the nearest name."""
    if name not in STUDENTS:
        message = f'There is no student "{name[:80]}".'
        hint = suggestion(name, STUDENTS)
        raise Refused(Problem(code="unknown_student", message=message, param=param, hint=hint))
    return STUDENTS[name]


def name_of(student: Student) -> str:
    """The name that a job's student goes by; its type where it has none, since somebody described it."""
    return next((name for name, known in STUDENTS.items() if known == student), student.type)
