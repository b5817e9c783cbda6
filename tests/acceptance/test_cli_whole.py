"""Every command of `stillhouse`, really called, with `--json`; and what it says to a slip."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from safetensors.numpy import save

from standalone.stack import Stack
from stillhouse.cli.main import application
from tests.acceptance import digits
from tests.acceptance.run import until
from tests.acceptance.teacher import KEY, sentences, served

PROGRAM = str(Path(sys.executable).with_name("stillhouse"))


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command that does something, by its words."""
    inside = getattr(command, "commands", None)
    if inside is None:
        yield path
    for name, inner in (inside or {}).items():
        yield from leaves(inner, (*path, name))


class Typist:
    """Types commands, and notes which."""

    def __init__(self, stack: Stack) -> None:
        self.typed = set[tuple[str, ...]]()
        self._known = set(leaves(typer.main.get_command(application())))
        self._argv = [PROGRAM, "--url", stack.url, "--api-key", stack.key]

    def run(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([*self._argv, *words], capture_output=True, text=True, check=False)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def __call__(self, *words: str) -> Any:
        """JSON of a command that succeeds; of one that prints a line an event, the list of them."""
        said = self.run(*words, "--json").stdout
        self.typed |= {words[:2], words[:1]} & self._known
        try:
            return json.loads(said)
        except ValueError:
            return [json.loads(line) for line in said.splitlines()]

    @property
    def untyped(self) -> set[tuple[str, ...]]:
        return self._known - self.typed


@pytest.fixture
def typist(stack: Stack) -> Typist:
    return Typist(stack)


def job_file(folder: Path, dataset: str, steps: int) -> str:
    path = folder / f"job{steps}.json"
    job = {
        "name": "cli", "data": {"train": dataset, "heldout": 0.3}, "student": {"type": "mlp", "hidden_sizes": [4]},
        "objective": [{"type": "labels"}], "training": {"steps": steps}, "metadata": {"team": f"cli{steps}"},
    }  # fmt: skip
    path.write_text(json.dumps(job))
    return str(path)


def endpoints(typist: Typist, monkeypatch: pytest.MonkeyPatch, folder: Path, dataset: str) -> None:
    """Every command on them; the key comes from the environment, since a command line is everybody's to read."""
    monkeypatch.setenv("TEACHER_KEY", KEY)
    with served() as teacher:
        given = ("--url", teacher.url, "--key-from-env", "TEACHER_KEY", "--price", "0.40/1.60", "--concurrency", "4")
        made = typist("endpoints", "create", "cli", *given, "--allow-private")
        assert made["state"] == "ready" and teacher.keys == {KEY} and made["limits"]["concurrency"] == 4
        dead = typist.run("endpoints", "create", "dead", "--url", "http://127.0.0.1:9/v1", "--allow-private", code=1)
        assert "cannot be connected to" in dead.stderr and typist("endpoints", "delete", "ep_dead")["deleted"]
        assert typist("endpoints", "get", "ep_cli") == made and typist("endpoints", "list")[0]["id"] == "ep_cli"
        assert typist("endpoints", "probe", "ep_cli", "--model", "words")["state"] == "ready"
        changed = typist(
            "endpoints", "change", "ep_cli", "--price", "1/2/0.5", "--batch", "0.5", "--licence", "gemma",
            "--stream-idle", "0",
        )  # fmt: skip
        assert changed["price"]["cached"] == 0.5 and changed["licence"] == "gemma" and changed["terms"]
        assert changed["limits"]["stream_idle"] is None and changed["limits"]["concurrency"] == 4
        assert "not seen to stream" in typist.run("endpoints", "change", "ep_cli", "--stream-idle", "20", code=1).stderr
        said(typist, folder)
        missing = typist.run("endpoints", "create", "x", "--url", teacher.url, "--key-from-env", "NO_SUCH", code=2)
        assert "NO_SUCH is not set" in missing.stderr
        assert "IN/OUT" in typist.run("endpoints", "change", "ep_cli", "--price", "cheap", code=2).stderr
        path = job_file(folder, dataset, 30)
        told = typist.run("distillations", "validate", path, "--budget-usd", "-1", "--json", code=1)
        assert "budget.usd" in [problem["param"] for problem in json.loads(told.stdout)["problems"]]
        capped = typist.run("distill", path, "--budget-usd", "-1", "--json", code=1)
        assert json.loads(capped.stderr)["error"]["param"] == "budget.usd"
    assert typist("endpoints", "delete", "ep_cli")["deleted"]
    assert typist("answers", "get")["object"] == "answers"
    assert typist("answers", "delete", "--before", "2001-02-03") == {"object": "answers", "deleted": 0, "done": True}


def said(typist: Typist, folder: Path) -> None:
    """What an endpoint wrote and answered, as soon as it has."""
    texts, labels = sentences(60, 3)
    (folder / "sentences.jsonl").write_text(
        "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in zip(texts, labels, strict=True))
    )
    rows = typist("datasets", "create", str(folder / "sentences.jsonl"), "--label", "label")["id"]
    written = {"rows": 3, "sampling": {"max_tokens": 300}}
    job = {
        "name": "said", "teacher": {"models": ["ep_cli/words"]},
        "data": {"train": rows, "responses": {"type": "teacher", "sampling": {"max_tokens": 4}}, "synthesise": written},
        "student": {"type": "text_classifier", "width": 8}, "objective": [{"type": "soft_targets"}],
    }  # fmt: skip
    (folder / "said.json").write_text(json.dumps(job))
    id = typist("distill", str(folder / "said.json"))["id"]
    assert "has no answers" in typist.run("distillations", "answers", id, code=1).stderr
    until(
        lambda: (
            "succeeded"
            in [one["state"] for one in typist("distillations", "get", id)["steps"] if one["name"] == "answer"]
        )
    )
    typist("distillations", "cancel", id)
    rows_of = {side: typist("distillations", "answers", id, "--side", side) for side in ("heldout", "train")}
    assert {row["row"] for row in rows_of["heldout"] + rows_of["train"]} == set(range(60 + 3))
    assert {row["label"] for row in rows_of["train"]} == {"animals", "plants", "stones"}
    assert typist("distillations", "answers", id, "--kind", "truncated", "--kind", "failed") == []
    lines = typist.run("distillations", "answers", id, "--kind", "answered").stdout.splitlines()
    assert len(lines) == 63 and lines[0].split()[0] == "heldout" and "answered" in lines[0]
    assert typist.run("distillations", "answers", id, "--csv").stdout.startswith("side,row,kind,label,")
    assert [one["fate"] for one in typist("distillations", "texts", id, "--fate", "kept")] == ["kept"] * 3
    assert typist.run("distillations", "texts", id, "--fate", "kept", "--csv").stdout.count("kept") == 3
    assert "kept" in typist.run("distillations", "texts", id).stdout


def test_every_command(typist: Typist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = digits.rows(200)
    path = tmp_path / "rows.npz"
    np.savez(path, allow_pickle=False, x=x, y=y, n=np.arange(len(y)))
    (file,) = typist("files", "upload", str(path))
    assert typist("files", "get", file["id"]) == file
    assert file in typist("files", "list")
    assert (
        Path(typist("files", "download", file["id"], str(tmp_path / "again.npz"))["path"]).read_bytes()
        == path.read_bytes()
    )

    columns = ("--input", "x", "--label", "y", "--id", "n")
    made = typist("datasets", "create", f"train={path}", f"test={file['id']}", *columns)
    assert {name: split["rows"] for name, split in made["facts"]["splits"].items()} == {"train": 200, "test": 200}
    assert (
        typist("datasets", "get", made["id"])["id"] == made["id"] == typist("datasets", "list", "--limit", "1")[0]["id"]
    )
    assert len(typist("datasets", "preview", made["id"], "--limit", "3")["data"]) == 3
    assert Path(typist("datasets", "download", made["id"], str(tmp_path / "rows.arrow"))["path"]).stat().st_size > 0
    scores = tmp_path / "scores.csv"
    scores.write_text("id,a,b\n1,0.5,0.5\n")
    refused = typist.run("datasets", "create", str(scores), "--signal", "nothing", "--classes", "a,b", "--json", code=1)
    assert json.loads(refused.stderr)["error"]["type"] == "InspectionFailed"

    first = job_file(tmp_path, made["id"], 40)
    assert typist("distillations", "validate", first)["valid"]
    job = typist("distill", first, "--watch")
    assert job["state"] == "succeeded" and typist("watch", job["id"])["id"] == job["id"]
    for name in ("get", "events", "metrics", "logs", "report"):
        assert typist("distillations", name, job["id"])
    assert typist("distillations", "checkpoints", job["id"]) == [], "what has ended needs none"
    assert typist.run("distillations", "metrics", job["id"], "--csv").stdout.startswith("step,")
    assert [
        one["id"] for one in typist("distillations", "list", "--metadata", "team=cli40", "--state", "succeeded")
    ] == [job["id"]]

    student = job["student"]["model"]
    folder = typist("models", "download", student, str(tmp_path / "student"))["path"]
    again = typist("models", "upload", folder, "--name", "again", "--labels-seen", "7", "--licence", "my own")
    assert typist("models", "get", again["id"])["facts"]["labels_seen"] == 7 and again["licence"] == "my own"
    assert again["id"] in {model["id"] for model in typist("models", "list")}

    long = typist("distill", job_file(tmp_path, made["id"], 5_000_000))["id"]
    for intent in ("pause", "resume"):
        assert typist("distillations", intent, long)["intent"] == {"pause": "pause", "resume": "run"}[intent]
    until(lambda: bool(typist("distillations", "checkpoints", long)))
    assert "checkpoint at step" in typist.run("distillations", "logs", long).stdout, "it runs, and is heard"
    assert typist("distillations", "finish", long)["intent"] == "finish"
    other = typist("distill", job_file(tmp_path, made["id"], 5_000_001))["id"]
    assert typist("distillations", "cancel", other)["intent"] == "cancel"

    endpoints(typist, monkeypatch, tmp_path, made["id"])

    project = typist("projects", "create", "tenant", "--usd-per-month", "5")
    assert typist("projects", "get", project["id"]) == project and project in typist("projects", "list")
    assert project["usd_per_month"] == 5
    raised = typist("projects", "change", project["id"], "--usd-per-month", "7", "--name", "other")
    assert (raised["usd_per_month"], raised["name"]) == (7, "other")
    freed = typist("projects", "change", project["id"], "--usd-per-month", "none")
    assert freed["usd_per_month"] is None and freed["name"] == "other"
    assert "or none" in typist.run("projects", "change", project["id"], "--usd-per-month", "much", code=2).stderr
    key = typist("keys", "create", "reader", "--scopes", "read", "--project", project["id"])
    assert key["key"].startswith("sh_") and typist("keys", "get", key["id"])["scopes"] == ["read"]
    assert [one["id"] for one in typist("keys", "list", "--project", project["id"])] == [key["id"]]
    assert typist("usage", "--by", "endpoint")["object"] == "usage" and typist("workers")
    assert len({row["id"] for row in typist("usage", "--by", "project")["data"]}) >= 1

    for kind, id in (
        ("keys", key["id"]), ("projects", project["id"]), ("distillations", job["id"]), ("models", again["id"]),
        ("datasets", made["id"]), ("files", file["id"]),
    ):  # fmt: skip
        gone = typist(kind, "delete", id)
        assert (gone["id"], gone["deleted"]) == (id, True)
    assert typist.untyped == set(), "a command that no test calls"


def test_json_may_stand_before_the_command(typist: Typist) -> None:
    assert isinstance(json.loads(typist.run("--json", "files", "list").stdout), list)
    error = json.loads(typist.run("--json", "files", "get", "file-none", code=1).stderr)["error"]
    assert (error["code"], error["type"]) == ("not_found", "invalid_request_error")


def test_ids_are_whole_however_narrow_the_terminal_is(typist: Typist, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    ids = [worker["id"] for worker in typist("workers")]
    lines = typist.run("workers").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["id", *ids]
    key = typist("keys", "create", "narrow")
    assert f"id            {key['id']}" in typist.run("keys", "get", key["id"]).stdout.splitlines()


SLIPS = {
    "no such file": ("files", "upload", "/nowhere/rows.npz"),
    "no such data": ("datasets", "create", "nowhere.npz"),
    "no weights": ("models", "upload", "{folder}"),
    "no folder to write to": ("files", "download", "{file}", "/nowhere/x"),
    "a file where a folder should be": ("models", "download", "{model}", "{folder}/there"),
    "one of two files": ("files", "upload", "{folder}/there", "/nowhere/rows.npz"),
    "one of two splits": ("datasets", "create", "train={folder}/there", "test=/nowhere/rows.npz"),
}


def test_a_slip_is_told_in_a_line(typist: Typist, tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    weights = tmp_path / "inside" / "model.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(save(digits.weights(8)))
    described = ("--architecture", json.dumps(digits.architecture(8)), "--signature", json.dumps(digits.SIGNATURE))
    model = typist("models", "upload", str(weights), *described)["id"]
    file = typist("files", "list", "--limit", "1")[0]["id"]
    before = typist("files", "list", "--limit", "100")
    for slip, words in SLIPS.items():
        given = [word.format(folder=tmp_path, file=file, model=model) for word in words]
        told = typist.run(*given, code=1).stderr
        assert told.startswith("error: ") and len(told.splitlines()) == 1, slip
    assert typist("files", "list", "--limit", "100") == before, "something was sent all the same"


@pytest.mark.parametrize("place", ["objective.0.weight", "objective[0].weight"])
def test_set_reaches_into_lists(typist: Typist, tmp_path: Path, place: str) -> None:
    path = job_file(tmp_path, "ds_x", 5)
    told = typist.run("distillations", "validate", path, "--set", f"{place}=-1", "--json", code=1).stdout
    assert [problem["param"] for problem in json.loads(told)["problems"]] == ["objective[0].weight"]
    for wrong in ("objective.3.weight=1", "objective.first=1", "name.x=1", "graders[0].bins=1"):
        assert "there is no such place" in typist.run("distill", path, "--set", wrong, code=2).stderr
    assert "PLACE=VALUE" in typist.run("distill", path, "--set", "training.seed", code=2).stderr
    assert "KEY=VALUE" in typist.run("distillations", "list", "--metadata", "team", code=2).stderr
