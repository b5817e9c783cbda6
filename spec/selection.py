"""How a job's rows divide, as its steps are told."""

from spec import rows
from spec.data import Condition
from spec.distillation import Distillation
from spec.facts import Facts
from spec.params import Selection


def selection(job: Distillation, facts: Facts) -> Selection:
    """How the job's rows divide, values as text and in order: `[8, 7]` and `["7", "8"]` are one condition."""
    data, roles = job.data, rows.roles(job, facts)
    assert roles is not None
    heldout, validation = rows.heldout_choice(job, facts), rows.validation_choice(job)
    return Selection(
        roles=roles,
        heldout=heldout if isinstance(heldout, float) else None,
        validation=validation if isinstance(validation, float) else None,
        seed=data.seed,
        where=tuple(_ordered(condition) for condition in data.where),
        share=data.share,
        labelled=data.labelled,
        augment=data.augment,
    )


def _ordered(condition: Condition) -> Condition:
    among, barred = condition.among, condition.not_among
    return Condition(
        column=condition.column,
        among=None if among is None else tuple(sorted(set(map(str, among)))),
        not_among=None if barred is None else tuple(sorted(set(map(str, barred)))),
    )
