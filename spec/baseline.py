"""The baseline: the same student, bytes, batches, order and steps, without the teacher."""

from spec.distillation import Distillation
from spec.objective import Labels, SoftTargets, Term
from spec.responses import GivenResponses


def without_teacher(resolved: Distillation) -> Distillation:
    """The job without its teacher: terms that need one are dropped, and the weights of the rest divided by their sum.

    Takes the resolved spec, or learning rate and normalisation would be decided anew. None left: labels. Nothing but teacher, objective
    and responses differs: where the teacher answers, labels are its answers, and without it they are the data's own. Labels that stand for terms
    of which one is balanced are balanced, too, or the lift would be the balance's as well.
    """
    rest = tuple(term for term in resolved.objective if not needs_teacher(term))
    total = sum(term.weight for term in rest)
    objective: tuple[Term, ...] = tuple(term.model_copy(update={"weight": term.weight / total}) for term in rest)
    balances = {term.balance for term in resolved.objective}
    labels = Labels(type="labels", balance="inverse_frequency" if "inverse_frequency" in balances else "none")
    data = resolved.data.model_copy(update={"responses": GivenResponses(type="given")})
    return resolved.model_copy(
        update={"teacher": None, "data": data, "objective": objective or (labels,)},
    )


def with_all_labels(resolved: Distillation) -> Distillation:
    """The sceptic's baseline: without the teacher, but with every label that the teacher's training may have seen."""
    plain = without_teacher(resolved)
    return plain.model_copy(update={"data": plain.data.model_copy(update={"labelled": 1.0})})


def needs_teacher(term: Term) -> bool:
    return isinstance(term, SoftTargets)
