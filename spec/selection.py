"""How a job's rows divide, as its steps are told."""

from spec import rows
from spec.condition import ordered
from spec.distillation import Distillation
from spec.facts import Facts
from spec.params import Selection


def selection(job: Distillation, facts: Facts) -> Selection:
    """How the job's rows divide, conditions in one spelling."""
    data, roles = job.data, rows.roles(job, facts)
    assert roles is not None
    heldout, validation = rows.heldout_choice(job, facts), rows.validation_choice(job)
    shares = isinstance(heldout, float) or isinstance(validation, float)
    return Selection(
        roles=roles,
        heldout=heldout if isinstance(heldout, float) else None,
        validation=validation if isinstance(validation, float) else None,
        golden=shares and rows.golden(job),
        seed=data.seed,
        where=tuple(map(ordered, data.where)),
        share=data.share,
        labelled=data.labelled,
        augment=data.jitter,
    )
