"""CSV and TSV: a header and rows of text. Without a header (its first row has numbers) the columns are called "0", "1", ..."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, dropwhile
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv as arrow_csv

from distill.data.batch import BYTES, ROWS, Batch
from distill.data.lines import lines
from distill.data.opened import opened
from distill.data.refusal import refuse

MOST_COLUMNS = 65_536
LONGEST_FIELD = 2**22
"""Characters between quotes: what a quote that is never closed may swallow."""
INDEX = ("", "Unnamed: 0")
"""Headers of the row numbers that pandas writes beside the data; called `id` here."""
ENDS = "Each line ends with a line feed, and each quote is closed."
BLANK = b"\r\n"
"""What a blank line is made of."""
Line = tuple[int, bytes]
"""Number from 1, and bytes with the end: between quotes it is part of a text, and so is a blank line."""


@dataclass(frozen=True)
class Table:
    """A source of rows; a row with too few or too many fields becomes a bad row."""

    path: Path
    name: str
    split: str

    def batches(self) -> Iterator[Batch]:
        csv.field_size_limit(LONGEST_FIELD)
        with opened(self.path, self.name) as stream:
            chunks = self._chunks(stream)
            first = next(chunks, None)
            if first is None:
                return
            mark = delimiter(first[0][1])
            head = self._fields(first[:1], delimiter=mark)[0]
            names = header(head, self.name)
            known = [str(i) for i in range(len(head))] if names is None else names
            chunks = chain([first if names is None else first[1:]], chunks)
            for chunk in chunks:
                if any(b'"' in line for _, line in chunk):  # a quoted text may hold the end of a line, and of a chunk
                    yield from self._quoted(chain([chunk], chunks), known, mark)
                elif rows := [line for line in chunk if line[1].strip(BLANK)]:
                    yield self._plain(rows, known, mark)

    def _chunks(self, stream: BinaryIO) -> Iterator[list[Line]]:
        """Some lines at a time, from the first that is not blank."""
        chunk: list[Line] = []
        size = 0
        for line in dropwhile(lambda line: not line[1].strip(BLANK), self._lines(stream)):
            chunk.append(line)
            size += len(line[1])
            if len(chunk) == ROWS or size > BYTES:
                yield chunk
                chunk, size = [], 0
        if chunk:
            yield chunk

    def _lines(self, stream: BinaryIO) -> Iterator[Line]:
        """Refused (`line_too_long`)."""
        for number, line, reason in lines(stream):
            if line is None:
                raise refuse("line_too_long", self.name, f"line {number}: {reason}.", "Is it a CSV file?", number)
            yield number, line

    def _plain(self, chunk: list[Line], names: list[str], mark: str) -> Batch:
        """Without quotes and blank lines: parsed by Arrow, unless a row is odd."""
        text = b"".join(line for _, line in chunk)
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(text),
                read_options=arrow_csv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=names),
                parse_options=arrow_csv.ParseOptions(delimiter=mark, quote_char=False),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
                ),
            )
        except pa.ArrowInvalid:
            table = None
        if table is None or table.num_rows != len(chunk):  # a carriage return ends a line to Arrow
            rows = self._fields(chunk, delimiter=mark, quoting=csv.QUOTE_NONE)
            return batch(list(zip((number for number, _ in chunk), rows, strict=True)), names)
        columns = {name: table.column(name).combine_chunks() for name in names}
        return Batch(lines=[number for number, _ in chunk], columns=columns, text=True)

    def _fields(self, chunk: list[Line], **how: Any) -> list[list[str]]:
        """Of each line. Refused (`damaged_file`): a carriage return within one."""
        reader = csv.reader((text_of(line, self.name) for line in chunk), **how)
        try:
            return list(reader)
        except csv.Error as error:
            number = chunk[reader.line_num - 1][0]
            raise refuse("damaged_file", self.name, told(number, error), ENDS, number) from error

    def _quoted(self, chunks: Iterable[list[Line]], names: list[str], mark: str) -> Iterator[Batch]:
        """All that is left, field by field; what is blank outside of quotes is no row."""
        read = chain.from_iterable(chunks)
        number = 0

        def texts() -> Iterator[str]:
            nonlocal number
            for line in read:
                number = line[0]
                yield text_of(line, self.name)

        rows, size = [], 0
        try:
            for fields in filter(None, csv.reader(texts(), delimiter=mark)):
                rows.append((number, fields))
                size += sum(map(len, fields))
                if len(rows) == ROWS or size > BYTES:
                    yield batch(rows, names)
                    rows, size = [], 0
        except csv.Error as error:
            raise refuse("damaged_file", self.name, told(number, error), ENDS, number) from error
        if rows:
            yield batch(rows, names)


def told(line: int, error: csv.Error) -> str:
    """What csv says of a carriage return is about Python."""
    return f"line {line}: {'a carriage return stands within a line' if 'new-line' in str(error) else error}."


def text_of(line: Line, name: str) -> str:
    """Refused (`not_utf8`)."""
    number, data = line
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise refuse("not_utf8", name, f"line {number} is not UTF-8.", "Save it as UTF-8.", number) from error


def delimiter(line: bytes) -> str:
    """The most frequent of comma, semicolon and tab in the first line."""
    return max(",;\t", key=lambda mark: line.count(mark.encode()))


def header(fields: list[str], name: str) -> list[str] | None:
    """Column names, or None where the first row is data. Refused: too many columns, or one name twice."""
    if len(fields) > MOST_COLUMNS:
        raise refuse("too_many_columns", name, f"it has {len(fields):,} columns; {MOST_COLUMNS:,} are allowed.")
    if not is_header(fields):
        return None
    names = ["id" if field.strip() in INDEX and "id" not in fields else field.strip() for field in fields]
    if len(set(names)) < len(names):
        twice = next(one for i, one in enumerate(names) if one in names[:i])
        raise refuse(
            "column_twice", name, f"two columns are called {twice!r}.", "Give each column a name of its own.", 1
        )
    return names


def is_header(fields: list[str]) -> bool:
    """A row without numbers, or whose numbers count the columns ("0, 1, 2, label", as pandas writes)."""
    numbers = [field.strip() for field in fields if is_number(field)]
    if len(numbers) < 2:
        return not numbers
    first = numbers[0]
    return first in ("0", "1") and numbers == [str(int(first) + i) for i in range(len(numbers))]


def is_number(text: str) -> bool:
    """Whether a field is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def batch(rows: list[tuple[int, list[str]]], names: list[str]) -> Batch:
    """Rows turned into columns; an empty field is missing."""
    bad = {
        i: f"the row has {len(fields)} fields, the header {len(names)}"
        for i, (_, fields) in enumerate(rows)
        if len(fields) != len(names)
    }
    blank = [""] * len(names)
    transposed = zip(*(blank if i in bad else fields for i, (_, fields) in enumerate(rows)), strict=True)
    columns = {
        name: pa.array([field or None for field in fields], pa.string())
        for name, fields in zip(names, transposed, strict=True)
    }
    return Batch(lines=[line for line, _ in rows], columns=columns, bad=bad, text=True)
