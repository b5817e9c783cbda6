"""`python -m examples.teacher_server --port 0 --latency 0.2 --rpm 600`: prints its URL, and serves until it is ended."""

import argparse
import json
import socket
import tempfile
from decimal import Decimal
from pathlib import Path

import torch
import uvicorn

from examples.docstrings.texts import rows
from examples.teacher_server.app import Protocol, Server
from examples.teacher_server.batches import Batches
from examples.teacher_server.encoder import Encoder
from examples.teacher_server.ledger import Ledger
from examples.teacher_server.limits import Limits
from examples.teacher_server.teacher import fit


def main() -> None:
    asked = arguments().parse_args()
    torch.set_num_threads(1)
    given, told = asked.price.split("/")
    path = asked.ledger or Path(tempfile.mkdtemp()) / "ledger.jsonl"
    listener = socket.create_server(("127.0.0.1", asked.port))
    ledger, limits = Ledger(path, (Decimal(given), Decimal(told))), Limits(asked.rpm, asked.concurrency)
    server = Server(Batches(fit(Encoder(), *gold(asked.data))), ledger, limits, asked.latency, asked.key)
    config = uvicorn.Config(server.app(), log_level="warning", http=Protocol, timeout_graceful_shutdown=2)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


def gold(data: Path | None) -> tuple[list[str], list[str]]:
    """Texts and labels of the training rows: of a file of examples.docstrings, or of a set made now."""
    if data is None:
        found = [(row.text, row.label, row.split) for row in rows()]
    else:
        lines = [json.loads(line) for line in data.read_text().splitlines()]
        found = [(line["text"], line["label"], line["split"]) for line in lines]
    train = [(text, label) for text, label, split in found if split == "train"]
    return [text for text, _ in train], [label for _, label in train]


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument(
        "--data", type=Path, help="what `python -m examples.docstrings` wrote; else the texts are made anew"
    )
    parser.add_argument("--latency", type=float, default=0.0, help="seconds of every call, at least")
    parser.add_argument("--rpm", type=int, help="requests a minute")
    parser.add_argument("--concurrency", type=int, help="calls at once; more are answered 429")
    parser.add_argument("--key", help="asked for as a Bearer token")
    parser.add_argument("--price", default="0.40/1.60", help="dollars per million tokens, in and out")
    parser.add_argument("--ledger", type=Path, help="the file of calls")
    return parser


if __name__ == "__main__":
    main()
