"""Rules about training: lengths and batches that fit, and rows to choose by where something is chosen."""

from collections.abc import Iterator

from spec import rows
from spec.distillation import Distillation
from spec.facts import Facts
from spec.problem import Problem
from spec.signature import classes, output_kind
from spec.student import Convnet, Mlp


def epochs_or_steps(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """The length of training is given in epochs or in steps, not both."""
    if spec.training.epochs is not None and spec.training.steps is not None:
        message = "training has both epochs and steps; give one of the two."
        yield Problem(code="epochs_and_steps", message=message, param="training.steps")


def batch_fits(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """A batch has no more rows than there are training rows."""
    size, label = spec.training.batch_size, rows.label(spec, facts)
    counted = all(condition.column == label for condition in spec.data.where)
    count = rows.counts(spec, facts).items
    if size != "auto" and counted and 0 < count < size:
        yield Problem(
            code="batch_too_large",
            message=f"A batch of {size:,} rows is larger than the {count:,} training rows.",
            param="training.batch_size",
        )


def batch_norm_has_two_rows(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """A batch norm sees at least two rows at once, or there would be nothing to normalise by."""
    normed = isinstance(spec.student, Mlp | Convnet) and spec.student.norm == "batch"
    if normed and spec.training.batch_size == 1:
        yield Problem(
            code="batch_too_small",
            message="A batch norm needs two rows or more, and a batch has one.",
            param="training.batch_size",
            hint="Raise training.batch_size, or take another norm.",
        )


def best_has_validation(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """`select: best` and `bias_correction` have validation rows with labels."""
    if not rows.chooses(spec):
        return
    who = "select best" if spec.training.select == "best" else "bias_correction"
    if spec.data.validation is None:
        message = f"{who} needs validation rows, and data.validation is null."
        yield Problem(code="validation_missing", message=message, param="data.validation")
        return
    apart = isinstance(rows.validation_choice(spec), str)
    chosen = rows.validation(spec, facts) if apart else rows.train(spec, facts)
    name, prompts = rows.label(spec, facts), not apart and rows.prompts(spec, facts)
    if chosen is None or (name is not None and name not in chosen.dataset.columns and not prompts):
        return
    if not rows.labels(spec, facts, chosen):
        message = f"{who} needs labelled validation rows; {chosen.reference} has no labels."
        yield Problem(code="validation_labels", message=message, param="data.validation")


def validation_is_used(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """A validation set of its own is named only where something is chosen by it (a share also decides which rows are trained on)."""
    if isinstance(rows.validation_choice(spec), str) and not rows.chooses(spec):
        yield Problem(
            code="changes_nothing",
            message="data.validation changes nothing here: nothing is chosen by validation rows.",
            param="data.validation",
            hint="Set training.select to best or training.bias_correction, or leave it out.",
        )


def bias_correction_has_an_absent_class(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """`bias_correction` needs a class that the training rows lack and the validation rows have."""
    train, label, known = rows.train(spec, facts), rows.label(spec, facts), classes(spec, facts)
    if not spec.training.bias_correction or train is None or label is None or not known:
        return
    if output_kind(spec, facts) == "multilabel":
        return
    absent = set(known) - set(rows.transfer_labels(spec, facts))
    if not absent:
        if all(condition.column == label for condition in spec.data.where):
            yield Problem(
                code="no_absent_class",
                message="bias_correction changes nothing: every class is among the training rows.",
                param="training.bias_correction",
                hint="Leave it out, or leave a class out with data.where.",
            )
        return
    apart = isinstance(rows.validation_choice(spec), str)
    chosen = rows.validation(spec, facts) if apart else train
    if chosen is not None and not absent & set(rows.labels(spec, facts, chosen)):
        listed = ", ".join(f'"{name}"' for name in sorted(absent)[:5])
        yield Problem(
            code="validation_lacks_class",
            message=f"No validation row has a class that the training rows lack ({listed}).",
            param="data.validation",
        )


def bias_correction_is_of_one_class(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """`bias_correction` shifts classes against each other: where a row has any number of them, each is decided by itself."""
    if spec.training.bias_correction and output_kind(spec, facts) == "multilabel":
        yield Problem(
            code="not_for_multilabel",
            message="bias_correction shifts classes against each other, and here each is decided by itself.",
            param="training.bias_correction",
            hint="Leave it out.",
        )


RULES = (
    epochs_or_steps,
    batch_fits,
    batch_norm_has_two_rows,
    best_has_validation,
    validation_is_used,
    bias_correction_has_an_absent_class,
    bias_correction_is_of_one_class,
)
