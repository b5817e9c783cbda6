"""An endpoint's key in all that a stack writes down, where the endpoint repeats it in every error and every reply."""

from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from standalone.stack import Stack
from tests.acceptance.asking import answered, dataset, ended, endpoint, job, report
from tests.acceptance.echo import SAID, Echo
from tests.acceptance.run import Run, until
from tests.acceptance.teacher import served
from tests.acceptance.tenant import Tenant, good

KEY = "sk-planted-7f3e51c09ab2d846"
ROWS = 60
REDACTED = f"*** {SAID}"


def holding(folder: Path, words: str) -> list[str]:
    """Files below it that hold these words, as they are."""
    found = []
    for path in folder.rglob("*"):
        try:
            if path.is_file() and words.encode() in path.read_bytes():
                found.append(str(path))
        except FileNotFoundError:  # it was there a moment ago
            continue
    return found


def dump(url: str) -> str:
    """Every row of every table, as text; bytes in hexadecimal."""
    engine = create_engine(url)
    listed = text("SELECT relname FROM pg_stat_user_tables ORDER BY relname")
    with engine.connect() as connection:
        tables = connection.scalars(listed).all()
        rows = [f"{name} {row}" for name in tables for row in connection.scalars(text(f"SELECT t::text FROM {name} t"))]
    engine.dispose()
    return "\n".join(rows)


def small(rows: str, **more: Any) -> dict[str, Any]:
    made = job(rows, steps=20, objective=[{"type": "labels"}], evaluation={"baselines": []}, **more)
    del made["data"]["labelled"]
    return made


def test_a_planted_key_is_found_nowhere(stack: Stack, asker: Tenant) -> None:
    """In replies, events, reports, logs, run folders, storage and the database; of calls, of batches, and of calls of batches."""
    with served(teacher := Echo()):
        endpoint(asker, teacher, key=KEY)
        rows = dataset(stack, asker, ROWS)
        teacher.latency, teacher.faults["400"] = 0.1, 6
        one = Run.start(asker, small(rows, responses={"read": "text"}))
        until(lambda: teacher.calls > ROWS / 4)
        runs = stack.home.path / "scratch"
        assert holding(runs, "") and not holding(runs, KEY), "while it is asked"
        ended(one)
        whole = report(one)
        teacher.latency, teacher.refusing = 0.0, 1
        asked = {"models": ["ep_words/words"], "batch": True}
        other = {"read": "text", "prompt": {"template": "{text}!"}}
        two = Run.start(asker, small(rows, teacher=asked, responses=other))
        until(lambda: two.get()["state"] == "paused")
        paused = two.get()
        good(asker.client.post(f"/v1/distillations/{two.id}/resume"))
        answered(two)
    told = [*(one.events()), *(two.events()), one.get(), two.get(), paused, whole]
    told += [good(asker.client.get(path)) for path in ("/v1/endpoints", "/v1/usage", "/v1/distillations")]
    pages = [asker.client.get(f"/v1/distillations/{one.id}/{path}").text for path in ("report", "logs")]
    rowed = dump(stack.postgres.url)
    assert teacher.keys == {KEY} and KEY not in f"{told}{pages}{rowed}" and KEY.encode().hex() not in rowed
    assert not holding(stack.home.path, KEY)
    assert REDACTED in str(whole) and REDACTED in str(two.events()) and REDACTED in rowed, "it was said, less the key"
    assert "stop ***" in rowed and "words-***" in rowed, "of what was answered well, too"
    kept = holding(stack.home.path / "blobs", REDACTED)
    assert len(kept) >= 2, "answers of both jobs, at least"
