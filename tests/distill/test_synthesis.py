"""New texts: ROUGE-L by hand and by the textbook, near-duplicates, replies, examples, sides, and the verb against a gateway that answers."""

import json
import random
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill.data.draw import divide
from distill.data.extended import extend
from distill.data.rows import Rows
from distill.synthesis.examples import Examples
from distill.synthesis.near import Near
from distill.synthesis.pool import Pool
from distill.synthesis.replies import read
from distill.synthesis.rouge import common, rouge_l, words
from spec.gateway import Answer, Asked, Told
from spec.params import Request, Selection, SynthesiseParams
from spec.run import Result
from tests.distill.runs import here, run_folder
from tests.distill.synthesis import ROLES, slow_rouge_l, text_rows

SOURCE = random.Random(3)
WORDS = [
    "the",
    "old",
    "grey",
    "cat",
    "dog",
    "oak",
    "fern",
    "slate",
    "chalk",
    "sleeps",
    "grows",
    "lies",
    "under",
    "near",
    "by",
    "a",
    "of",
    "with",
    "and",
    "over",
]
TEXTS = [f"{' '.join(SOURCE.choices(WORDS, k=SOURCE.randint(4, 12)))} {i}" for i in range(60)]
REQUEST = Request(endpoint="d", model="m", instruction="Write {count}.", examples=8, per_call=4)


@pytest.mark.parametrize(
    ("first", "second", "f1"),
    [
        ("police killed the gunman", "police kill the gunman", 6 / 8),  # Lin 2004, section 3.2: S1 and S2
        ("police killed the gunman", "the gunman kill police", 4 / 8),  # S1 and S3
        ("A cat, sat.", "a CAT sat", 1.0),
        ("a a b", "a b b", 4 / 6),
        ("one two", "three", 0.0),
    ],
)
def test_rouge_l_by_hand(first: str, second: str, f1: float) -> None:
    assert rouge_l(words(first), words(second)) == pytest.approx(f1)


def test_rouge_l_is_that_of_the_textbook() -> None:
    for first, second in zip(TEXTS, [*TEXTS[1:], TEXTS[0]], strict=True):
        assert rouge_l(words(first), words(second)) == slow_rouge_l(first, second)
    long = [f"w{SOURCE.randrange(9)}" for _ in range(300)], [f"w{SOURCE.randrange(9)}" for _ in range(200)]
    ends = [" ".join(one) for one in long]
    assert 2 * common(*(tuple(one) for one in long)) / 500 == slow_rouge_l(*ends)


def test_words_of_other_scripts() -> None:
    assert words("Der Größte") == ("der", "größte") and words("cafe\u0301") == words("café")
    assert words("猫が好き") == ("猫", "が", "好", "き") and words("?! ?") == ("?", "!", "?")


@pytest.mark.parametrize("similarity", [0.45, 0.6, 0.7, 0.75, 1.0])
def test_near_duplicates_are_those_of_every_pair(similarity: float) -> None:
    near = Near(similarity, TEXTS)
    source, found = random.Random(5), 0
    for _ in range(100):
        changed = source.choice(TEXTS).split()
        for _ in range(source.randint(0, 5)):
            changed[source.randrange(len(changed))] = source.choice(WORDS)
        text = " ".join(changed)
        slow = next((i for i, old in enumerate(TEXTS) if slow_rouge_l(old, text) >= similarity - 1e-9), None)
        assert near.of(words(text)) == slow, text
        found += slow is not None
    assert 0 < found < 100


def test_seven_of_ten_words_are_a_near_duplicate_and_six_are_none() -> None:
    near = Near(0.7, ["a b c d e f g h i j"])
    assert near.of(words("a b c d e f g x y z")) == 0
    assert near.of(words("a b c d e f x y z v")) is None
    assert near.of(words("g f e d c b a x y z")) is None, "the same words in another order"


def test_a_pool_keeps_what_is_near_to_nothing_and_held_out_rows_come_first() -> None:
    pool = Pool(0.7, 2, heldout=["one two three four"], train=["one two three four", "five six seven eight"])
    texts = [
        "One two three four!",
        "five six seven eight nine",
        "ten eleven twelve",
        "ten eleven twelve.",
        "a b c",
        "d e f",
    ]
    assert [pool.take(text) for text in texts] == ["heldout", "train", "kept", "new", "kept", "spare"]
    assert pool.kept == ["ten eleven twelve", "a b c"] and not pool.missing


