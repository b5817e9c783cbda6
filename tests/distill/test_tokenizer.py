"""Tokenizers that the user brings: inspected, trained with, delivered unchanged, loaded alone, taught from, and refused where they lie."""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from distill.__main__ import perform
from distill.data.rows import Rows
from distill.run import RunFolder
from distill.students import initialised
from distill.students.encoder import SEPARATOR, Unreadable, Uploaded
from spec.facts import InputSignature, ModelFacts, OutputSignature, Signature, TokenizerFacts
from spec.run import Result
from spec.student import TextEncoder
from tests.distill import tokenizers_of
from tests.distill.library import SPEC, Library, accuracy, padded
from tests.distill.runs import read
from tests.distill.test_hostile import measured
from tests.distill.uploads import inspect

SMALL: dict[str, Any] = {"type": "text_encoder", "width": 16, "layers": 1, "max_tokens": 24}
FILES = ("model.safetensors", "config.json", "tokenizer.json")


def folder_of(path: Path, content: bytes | Callable[[Path], object], name: str = "tokenizer.json") -> Path:
    """A run folder that looks at one file."""
    (path / "inputs/files").mkdir(parents=True)
    target = path / "inputs/files/0"
    if callable(content):
        content(target)
    else:
        target.write_bytes(content)
    params = {"kind": "tokenizer", "file": {"path": "0", "filename": name}}
    (path / "spec.json").write_text(json.dumps({"verb": "inspect", "step": "inspect", "params": params}))
    return path


