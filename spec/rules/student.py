"""Rules about the student: its architecture can take the rows."""

from collections.abc import Iterator

from spec import rows
from spec.distillation import Distillation
from spec.facts import Facts
from spec.problem import Problem
from spec.student import Convnet
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


RULES = (convnet_takes_images,)
