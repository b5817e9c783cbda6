"""What a job must wait for before rules, resolve and plan can speak: things still processing, and pairs not compared yet."""

from collections.abc import Iterator
from itertools import combinations

from spec import rows
from spec.digest import digest
from spec.distillation import Distillation
from spec.facts import Facts
from spec.responses import FILTERS, judges
from spec.rows import RowSet
from spec.teacher import behind, divided
from spec.tokenizer import named

Input = str | tuple[str, ...]
PAIR = "pair:"
TOKENIZER = "student.tokenizer"
"""The param that names a file which is no rows."""


def references(spec: Distillation) -> tuple[tuple[str, str], ...]:
    """Every id that the job names, without its split, and the param that names it; an id may come twice."""
    return tuple(_references(spec))


def _references(spec: Distillation) -> Iterator[tuple[str, str]]:
    data, teacher = spec.data, spec.teacher
    for index, model in enumerate(teacher.models if teacher else ()):
        there = behind(model)
        yield there[0] if there else model, f"teacher.models[{index}]"
    if teacher and teacher.signals:
        yield rows.divide_reference(teacher.signals)[0], "teacher.signals"
    for part in ("train", "heldout", "validation"):
        value = getattr(data, part)
        if isinstance(value, str) and value != "auto":
            yield rows.divide_reference(value)[0], f"data.{part}"
    for place, judge in judges(data.responses):
        yield divided(judge.model)[0], f"{FILTERS}[{place}].model"
    if tokenizer := named(spec):
        yield tokenizer, TOKENIZER


def waiting(spec: Distillation, facts: Facts) -> tuple[str, ...]:
    """Ids that are still processing, then pairs whose facts are unknown, as "pair:<first digest>|<second digest>".

    Empty: facts are complete, as far as they will ever be. An id that does not exist is no reason to wait.
    """
    awaited = [id for id, _ in references(spec) if id in facts.processing]
    unknown = [PAIR + key for key in pairs(spec, facts) if key not in facts.pairs]
    return tuple(dict.fromkeys([*awaited, *unknown]))


def pairs(spec: Distillation, facts: Facts) -> tuple[str, ...]:
    """Keys of the comparisons that the rules need: sets of rows from different datasets, and training rows with signals."""
    keys = [
        pair_key(*two, taken_by(spec, facts, *two))
        for two in compared(spec, facts)
        if needs_inspection(*two, taken_by(spec, facts, *two))
    ]
    train, signals = rows.train(spec, facts), rows.signals(spec, facts)
    if signals is not None:
        keys += [pair_key(other, signals) for other in (train, rows.heldout(spec, facts)) if other is not None]
    return tuple(dict.fromkeys(keys))


def compared(spec: Distillation, facts: Facts) -> list[tuple[RowSet, RowSet]]:
    """Pairs of sets that must share no row: what is learned from, what chooses, what the report is about."""
    sets = (rows.train(spec, facts), rows.validation(spec, facts), rows.heldout(spec, facts))
    return list(combinations([one for one in sets if one is not None], 2))


def taken_by(spec: Distillation, facts: Facts, first: RowSet, second: RowSet) -> Input | None:
    """The job's input, by which rows are the same or not, where it is not that of both datasets; None elsewhere."""
    named = rows.roles(spec, facts)
    own = {first.dataset.roles.input, second.dataset.roles.input}
    return named.input if named is not None and own != {named.input} else None


def pair_key(first: RowSet, second: RowSet, input: Input | None = None) -> str:
    """`input`: where it is not the datasets' own."""
    key = f"{first.facts.digest}|{second.facts.digest}"
    return key if input is None else f"{key}|{digest(input)}"


def needs_inspection(first: RowSet, second: RowSet, input: Input | None = None) -> bool:
    """Splits of one dataset were compared by its own input when it was inspected, and equal bytes need no comparison."""
    return (first.id != second.id or input is not None) and first.facts.digest != second.facts.digest


def overlap(first: RowSet, second: RowSet, facts: Facts, input: Input | None = None) -> int | None:
    """Rows of the second set that the first one has too; None where it is unknown."""
    if first.facts.digest == second.facts.digest:
        return second.facts.rows
    if first.id == second.id and input is None:
        overlaps = first.dataset.overlaps
        return overlaps.get(f"{first.split}|{second.split}", overlaps.get(f"{second.split}|{first.split}"))
    pair = facts.pairs.get(pair_key(first, second, input))
    return pair.overlap if pair else None
