"""The example's teacher over sockets: its labels and probabilities are the model's own."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from examples.docstrings.texts import LENGTH, LIBRARIES, WORDS, Row, masked, rows, texts
from examples.teacher_server.embeddings import Embeddings
from examples.teacher_server.encoder import Encoder, tokenizer
from examples.teacher_server.teacher import Teacher, fit
from tests.examples.serving import Client, serving


@pytest.fixture(scope="module")
def material() -> list[Row]:
    return rows(limit=20)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("teacher") / "cache"


@pytest.fixture(scope="module")
def real(material: list[Row], cache: Path) -> Iterator[Client]:
    data = cache.parent / "texts.jsonl"
    data.write_text("".join(json.dumps(asdict(row)) + "\n" for row in material))
    with serving("--data", data, "--cache", cache) as found:
        yield found


@pytest.fixture(scope="module")
def teacher(material: list[Row], real: Client, cache: Path) -> Teacher:
    """Fitted anew on the vectors that the server kept: in bfloat16, other threads might round them otherwise."""
    train = [row for row in material if row.split == "train"]
    vectors = Embeddings(Encoder(), cache)
    assert len(list(cache.iterdir())) == 1
    fitted = fit(vectors, [row.text for row in train], [row.label for row in train])
    assert len(list(cache.iterdir())) == 1, "the server's file is the one that was read"
    return fitted


def test_labels_and_probabilities_are_the_models_own(real: Client, teacher: Teacher, material: list[Row]) -> None:
    texts = [row.text for row in material if row.split == "heldout"][:40]
    own = teacher.logprobs(texts)
    replies = [real.chat(f"Text: {text}", logprobs=True, top_logprobs=20).json()["choices"][0] for text in texts]
    labels = [teacher.classes[best] for best in own.argmax(1).tolist()]
    assert [reply["message"]["content"] for reply in replies] == labels
    assert len(set(labels)) > 3
    for reply, row in zip(replies, own.exp().tolist(), strict=True):
        first: Counter[str] = Counter()
        for name, share in zip(teacher.classes, row, strict=True):
            begins = tokenizer().encode(name, add_special_tokens=False).offsets[0]
            first[name[slice(*begins)]] += share
        told = reply["logprobs"]["content"]
        softmax = {top["token"]: math.exp(top["logprob"]) for top in told[0]["top_logprobs"]}
        assert softmax == pytest.approx(first, abs=1e-4)
        chain = math.exp(sum(token["logprob"] for token in told))
        assert chain == pytest.approx(max(row), abs=1e-4)


def test_both_wires_answer_alike(real: Client, material: list[Row]) -> None:
    for row in material[:5]:
        assert real.message(row.text).json()["content"][0]["text"] == real.answer(row.text)


def test_a_cached_set_is_read_and_not_encoded_again(tmp_path: Path) -> None:
    encoder, texts = Encoder(), ["A graph of nodes.", "A cursor of a database."]
    vectors = Embeddings(encoder, tmp_path).of_set(texts)
    assert (vectors * encoder.encode(texts)).sum(1).tolist() == pytest.approx([1, 1], abs=1e-3)
    (path,) = tmp_path.iterdir()
    assert torch.equal(load_file(path)["vectors"], vectors)
    save_file({"vectors": -vectors}, path)
    assert torch.equal(Embeddings(encoder, tmp_path).of_set(texts), -vectors)
    assert torch.equal(Embeddings(encoder, tmp_path).of_set(texts[:1]), encoder.encode(texts[:1], coarse=True))


def test_the_texts_are_masked_and_their_modules_disjoint(material: list[Row]) -> None:
    assert rows(limit=20) == material
    assert {row.label for row in material} == set(LIBRARIES) and len({row.id for row in material}) == len(material)
    name = masked(LIBRARIES)
    assert all(
        len(row.text) <= LENGTH and len(row.text.split()) >= WORDS and not name.search(row.text) for row in material
    )
    splits: dict[tuple[str, str], set[str]] = {}
    split_of = {(row.label, row.text): row.split for row in material}
    for library in LIBRARIES:
        for module, text in texts(library, 1, 25):
            if (library, text) in split_of:
                splits.setdefault((library, module), set()).add(split_of[library, text])
    assert len(splits) > 3 * len(LIBRARIES) and all(len(found) == 1 for found in splits.values())
