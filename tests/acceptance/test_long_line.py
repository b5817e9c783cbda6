"""A line of a gigabyte: refused, in less memory than a hundred megabytes.

What is measured is the child's own memory, `RssAnon` of /proc: heap, stacks and buffers, Python's objects and those of its libraries among them,
at its highest in looks 5 ms apart. Not counted is what is mapped from files, which the kernel shares between processes and may drop at any time:
the code of Python, numpy and pyarrow (`RssFile`, some 100 MB more) and pages of the uploaded file itself. `VmRSS`, the sum, is not below the line.
"""

import subprocess
import sys
import time
from pathlib import Path

from spec.params import InspectDataset, SourceFile
from spec.run import RESULT, SPEC, Result, Run
from standalone.process import ROOT

GIGABYTE = 2**30


def test_a_line_of_a_gigabyte(tmp_path: Path) -> None:
    files = tmp_path / "inputs" / "files"
    files.mkdir(parents=True)
    with (files / "0").open("wb") as file:
        file.write(b'{"x": [1, 2], "label": "a"}\n{"x": "' + b"a" * 2**20)
        file.truncate(GIGABYTE)  # a hole: no disk is used, and no line ends in it
    params = InspectDataset(files=(SourceFile(path="0", filename="rows.jsonl"),))
    run = Run(verb="inspect", step="inspect", params=params.model_dump(mode="json"))
    (tmp_path / SPEC).write_text(run.model_dump_json())

    child = subprocess.Popen([sys.executable, "-m", "distill", str(tmp_path)], cwd=ROOT)
    peak = 0
    while child.poll() is None:
        peak = max(peak, held(child.pid))
        time.sleep(0.005)

    result = Result.model_validate_json((tmp_path / RESULT).read_text())
    assert result.status == "failed" and result.retry == "never" and result.error is not None
    assert (result.error.code, result.error.file, result.error.line) == ("bad_rows", "rows.jsonl", 2)
    assert "longer than 16 MiB" in result.error.message
    assert 0 < peak < 100_000_000, f"{peak:,} bytes"


def held(pid: int) -> int:
    """Bytes of a process's own memory, without the libraries that it shares; 0 once it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("RssAnon:")]
    return int(found[0]) * 1024 if found else 0
