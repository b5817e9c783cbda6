"""Pairs of texts, such as queries and passages: inspected, trained, distilled, delivered; what each student sees of them, by hand."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from distill.data.canonical import WIDTH
from distill.data.rows import Rows
from distill.export.contenders import Network
from distill.export.conversion import compare
from distill.record import Config
from distill.students import initialised
from distill.students.encoder import Tokens, cut
from distill.students.ngrams import Ngrams, padded
from spec.data import Columns
from spec.facts import DatasetFacts, InputSignature, ModelFacts, OutputSignature, Roles, Signature
from spec.student import TextEncoder
from tests.distill import queries
from tests.distill.library import SPEC, Library, accuracy, inspected
from tests.distill.runs import read
from tests.distill.uploads import inspect

INPUT = ("query", "passage")
ENCODER: dict[str, Any] = {"type": "text_encoder", "width": 32, "vocabulary": 1024, "max_tokens": 48}
PAIRS = Signature(
    input=InputSignature(kind="text", shape=(2,), dtype="str"),
    output=OutputSignature(kind="classes", classes=("a", "b")),
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    torch.set_num_threads(1)
    return Library(tmp_path_factory.mktemp("pairs"), queries.write, columns=Columns(input=INPUT))


@pytest.fixture(scope="module")
def ranker(library: Library) -> Path:
    return library.job("bag", SPEC)


@pytest.fixture(scope="module")
def encoder(library: Library) -> Path:
    data = {"train": "ds_text", "columns": {"label": "library"}}
    return library.job("encoder", SPEC | {"student": ENCODER, "data": data})


def test_facts_and_preview_have_both_texts(library: Library) -> None:
    facts = library.dataset
    assert facts.roles.input == INPUT
    assert [facts.columns[name].kind for name in INPUT] == ["text", "text"]
    first = read(library.rows("train").with_name("preview.json"))["train"][0]
    asked, passage, label, _ = queries.pairs()[1]
    assert (first["query"], first["passage"], first["label"]) == (asked, passage, label)
    rows = Rows.open(library.rows("train"))
    expected = hashlib.sha256(b"pair\n" + asked.encode() + b"\0" + passage.encode()).hexdigest()[: 2 * WIDTH]
    assert rows.hexadecimal()[0] == expected
    assert bytes(rows.inputs[:1][0]).rstrip(b"\0") == f"{asked}\0{passage}".encode()


def test_a_job_may_look_at_one_side_or_turn_them_round(library: Library) -> None:
    rows = Rows.open(library.rows("train"), Roles(input="query"))
    asked, passage, *_ = queries.pairs()[1]
    assert bytes(rows.inputs[:1][0]).rstrip(b"\0") == asked.encode()
    assert rows.hexadecimal()[0] == hashlib.sha256(b"text\n" + asked.encode()).hexdigest()[: 2 * WIDTH]
    turned = Rows.open(library.rows("train"), Roles(input=("passage", "query")))
    assert turned.hexadecimal()[0] == hashlib.sha256(f"pair\n{passage}\0{asked}".encode()).hexdigest()[: 2 * WIDTH]


def test_equal_pairs_are_counted_and_turned_ones_are_others(tmp_path: Path) -> None:
    train, test = tmp_path / "train.csv", tmp_path / "test.csv"
    train.write_text("query,passage,label\none,two,a\none,two,a\nonetwo,three,b\n")
    test.write_text("query,passage,label\ntwo,one,b\none,two,a\none,twothree,a\n")
    found = inspected(tmp_path / "run", train, test, columns=Columns(input=INPUT))
    facts = DatasetFacts.model_validate(found.facts)
    assert facts.splits["train"].duplicates == 1
    assert facts.overlaps == {"train|test": 1}


@pytest.mark.parametrize(
    ("columns", "line", "code", "words"),
    [
        (("query", "number"), {}, "pair_not_texts", "Column 'number' holds number values, and a pair is of texts."),
        (("query", "pasage"), {}, "unknown_column", "Column 'pasage' does not exist."),
        (("query", "query"), {}, "unknown_column", "Column 'query' has another role already."),
        (INPUT, {"passage": " "}, "bad_rows", "column 'passage' is blank"),
        (INPUT, {"query": None}, "bad_rows", "column 'query' is missing"),
    ],
)
def test_columns_that_are_no_pair(
    tmp_path: Path, columns: tuple[str, str], line: dict[str, Any], code: str, words: str
) -> None:
    row = {"query": "a", "passage": "b c", "number": 7, "label": "x"}
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in (row, row, row | line)))
    error = inspected(tmp_path / "run", path, columns=Columns(input=columns)).error
    assert error is not None
    assert error.code == code
    assert words in error.message


def test_a_bag_finds_what_was_asked_for(library: Library, ranker: Path) -> None:
    counts = library.dataset.splits["test"].labels
    assert max(counts.values()) / sum(counts.values()) < 0.6
    assert accuracy(ranker) > 0.9
    blind = library.job("blind", SPEC | {"data": {"train": "ds_text", "columns": {"input": "query"}}})
    assert accuracy(blind) < 0.7


def test_an_encoder_learns_of_both_texts(encoder: Path) -> None:
    assert accuracy(encoder) > 0.5


def test_a_bag_teaches_an_encoder_to_the_report(library: Library, ranker: Path) -> None:
    terms = [{"type": "soft_targets", "temperature": 2.0}]
    spec = SPEC | {"student": ENCODER, "teacher": {"models": ["mdl_bag"]}, "objective": terms}
    job = library.job("taught", spec | {"training": {"epochs": 1}, "evaluation": {"baselines": []}})
    assert accuracy(job, "teacher.0") == accuracy(ranker)
    shown = read(job / "grade/outputs/grade.json")["side_by_side"][0]["text"].split(" ‖ ")
    assert tuple(shown) in {(asked, passage) for asked, passage, *_ in queries.pairs()}


@pytest.mark.parametrize("student", ["ranker", "encoder"])
def test_delivered_files_take_two_texts_alone_and_alike(
    student: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder: Path = request.getfixturevalue(student) / "package" / "outputs"
    rows = [(asked, passage) for asked, passage, *_ in queries.pairs()[:40]]
    (tmp_path / "pairs.txt").write_text("\n".join("\t".join(row) for row in rows))
    command = [sys.executable, "-I", str(folder / "load.py"), str(tmp_path / "pairs.txt")]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    config = Config.model_validate_json((folder / "config.json").read_bytes())
    network = Network.open(config.student, config.signature, folder / "model.safetensors")
    given = network.module[0](torch.from_numpy(padded(rows))).numpy()
    logits = np.asarray(onnxruntime.InferenceSession(folder / "model.onnx").run(None, {"input": given})[0])
    classes = config.signature.output.classes
    assert [line.split("\t")[0] for line in said.splitlines()] == [classes[i] for i in logits.argmax(axis=1)]


def test_delivered_weights_of_pairs_can_be_uploaded(ranker: Path, tmp_path: Path) -> None:
    names = ("model.safetensors", "config.json")
    result = inspect(
        tmp_path, [(name, (ranker / "package/outputs" / name).read_bytes()) for name in names], kind="model"
    )
    assert ModelFacts.model_validate(result.facts).signature.input.shape == (2,)


def numbers(pair: tuple[str, str], **options: Any) -> list[int]:
    found = Ngrams(997, options.pop("word_ngrams", 1), options.pop("byte_ngrams", ()), 1024, pair=True)
    given = found(padded([pair, ("a much longer one", "beside it")]))[0]
    return [number for number in given.tolist() if number]


def test_buckets_of_a_pair_are_those_of_the_documentation() -> None:
    prime, base = 2**31 - 1, 1_000_003

    def word(text: bytes) -> int:
        return int(sum((c + 1) * base**i for i, c in enumerate(text)) % prime % (prime - 1) + 1)

    def salted(h: int, salt: int) -> int:
        return (h * base + salt) % (prime - 1) + 1

    def bucket(h: int) -> int:
        return 1 + h * 1_664_525 % prime % 997

    red, fox, runs = (word(text) for text in (b"red", b"fox", b"runs"))
    expected = [red, fox, salted(fox, 1), salted(runs, 1), salted(fox, 2), 3]
    assert numbers(("Red fox", "fox runs")) == list(map(bucket, expected))


def test_a_pair_is_cut_text_by_text() -> None:
    short = Ngrams(997, 1, (), 8, pair=True)
    long, same = (f"{'q' * 7} {'r' * 30}", "p p p p"), ("q" * 7, "p p p p")
    assert np.array_equal(short(padded([long])), short(padded([same])))


def module(**changes: Any) -> torch.nn.Sequential:
    student = TextEncoder.model_validate(ENCODER | changes)
    merges = torch.full((student.vocabulary - 258, 2), -1, dtype=torch.int32)
    return initialised(student, PAIRS, 0, merges).eval()


def test_tokens_of_a_pair() -> None:
    tokens = module(max_tokens=8)[0]
    assert isinstance(tokens, Tokens)
    a, b, space = (2 + ord(letter) for letter in "ab ")
    assert tokens(torch.from_numpy(padded([("a", "bb"), ("aaaaaaa", "b")]))).tolist() == [
        [space, a, 1, space, b, b, 0, 0],
        [space, a, a, a, a, 1, space, b],
    ]


@pytest.mark.parametrize(
    ("lengths", "room", "kept"),
    [
        ((3, 4), 7, (3, 4)),
        ((3, 9), 7, (3, 4)),
        ((9, 3), 7, (4, 3)),
        ((9, 9), 7, (3, 4)),
        ((9, 8), 7, (4, 3)),
        ((1, 9), 8, (1, 7)),
    ],
)
def test_the_longer_text_is_cut_first(lengths: tuple[int, int], room: int, kept: tuple[int, int]) -> None:
    first, second = cut([1] * lengths[0], [2] * lengths[1], room)
    assert (len(first), len(second)) == kept


def test_an_encoder_knows_which_text_is_which_and_its_graph_too() -> None:
    made = module()
    with torch.no_grad():
        made.get_parameter("encoder.segment.weight").mul_(50)
    student = TextEncoder.model_validate(ENCODER)
    network = Network(student=student, signature=PAIRS, module=made)
    rows = padded([(asked, passage) for asked, passage, *_ in queries.pairs()[:64]])
    found = compare(network, network.onnx(), rows)
    assert found.largest_difference <= found.tolerance
    with torch.no_grad():
        before = made(torch.from_numpy(rows))
        made.get_parameter("encoder.segment.weight").copy_(made.get_parameter("encoder.segment.weight").flip(0))
        assert not torch.allclose(before, made(torch.from_numpy(rows)), atol=1e-3)
