"""Rules about the student: its architecture can take the rows."""

from collections.abc import Iterator

from spec import rows, tokenizer
from spec.distillation import Distillation
from spec.facts import Facts
from spec.problem import Problem
from spec.student import Convnet, TextEncoder
from spec.tensors import pooled


def convnet_takes_images(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """A convnet takes images that keep at least one pixel after its poolings, one by 2 a layer of channels."""
    train = rows.train(spec, facts)
    column = rows.input_column(spec, facts, train) if train else None
    if column is None or column.kind not in ("array", "image") or not isinstance(spec.student, Convnet):
        return
    try:
        pooled(column.shape, len(spec.student.channels))
    except ValueError as error:
        images = len(column.shape) in (2, 3)
        yield Problem(
            code="image_too_small" if images else "not_images",
            message=str(error)[0].upper() + str(error)[1:] + ".",
            param="student.channels" if images else "student.type",
            hint="Take fewer layers of channels." if images else "Take an mlp.",
        )


def heads_divide_the_width(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """The width of a text_encoder is a multiple of its heads."""
    student = spec.student
    if isinstance(student, TextEncoder) and student.width % student.heads:
        message = f"A width of {student.width} cannot be divided by {student.heads} heads."
        hint = f"Take a width of {-(-student.width // student.heads) * student.heads}, or other heads."
        yield Problem(code="heads_do_not_divide", message=message, param="student.heads", hint=hint)


def vocabulary_is_the_files(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """With an uploaded tokenizer, `vocabulary` is that one's: another is not given."""
    student = spec.student
    known = facts.tokenizers.get(tokenizer.named(spec) or "")
    if known is None or not isinstance(student, TextEncoder):
        return
    given, own = student.vocabulary, tokenizer.vocabulary(known)
    if given not in (own, TextEncoder.model_fields["vocabulary"].default):
        message = f"student.vocabulary changes nothing here: with this tokenizer it is {own:,}."
        yield Problem(code="changes_nothing", message=message, param="student.vocabulary", hint="Leave it out.")


RULES = (convnet_takes_images, heads_divide_the_width, vocabulary_is_the_files)
