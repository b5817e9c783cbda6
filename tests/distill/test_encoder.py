"""Text encoders: their tokens by hand and by another route, and end to end: trained, resumed, distilled, graded, packaged and loaded alone."""

import json
import random
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from tokenizers import Tokenizer
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from distill.data.rows import Rows
from distill.export.tokenizer import tokenizer
from distill.students import initialised
from distill.students.byte_pairs import merges
from distill.students.encoder import Tokens, pieces
from spec.facts import InputSignature, ModelFacts, OutputSignature, Signature
from spec.size import encoder_operations
from spec.student import TextEncoder
from tests.distill import docstrings
from tests.distill.jobs import PARAMS
from tests.distill.library import BAG, SPEC, Library, accuracy, padded
from tests.distill.runs import checkpoints, child, finished, read, resumed, run_folder, until
from tests.distill.uploads import inspect

SMALL: dict[str, Any] = {"type": "text_encoder", "width": 32, "vocabulary": 1024, "max_tokens": 32}
ENCODER = TextEncoder.model_validate(SMALL)
TEXTS = Signature(
    input=InputSignature(kind="text", shape=(), dtype="str"),
    output=OutputSignature(kind="classes", classes=("a", "b", "c")),
)
WEIGHTS = "outputs/model.safetensors"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    torch.set_num_threads(1)
    return Library(tmp_path_factory.mktemp("encoders"))


@pytest.fixture(scope="module")
def trained(library: Library) -> Path:
    return library.job("encoder", SPEC | {"student": SMALL, "evaluation": {"baselines": ["untrained"]}})


def network(pairs: list[tuple[int, int]]) -> torch.nn.Sequential:
    """Untrained, of single texts."""
    rows = torch.full((1024 - 258, 2), -1, dtype=torch.int32)
    rows[: len(pairs)] = torch.tensor(pairs, dtype=torch.int32).reshape(-1, 2)
    return initialised(ENCODER, TEXTS, 0, rows).eval()


def test_an_encoder_is_well_above_the_majority_and_the_untrained_one(library: Library, trained: Path) -> None:
    counts = library.dataset.splits["test"].labels
    majority = max(counts.values()) / sum(counts.values())
    assert accuracy(trained) > majority + 0.3
    assert accuracy(trained, "untrained") < majority + 0.1


def test_an_encoder_learns_from_a_bag_and_teaches_one(library: Library, trained: Path) -> None:
    library.job("bag", SPEC)
    for name, student, teacher in (("taught", SMALL, "bag"), ("again", BAG, "encoder")):
        terms = [{"type": "soft_targets", "temperature": 2.0}]
        spec = SPEC | {"student": student, "teacher": {"models": [f"mdl_{teacher}"]}, "objective": terms}
        job = library.job(name, spec | {"evaluation": {"baselines": []}})
        assert accuracy(job, "teacher.0") == accuracy(library.root / teacher)
        assert accuracy(job) > 0.5


def test_the_delivered_files_answer_alone_and_alike(library: Library, trained: Path, tmp_path: Path) -> None:
    folder = trained / "package" / "outputs"
    lines = Rows.open(library.rows("test")).texts("text").to_pylist()[:50]
    (tmp_path / "texts.txt").write_text("\n".join(lines))
    command = [sys.executable, "-I", str(folder / "load.py"), str(tmp_path / "texts.txt")]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    ids = [tokens_of(line, folder / "tokenizer.json")[:32] for line in lines]
    given = np.zeros((50, max(map(len, ids))), dtype=np.int64)
    for i, row in enumerate(ids):
        given[i, : len(row)] = row
    logits = np.asarray(onnxruntime.InferenceSession(folder / "model.onnx").run(None, {"input": given})[0])
    classes = read(folder / "config.json")["signature"]["output"]["classes"]
    assert [line.split("\t")[0] for line in said.splitlines()] == [classes[i] for i in logits.argmax(axis=1)]
    assert read(folder / "report.json")["conversion"]["rows"] > 500
    assert "tokenizer.json" in (folder / "README.md").read_text()


def tokens_of(text: str, path: Path) -> list[int]:
    """By tokenizer.json alone: the characters of its alphabet, then its merges, one after another over the whole piece."""
    model = json.loads(path.read_text())["model"]
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = iter(range(256, 512))
    alphabet = {byte: chr(byte if byte in printable else next(hidden)) for byte in range(256)}
    ids = []
    for piece in pieces(text):
        parts = [alphabet[byte] for byte in piece.encode()]
        for first, second in model["merges"]:
            i = 0
            while i < len(parts) - 1:
                if (parts[i], parts[i + 1]) == (first, second):
                    parts[i : i + 2] = [first + second]
                i += 1
        ids += [model["vocab"][part] for part in parts]
    return ids


ODD = [
    "naïve  ΑΣ ΣΑΣ İstanbul\t x",
    "日本 語",
    "a" * 300,
    "!!??" * 9,
    "12.5e-3",
    "<none>",
    "\u00a0 x\u3000y",
    "x\x01\x7fy",
    "ẞ ﬁ 𐐀",
]


