"""Where memory runs out, by a real limit, the micro-batch is halved at the same global batch and the run goes on."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from spec.run import Result
from spec.student import Convnet, Mlp
from tests.distill.conftest import Digits
from tests.distill.runs import here, messages, result, run_folder

LIMITED = """
import resource, sys
from distill.__main__ import main
main([sys.argv[1]])
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[3]), used + int(sys.argv[3])))
sys.exit(main([sys.argv[2]]))
"""
WIDE = Convnet(type="convnet", channels=(64, 64), hidden=16)
MIB = 2**20


def limited(digits: Digits, path: Path, room: int) -> Result:
    """Runs it in a process that may have `room` bytes more than it has after a small run has loaded every library."""
    small = digits.params(student=WIDE, steps=2, batch_size=2)
    warm = run_folder(path.parent / f"{path.name}.warm", "train", small, {"train/rows.arrow": digits.train})
    command = [sys.executable, "-c", LIMITED, str(warm), str(path), str(room)]
    subprocess.run(command, cwd=Path(__file__).parents[2], check=False, capture_output=True, timeout=120)
    return result(path)


def test_it_halves_and_goes_on(tmp_path: Path, digits: Digits) -> None:
    params = digits.params(student=WIDE, steps=2, batch_size=2048, learning_rate=1e-3)
    tight = run_folder(tmp_path / "tight", "train", params, {"train/rows.arrow": digits.train})
    found = limited(digits, tight, 64 * MIB)
    assert found.status == "succeeded", found.error
    micro = found.summary["micro_batch"]
    assert micro < 2048
    assert f"Memory ran out: {micro} rows in one pass from now on, 2048 in a step as before." in messages(tight)
    free = run_folder(tmp_path / "free", "train", params, {"train/rows.arrow": digits.train})
    assert here(free).summary["micro_batch"] == 2048
    one, other = (load_file(path / "outputs/model.safetensors") for path in (tight, free))
    for name, tensor in other.items():
        torch.testing.assert_close(one[name], tensor, rtol=1e-3, atol=1e-4)


def test_weights_that_do_not_fit_are_no_matter_of_batches(tmp_path: Path, digits: Digits) -> None:
    params = digits.params(student=Mlp(type="mlp", hidden_sizes=(65536, 2048)), steps=3, batch_size=2)
    path = run_folder(tmp_path / "run", "train", params, {"train/rows.arrow": digits.train})
    found = limited(digits, path, 300 * MIB)
    assert found.status == "failed"
    assert found.retry == "memory"
    assert found.error is not None
    assert found.error.code == "out_of_memory"


@pytest.fixture(autouse=True)
def linux() -> None:
    if sys.platform != "linux":
        pytest.skip("limits of address space are Linux's")