@pytest.mark.parametrize(
    ("said", "texts", "unparseable"),
    [
        ('["one", "two"]', ["one", "two"], 0),
        ('```json\n["one",\n "tw\\no"]\n```', ["one", "tw\no"], 0),
        ('Here you are: {"texts": ["one", {"text": "two"}, 3, ""]}', ["one", "two"], 2),
        ('["one", "two", "thr', ["one", "two"], 1),
        ('Sure, here are two:\n1. one\n2) "two"\n\n- three [3]\nthat is all', ["one", "two", "three [3]"], 1),
        ("1. [one] two", ["[one] two"], 0),
        ("I would rather not.", [], 1),
        ("", [], 1),
        ("[1, 2]", [], 1),
        ("[" * 100_000, [], 1),
        ('["a\\u0000b \\ud800"]', ["a\ufffdb ?"], 0),
    ],
)
def test_replies_are_read_and_what_is_no_text_is_counted(said: str, texts: list[str], unparseable: int) -> None:
    found = read(Answer(text=said, finish_reason="stop"))
    assert (list(found.texts), found.unparseable) == (texts, unparseable)


def test_a_line_that_was_broken_off_is_no_text() -> None:
    cut = Answer(text="1. one\n2. two and th", finish_reason="length")
    assert read(cut).texts == ("one",) and read(cut).unparseable == 1
    assert read(Answer(text='["one"]', refused=True)).texts == ()


def shown(message: str) -> list[str]:
    return list(json.loads(message[message.index("[") :]))


def test_examples_hang_on_seed_call_and_what_was_there() -> None:
    new = [f"new text {i}" for i in range(9)]
    first = Examples(REQUEST, 0, TEXTS).messages(range(20), new)
    again = Examples(REQUEST, 0, [*TEXTS[30:], *TEXTS[:30], TEXTS[0]]).messages(range(20), new)
    assert first == again and len({one[0].content for one in first}) == 20
    assert Examples(REQUEST, 1, TEXTS).messages(range(20), new) != first
    assert Examples(REQUEST, 0, TEXTS).messages(range(7, 9), new) == first[7:9]
    for (message,) in first:
        listed = shown(message.content)
        assert message.content.startswith("Write 4.\n\n") and len(set(listed)) == 8
        assert sum(text in new for text in listed) == 2, "two of eight are its own"
    alone = Examples(REQUEST, 0, TEXTS).messages(range(1), [])
    assert all(text in TEXTS for text in shown(alone[0][0].content))


def extended(tmp_path: Path, texts: list[str]) -> tuple[Rows, Rows]:
    labels = [None if i % 7 == 0 else "ab"[i % 2] for i in range(len(TEXTS))]
    old = Rows.open(text_rows(tmp_path / "rows.arrow", TEXTS, labels))
    extend(tmp_path / "more.arrow", old, texts)
    return old, Rows.open(tmp_path / "more.arrow")


def test_new_rows_move_no_old_one_and_are_only_trained_on(tmp_path: Path) -> None:
    old, more = extended(tmp_path, [f"a new text {i}" for i in range(25)])
    where: Any = [{"column": "label", "among": ["a"]}]
    for seed in range(10):
        take = Selection(roles=ROLES, heldout=0.2, validation=0.1, where=where, share=0.5, labelled=0.5, seed=seed)
        take = Selection.model_validate(take.model_dump())
        before, after = divide(old, take), divide(more, take)
        for side in ("heldout", "validation", "labelled"):
            assert np.array_equal(getattr(after, side), getattr(before, side)), side
        assert list(after.train) == [*before.train, *range(60, 85)]
    assert (old.old, more.old, more.count) == (60, 60, 85)


def test_new_rows_have_a_text_and_its_digest_and_nothing_else(tmp_path: Path) -> None:
    old, more = extended(tmp_path, ["new one", TEXTS[0]])
    assert more.texts("text").to_pylist() == [*TEXTS, "new one", TEXTS[0]]
    assert all(more.texts(name).to_pylist()[60:] == [None, None] for name in ("label", "note", "n"))
    assert np.array_equal(more.digests[:60], old.digests) and more.hexadecimal()[61] == more.hexadecimal()[0]
    assert more.columns == old.columns and list(more.targets(("a", "b"))[60:]) == [-1, -1]


def test_a_file_without_new_rows_is_as_it_was_before_there_were_any(tmp_path: Path) -> None:
    old, same = extended(tmp_path, [])
    assert same.count == same.old == 60 and same.hexadecimal() == old.hexadecimal()
    assert b"written" not in (tmp_path / "rows.arrow").read_bytes(), "its digest is in keys"


def answering(folder: Path, reply: Callable[[int, str], Told | None]) -> threading.Thread:
    """A gateway in the run folder that answers one connection, the newest question first; None: it says that the cap is reached."""
    folder.mkdir(parents=True, exist_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "gateway"))
    listener.listen()

    def serve() -> None:
        with suppress(ConnectionError), listener, listener.accept()[0] as talk:  # who was stopped listens to no more
            talk.settimeout(0.05)
            held, asked = b"", list[Asked]()
            while True:
                try:
                    said = talk.recv(1 << 20)
                except TimeoutError:
                    for one in reversed(asked):
                        told = reply(one.id, one.messages[-1].content) or Told(stop="over_budget")
                        talk.sendall(told.model_dump_json().encode() + b"\n")
                    asked = []
                    continue
                if not said:
                    return
                *lines, held = (held + said).split(b"\n")
                asked += [Asked.model_validate_json(line) for line in lines]

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


