"""Which columns there are and what role each plays, from the first rows of every file."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain
from typing import Any, Literal

import numpy as np

from distill.data.batch import Batch, Values, objects
from distill.data.canonical import DIGEST
from distill.data.table import MOST_COLUMNS, is_number
from spec.facts import Roles
from spec.params import InspectDataset
from spec.problem import Problem, Refused

INPUTS = ("x", "image", "images", "input", "inputs", "pixels", "features", "data", "text", "prompt", "embedding")
LABELS = ("label", "labels", "target", "targets", "class", "y")
GROUPS, IDS = ("group",), ("id",)
WIDE = "input"
"""Name of the array that scalar columns form."""
LOOKED_AT = 200
"""Values of a column that its kind is judged by."""
LONGEST = 64
SHOWN = 20
"""Columns that a hint lists."""
MOST_ALONE = 4096
"""Columns of a dataset; scalar ones that form an array are one."""
Kind = Literal["array", "number", "text", "names"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of the dataset to be."""

    name: str
    kind: Literal["array", "scalar", "names"]
    members: tuple[str, ...]
    """Columns of the files: one, or scalar ones that stand side by side in an array."""
    shape: tuple[int, ...] = ()
    role: str | None = None
    wide: bool = False
    """Whether the members are scalar."""


@dataclass(frozen=True)
class Layout:
    columns: tuple[Column, ...]
    roles: Roles
    system: str | None = None
    """The column of system texts, of conversations."""

    @property
    def known(self) -> set[str]:
        """Columns of the files that are read."""
        return set(chain.from_iterable(column.members for column in self.columns))


class _Sample:
    """The first values of one column of the files."""

    def __init__(self, parts: Iterable[tuple[Values, bool]]) -> None:
        self.values: list[Any] = []
        self.shapes: Counter[tuple[int, ...]] = Counter()
        self.text = False
        for values, text in parts:
            self.text |= text
            some = values[:LOOKED_AT]
            if isinstance(some, np.ndarray) and some.ndim > 1:
                self.shapes[some.shape[1:]] += len(some)
            elif isinstance(some, np.ndarray):
                self.values += some.tolist()
            else:
                self.values += [value for value in objects(some) if value is not None]
        lists = [shape for value in self.values if isinstance(value, list) and (shape := shape_of(value)) is not None]
        self.shapes.update(lists)
        self.names = [
            value for value in self.values if isinstance(value, list) and all(isinstance(v, str) for v in value)
        ]
        """Values that are lists of names; an empty list is one."""

    def kind(self) -> Kind:
        if self.shapes:
            return "array"
        if any(self.names) and len(self.names) == len(self.values):
            return "names"
        numbers = [value for value in self.values if isinstance(value, int | float) and not isinstance(value, bool)]
        if self.text:
            numbers = [value for value in self.values if is_number(value)]
        return "number" if numbers and 2 * len(numbers) > len(self.values) else "text"

    def shape(self) -> tuple[int, ...]:
        return self.shapes.most_common(1)[0][0]


def shape_of(value: list[Any]) -> tuple[int, ...] | None:
    """Shape of a nested list of numbers; None for anything else."""
    try:
        array = np.asarray(value)
    except ValueError:
        return None
    return array.shape if array.dtype.kind in "iuf" and array.size else None


def layout(heads: Sequence[Batch], params: InspectDataset) -> Layout:
    """Refused: `column_name`, `unknown_column`, `input_missing`, `label_is_array`, `channels_last`, `ids_missing`, `too_many_columns`."""
    names = dict.fromkeys(chain.from_iterable(head.columns for head in heads))
    if odd := next((name for name in names if "\0" in name or len(name) > LONGEST or name == DIGEST), None):
        message = f"A column cannot be called {odd[:80]!r}."
        raise Refused(Problem(code="column_name", message=message, hint=f"Names have up to {LONGEST} characters."))
    if len(names) > MOST_COLUMNS:
        raise too_many(f"There are {len(names):,} columns; {MOST_COLUMNS:,} are allowed.")
    samples = {n: _Sample((head.columns[n], head.text) for head in heads if n in head.columns) for n in names}
    said = {role: name for head in heads for role, name in head.roles.items()}
    found = _Chooser(samples, params, said).layout()
    if len(found.columns) > MOST_ALONE:
        raise too_many(f"There are {len(found.columns):,} columns that form no array; {MOST_ALONE:,} are allowed.")
    return found


def too_many(message: str) -> Refused:
    hint = "Leave out what is not needed; numbers that belong together can be one array."
    return Refused(Problem(code="too_many_columns", message=message, hint=hint))


