"""Rules about copies of texts: they differ from their rows, and a teacher says what they are."""

from collections.abc import Iterator

from spec import rows
from spec.distillation import Distillation
from spec.facts import Facts
from spec.problem import Problem
from spec.responses import TeacherResponses
from spec.teacher import asked


def copies_differ(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Words are left out of copies: with `drop` and `ngram` at zero each would be its row."""
    words = spec.data.words
    if words is not None and not (words.drop or words.ngram):
        message = "The copies are their rows: drop and ngram are zero."
        yield Problem(code="changes_nothing", message=message, param="data.augment")


def copies_are_of_texts(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Words are left out of one column of texts."""
    if spec.data.words is not None and (what := rows.unlike_texts(spec, facts)) is not None:
        message = f"Words are left out of single texts, and the input is {what}."
        yield Problem(code="not_texts", message=message, param="data.augment", hint="Leave augment out.")


def copies_are_answered(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Copies have no labels of their own: a teacher of weights scores them, or one behind an endpoint answers them."""
    teacher = spec.teacher
    if spec.data.words is None:
        return
    answers = not asked(teacher) or isinstance(spec.data.responses, TeacherResponses)
    if teacher is None or teacher.signals is not None or not answers:
        yield Problem(
            code="copies_unanswered",
            message="Copies of texts have no labels, and no teacher is there to score or answer them.",
            param="data.augment",
            hint="Name a teacher in teacher.models (of an endpoint with data.responses of type teacher), or leave augment out.",
        )


def new_rows_come_once(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Training rows are copied, or the teacher writes new ones."""
    if spec.data.words is not None and spec.data.synthesise is not None:
        message = "A job has copies of its texts or new texts of its teacher's, and both are wanted."
        yield Problem(code="new_rows_twice", message=message, param="data.augment", hint="Leave one of them out.")


RULES = (copies_differ, copies_are_of_texts, copies_are_answered, new_rows_come_once)
