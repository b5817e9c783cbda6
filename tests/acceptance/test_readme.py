"""The README's commands, word for word, in a copy of the tree: a newcomer's first ten minutes."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from standalone.process import ROOT

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(sh|python)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
LINKS = re.findall(r"\]\(([^)#:]+)\)", README)
COLUMNS = ["accuracy", "parameters", "bytes", "p50", "p95", "rows/s"]
ROLES = ["ensemble", "one teacher", "student", "no teacher", "all labels"]
# Accuracy with its interval, parameters, bytes, p50, p95, rows a second.
ROW = rf"^({'|'.join(ROLES)}) +[\d.]+ \[[\d.]+, [\d.]+\] +[\d,]+ +[\d,]+ kB +[\d.,]+ [µm]s +[\d.,]+ [µm]s +[\d,]+ *$"
JOB = (ROOT / "examples" / "digits" / "job.sh").read_text()
UP = "make up\n"
DEMO = "make demo\n"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git tracks, with the environment that the tests run in, which make takes for up to date."""
    assert (Path(sys.prefix) / "ready").exists(), "the environment was not made by make: `make test`"
    folder = tmp_path_factory.mktemp("clone")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607  # whoever tests has git in the path
    for name in filter(None, listed.split("\0")):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    for name in ("pyproject.toml", "sdk/pyproject.toml", "constraints.txt"):
        os.utime(folder / name, (0, 0))
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """Nothing of ours is set, nor of the make that may run these tests; but the second job of the demo has fewer texts."""
    ours = re.compile(r"STILLHOUSE_|VENV$|VIRTUAL_ENV$|MAKE|MFLAGS$")
    return {name: value for name, value in os.environ.items() if not ours.match(name)} | {"DEMO_TEXTS": "90"}


def bash(script: str, folder: Path, environment: dict[str, str]) -> str:
    """What it said. As a careful reader would: the first failure ends it."""
    strict = 'set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; }\n'
    argv = [shutil.which("bash") or "bash", "-c", strict + script]
    ran = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{ran.stdout[-4000:]}\n{ran.stderr[-4000:]}"
    return ran.stdout


@contextmanager
def up(folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """`make up`, until ^C."""
    with subprocess.Popen(
        ["make", "up"],  # noqa: S607  # as a newcomer types it
        cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, process_group=0,
    ) as running:  # fmt: skip
        assert running.stdout is not None
        assert "ready at http://127.0.0.1:8400" in running.stdout.readline()
        try:
            yield
        finally:  # or a failure inside would wait for it for ever
            os.killpg(running.pid, signal.SIGINT)
            said = running.stdout.read()
        assert "stopped" in said


def shape(said: str) -> tuple[list[str], list[str]]:
    """Columns, and roles with a figure in each column, of the table in a text."""
    said = said.partition("A teacher behind an endpoint")[0]
    head = next(line.split() for line in said.splitlines() if line.split()[:1] == COLUMNS[:1])
    return head, re.findall(ROW, said, re.MULTILINE)


def test_its_table_is_whole() -> None:
    assert shape(README) == (COLUMNS, ROLES)


def test_its_links_lead_somewhere_and_to_every_page() -> None:
    assert [link for link in LINKS if not (ROOT / link).exists()] == []
    pages = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} - {"docs/README.md"}
    assert pages <= set(LINKS)


def test_its_job_is_the_recipe() -> None:
    (body,) = re.findall(r"/v1/distillations -d '(.*)' \| made", JOB)
    posted = json.loads(
        body.replace("'\"$teachers\"'", "[]").replace("'$dataset'", "ds_digits").replace("'$seed'", "1")
    )
    recipe = json.loads((ROOT / "recipes" / "digits.json").read_text())
    recipe["teacher"]["models"], recipe["data"]["seed"] = [], 1
    assert posted == recipe


@pytest.mark.timeout(900)
def test_it_does_what_it_says(clone: Path, environment: dict[str, str]) -> None:
    shell = [text for kind, text in BLOCKS if kind == "sh"]
    (python,) = (text for kind, text in BLOCKS if kind == "python")
    assert shell[:2] == [DEMO, UP]

    said = bash(DEMO, clone, environment)
    print(said)
    assert "The teachers learned from 1,029 labels" in " ".join(said.split())
    assert "Kept" in said and shape(said) == shape(README)
    assert JOB in said and JOB in README, "the demo prints what the README tells to paste"
    assert (clone / "build" / "digits" / "report.html").exists()
    assert (clone / "build" / "docstrings" / "report.html").exists()
    (bill,) = re.findall(r"The bill: \$([\d.]+) for [\d,]+ calls", " ".join(said.split()))
    (ledger,) = re.findall(r"The endpoint's own ledger says \$([\d.]+)", " ".join(said.split()))
    assert 0 < float(ledger) - 0.01 < float(bill) < float(ledger) + 0.01, "but for ten calls of a probe"

    with up(clone, environment):
        said = bash("".join(shell[2:]) + f"python - <<'END'\n{python}END\n", clone, environment)
    job, _ = json.JSONDecoder().raw_decode(said[said.index('{"id":"dst_') :])  # curl ends no line
    assert [step["name"] for step in job["steps"] if not step["cached"]] == ["package"]
    assert (clone / "student" / "model.safetensors").exists()
    assert "<html" in (clone / "report.html").read_text()


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_shuffled_teachers_do_not_help(clone: Path, environment: dict[str, str]) -> None:
    """On a server that the environment names."""
    with up(clone, environment):
        key = {
            "STILLHOUSE_URL": "http://127.0.0.1:8400",
            "STILLHOUSE_API_KEY": (clone / "data/admin-key").read_text().strip(),
        }
        shuffled = bash('make demo ARGS="--shuffle-teacher"', clone, environment | key)
    print(shuffled)
    assert "did not help" in shuffled or "hurt" in shuffled
    assert (
        "shuffled labels: they know nothing" in shuffled
        and "cat " not in shuffled.partition("by curl")[2].partition("teachers=")[0]
    )