def test_the_library_tokenizers_gives_the_same_numbers() -> None:
    texts = docstrings.texts()[0][:600] + ODD
    pairs = list(zip(texts, reversed(texts), strict=True))
    found = merges(texts, 500)
    for most in (8, 9, 40):
        tokens = Tokens(258 + 500, most, pair=True)
        tokens.merges[: len(found)] = torch.tensor(found, dtype=torch.int32)
        theirs = Tokenizer.from_str(tokenizer(tokens.merges.tolist(), most, pair=True))
        assert [theirs.encode(*pair).ids for pair in pairs] == [
            tokens.row(*tokens.numbers(pair, None)) for pair in pairs
        ]
        alone = Tokenizer.from_str(tokenizer(tokens.merges.tolist(), most, pair=False))
        assert [alone.encode(text).ids for text in texts] == [tokens.of_text(text, most) for text in texts]


@pytest.mark.proof
def test_a_killed_training_of_an_encoder_ends_in_the_same_bytes(
    library: Library, trained: Path, tmp_path: Path
) -> None:
    run = read(trained / "train/spec.json")
    params = PARAMS["train"].model_validate(run["params"])
    inputs = {"train/rows.arrow": library.rows("train"), "heldout/rows.arrow": library.rows("test")}
    folder = run_folder(tmp_path / "killed", "train", params, inputs, context={"checkpoint_seconds": 0.05})
    with child(folder) as process:
        until(lambda: checkpoints(folder) >= 1)
        process.kill()
        process.wait()
    assert not (folder / "result.json").exists()
    assert resumed(folder)
    assert finished(folder).status == "succeeded"
    assert (folder / WEIGHTS).read_bytes() == (trained / "train" / WEIGHTS).read_bytes()


def test_delivered_weights_can_be_uploaded(trained: Path, tmp_path: Path) -> None:
    folder = trained / "package/outputs"
    names = ("model.safetensors", "config.json")
    result = inspect(tmp_path, [(name, (folder / name).read_bytes()) for name in names], kind="model")
    facts = ModelFacts.model_validate(result.facts)
    assert (facts.architecture, facts.tensors["tokens.merges"]) == (ENCODER, (1024 - 258, 2))
    assert facts.parameters == read(folder / "config.json")["parameters"]


def test_pairs_become_tokens_by_how_often_they_occur() -> None:
    """By hand: " abab" 3 times, " ab" once: ab 7 times, then " ab" 4 times, then " abab" 3 times; " x" is there once only."""
    a, b, space = (2 + ord(letter) for letter in "ab ")
    found = merges(["abab", "ABAB", "abab", "ab", "x"], 10)
    assert found == [(a, b), (space, 258), (259, 258)]
    tokens = network(found)[0]
    assert isinstance(tokens, Tokens)
    assert tokens.of_text("abab") == [260]
    assert tokens.of_text("aab x") == [space, a, 258, space, 2 + ord("x")]


def test_a_tokenizer_is_a_function_of_the_rows_in_any_order() -> None:
    texts = docstrings.texts()[0][:800]
    mixed = random.Random(0).sample(texts, len(texts))
    assert merges(texts, 300) == merges(mixed, 300)


def test_merges_are_those_of_counting_anew_each_time() -> None:
    """The learner keeps its counts; here all pairs are counted again for every token."""
    words = [[2 + byte for byte in piece.encode()] for text in docstrings.texts()[0][:60] for piece in pieces(text)]
    spelled = {i: bytes([i - 2]) for i in range(2, 258)}
    expected = []
    for number in range(258, 318):
        counts: dict[tuple[int, int], int] = {}
        for word in words:
            for pair in pairwise(word):
                if spelled[pair[0]] + spelled[pair[1]] not in spelled.values():
                    counts[pair] = counts.get(pair, 0) + 1
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        expected.append(best)
        spelled[number] = spelled[best[0]] + spelled[best[1]]
        for word in words:
            i = 0
            while i < len(word) - 1:
                if (word[i], word[i + 1]) == best:
                    word[i : i + 2] = [number]
                i += 1
    assert merges(docstrings.texts()[0][:60], 60) == expected


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Don't  stop\n", [" don", "'", "t", " stop", " "]),
        ("x1234", [" x", "123", "4"]),
        ("naïve_λ", [" naïve", "_", "λ"]),
        ("", [" "]),
        ("ΑΣ", [" ασ"]),
    ],
)
def test_pieces(text: str, found: list[str]) -> None:
    assert pieces(text) == found


def test_a_text_is_answered_alike_among_longer_ones_and_in_parts() -> None:
    module = network([])
    texts = [f"{'word ' * (i % 7)}{i}" for i in range(3000)]
    with torch.no_grad():
        together, alone = module(padded(texts)), module(padded(texts[:1]))
    torch.testing.assert_close(together[:1], alone, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(together, module(padded(texts)).detach(), rtol=1e-5, atol=1e-6)


def test_what_comes_after_the_last_token_is_not_read() -> None:
    module = network([])
    with torch.no_grad():
        given = module(padded(["x" * 32, "x" * 31 + "y" + "z" * 40, "y" + "x" * 31]))
    assert torch.equal(given[0], given[1])
    assert not torch.equal(given[0], given[2])


def test_operations_are_those_that_torch_counts() -> None:
    module = network([])
    text = "nineteen letters so"
    with FlopCounterMode(display=False) as counted, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        module(padded([text]))
    assert counted.get_total_flops() == encoder_operations(ENCODER, len(text) + 1, 3)
