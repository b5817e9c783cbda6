"""Uploaded files to an immutable dataset: `<split>.arrow`, `preview.json` and DatasetFacts."""

import json
import shutil
import time
from collections import Counter
from itertools import combinations, islice
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from distill.data.batch import Batch, Source
from distill.data.canonical import Heading
from distill.data.formats import sources
from distill.data.rows import Rows
from distill.inspection.intake import TOLD, Intake, Split
from distill.inspection.layout import Layout, layout
from distill.inspection.writing import Writer, previews
from distill.run import RunFolder, seal
from spec.digest import digest
from spec.facts import LISTS, ColumnFacts, DatasetFacts, Roles, SplitFacts
from spec.makeup import makeup
from spec.params import InspectDataset
from spec.problem import Problem, Refused
from spec.run import PATH, PREVIEW, Result

SCRATCH = "spill"
EVERY = 0.5
"""Seconds between two tellings of progress."""
MOST_COUNTS = 20_000
"""Values that are counted, over all columns."""
SAMPLE, BEGINNING = 1000, 1000
"""Rows whose texts are looked at for what they are made of, and characters of each."""
ROUNDING = 1e-3
"""How far from one the sum of probabilities may be."""
Signal = Literal["logits", "probabilities"]


def inspect(folder: RunFolder, params: InspectDataset) -> Result:
    """Refused: files that cannot be read, roles that cannot be found, bad rows unless they are allowed, no rows."""
    scratch = folder.path / SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)
    check_request(params)
    try:
        found = sources(params.files, folder.input("files"), scratch)
        plan = layout(heads(found), params)
        intake = Intake(plan, dict(params.splits), scratch)
        read(folder, found, intake)
        if folder.stop_requested:
            return Result(status="stopped")
        check(intake, params)
        facts = write(folder, plan, intake, params)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    rows = {name: split.rows for name, split in facts.splits.items()}
    return Result(status="succeeded", facts=facts.model_dump(mode="json"), summary={"rows": rows})


def heads(found: list[Source]) -> list[Batch]:
    """The first rows of every file. Refused: none has a single column that can be read."""
    first = [(source, batch) for source in found for batch in islice(source.batches(), 1)]
    if any(batch.columns for _, batch in first):
        return [batch for _, batch in first]
    bad = Intake(Layout((), Roles(input=None)), {}, Path())
    for source, batch in first:
        bad.take(batch, source.name, source.split)
    if bad.bad:
        raise unusable(bad)
    raise refused("no_rows", "The files have no rows.", "files")


def read(folder: RunFolder, found: list[Source], intake: Intake) -> None:
    """Every row of every file, unless the run is to stop."""
    started = shown = time.perf_counter()

    def tell(rows: int | None = None) -> None:
        speed = intake.seen / max(time.perf_counter() - started, 1e-9)
        folder.emit(
            "progress", {"step": intake.seen, "steps": rows, "unit": "rows", "rows_per_second": round(speed, 1)}
        )

    for source in found:
        for batch in source.batches():
            if folder.stop_requested:
                return
            intake.take(batch, source.name, source.split)
            if (now := time.perf_counter()) - shown > EVERY:
                shown = now
                tell()
    tell(intake.seen)


def check_request(params: InspectDataset) -> None:
    """Refused: classes without a signal; split names that are no file names, ranges that are empty or share rows."""
    if params.classes is not None and params.signal is None:
        raise refused("classes_unused", "Classes belong to signals; labels name their own.", "classes")
    for name in {file.split for file in params.files} | set(params.splits):
        if not PATH.fullmatch(name) or "/" in name or len(name) > 64:
            raise refused(
                "split_name", f"A split cannot be called {name!r}.", "splits", "Letters, digits, _, - and dots."
            )
    for name, (start, end) in params.splits.items():
        if not 0 <= start < end:
            raise refused("split_empty", f"Split {name!r} has no rows: [{start}, {end}).", f"splits.{name}")
    for (a, one), (b, other) in combinations(params.splits.items(), 2):
        if one[0] < other[1] and other[0] < one[1]:
            raise refused("splits_overlap", f"Splits {a!r} and {b!r} share rows.", f"splits.{b}")


def check(intake: Intake, params: InspectDataset) -> None:
    """Refused: bad rows, all of the first twenty; ranges beyond the rows; a split without rows; no rows at all."""
    if intake.bad_total and not params.allow_bad_rows:
        raise unusable(intake)
    for name, (start, end) in params.splits.items():
        if end > intake.seen:
            message = f"Split {name!r} is [{start}, {end}), but there are {intake.seen:,} rows."
            raise refused("split_out_of_range", message, f"splits.{name}")
        if name not in intake.splits:
            raise refused("split_empty", f"Split {name!r} has no usable rows.", f"splits.{name}")
    if not intake.splits:
        raise refused("no_rows", "The files have no usable rows.", "files")


def unusable(intake: Intake) -> Refused:
    """The first bad rows, behind a sentence about all."""
    first = intake.bad[0]
    more = f" {TOLD} of them are listed." if intake.bad_total > TOLD else ""
    message = f"{intake.bad_total:,} of {intake.seen:,} rows cannot be used.{more} The first: {first.message}"
    hint = "Mend them, or set allow_bad_rows to leave them out."
    problem = Problem(code="bad_rows", message=message, file=first.file, line=first.line, hint=hint)
    return Refused(problem, *intake.bad)


