"""Upload of a large file: how fast beside a bare route, and how much memory.

The bare route takes the same multipart body with the same parser on the same server and writes it: no hash, no fsync, no key, no
database. Ours answers when the file is hashed, on disk and recorded. Both take turns; a raw socket sends, so that the sender costs
little; the ratio is of medians over rounds. The peak of the api's memory is read from the kernel after it was reset.

    python -m benchmarks.upload --gib 2 --rounds 3
"""

import argparse
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from standalone.process import Process
from standalone.stack import Stack

CHUNK = 2**20
BOUNDARY = "frontier"
HEAD = (
    f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbenchmark\r\n'
    f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="large.bin"\r\n\r\n'
).encode()
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()


@dataclass(frozen=True)
class Upload:
    """Seconds of each round, and bytes by which the peak of our memory grew."""

    size: int
    ours: list[float]
    bare: list[float]
    growth: int

    @property
    def ratio(self) -> float:
        """Our speed as a share of the bare route's."""
        return median(self.bare) / median(self.ours)

    def __str__(self) -> str:
        ours, bare = (self.size / median(seconds) / 2**20 for seconds in (self.ours, self.bare))
        pairs = sorted(b / o for o, b in zip(self.ours, self.bare, strict=True))
        return (
            f"upload of {self.size / 2**30:g} GiB: {ours:.0f} MiB/s, bare route {bare:.0f} MiB/s: {self.ratio:.0%} of its speed"
            f" [{pairs[0]:.0%}, {pairs[-1]:.0%}], goal 70%; memory grew by {self.growth / 2**20:.1f} MiB, goal 64"
        )


def measure(size: int, rounds: int, folder: Path) -> Upload:
    """Both routes in turn, on the disk that `folder` is on."""
    ours, bare = [], []
    with Stack(folder / "home", workers=()) as stack, bare_route(folder) as port:
        pid = stack["api"].pid
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak begins anew
        before = peak(pid)
        for turn in range(rounds):
            ours.append(send(stack.api.port, "/v1/files", stack.key, size, turn))
            bare.append(send(port, "/", "none", size, turn))
        return Upload(size, ours, bare, peak(pid) - before)


@contextmanager
def bare_route(folder: Path) -> Iterator[int]:
    """The anchor's port."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        descriptor = listener.fileno()
        argv = [
            sys.executable,
            "-m",
            "uvicorn",
            "benchmarks.bare_upload:app",
            "--fd",
            str(descriptor),
            "--no-access-log",
        ]
        environment = {**os.environ, "BARE_UPLOAD_FOLDER": str(folder)}
        server = Process("bare", argv, log=folder / "bare.log", environment=environment, descriptors=[descriptor])
        server.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.stop()


def send(port: int, path: str, key: str, size: int, turn: int) -> float:
    """Seconds from the first byte sent to the reply's first line. Every turn sends other bytes.

    What the turn before left unwritten (the bare route leaves all) is written first: nobody pays for another's bytes.
    """
    os.sync()
    chunk = os.urandom(CHUNK - 16)
    length = len(HEAD) + size + len(TAIL)
    request = (
        f"POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ncontent-length: {length}\r\n"
        f"content-type: multipart/form-data; boundary={BOUNDARY}\r\nconnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port)) as connection:
        began = time.perf_counter()
        connection.sendall(request.encode() + HEAD)
        left = size
        while left:
            piece = (turn.to_bytes(8) + left.to_bytes(8) + chunk)[:left]
            connection.sendall(piece)
            left -= len(piece)
        connection.sendall(TAIL)
        with connection.makefile("rb") as reply:
            status = reply.readline()
        seconds = time.perf_counter() - began
    if b" 201 " not in status:
        raise RuntimeError(f"{path} answered {status.decode()!r}")
    return seconds


def peak(pid: int) -> int:
    """VmHWM in bytes."""
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gib", type=float, default=2.0, help="size of the file")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        print(measure(int(given.gib * 2**30), given.rounds, Path(name)))


if __name__ == "__main__":
    main()
