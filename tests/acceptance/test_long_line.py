"""A line of a gigabyte: refused, in less memory than a hundred megabytes.

What is measured is the child's own memory: `VmHWM` of /proc, the kernel's word for the peak, less `RssFile`, the pages that are mapped from files. These
are the system's cache, shared by all children and dropped at need: the code of Python, numpy and pyarrow, some 50 MB. The upload is read, not mapped.
Both are printed.
"""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from spec.params import InspectDataset, SourceFile
from spec.run import RESULT, SPEC, Result, Run
from standalone.process import ROOT

GIGABYTE = 2**30
LIMIT = 100_000_000


@pytest.mark.parametrize(
    ("name", "start", "code"),
    [
        pytest.param("rows.jsonl", b'{"x": [1, 2], "label": "a"}\n{"x": "', "bad_rows", id="jsonl"),
        pytest.param("rows.csv", b"x,label\n", "line_too_long", id="csv", marks=pytest.mark.proof),
    ],
)
def test_a_line_of_a_gigabyte(tmp_path: Path, name: str, start: bytes, code: str) -> None:
    files = tmp_path / "inputs" / "files"
    files.mkdir(parents=True)
    with (files / "0").open("wb") as file:
        file.write(start + b"a" * 2**20)
        file.truncate(GIGABYTE)  # a hole: no disk is used, and no line ends in it
    params = InspectDataset(files=(SourceFile(path="0", filename=name),))
    run = Run(verb="inspect", step="inspect", params=params.model_dump(mode="json"))
    (tmp_path / SPEC).write_text(run.model_dump_json())

    child = subprocess.Popen([sys.executable, "-m", "distill", str(tmp_path)], cwd=ROOT)
    own = whole = 0
    while child.poll() is None:
        now = memory(child.pid)
        whole = max(whole, now.get("VmHWM", 0))
        own = max(own, whole - now.get("RssFile", whole))
        time.sleep(0.005)

    print(f"{name}: {own:,} bytes of its own, limit {LIMIT:,}; {whole:,} with what is mapped from files")
    result = Result.model_validate_json((tmp_path / RESULT).read_text())
    assert result.status == "failed" and result.retry == "never" and result.error is not None
    assert (result.error.code, result.error.file, result.error.line) == (code, name, 2)
    assert "longer than 16 MiB" in result.error.message
    assert 0 < own < LIMIT, f"{own:,} bytes"


def memory(pid: int) -> dict[str, int]:
    """Bytes by kind, as the kernel counts them for a process; nothing once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith(" kB")}