def write(folder: RunFolder, plan: Layout, intake: Intake, params: InspectDataset) -> DatasetFacts:
    """The outputs, and the facts of what was written."""
    writer = Writer(plan, intake.splits)
    heading = Heading(columns=writer.columns, roles=plan.roles, classes=params.classes)
    if plan.roles.signal is not None:
        heading = heading.model_copy(update={"signal": signal_kind(plan, writer, intake, params)})
    splits, written = {}, {}
    for name in intake.splits:
        path = folder.output(f"{name}.arrow")
        writer.write(name, path, heading)
        written[name] = Rows.open(path)
        splits[name] = split_facts(path, written[name], intake.splits[name])
    if plan.roles.signal is not None:
        check_ids(written)
    folder.output(PREVIEW).write_text(json.dumps(previews(written)))
    said = heading.model_dump(mode="json", exclude={"columns"})
    return DatasetFacts(
        digest=digest([{name: split.digest for name, split in splits.items()}, said]),
        splits=splits,
        columns=told(writer.columns, plan.roles),
        roles=plan.roles,
        system=plan.system,
        overlaps=overlaps(written),
        bad_rows=tuple(intake.bad),
        bad_rows_total=intake.bad_total,
        signal=heading.signal,
        classes=params.classes,
    )


def told(columns: dict[str, ColumnFacts], roles: Roles) -> dict[str, ColumnFacts]:
    """The columns, with counts of values for the roles first and then in their order, until there are `MOST_COUNTS`: facts are sent with every reply."""
    shown, left = dict(columns), MOST_COUNTS
    named = {*roles.inputs, roles.label, roles.group, roles.id, roles.signal}
    for name in sorted(columns, key=lambda name: name not in named):
        left -= len(columns[name].values or ())
        if left < 0:
            shown[name] = columns[name].model_copy(update={"values": None})
    return shown


def check_ids(splits: dict[str, Rows]) -> None:
    """Refused (`id_twice`): two rows of signals for one id."""
    for name, rows in splits.items():
        twice = [id for id, n in Counter(rows.ids).items() if n > 1]
        if rows.roles.id and twice:
            message = f"Id {twice[0]!r} stands twice in split {name!r}: which scores are its own?"
            raise refused("id_twice", message, "columns.id")


def split_facts(path: Path, rows: Rows, split: Split) -> SplitFacts:
    """What one file holds."""
    sealed = seal(path)
    label = split.texts.get(rows.roles.label or "")
    counts = label.counts if label and label.counts else {}
    sizes = {name: text_sizes(rows, name) for name, column in rows.columns.items() if column.kind not in LISTS}
    return SplitFacts(
        rows=rows.count,
        path=path.name,
        digest=sealed.digest,
        bytes=sealed.bytes,
        duplicates=rows.count - len(np.unique(rows.keys)),
        labels=dict(counts),
        labelled=label.rows - label.missing if label else 0,
        text_bytes={name: total for name, (total, _) in sizes.items()},
        longest={name: longest for name, (_, longest) in sizes.items()},
        makeup={name: makeup(sample(rows, name)) for name in sizes if rows.columns[name].kind != "number"},
    )


def text_sizes(rows: Rows, name: str) -> tuple[int, int]:
    """Bytes of all values of a column as text, and of the longest: what prompts are made of, and priced by."""
    lengths = pc.binary_length(rows.texts(name).cast(pa.large_string()))
    return int(pc.sum(lengths).as_py() or 0), int(pc.max(lengths).as_py() or 0)


def sample(rows: Rows, name: str) -> list[str]:
    """Beginnings of a column's values, of rows that are spread evenly over all."""
    column, spread = rows.texts(name), np.linspace(0, rows.count - 1, min(SAMPLE, rows.count)).astype(int)
    texts = (pc.utf8_slice_codeunits(column.slice(row, 1), 0, BEGINNING)[0].as_py() for row in spread.tolist())
    return [text for text in texts if text]


def overlaps(splits: dict[str, Rows]) -> dict[str, int]:
    """Rows of the second split that the first one has too, by "first|second"; pairs without any are left out."""
    return {
        f"{a}|{b}": shared
        for (a, one), (b, other) in combinations(splits.items(), 2)
        if (shared := overlap(one, other))
    }


def overlap(first: Rows, second: Rows) -> int:
    """Rows of `second` whose digest is among the digests of `first`."""
    return int(np.isin(second.keys, first.keys).sum())


def signal_kind(plan: Layout, writer: Writer, intake: Intake, params: InspectDataset) -> Signal:
    """Probabilities where every row sums to one. Refused: classes missing, twice, or not as many as scores."""
    name = plan.roles.signal or ""
    shape = writer.columns[name].shape
    if params.classes is None:
        raise refused("classes_missing", "Signals need the class of each score, in order.", "classes")
    if len(set(params.classes)) < len(params.classes):
        raise refused("class_twice", "A class is named twice.", "classes")
    if shape != (len(params.classes),):
        message = f"Column {name!r} has scores of shape {list(shape)} for {len(params.classes)} classes."
        raise refused("classes_do_not_fit", message, "classes")
    return (
        "probabilities"
        if all(split.arrays[name].sums_to_one(ROUNDING) for split in intake.splits.values())
        else "logits"
    )


def refused(code: str, message: str, param: str, hint: str | None = None) -> Refused:
    return Refused(Problem(code=code, message=message, param=param, hint=hint))
