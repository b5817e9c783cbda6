"""Datasets that are refused, each with its whole error."""

import pickle

import numpy as np

from tests.acceptance.bad import AGAIN, MEND, PICKLES, Bad, told
from tests.acceptance.uploads import csv, cut, npz, packed

OBJECTS = np.array([{"a": 1}, [2]], dtype=object)
SCORES = csv("1,2,a", "3,4,b").replace(b"label", b"id")
DATASETS: dict[str, Bad] = {
    "blank lines": Bad(b"\n\n", "rows.csv", told("no_rows", "The files have no rows.", param="files")),
    "ragged rows": Bad(
        csv("1,2,a", "3,4", "5,6,b"),
        "rows.csv",
        told(
            "bad_rows",
            "1 of 3 rows cannot be used. The first: rows.csv, line 3: the row has 2 fields, the header 3.",
            hint=MEND,
            file="rows.csv",
            line=3,
        ),
    ),
    "a word among numbers": Bad(
        csv(*(f"{i},{'x' if i == 40 else i},a" for i in range(99))),
        "rows.csv",
        told(
            "bad_rows",
            "1 of 99 rows cannot be used. The first: rows.csv, line 42: column 'x1' is not a number: 'x'.",
            hint=MEND,
            file="rows.csv",
            line=42,
        ),
    ),
    "ragged JSON": Bad(
        b'{"x": [1, 2], "label": "a"}\n{"x": [1], "label": "b"}\n{"x": [1, 2], "label": "a"}\n',
        "rows.jsonl",
        told(
            "bad_rows",
            "1 of 3 rows cannot be used. The first: rows.jsonl, line 2: column 'x' has shape [1], other rows [2].",
            hint=MEND,
            file="rows.jsonl",
            line=2,
        ),
    ),
    "a line that is no JSON": Bad(
        b'{"x": [1, 2], "label": "a"}\n{"x": [1\n',
        "rows.jsonl",
        told(
            "bad_rows",
            "1 of 2 rows cannot be used. The first: rows.jsonl, line 2: the line is not JSON: Expecting ',' delimiter at column 9.",
            hint=MEND,
            file="rows.jsonl",
            line=2,
        ),
    ),
    "a column that is not there": Bad(
        csv("1,2,a", "3,4,b"),
        "rows.csv",
        told("unknown_column", "Column 'labl' does not exist.", hint="Did you mean 'label'?", param="columns.label"),
        {"columns": {"label": "labl"}},
    ),
    "ranges beyond the rows": Bad(
        csv("1,2,a", "3,4,b"),
        "rows.csv",
        told("split_out_of_range", "Split 'train' is [0, 9), but there are 2 rows.", param="splits.train"),
        {"splits": {"train": [0, 9]}},
    ),
    "a pickle": Bad(
        pickle.dumps([1, 2]),
        "rows.pkl",
        told("pickle_refused", "rows.pkl: this is a Python pickle.", hint=PICKLES, file="rows.pkl"),
    ),
    "pickles within arrays": Bad(
        npz(x=OBJECTS, label=np.array(["a", "b"])),
        "rows.npz",
        told("pickle_refused", "rows.npz:x: this is a Python pickle.", hint=PICKLES, file="rows.npz:x"),
    ),
    "arrays of unlike length": Bad(
        npz(x=np.ones((3, 2)), label=np.array(["a", "b"])),
        "rows.npz",
        told("rows_differ", "rows.npz:x: column 'x' has 3 rows, column 'label' 2.", file="rows.npz:x"),
    ),
    "half an archive": Bad(
        cut(npz(x=np.ones((90, 2)), label=np.array(["a"] * 90))),
        "rows.npz",
        told(
            "damaged_file",
            "rows.npz: it cannot be read to its end (File is not a zip file).",
            hint=AGAIN,
            file="rows.npz",
        ),
    ),
    "half a packed file": Bad(
        cut(packed(csv(*(f"{i},{i},a" for i in range(999))))),
        "rows.csv.gz",
        told(
            "damaged_file",
            "rows.csv.gz: it cannot be read to its end (Compressed file ended before the end-of-stream marker was reached).",
            hint=AGAIN,
            file="rows.csv.gz",
        ),
    ),
    "a format of nobody": Bad(
        b"\x89PNG\r\n\x1a\n" + bytes(90),
        "rows.png",
        told(
            "unknown_format",
            "rows.png: a PNG image is not a format of datasets.",
            hint="Datasets are Parquet, JSONL, CSV, NPZ or IDX files, also gzipped.",
            file="rows.png",
        ),
    ),
    "classes that do not fit the signals": Bad(
        SCORES,
        "signals.csv",
        told("classes_do_not_fit", "Column 'x' has scores of shape [2] for 3 classes.", param="classes"),
        {"signal": "x", "classes": ["a", "b", "c"]},
    ),
    "signals without classes": Bad(
        SCORES,
        "signals.csv",
        told("classes_missing", "Signals need the class of each score, in order.", param="classes"),
        {"signal": "x"},
    ),
    "signals with an id twice": Bad(
        csv("1,2,r1", "3,4,r1").replace(b"label", b"id"),
        "signals.csv",
        told("id_twice", "Id 'r1' stands twice in split 'train': which scores are its own?", param="columns.id"),
        {"signal": "x", "classes": ["a", "b"]},
    ),
    "more bad rows than are listed": Bad(
        csv(*(f"{i},2,a" if i % 2 else f"{i},2" for i in range(100))),
        "rows.csv",
        told(
            "bad_rows",
            "50 of 100 rows cannot be used. 20 of them are listed. The first: rows.csv, line 2: the row has 2 fields, the header 3.",
            hint=MEND,
            file="rows.csv",
            line=2,
        ),
    ),
}
