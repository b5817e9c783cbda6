"""Reading a canonical rows file: memory-mapped, nothing is copied until it is asked for."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from distill.data.canonical import DIGEST, METADATA, WIDTH, Heading, digests, pair_digests, text_digests
from distill.data.padded import PaddedTexts
from spec.facts import ColumnFacts, Roles
from spec.problem import Problem, Refused

Ints = npt.NDArray[np.int64]
Labels = npt.NDArray[np.signedinteger[Any]]
"""Of one class a row its place, (N,) int64; of any number of them, (N, V) int8, 1 where the class is there; -1 in rows without a label."""


class Rows:
    """Rows in file order. `roles` (a job's) go before the file's own; a role that is None is not used, nor is a label or a group that the file has no
    column for: of two files of a job one may have it alone."""

    def __init__(self, table: pa.Table, heading: Heading, roles: Roles | None = None) -> None:
        self._table = table
        self.heading = heading
        named = roles or heading.roles
        absent = [role for role in ("label", "group") if getattr(named, role) not in heading.columns]
        self.roles = named.model_copy(update=dict.fromkeys(absent))

    @classmethod
    def open(cls, path: Path, roles: Roles | None = None) -> "Rows":
        """Maps the file. pyarrow's ArrowInvalid: it is no rows file."""
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        return cls(table, Heading.model_validate_json((table.schema.metadata or {})[METADATA]), roles)

    @property
    def count(self) -> int:
        return int(self._table.num_rows)

    @property
    def old(self) -> int:
        """Rows that came with the dataset: the first ones. Those after them a teacher wrote, or they are copies."""
        return self.count - self.heading.written

    @property
    def columns(self) -> dict[str, ColumnFacts]:
        return self.heading.columns

    def column(self, name: str) -> pa.Array:
        """A column as Arrow holds it. Refused (`unknown_column`)."""
        if name not in self.columns:
            have = ", ".join(self.columns)
            raise Refused(
                Problem(code="unknown_column", message=f"There is no column {name!r}.", hint=f"There are: {have}.")
            )
        chunks = self._table.column(name)
        return chunks.chunk(0) if chunks.num_chunks == 1 else chunks.combine_chunks()

    def array(self, name: str) -> npt.NDArray[Any]:
        """(N, *shape) of an array or image column, as stored, without a copy. Refused (`not_an_array`)."""
        facts = self.columns.get(name)
        if facts and facts.kind not in ("array", "image"):
            raise Refused(Problem(code="not_an_array", message=f"Column {name!r} is {facts.kind}, not an array."))
        column = self.column(name)
        assert isinstance(column, pa.FixedSizeListArray) and facts
        size = column.type.list_size
        values = column.values.slice(column.offset * size, len(column) * size)
        found: npt.NDArray[Any] = values.to_numpy(zero_copy_only=True).reshape(len(column), *facts.shape)
        return found

    def texts(self, name: str) -> pa.Array:
        """A scalar column as text, 7 as "7"; null where missing. Refused (`not_a_scalar`)."""
        column = self.column(name)
        if pa.types.is_fixed_size_list(column.type) or pa.types.is_large_list(column.type):
            message = f"Column {name!r} holds arrays or lists: its values cannot be compared."
            raise Refused(Problem(code="not_a_scalar", message=message))
        return column.cast(pa.large_string())

    @cached_property
    def inputs(self) -> npt.NDArray[Any]:
        """(N, *shape) of the input column, as stored, without a copy; of texts or pairs, what gives the bytes of the rows asked for."""
        names = self.roles.inputs or (self._named("input"),)
        if len(names) == 1 and (names[0] not in self.columns or self.columns[names[0]].kind != "text"):
            return self.array(names[0])
        return cast("npt.NDArray[Any]", PaddedTexts(*map(self.column, names)))

    @cached_property
    def digests(self) -> npt.NDArray[np.uint64]:
        """(N, 2): row digests. They are of the input column, and made anew where a job's input is not the file's own."""
        if self.roles.input == self.heading.roles.input or self.roles.input is None:
            chunks = self._table.column(DIGEST)
            column = chunks.chunk(0) if chunks.num_chunks == 1 else chunks.combine_chunks()
            raw = np.frombuffer(column.buffers()[1], dtype=np.uint8)
            raw = raw[column.offset * WIDTH : (column.offset + len(column)) * WIDTH]
        elif not isinstance(self.roles.input, str):
            both = (self.texts(name).to_pylist() for name in self.roles.inputs)
            raw = pair_digests((first or "", second or "") for first, second in zip(*both, strict=True))
        elif self.columns[self.roles.input].kind in ("array", "image"):
            raw = digests(self.array(self.roles.input))
        else:
            raw = text_digests(text or "" for text in self.texts(self.roles.input).to_pylist())
        return np.ascontiguousarray(raw).view(np.uint64).reshape(-1, 2)

    @property
    def keys(self) -> npt.NDArray[np.bytes_]:
        """(N,): row digests as one sortable value each."""
        return np.ascontiguousarray(self.digests).view("S16").reshape(-1)

    @property
    def labels(self) -> list[str | None]:
        """Label of each row; None where it has none, or where no column is the label."""
        return self._texts("label") or [None] * self.count

    @property
    def groups(self) -> list[str | None] | None:
        """Group of each row; None where no column is the group."""
        return self._texts("group")

    @property
    def labelled(self) -> npt.NDArray[np.bool_]:
        """(N,): whether each row has a label; an empty list of classes is one."""
        if self.roles.label is None:
            return np.zeros(self.count, dtype=np.bool_)
        found: npt.NDArray[np.bool_] = self.column(self.roles.label).is_valid().to_numpy(zero_copy_only=False)
        return found

    def targets(self, classes: Sequence[str]) -> Labels:
        """The label of each row by its place in `classes`: (N,), or (N, V) where the label column holds lists. -1 in rows without a label,
        or with one that is not among them."""
        if self.roles.label is None:
            return np.full(self.count, -1, dtype=np.int64)
        if self.columns[self.roles.label].kind == "classes":
            return several(self.column(self.roles.label), classes)
        places = pc.index_in(self.texts(self.roles.label), value_set=pa.array(classes, pa.large_string()))
        found: Ints = places.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return found

    @property
    def ids(self) -> list[str]:
        """Id of each row: the id column's, else the digest in hexadecimal."""
        named = self._texts("id")
        hexadecimal = self.hexadecimal()
        return [given or hexadecimal[i] for i, given in enumerate(named)] if named else hexadecimal

    @property
    def scores(self) -> npt.NDArray[np.float32]:
        """(N, classes): logits or probabilities, of signals."""
        return self.array(self._named("signal"))

    def places_in(self, other: "Rows") -> Ints:
        """(N,): for each row its place in `other`, -1 where it is not there. By id if `other` has ids, else by row digest."""
        mine = self.ids if self.roles.id and other.roles.id else self.hexadecimal()
        theirs = other.ids if other.roles.id else other.hexadecimal()
        places = pc.index_in(pa.array(mine, pa.large_string()), value_set=pa.array(theirs, pa.large_string()))
        found: Ints = places.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return found

    def hexadecimal(self) -> list[str]:
        """Row digests as text."""
        joined = np.ascontiguousarray(self.digests).tobytes().hex()
        return [joined[i : i + 2 * WIDTH] for i in range(0, len(joined), 2 * WIDTH)]

    def _texts(self, role: str) -> list[str | None] | None:
        name = getattr(self.roles, role)
        return self.texts(name).to_pylist() if name else None

    def _named(self, role: str) -> str:
        name: str | None = getattr(self.roles, role)
        if name is None:
            hint = f"Name it in data.columns.{role}."
            raise Refused(Problem(code=f"{role}_missing", message=f"No column is the {role}.", hint=hint))
        return name


def several(lists: pa.LargeListArray, classes: Sequence[str]) -> Labels:
    """(N, V) int8 of a column of lists of names."""
    names = lists.flatten()
    places: Ints = pc.index_in(names, value_set=pa.array(classes, names.type)).fill_null(-1).to_numpy().astype(np.int64)
    lengths: Ints = pc.list_value_length(lists).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    rows = np.repeat(np.arange(len(lists)), lengths)
    found = np.zeros((len(lists), len(classes)), dtype=np.int8)
    found[rows[places >= 0], places[places >= 0]] = 1
    found[rows[places < 0]] = -1
    found[lists.is_null().to_numpy(zero_copy_only=False)] = -1
    return found


def seen(labels: Labels) -> npt.NDArray[np.bool_]:
    """(N,): whether each row has a label."""
    return np.asarray((labels if labels.ndim == 1 else labels[:, 0]) >= 0)