def written(
    tmp_path: Path, name: str, reply: Callable[[int, str], Told | None], *, rows: int = 12, most_calls: int = 9
) -> tuple[Path, Result]:
    """The verb on rows of which the last ten are a held-out file."""
    inputs = {
        "train/rows.arrow": text_rows(tmp_path / "train.arrow", TEXTS[:50], ["a", "b"] * 25),
        "heldout/rows.arrow": text_rows(tmp_path / "heldout.arrow", TEXTS[50:], ["a", "b"] * 5),
    }
    take = Selection(roles=ROLES, validation=0.1)
    params = SynthesiseParams(question=REQUEST, rows=rows, similarity=0.7, seed=0, most_calls=most_calls, take=take)
    folder = run_folder(tmp_path / name, "synthesise", params, inputs)
    thread = answering(folder, reply)
    result = here(folder)
    thread.join(5)
    return folder, result


def test_the_verb_takes_replies_in_the_order_of_its_calls(tmp_path: Path) -> None:
    asked: dict[int, str] = {}

    def reply(call: int, message: str) -> Told:
        asked[call] = message
        if call == 1:
            return Told(id=call, failed="server_error", message="no", passing=True)
        if call == 2:
            return Told(id=call, failed="bad_request", message="no")
        own = f"{call}a {call}b {call}c {call}d"
        texts = [own, own + ".", TEXTS[55], shown(message)[0], 7]
        return Told(id=call, answers=(Answer(text=json.dumps(texts), finish_reason="stop"),))

    folder, result = written(tmp_path, "run", reply)
    assert (result.status, result.passing) == ("succeeded", 1), result.error
    told = json.loads((folder / "outputs/synthesis.json").read_text())
    assert (told["wanted"], told["kept"], told["calls"], told["failed"]) == (12, 7, 9, 2)
    assert (told["said"], told["unparseable"], told["spare"]) == (28, 7, 0)
    assert told["near"] == {"heldout": 7, "train": 7, "new": 7}
    rows = Rows.open(folder / "outputs/rows.arrow")
    assert rows.texts("text").to_pylist()[50:] == [f"{c}a {c}b {c}c {c}d" for c in (0, *range(3, 9))]
    division = divide(rows, Selection(roles=ROLES, validation=0.1))
    trained = {TEXTS[i] for i in division.train if i < 50}
    seen = [text for message in asked.values() for text in shown(message)]
    assert set(seen) & trained and not set(seen) & (set(TEXTS) - trained), (
        "held-out and validation rows are shown to nobody"
    )
    assert any(text.startswith("0a") for text in seen), "its own texts are shown in later rounds"
    lines = [json.loads(line) for line in (folder / "outputs/texts.jsonl").read_text().splitlines()]
    assert [line["call"] for line in lines] == sorted(line["call"] for line in lines) and len(lines) == 28
    events = (folder / "events.jsonl").read_text()
    assert "7 of 12 new texts in 9 calls" in events and "No call was left" in events


def test_a_cap_ends_it_with_what_is_there(tmp_path: Path) -> None:
    def reply(call: int, message: str) -> Told | None:
        return Told(id=call, answers=(Answer(text=json.dumps([f"{call} {call} {call}"])),)) if call < 4 else None

    folder, result = written(tmp_path, "run", reply)
    assert result.status == "stopped" and "rows.arrow" in result.outputs
    told = json.loads((folder / "outputs/synthesis.json").read_text())
    assert told["cut"] and 0 < told["kept"] < 12


def test_a_teacher_that_writes_nothing_fails_the_step(tmp_path: Path) -> None:
    folder, result = written(tmp_path, "run", lambda call, _: Told(id=call, answers=(Answer(text="No."),)))
    assert result.error is not None and result.error.code == "no_texts" and "began: No." in (result.error.hint or "")
    assert not result.outputs and folder.exists()


@pytest.mark.parametrize(("passing", "calls"), [(0, 64), (20, 96)])
def test_a_teacher_that_writes_no_text_is_given_up_after_a_lot_of_calls(
    tmp_path: Path, passing: int, calls: int
) -> None:
    def reply(call: int, _: str) -> Told:
        if call < passing:
            return Told(id=call, failed="server_error", message="down", passing=True)
        return Told(id=call, answers=(Answer(text="No."),))

    _, result = written(tmp_path, "run", reply, rows=1000, most_calls=1000)
    assert result.error is not None and result.error.code == "no_texts"
    assert f"({calls} calls, 0 texts, {calls - passing} unparseable)" in result.error.message
