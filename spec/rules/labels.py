"""Rules about labels and classes: where labels come from, and that every class is known before training."""

from collections.abc import Iterator

from spec import rows
from spec.distillation import Distillation
from spec.facts import Facts
from spec.nearest import suggestion
from spec.objective import Labels
from spec.problem import Problem
from spec.responses import TeacherResponses
from spec.rows import RowSet
from spec.signature import classes
from spec.teacher import asked


def labels_come_from_somewhere(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """What learns from labels (a term, or a baseline that is asked for) has training rows with labels."""
    train, name = rows.train(spec, facts), rows.label(spec, facts)
    if train is None or rows.label_is_lost(spec, facts):
        return
    given = not isinstance(spec.data.responses, TeacherResponses)
    params = [f"objective[{index}]" for index, term in enumerate(spec.objective) if given and isinstance(term, Labels)]
    asked = spec.evaluation.baselines if spec.evaluation.baselines != "auto" else ()
    params += [f"evaluation.baselines[{index}]" for index, role in enumerate(asked) if role != "untrained"]
    seen = round(rows.transfer_labelled(spec, facts) * spec.data.labelled)
    lacks = "not there" if rows.prompts(spec, facts) else "empty"
    for param in params if seen < 1 else ():
        why = f'column "{name}" is {lacks}' if name else "no column is the label"
        yield Problem(
            code="labels_missing",
            message=f"No training row of {train.reference} has a label that may be seen ({why}).",
            param=param,
            hint=None if name else "Name data.columns.label.",
        )


def labels_are_classes(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """The label column holds class names, not arrays, and no more than 1,000 of them where its values were counted."""
    name = rows.label(spec, facts)
    held = next((one for one in rows.row_sets(spec, facts) if name in one.dataset.columns), None)
    if name is None or held is None:
        return
    column = held.dataset.columns[name]
    if column.kind in ("array", "image"):
        message = f'Column "{name}" holds arrays of shape {column.shape}, not class names.'
        yield Problem(code="label_kind", message=message, param="data.columns.label")
    elif column.values is None and not rows.labels(spec, facts, held):
        message = f'Column "{name}" has more than 1,000 different values.'
        yield Problem(code="too_many_classes", message=message, param="data.columns.label")


def labels_are_of_one_kind(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Held-out and validation rows have one class a row, or any number of them, as the training rows do."""
    found = [(one, rows.several(spec, facts, one)) for one in rows.row_sets(spec, facts)]
    told = [(one, several) for one, several in found if several is not None]
    for one, several in told:
        if several != told[0][1]:
            mine, theirs = ("any number of classes", "one") if several else ("one class", "any number")
            yield Problem(
                code="label_kind",
                message=f"{one.reference} has {mine} a row, {told[0][0].reference} {theirs}.",
                param=f"data.{one.part}",
            )


def heldout_has_labels(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Held-out rows have labels, or nothing could be graded; where a teacher answers, one row at least has and is held out."""
    train = rows.train(spec, facts)
    apart = isinstance(rows.heldout_choice(spec, facts), str)
    judged = rows.heldout(spec, facts) if apart else train
    name = rows.label(spec, facts)
    if train is None or judged is None or (name is not None and name not in judged.dataset.columns):
        return
    if not rows.labels(spec, facts, judged):
        yield Problem(
            code="heldout_labels",
            message=f"The held-out rows ({judged.reference}) have no labels to be graded by.",
            param="data.heldout",
            hint="Hold out labelled rows, or name data.columns.label.",
        )
    elif not apart and rows.golden(spec) and rows.counts(spec, facts).heldout < 1:
        golden, share = rows.labelled(spec, facts, judged), rows.heldout_choice(spec, facts)
        yield Problem(
            code="heldout_labels",
            message=f"{judged.reference} has {golden:,} rows with a label, too few to hold out {share:g} of them.",
            param="data.heldout",
            hint="Hold out a larger share, or labelled rows of their own.",
        )


def classes_are_known(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """At least two class names are known before training: the teacher's, the signals', else those of the labels."""
    train, teacher = rows.train(spec, facts), spec.teacher
    choice = rows.heldout_choice(spec, facts)
    unseen = isinstance(choice, str) and rows.heldout(spec, facts) is None
    if train is None or unseen or rows.label_is_lost(spec, facts):
        return
    held = [] if teacher is None or asked(teacher) else teacher.models
    silent = teacher is not None and not asked(teacher) and (not held or not all(map(facts.models.get, held)))
    found = classes(spec, facts)
    if not silent and len(found) < 2:
        message = f'There is one class only, "{found[0]}".' if found else "No class name is known."
        yield Problem(code="classes_unknown", message=message, param="data.columns.label")


def labels_are_taught(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """Every label of the rows is a class of the teacher."""
    known = classes(spec, facts) if spec.teacher else ()
    for one in rows.row_sets(spec, facts) if known else ():
        for value in sorted(set(_seen(spec, facts, one)) - set(known))[:20]:
            yield Problem(
                code="unknown_label",
                message=f'{one.reference} has the label "{value}", which is no class of the teacher.',
                param=f"data.{one.part}",
                hint=suggestion(value, known),
            )


def _seen(spec: Distillation, facts: Facts, one: RowSet) -> dict[str, int]:
    """Held-out rows drawn from the training split keep what `where` bars from training."""
    drawn = isinstance(rows.heldout_choice(spec, facts), float)
    apart = one.part == "train" and not drawn and not isinstance(rows.validation_choice(spec), float)
    return rows.transfer_labels(spec, facts) if apart else rows.labels(spec, facts, one)


def labelled_matters(spec: Distillation, facts: Facts) -> Iterator[Problem]:
    """`labelled` is set only where somebody learns from labels: a field that changes nothing is refused."""
    responses = spec.data.responses
    shown = isinstance(responses, TeacherResponses) and responses.prompt.examples != 0
    term = any(isinstance(term, Labels) for term in spec.objective) and not isinstance(responses, TeacherResponses)
    learned = term or shown or bool(spec.evaluation.baselines)
    if spec.data.labelled < 1 and not learned:
        yield Problem(
            code="changes_nothing",
            message="data.labelled changes nothing here: no term and no baseline learns from labels.",
            param="data.labelled",
            hint="Leave it out.",
        )


RULES = (
    labels_come_from_somewhere, labels_are_classes, labels_are_of_one_kind, heldout_has_labels, classes_are_known, labels_are_taught, labelled_matters,
)  # fmt: skip
