"""Every hostile file is refused with its code, runs nothing, and costs little memory and time."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.distill.hostile import DATASETS, HEADERS, MARKER, X
from tests.distill.uploads import code, npz, run_folder

MB = 2**20
MLP = {"type": "mlp", "hidden_sizes": [2]}
SIGNATURE = {"input": {"kind": "array", "shape": [3]}, "output": {"kind": "classes", "classes": ["a", "b"]}}


@pytest.fixture(autouse=True)
def no_harm() -> Any:
    yield
    harmed = MARKER.exists()
    MARKER.unlink(missing_ok=True)
    assert not harmed, "a file ran"


def test_there_are_enough() -> None:
    assert len(DATASETS) + len(HEADERS) >= 90


@pytest.mark.parametrize("name", DATASETS)
def test_rows(tmp_path: Path, name: str) -> None:
    expected, file, content = DATASETS[name]
    assert code(tmp_path / "run", (file, content)) == expected


@pytest.mark.parametrize("name", HEADERS)
def test_weights(tmp_path: Path, name: str) -> None:
    expected, file, content = HEADERS[name]
    assert code(tmp_path / "run", (file, content), kind="model", architecture=MLP, signature=SIGNATURE) == expected


def measured(path: Path) -> tuple[int, float]:
    """(peak resident memory in bytes, CPU seconds) of `python -m distill` on a run folder."""
    log = os.open(path / "log.txt", os.O_WRONLY | os.O_CREAT)
    child = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "distill", str(path)],
        dict(os.environ),
        file_actions=[(os.POSIX_SPAWN_DUP2, log, 2)],
    )
    os.close(log)
    _, _, used = os.wait4(child, 0)
    return used.ru_maxrss * 1024, used.ru_utime + used.ru_stime


def one_gigabyte_line(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b'{"x": "')
        for _ in range(1000):
            file.write(b"a" * MB)


HEAVY: dict[str, tuple[str, str, bytes | Callable[[Path], object], int]] = {
    "a line of a gigabyte": ("bad_rows", "a.jsonl", one_gigabyte_line, 100),
    **{
        name: (*DATASETS[name], 200)
        for name in ("npz bomb", "gzip bomb", "npz of 100,000 members", "csv with an open quote")
    },
    **{
        name: (*DATASETS[name], 200)
        for name in ("json of two million values", "json of empty lists", "parquet of noise")
    },
}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> int:
    """Memory of looking at a few rows."""
    path = run_folder(tmp_path_factory.mktemp("usual") / "run", [("a.npz", npz(x=X))])
    return measured(path)[0]


@pytest.mark.parametrize("name", HEAVY)
def test_little_memory_and_time(tmp_path: Path, usual: int, name: str) -> None:
    expected, file, content, allowed = HEAVY[name]
    path = run_folder(tmp_path / "run", [(file, content)])
    peak, seconds = measured(path)
    assert f'"code":"{expected}"' in (path / "result.json").read_text()
    assert peak - usual < allowed * MB, f"{(peak - usual) / MB:.0f} MB"
    assert seconds < 8, seconds


@pytest.mark.parametrize("name", ["a header of 11 MB", "a header of 100,000 tensors", "a header of brackets"])
def test_headers_cost_little(tmp_path: Path, usual: int, name: str) -> None:
    expected, file, content = HEADERS[name]
    path = run_folder(tmp_path / "run", [(file, content)], kind="model", architecture=MLP, signature=SIGNATURE)
    peak, seconds = measured(path)
    assert f'"code":"{expected}"' in (path / "result.json").read_text()
    assert peak - usual < 200 * MB and seconds < 8, (peak, seconds)


def test_memory_does_not_grow_with_rows(tmp_path: Path, usual: int) -> None:
    def rows(path: Path) -> None:
        with path.open("wb") as file:
            for i in range(300_000):
                file.write(b'{"id":"%d","x":[%d,%d,7],"y":%d}\n' % (i, i % 250, i // 250 % 250, i % 10))

    path = run_folder(tmp_path / "run", [("a.jsonl", rows)])
    peak, _ = measured(path)
    assert '"rows":300000' in (path / "result.json").read_text()
    assert peak - usual < 150 * MB, f"{(peak - usual) / MB:.0f} MB"
