"""A rows file with new rows behind the old ones: for training alone, and without a label."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from distill.data.canonical import WIDTH, digest_array, text_digests, write
from distill.data.rows import Ints, Rows


def extend(path: Path, rows: Rows, texts: list[str], of: Ints | None = None) -> None:
    """Writes the rows and then the texts as new ones. `of`: the row that each is a copy of, whose other columns it has, but for label and id; None: they are null."""
    (name,) = rows.roles.inputs
    own = (rows.roles.label, rows.roles.id)
    columns = {}
    for column in rows.columns:
        old = rows.column(column)
        if column == name:
            new = pa.array(texts, old.type)
        else:
            new = pa.nulls(len(texts), old.type) if of is None or column in own else old.take(pa.array(of))
        columns[column] = pa.concat_arrays([old, new])
    raw = np.ascontiguousarray(rows.digests).view(np.uint8).reshape(-1, WIDTH)
    digest = digest_array(np.concatenate([raw, text_digests(texts)]))
    heading = rows.heading.model_copy(update={"roles": rows.roles, "written": len(texts)})
    write(path, columns, digest, heading)
