"""How rows are put to a teacher that is asked: what `auto` in a prompt stands for."""

from spec import rows
from spec.distillation import Distillation
from spec.facts import Facts
from spec.responses import NONE, TeacherResponses
from spec.signature import classes, output_kind

EXAMPLES = 8
"""Examples that `auto` shows, where so many training rows have labels that may be seen."""


def system_text(
    responses: TeacherResponses,
    names: tuple[str, ...],
    common: str | None = None,
    *,
    pairs: bool = False,
    several: bool = False,
) -> str | None:
    """The system message: `auto` asks for a name and nothing else, or for those that fit (`several`), after the system text that all rows have in common. `pairs`: rows are pairs of texts."""
    if responses.prompt.system != "auto":
        return responses.prompt.system
    listed, what = ", ".join(names), "pair of texts" if pairs else "text"
    asks = f"Classify the {what}. Answer with exactly one of these names and nothing else: {listed}."
    if several:
        how = (
            f"separated by commas, or {NONE} if none of them fits"
            if not responses.structured
            else "an empty list if none does"
        )
        asks = f"Classify the {what}. Any number of these names may fit. Answer with those that fit, {how}, and nothing else: {listed}."
    return f"{common}\n\n{asks}" if common else asks


def template_of(responses: TeacherResponses, inputs: tuple[str, ...], system: str | None = None) -> str:
    """The user's message; `auto` is the input column alone, or both of a pair, each after its name; a row's own system text first."""
    if responses.prompt.template != "auto":
        return responses.prompt.template
    named = [f"{name}: " if len(inputs) > 1 else "" for name in inputs]
    columns = [f"{before}{{{name}}}" for before, name in zip(named, inputs, strict=True)]
    return "\n\n".join([f"{{{system}}}", *columns] if system else columns)


def common_system(spec: Distillation, facts: Facts) -> str | None:
    """The one system text of all rows that are named; None where they have several, or none."""
    found = set[str]()
    for one in rows.row_sets(spec, facts):
        column = one.dataset.columns.get(one.dataset.system or "")
        if column is None or column.missing or column.values is None:
            return None
        found |= column.values.keys()
    return found.pop() if len(found) == 1 else None


def own_system(spec: Distillation, facts: Facts) -> str | None:
    """The column of system texts where rows differ in them; None where all have the same, or none has any."""
    sets = rows.row_sets(spec, facts)
    names = {one.dataset.system for one in sets}
    name = names.pop() if len(names) == 1 else None
    spoken = name is not None and any(one.dataset.columns[name].values != {} for one in sets)
    return name if spoken and common_system(spec, facts) is None else None


def examples_of(spec: Distillation, facts: Facts) -> int:
    """Labelled training rows that are shown before the question."""
    responses = spec.data.responses
    if not isinstance(responses, TeacherResponses):
        return 0
    if responses.prompt.examples != "auto":
        return responses.prompt.examples
    return min(EXAMPLES, labels_seen(spec, facts))


def system_of(spec: Distillation, facts: Facts) -> str | None:
    """The system message of a job's questions, as it will be resolved."""
    responses, named = spec.data.responses, rows.roles(spec, facts)
    assert isinstance(responses, TeacherResponses)
    return system_text(
        responses,
        classes(spec, facts),
        common_system(spec, facts),
        pairs=named is not None and len(named.inputs) > 1,
        several=output_kind(spec, facts) == "multilabel",
    )


def labels_seen(spec: Distillation, facts: Facts) -> int:
    """Training rows whose labels may be seen: not those that are held out of them, or validate."""
    count, train = rows.counts(spec, facts), rows.train(spec, facts)
    drawn = count.heldout if rows.heldout(spec, facts) is None else 0
    drawn += count.validation if rows.validation(spec, facts) is None else 0
    left = 1 - drawn / max(1, rows.labelled(spec, facts, train)) if train else 0.0
    return int(max(0.0, left) * rows.transfer_labelled(spec, facts) * spec.data.labelled + 1e-9)
