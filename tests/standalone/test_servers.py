"""PostgreSQL and Valkey as children: kill them, start them again."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
import redis

from standalone import postgres, sockets, valkey
from standalone.postgres import Postgres, clear_stale, zombie
from standalone.process import NotReady, Process
from tests.standalone.processes import alive, wait_until


def libpq(server: Postgres) -> str:
    return server.url.replace("+psycopg", "")


def test_rows_survive_a_killed_postmaster(tmp_path: Path) -> None:
    server = postgres.start(tmp_path)
    try:
        with psycopg.connect(libpq(server), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept (n int)")
            connection.execute("INSERT INTO kept SELECT generate_series(1, 200)")
        server.kill()
        server.start()
        server.wait_ready()
        with psycopg.connect(libpq(server)) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (200,)
    finally:
        server.stop()


def test_stop_does_not_wait_for_clients(tmp_path: Path) -> None:
    server = postgres.start(tmp_path, durable=False)
    with psycopg.connect(libpq(server)):
        began = time.monotonic()
        server.stop()
    assert time.monotonic() - began < 5
    assert not server.running()


def test_a_killed_initdb_does_not_look_initialised(tmp_path: Path) -> None:
    half = tmp_path / "pg" / "new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    server = postgres.start(tmp_path, durable=False)
    try:
        with psycopg.connect(libpq(server)) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()


def test_passwords_are_needed_and_private(tmp_path: Path) -> None:
    server = postgres.start(tmp_path, durable=False)
    try:
        right = (tmp_path / "pg" / "password").read_text().strip()
        assert (tmp_path / "pg" / "password").stat().st_mode & 0o777 == 0o600
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(libpq(server).replace(right, "wrong"))
    finally:
        server.stop()


def test_the_locks_of_a_zombie_are_cleared(tmp_path: Path) -> None:
    dead = subprocess.Popen(["/bin/true"])
    wait_until(lambda: zombie(dead.pid))
    lock, socket = tmp_path / "postmaster.pid", tmp_path / ".s.PGSQL.5432.lock"
    for path in (lock, socket):
        path.write_text(f"{dead.pid}\n")
    clear_stale(tmp_path, tmp_path)
    assert not lock.exists()
    assert not socket.exists()
    dead.wait()


def test_the_locks_of_the_living_are_not(tmp_path: Path) -> None:
    lock = tmp_path / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n")
    clear_stale(tmp_path, tmp_path)
    assert lock.exists()


def test_deep_homes_have_short_sockets(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    run = sockets.folder_for(deep)
    assert len(os.fsencode(run / "pg" / ".s.PGSQL.5432")) <= 107
    assert run == sockets.folder_for(deep)
    assert run.stat().st_mode & 0o777 == 0o700
    run.rmdir()


def test_valkey_answers_with_its_password_only(tmp_path: Path) -> None:
    server = valkey.start(tmp_path)
    try:
        url = server.url.replace("redis+socket", "unix")
        with redis.Redis.from_url(url) as client:
            assert client.ping()
        with (
            redis.Redis.from_url(url.replace(server.password, "wrong")) as client,
            pytest.raises(redis.AuthenticationError),
        ):
            client.ping()
        server.kill()
        server.start()
        server.wait_ready()
        assert server.password.encode() not in Path(f"/proc/{server.pid}/cmdline").read_bytes()
    finally:
        server.stop()


def test_not_ready_says_what_the_log_says(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", "import sys; sys.exit('no good')"]
    process = Process("broken", argv, log=tmp_path / "broken.log")
    process.start()
    with pytest.raises(NotReady, match="no good"):
        process.wait_ready(5, ready=lambda: False)


def test_children_die_with_their_parent(tmp_path: Path) -> None:
    """The parent is killed before it can stop anything."""
    script = (
        "import sys, time; from pathlib import Path; from standalone import postgres, valkey; home = Path(sys.argv[1]); "
        "print(postgres.start(home, durable=False).pid, valkey.start(home).pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        children = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(children) == 2
        assert all(map(alive, children))
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not any(map(alive, children)))
