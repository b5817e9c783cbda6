"""The child's side of the run folder."""

import errno
import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from distill.failure import classify
from distill.run import RunFolder, repair
from spec.run import Event, Output, Result, Run
from tests.distill.uploads import jsonl, run_folder

GOOD = jsonl({"x": [1, 2], "y": 1}, {"x": [3, 4], "y": 2})


def folder(path: Path) -> RunFolder:
    path.mkdir(exist_ok=True)
    (path / "spec.json").write_text(Run(verb="inspect", step="inspect", params={}).model_dump_json())
    return RunFolder(path)


def events(path: Path) -> list[Event]:
    return [Event.model_validate_json(line) for line in (path / "events.jsonl").read_text().splitlines()]


def distill(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "distill", str(path)], check=False, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize(
    "torn", [b'{"n": 3, "ty', b"\0\0\0\0", b'{"n": 9, "type": "message", "at": 1, "data": {}}\n', b"\n"]
)
def test_events_go_on_without_a_gap_after_a_torn_line(tmp_path: Path, torn: bytes) -> None:
    with closing(folder(tmp_path)) as first:
        first.message("one")
        first.message("two")
    with (tmp_path / "events.jsonl").open("ab") as file:
        file.write(torn)
    with closing(folder(tmp_path)) as again:
        again.message("three")
    assert [(event.n, event.data["text"]) for event in events(tmp_path)] == [(1, "one"), (2, "two"), (3, "three")]


def test_repair_of_nothing(tmp_path: Path) -> None:
    assert repair(tmp_path / "events.jsonl") == 0


def test_result_is_whole_and_seals_outputs(tmp_path: Path) -> None:
    one = folder(tmp_path)
    one.output("a/b.txt").write_text("hello")
    one.finish(one.sealed(Result(status="succeeded")), seconds=1.5)
    result = Result.model_validate_json((tmp_path / "result.json").read_bytes())
    hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert result.outputs == {"a/b.txt": Output(bytes=5, digest=hello)}
    assert result.seconds == 1.5
    assert not list(tmp_path.glob("*.part"))


def test_an_old_result_does_not_speak_for_a_new_attempt(tmp_path: Path) -> None:
    folder(tmp_path).finish(Result(status="stopped"), seconds=0)
    folder(tmp_path).close()
    assert not (tmp_path / "result.json").exists()


def test_resumable_keeps_the_order_and_drops_what_is_gone(tmp_path: Path) -> None:
    run = Run(verb="train", step="train", params={}, checkpoint=["000300", "000200", "000100"])
    (tmp_path / "spec.json").write_text(run.model_dump_json())
    one = RunFolder(tmp_path)
    for name in ("000100", "000300"):
        (one.checkpoints / name).mkdir()
    assert [path.name for path in one.resumable()] == ["000300", "000100"]
    one.close()


@pytest.mark.parametrize(
    ("error", "code", "retry"),
    [
        (MemoryError(), "out_of_memory", "memory"),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
            "out_of_memory",
            "memory",
        ),
        (RuntimeError("CUDA out of memory. Tried to allocate"), "out_of_memory", "memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full", "infrastructure"),
        (OSError(errno.EDQUOT, "Quota"), "disk_full", "infrastructure"),
        (OSError(errno.EIO, "Input/output error"), "machine_error", "infrastructure"),
        (FileNotFoundError(errno.ENOENT, "gone"), "internal", "unknown"),
        (ZeroDivisionError("x"), "internal", "unknown"),
    ],
)
def test_failures_are_told_apart(error: Exception, code: str, retry: str) -> None:
    problem, how = classify(error)
    assert (problem.code, how) == (code, retry)


def test_by_itself_it_succeeds_and_says_so(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run", [("rows.jsonl", GOOD)])
    done = distill(path)
    assert done.returncode == 0 and "inspect succeeded" in done.stderr and not done.stdout
    result = Result.model_validate_json((path / "result.json").read_bytes())
    assert result.status == "succeeded" and set(result.outputs) == {"train.arrow", "preview.json"}
    assert 0 < result.imports < 30 and 0 < result.seconds < 30
    assert not (path / "spill").exists()


def test_by_itself_it_fails_with_a_reason(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run", [("rows.jsonl", b"nonsense\n")])
    done = distill(path)
    assert done.returncode == 1 and "rows.jsonl, line 1" in done.stderr
    result = Result.model_validate_json((path / "result.json").read_bytes())
    assert result.error and result.error.code == "bad_rows" and result.retry == "never"


def test_params_that_do_not_fit_are_told(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run", [("rows.jsonl", GOOD)], kind="dataset", nonsense=1)
    assert distill(path).returncode == 1
    result = Result.model_validate_json((path / "result.json").read_bytes())
    assert result.error and result.error.code == "run_invalid" and result.retry == "never"


def test_what_is_no_run_folder(tmp_path: Path) -> None:
    done = distill(tmp_path / "nowhere")
    assert done.returncode == 2 and "is no run folder" in done.stderr


def test_inspecting_rows_does_not_import_torch(tmp_path: Path) -> None:
    path = run_folder(tmp_path / "run", [("rows.jsonl", GOOD)])
    look = (
        "import sys, pathlib; from distill.__main__ import perform; from distill.run import RunFolder; "
        "assert perform(RunFolder(pathlib.Path(sys.argv[1]))).status == 'succeeded'; "
        "sys.exit('torch' in sys.modules or 'onnx' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", look, str(path)], check=False, timeout=60).returncode == 0


def test_sigterm_stops_an_inspection(tmp_path: Path) -> None:
    row = json.dumps({"x": list(range(100)), "y": 1}).encode() + b"\n"
    path = run_folder(tmp_path / "run", [("rows.jsonl", row * 150_000)])
    child = subprocess.Popen([sys.executable, "-m", "distill", str(path)], stderr=subprocess.DEVNULL)
    wait_for(path / "events.jsonl", child)
    os.kill(child.pid, signal.SIGTERM)
    assert child.wait(60) == 0
    result = Result.model_validate_json((path / "result.json").read_bytes())
    assert result.status == "stopped" and result.outputs == {}
    assert not (path / "spill").exists()


def wait_for(events: Path, child: subprocess.Popen[bytes]) -> None:
    """Until the child has told of progress: it reads rows, and would for a while yet."""
    while child.poll() is None and not (events.exists() and events.stat().st_size):
        try:
            child.wait(0.02)
        except subprocess.TimeoutExpired:
            continue
    assert child.poll() is None, "it ended before it could be stopped"
