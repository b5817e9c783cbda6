"""docs/datasets.md and docs/teachers.md, word for word: what the Python writes, the JSON beneath it makes ready."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.distill.uploads import Upload, inspect

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"```python\n(.*?)```\n```json\n(.*?)```", re.DOTALL)


def examples(page: str) -> list[tuple[str, dict[str, Any]]]:
    return [(code, json.loads(body)) for code, body in BLOCK.findall((DOCS / page).read_text())]


def source(name: str, asked: Any) -> Upload:
    more = {key: value for key, value in asked.items() if key != "file"} if isinstance(asked, dict) else {}
    return name, Path(name).read_bytes(), more


@pytest.mark.parametrize(("page", "least"), [("datasets.md", 5), ("teachers.md", 5)])
def test_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str, least: int) -> None:
    monkeypatch.chdir(tmp_path)
    found = examples(page)
    assert len(found) >= least
    names: dict[str, Any] = {}
    for i, (code, body) in enumerate(found):
        before = set(tmp_path.iterdir())
        exec(compile(code, f"{page}, example {i}", "exec"), names)  # noqa: S102  # the page's own code
        written = sorted(set(tmp_path.iterdir()) - before, key=lambda path: path.stat().st_mtime_ns)
        params = {key: value for key, value in body.items() if key not in ("files", "name")}
        model = "signature" in params
        files = [source(path.name, asked) for path, asked in zip(written, body["files"], strict=True)]
        result = inspect(tmp_path / f"run{i}", files, kind="model" if model else "dataset", **params)
        assert result.status == "succeeded", (page, i, result.error)


def test_what_the_datasets_page_says_comes_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, body = examples("datasets.md")[0]
    exec(code, {})  # noqa: S102  # the page's own code
    result = inspect(tmp_path / "run", [source("digits.npz", body["files"][0])], splits=body["splits"])
    assert (
        result.facts
        and result.facts["columns"]["x"]["kind"] == "image"
        and result.facts["columns"]["x"]["dtype"] == "uint8"
    )
    assert result.summary == {"rows": {"train": 1029, "test": 768}}
