"""Copies of texts with words left out: what is drawn, what no copy may be, and the rows file that they make."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from distill.data.canonical import text_digests
from distill.data.draw import Hashes, divide
from distill.data.rows import Rows
from distill.data.words import copies, copy, uniform
from spec.data import Words
from spec.params import AugmentParams, Selection
from spec.run import Result
from tests.distill.runs import here, run_folder
from tests.distill.synthesis import ROLES, text_rows

LINES = [" ".join(f"w{i}x{j}" for j in range(3 + i % 9)) for i in range(60)]


def hashes(texts: list[str]) -> Hashes:
    return np.ascontiguousarray(text_digests(texts)).view(np.uint64).reshape(-1, 2)


def made(texts: list[str], seed: int = 0, known: tuple[str, ...] = (), **options: float) -> list[tuple[str, int]]:
    words = Words.model_validate({"type": "words", **options})
    there = {digest.tobytes() for digest in text_digests([*texts, *known])}
    drawn = [copies(texts, hashes(texts), seed, words, number, there) for number in range(words.copies)]
    return [one for found, places in drawn for one in zip(found, places.tolist(), strict=True)]


def test_a_copy_is_its_row_with_words_left_out_or_a_few_neighbours_of_it() -> None:
    found = made(LINES, copies=3)
    assert max(Counter(place for _, place in found).values()) == 3
    assert len({text for text, _ in found} | set(LINES)) == len(found) + len(LINES), "no text twice"
    for text, place in found:
        left, words = iter(LINES[place].split()), text.split()
        assert all(word in left for word in words) and 0 < len(words) < len(LINES[place].split())
    short = made(LINES, copies=1, drop=0.0, ngram=1.0)
    assert {len(text.split()) for text, _ in short} == {1, 2, 3, 4, 5}
    assert all(text in LINES[place] for text, place in short), "neighbours"


def test_words_are_left_out_and_copies_cut_as_often_as_said() -> None:
    words = [f"w{i}" for i in range(100)]
    left = [len(copy(words, key, Words(type="words", drop=0.3, ngram=0.0)).split()) for key in hashes(LINES)[:, 0]]
    assert np.mean(left) == pytest.approx(70, abs=2)
    cut = [len(copy(words, key, Words(type="words", drop=0.0, ngram=0.4)).split()) < 100 for key in hashes(LINES)[:, 1]]
    assert np.mean(cut) == pytest.approx(0.4, abs=0.15)
    drawn = uniform(np.uint64(7), 4000)
    assert min(drawn) >= 0 and max(drawn) < 1 and np.mean(drawn) == pytest.approx(0.5, abs=0.02)


def test_copies_hang_on_their_row_the_seed_and_their_number() -> None:
    whole, alone = made(LINES, copies=2), made(LINES[7:8], copies=2)
    assert [text for text, place in whole if place == 7] == [text for text, _ in alone]
    assert set(made(LINES, copies=1)) < set(whole) and set(made(LINES, seed=1, copies=2)) != set(whole)


def test_no_copy_is_a_text_that_is_there() -> None:
    every = tuple(text for text, _ in made(["a b"], copies=64))
    assert set(every) == {"a", "b"}, "no more than there are"
    assert made(["a b"], known=("a",), copies=4) == [("b", 0)] and not made(["one"], copies=4)


def augmented(tmp_path: Path, lines: list[str], drop: float = 0.3) -> tuple[Path, Result]:
    """The verb on rows of which the last ten are a held-out file."""
    inputs = {
        "train/rows.arrow": text_rows(tmp_path / "train.arrow", lines[:-10], ["a", "b"] * ((len(lines) - 10) // 2)),
        "heldout/rows.arrow": text_rows(tmp_path / "heldout.arrow", lines[-10:], ["a", "b"] * 5),
    }
    take = Selection(roles=ROLES, validation=0.2)
    params = AugmentParams(words=Words(type="words", copies=2, drop=drop, ngram=0.0), take=take)
    folder = run_folder(tmp_path / "run", "augment", params, inputs)
    return folder, here(folder)


def test_training_rows_alone_are_copied_with_their_columns_and_without_their_label(tmp_path: Path) -> None:
    pairs, halves = [f"w{i}x0 w{i}x1" for i in range(6)], [f"w{i}x0" for i in range(6)]
    shorter = [*pairs, *LINES[6:50], *halves, *LINES[56:]]
    folder, result = augmented(tmp_path, shorter)
    assert result.status == "succeeded", result.error
    rows = Rows.open(folder / "outputs/rows.arrow")
    take = Selection(roles=ROLES, validation=0.2)
    before = divide(Rows.open(tmp_path / "train.arrow"), take)
    division = divide(rows, take)
    assert np.array_equal(division.validation, before.validation), "no old row changes its side"
    assert np.array_equal(division.train, np.concatenate([before.train, np.arange(50, rows.count)]))
    texts, notes, labels = rows.texts("text").to_pylist(), rows.texts("note").to_pylist(), rows.labels
    assert not set(texts[50:]) & set(shorter), "no held-out text"
    assert {f"w{i}x1" for i in before.train if i < 6} <= set(texts[50:]) and labels[50:] == [None] * (rows.count - 50)
    trained = {f"note {i}": set(shorter[i].split()) for i in before.train}
    for text, note in zip(texts[50:], notes[50:], strict=True):
        assert set(text.split()) < trained[note]
    told = json.loads((folder / "outputs/copies.json").read_text())
    assert (told["wanted"], told["kept"]) == (80, rows.count - 50) and told["kept"] > 50
    assert told["first"] == texts[50:58]
    assert np.array_equal(rows.digests[50:], hashes(texts[50:]))


def test_rows_of_one_word_have_no_copies(tmp_path: Path) -> None:
    _, result = augmented(tmp_path, [f"w{i}" for i in range(60)])
    assert result.error is not None and result.error.code == "no_copies"
