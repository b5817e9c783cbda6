"""Inspections of files that a test makes, in this process."""

import io
import json
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from distill.__main__ import perform
from distill.run import RunFolder
from spec.facts import DatasetFacts
from spec.run import Result

Content = bytes | str | Callable[[Path], object]
Upload = tuple[str, Content] | tuple[str, Content, dict[str, Any]]
"""File name, content (or what writes it), and more of its SourceFile."""


def run_folder(path: Path, files: Sequence[Upload], **params: Any) -> Path:
    """A run folder with spec.json and the uploads in it."""
    (path / "inputs/files").mkdir(parents=True)
    sources = []
    for i, (name, content, *more) in enumerate(files):
        target = path / f"inputs/files/{i:03d}"
        if callable(content):
            content(target)
        else:
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        sources.append({"path": target.name, "filename": name, **(more[0] if more else {})})
    spec = {"verb": "inspect", "step": "inspect", "params": {"files": sources, **params}}
    (path / "spec.json").write_text(json.dumps(spec))
    return path


def inspect(path: Path, files: Sequence[Upload], **params: Any) -> Result:
    """The result of inspecting them, as `perform` gives it."""
    with closing(RunFolder(run_folder(path, files, **params))) as folder:
        return perform(folder)


def facts(path: Path, *files: Upload, **params: Any) -> DatasetFacts:
    """Facts of a dataset that is accepted."""
    result = inspect(path, files, **params)
    assert result.status == "succeeded", result.error
    return DatasetFacts.model_validate(result.facts)


def code(path: Path, *files: Upload, **params: Any) -> str:
    """Code of the refusal; nothing may be left to a guess."""
    result = inspect(path, files, **params)
    assert result.status == "failed" and result.error and result.retry == "never", result
    assert result.outputs == {}
    return result.error.code


def npz(**arrays: npt.ArrayLike) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # its stubs know a keyword of its own
    return buffer.getvalue()


def idx(values: npt.NDArray[Any]) -> bytes:
    """An IDX file of bytes."""
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.astype(np.uint8).tobytes()


def jsonl(*rows: dict[str, Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.fixture
def digits() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """60 small images and labels."""
    source = np.random.default_rng(0)
    return source.integers(0, 17, (60, 8, 8), dtype=np.uint8), np.arange(60) % 10