class _Chooser:
    """Gives roles, then makes columns."""

    def __init__(self, samples: dict[str, _Sample], params: InspectDataset, said: dict[str, str]) -> None:
        self._samples, self._params, self._said = samples, params, said
        self._kinds = {name: sample.kind() for name, sample in samples.items()}
        self._used: set[str] = set()
        self._columns: list[Column] = []

    def layout(self) -> Layout:
        asked = self._params.columns
        signal = self._array("signal", self._params.signal) if self._params.signal else None
        label = self._scalar("label", asked.label, LABELS)
        group = self._scalar("group", asked.group, GROUPS)
        id = self._scalar("id", asked.id, IDS)
        input: str | tuple[str, ...] | None
        if isinstance(asked.input, tuple):
            input = self._pair(asked.input)
        else:
            input = self._array("input", self._auto_input() if asked.input == "auto" else asked.input)
        if input is None and signal is None:
            hint = f"Name it in columns.input; without a name it is called x, image, input, pixels, features, text or prompt. {self._existing()}"
            raise Refused(
                Problem(code="input_missing", message="No column is the input.", param="columns.input", hint=hint)
            )
        if input is None and id is None:
            hint = "Name the column in columns.id, or send the input column along."
            raise Refused(
                Problem(code="ids_missing", message="Signals need ids or inputs to find their rows.", hint=hint)
            )
        for name in self._samples.keys() - self._used:
            self._add(name, None)
        order = {name: i for i, name in enumerate(self._samples)}
        columns = sorted(self._columns, key=lambda column: order[column.members[0]])
        roles = Roles(input=input, label=label, group=group, id=id, signal=signal)
        return Layout(tuple(columns), roles, self._said.get("system"))

    def _scalar(self, role: str, asked: str | None, names: tuple[str, ...]) -> str | None:
        found = self._said.get(role) or self._by_name(names) if asked == "auto" else asked
        if found is None:
            return None
        self._check(found, role)
        sample = self._samples[found]
        if role == "label" and self._kinds[found] != "array" and 2 * len(sample.names) > len(sample.values):
            self._used.add(found)
            self._columns.append(Column(name=found, kind="names", members=(found,), role=role))
            return found
        if self._kinds[found] == "names":
            message = f"Column {found!r} holds lists of names and cannot be the {role}."
            raise Refused(Problem(code=f"{role}_is_array", message=message, param=f"columns.{role}"))
        if self._kinds[found] == "array" and np.prod(self._samples[found].shape()) != 1:
            message = f"Column {found!r} holds arrays and cannot be the {role}."
            hint = "One value a row: y.argmax(axis=1) turns one-hot rows into classes. Several classes a row are a list of names."
            raise Refused(Problem(code=f"{role}_is_array", message=message, param=f"columns.{role}", hint=hint))
        self._used.add(found)
        self._columns.append(Column(name=found, kind="scalar", members=(found,), role=role))
        return found

    def _auto_input(self) -> str | None:
        if "input" in self._said:
            return self._said["input"]
        free = {name: kind for name, kind in self._kinds.items() if name not in self._used}
        named = self._by_name(INPUTS, [name for name, kind in free.items() if kind != "number"])
        arrays = [name for name, kind in free.items() if kind == "array"]
        if named is not None or self._params.signal:
            return named
        if len(arrays) == 1:
            return arrays[0]
        return WIDE if not arrays and "number" in free.values() else None

    def _array(self, role: str, name: str | None) -> str | None:
        """A column of arrays (for the input: or text); scalar columns, where they form it."""
        if name is None:
            return None
        if name in self._samples and name not in self._used and self._kinds[name] != "number":
            self._used.add(name)
            self._add(name, role)
            return name
        free = name in self._samples and name not in self._used
        members = [name] if free else [] if name in self._samples else self._numbered(name)
        if not members and name == WIDE and role == "input" and self._params.columns.input == "auto":
            members = [one for one, kind in self._kinds.items() if kind == "number" and one not in self._used]
        if not members:
            self._check(name, role)
        self._used.update(members)
        shape = (len(members),)
        self._columns.append(Column(name=name, kind="array", members=tuple(members), shape=shape, role=role, wide=True))
        return name

    def _pair(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Two columns of texts. Refused: `unknown_column`, `pair_not_texts`."""
        for name in names:
            self._check(name, "input")
            if self._kinds[name] != "text":
                message = f"Column {name!r} holds {self._kinds[name]} values, and a pair is of texts."
                raise Refused(Problem(code="pair_not_texts", message=message, param="columns.input"))
            self._add(name, "input")
        return names

    def _numbered(self, name: str) -> list[str]:
        """`pixel0, pixel1, ...` (or pixel.0, pixel_0, pixel[0]) for `pixel`, in the order of their numbers."""
        pattern = re.compile(rf"{re.escape(name)}[._\[]?(\d{{1,6}})\]?")
        found = [(int(match[1]), one) for one in self._samples if (match := pattern.fullmatch(one))]
        return [one for _, one in sorted(found) if self._kinds[one] == "number"]

    def _add(self, name: str, role: str | None) -> None:
        self._used.add(name)
        if self._kinds[name] != "array":
            kind: Literal["scalar", "names"] = "names" if self._kinds[name] == "names" and role is None else "scalar"
            self._columns.append(Column(name=name, kind=kind, members=(name,), role=role))
            return
        shape = self._samples[name].shape()
        if role == "input" and len(shape) == 3 and shape[2] in (1, 3, 4) and shape[0] > 4:
            message = f"Images in column {name!r} have shape {shape}: channels come last."
            hint = "Channels come first: x.transpose(0, 3, 1, 2), or x.squeeze(-1) where there is one."
            raise Refused(Problem(code="channels_last", message=message, param="columns.input", hint=hint))
        self._columns.append(Column(name=name, kind="array", members=(name,), shape=shape, role=role))

    def _by_name(self, names: tuple[str, ...], among: Iterable[str] | None = None) -> str | None:
        lower = {one.lower(): one for one in (self._samples if among is None else among) if one not in self._used}
        return next((lower[name] for name in names if name in lower), None)

    def _existing(self) -> str:
        more = ", …" if len(self._samples) > SHOWN else ""
        return f"There are: {', '.join(list(self._samples)[:SHOWN])}{more}."

    def _check(self, name: str, role: str) -> None:
        """Refused (`unknown_column`): no such column, or it has another role already."""
        if name in self._samples and name not in self._used:
            return
        near = get_close_matches(name, self._samples, 1)
        hint = f"Did you mean {near[0]!r}?" if near else self._existing()
        taken = " has another role already" if name in self._used else " does not exist"
        param = "signal" if role == "signal" else f"columns.{role}"
        raise Refused(Problem(code="unknown_column", message=f"Column {name!r}{taken}.", param=param, hint=hint))