def looked_at(path: Path, content: bytes | Callable[[Path], object]) -> Result:
    with closing(RunFolder(folder_of(path, content))) as folder:
        return perform(folder)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The docstrings, and three tokenizers: `file-wordpiece` is real."""
    torch.set_num_threads(1)
    made = Library(tmp_path_factory.mktemp("tokenizers"))
    for make in (tokenizers_of.wordpiece, tokenizers_of.byte_pairs, tokenizers_of.unigram):
        name = make.__name__.replace("_", "")
        result = looked_at(made.root / "look" / name, make())
        facts = TokenizerFacts.model_validate(result.facts)
        made.tokenizers[f"file-{name}"] = facts, made.root / "look" / name / "inputs/files/0"
    return made


def student(name: str) -> dict[str, Any]:
    return SPEC | {"student": SMALL | {"tokenizer": f"file-{name}"}, "training": {"epochs": 3, "seed": 1}}


@pytest.fixture(scope="module")
def trained(library: Library) -> Path:
    return library.job("wordpiece", student("wordpiece") | {"evaluation": {"baselines": ["untrained"]}})


def test_it_is_delivered_unchanged_and_answers_alone(library: Library, trained: Path, tmp_path: Path) -> None:
    facts, source = library.tokenizers["file-wordpiece"]
    folder = trained / "package/outputs"
    assert facts.vocabulary == 30_522
    assert (folder / "tokenizer.json").read_bytes() == source.read_bytes()
    assert read(folder / "manifest.json")["outputs"]["tokenizer.json"]["digest"] == facts.digest
    config = read(folder / "config.json")
    assert (config["student"]["tokenizer"], config["student"]["vocabulary"]) == (facts.digest, 30_524)
    lines = Rows.open(library.rows("test")).texts("text").to_pylist()[:8]
    (tmp_path / "texts.txt").write_text("\n".join(lines))
    command = [sys.executable, "-I", str(folder / "load.py"), str(tmp_path / "texts.txt")]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    logits = by_the_card(folder, lines)
    expected = [config["signature"]["output"]["classes"][i] for i in logits.argmax(axis=1)]
    assert [line.split("\t")[0] for line in said.splitlines()] == expected


def by_the_card(folder: Path, lines: list[str]) -> Any:
    """As the README says: tokenizer.json, its numbers moved up by 2, and the ONNX graph."""
    card = (folder / "README.md").read_text()
    code = card.split("```python")[2].split("```")[0]
    known: dict[str, Any] = {}
    rows = []
    for line in lines:
        told = code.replace('"a text"', repr(line))
        told = told.replace("tokenizer.json", str(folder / "tokenizer.json"))
        exec(told.replace("model.onnx", str(folder / "model.onnx")), known)  # noqa: S102  # the card is ours
        rows.append(known["logits"][0])
    return np.stack(rows)


def test_it_learns(library: Library, trained: Path) -> None:
    assert accuracy(trained) > accuracy(trained, "untrained") + 0.1
    assert read(trained / "package/outputs/report.json")["conversion"]["rows"] > 500


def test_students_with_different_tokenizers_teach_one_that_learns_its_own(library: Library, trained: Path) -> None:
    short = {"training": {"steps": 20}, "evaluation": {"baselines": []}}
    library.job("unigram", student("unigram") | short)
    teacher = {"models": ["mdl_wordpiece", "mdl_unigram"]}
    learner = SMALL | {"vocabulary": 600}
    terms = [{"type": "soft_targets", "temperature": 2.0}]
    spec = SPEC | {"student": learner, "teacher": teacher, "objective": terms}
    job = library.job("taught", spec | short)
    assert accuracy(job, "teacher.0") == accuracy(trained)
    assert accuracy(job, "teacher.1") == accuracy(library.root / "unigram")
    assert (job / "score/inputs/teacher.1/tokenizer.json").exists()


def uploaded(path: Path, trained: Path, **changed: bytes | None) -> Result:
    """The delivered files as an upload; None leaves one out."""
    given = {name: (trained / "package/outputs" / name).read_bytes() for name in FILES}
    files = given | {name.replace("_", "."): content for name, content in changed.items()}
    return inspect(path, [(name, content) for name, content in files.items() if content is not None], kind="model")


def test_delivered_files_can_be_uploaded(library: Library, trained: Path, tmp_path: Path) -> None:
    facts = ModelFacts.model_validate(uploaded(tmp_path, trained).facts)
    packaged, _ = library.models["mdl_wordpiece"]
    assert (facts.digest, facts.files) == (packaged.digest, packaged.files)
    assert set(facts.files) == {"model.safetensors", "tokenizer.json"}


def test_files_that_do_not_belong_together_are_refused(library: Library, trained: Path, tmp_path: Path) -> None:
    other = tokenizers_of.byte_pairs()
    config = read(trained / "package/outputs/config.json")
    lie = json.dumps(config | {"student": config["student"] | {"vocabulary": 20_000}}).encode()
    learned = json.dumps(config | {"student": config["student"] | {"tokenizer": None}}).encode()
    cases: dict[str, dict[str, bytes | None]] = {
        "tokenizer_missing": {"tokenizer_json": None},
        "tokenizer_differs": {"tokenizer_json": other},
        "tokenizer_invalid": {"tokenizer_json": b"{}"},
        "tokenizer_unused": {"config_json": learned},
    }
    for code, changed in cases.items():
        error = uploaded(tmp_path / code, trained, **changed).error
        assert error and error.code == code, error
    error = uploaded(tmp_path / "lie", trained, config_json=lie).error
    assert error and "it needs a vocabulary of 30,524, the architecture has 20,000" in error.message


@pytest.mark.parametrize("name", tokenizers_of.BAD)
def test_a_bad_tokenizer_is_refused(tmp_path: Path, name: str) -> None:
    code, content = tokenizers_of.BAD[name]
    found = looked_at(tmp_path / "run", content)
    assert found.error is not None, found
    assert (found.status, found.retry, found.error.code) == ("failed", "never", code), found.error
    assert (found.error.file, found.outputs) == ("tokenizer.json", {})


def test_the_largest_that_is_allowed_costs_little(tmp_path: Path) -> None:
    """Two million merges, of which none is one: all of it is read before the library says no."""
    content = tokenizers_of.pairs({"a": 0})[:-2] + b"," + b'["a","b"],' * 900_000 + b'["a","b"]]}}'
    path = folder_of(tmp_path / "run", content.replace(b'"merges": ],', b'"merges": ['))
    usual, _ = measured(folder_of(tmp_path / "usual", b"{}"))
    peak, seconds = measured(path)
    assert '"code":"tokenizer_invalid"' in (path / "result.json").read_text()
    assert peak - usual < 2**30 and seconds < 20, (peak - usual, seconds)


def reader(tmp_path: Path, content: bytes, most: int = 24, *, pair: bool = False) -> Uploaded:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    return Uploaded(path, most, pair)


def test_numbers_are_the_files_moved_up_by_two(tmp_path: Path) -> None:
    content = tokenizers_of.wordpiece()
    theirs = Tokenizer.from_str(content.decode())
    theirs.no_padding()
    theirs.no_truncation()
    texts = ["Sum of the elements.", "naïve 日本 語", "word " * 100, "\u200b", "[SEP] x"]
    ids = [theirs.encode(text, add_special_tokens=False).ids for text in texts]
    found = reader(tmp_path, content)(padded(texts))
    for row, own in zip(found.tolist(), ids, strict=True):
        expected = [2 + i for i in own[:24]] or [SEPARATOR]
        assert row == expected + [0] * (24 - len(expected))
    assert ids[3] == []
    both = reader(tmp_path, content, 9, pair=True)(padded([("Sum of", "the elements."), ("", "word " * 50)]))
    assert both[0].tolist()[:6] == [2 + i for i in ids[0][:2]] + [SEPARATOR] + [2 + i for i in ids[0][2:5]]
    assert both[1].tolist()[0] == SEPARATOR and both.shape[1] == 9


def test_a_text_that_the_library_fails_at_ends_the_step_clearly(tmp_path: Path) -> None:
    pattern = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}
    with pytest.raises(Unreadable, match="retry-limit"):
        reader(tmp_path, tokenizers_of.words("?", pre_tokenizer=pattern))(padded(["a" * 40 + "b"]))


def test_an_untrained_one_needs_no_library(tmp_path: Path) -> None:
    """Names and shapes come from the architecture: the file is opened when the first text comes."""
    given = TextEncoder(type="text_encoder", width=8, tokenizer="0" * 64, vocabulary=600)
    output = OutputSignature(kind="classes", classes=("a", "b"))
    signature = Signature(input=InputSignature(kind="text", shape=(), dtype="str"), output=output)
    module = initialised(given, signature, 0, None, tmp_path / "tokenizer.json")
    assert "tokens.merges" not in module.state_dict()
    (tmp_path / "tokenizer.json").write_bytes(tokenizers_of.unigram())
    assert module.eval()(padded(["a text", "\u200b"])).isfinite().all()
