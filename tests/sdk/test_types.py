"""Users' scripts are clean under mypy and pyright at their strictest, and both see what is wrong in one.

Pyright runs on Node.js; its extra `nodejs` brings that as a wheel, so nothing is downloaded when it starts.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(600)
SOUND = Path(__file__).with_name("sample.py")
WRONG = """
from stillhouse import Stillhouse
from stillhouse.types import Distillation, Student

student: Student = {"type": "mlp", "hiden_sizes": [64]}
spec: Distillation = {"name": "x", "data": {"train": "ds_1"}, "student": {"type": "convent"}, "objective": []}
with Stillhouse() as client:
    client.datasets.create(files=["file-1"], split={"train": [0, 5]})
    client.models.upload("model.onnx", architecture="mlp")
    print(client.files.get("file-1")["size"])
    print(client.distillations.get("dst_1").finished)
    client.distillations.list(order="up")
"""
MISTAKES = [5, 6, 8, 9, 10, 11, 12]
"""Lines of the above: of a spec, of a request, of a reply, of a handle."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both scripts by themselves, without a setting of this repository."""
    made = tmp_path_factory.mktemp("scripts")
    (made / "sound.py").write_text(SOUND.read_text())
    (made / "wrong.py").write_text(WRONG)
    (made / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    return made


def run(folder: Path, *argv: str) -> str:
    environment = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}  # which say that there is a newer one
    ran = subprocess.run(
        [sys.executable, "-m", *argv, "sound.py", "wrong.py"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1, f"{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def test_mypy(folder: Path) -> None:
    said = run(folder, "mypy", "--config-file=", "--strict", "--no-incremental")
    found = re.findall(r"^(\w+\.py):(\d+): error", said, re.MULTILINE)
    assert {file for file, _ in found} == {"wrong.py"}, said
    assert sorted({int(line) for _, line in found}) == MISTAKES, said


def test_pyright(folder: Path) -> None:
    said = json.loads(run(folder, "pyright", "--outputjson", "--pythonpath", sys.executable))
    assert said["summary"]["filesAnalyzed"] == 2
    found = [(Path(each["file"]).name, each["range"]["start"]["line"] + 1) for each in said["generalDiagnostics"]]
    assert {file for file, _ in found} == {"wrong.py"}, said
    assert sorted({line for _, line in found}) == MISTAKES, said
