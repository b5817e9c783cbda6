"""`python -m examples.teacher_server --port 0 --latency 0.2 --rpm 600`: prints its URL when it is ready, and serves until it is ended."""

import argparse
import json
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import torch
import uvicorn

from examples.docstrings.texts import rows
from examples.teacher_server.app import MODEL, Server, Source
from examples.teacher_server.batches import Batches
from examples.teacher_server.embeddings import Embeddings
from examples.teacher_server.encoder import Encoder, tokenizer
from examples.teacher_server.faults import Faults
from examples.teacher_server.ledger import Ledger, Prices
from examples.teacher_server.limits import Limits
from examples.teacher_server.table import Table
from examples.teacher_server.teacher import Teacher, fit
from examples.teacher_server.tokens import Tokens
from examples.teacher_server.transport import Protocol


def main(argv: Sequence[str] | None = None) -> None:
    asked = arguments().parse_args(argv)
    torch.set_num_threads(asked.threads)
    listener = socket.create_server(("127.0.0.1", asked.port), backlog=1024)
    server = Server(
        source(asked),
        Tokens(tokenizer()),
        Ledger(Prices.read(asked.price), asked.ledger),
        Limits(asked.rpm, asked.tpm, asked.concurrency),
        asked.model,
        asked.latency,
        asked.key,
        asked.cached_from,
        Faults(**json.loads(asked.faults)),
        asked.batch_price,
        asked.batch_seconds,
        asked.batch_most,
        asked.thought,
    )
    config = uvicorn.Config(
        server.app(), log_level="warning", access_log=False, http=Protocol, timeout_graceful_shutdown=2
    )
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


def source(asked: argparse.Namespace) -> Source:
    begun = time.monotonic()
    made: Source = Table(asked.table) if asked.table else Batches(teacher(asked.data, asked.cache))
    took = time.monotonic() - begun
    print(f"{len(made.classes)} classes, ready after {took:.1f} s: {', '.join(made.classes)}", file=sys.stderr)
    return made


def teacher(data: Path | None, cache: Path | None) -> Teacher:
    train = [(text, label) for text, label, split in gold(data) if split == "train"]
    kept = f", or less where {cache} has their vectors" if cache else ""
    print(f"reading {len(train):,} texts for the teacher, about a minute or two{kept} …", file=sys.stderr, flush=True)
    return fit(Embeddings(Encoder(), cache), [text for text, _ in train], [label for _, label in train])


def gold(data: Path | None) -> list[tuple[str, str, str]]:
    """(text, label, split) of a file of examples.docstrings, or of a set made now."""
    if data is None:
        return [(row.text, row.label, row.split) for row in rows()]
    lines = [json.loads(line) for line in data.read_text().splitlines()]
    return [(line["text"], line["label"], line["split"]) for line in lines]


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--port", type=int, default=0, help="of 127.0.0.1; 0: any free one")
    add("--data", type=Path, help="what `python -m examples.docstrings` wrote; else the texts are made anew")
    add("--cache", type=Path, help="a folder for the vectors of the training texts: the next start is fast")
    add("--table", type=Path, help="JSON lines with text and label: answers are looked up, and there is no model")
    add("--threads", type=int, default=1, help="of the encoder; more wait for each other where cores are shared")
    add("--model", default=MODEL, help="the name that requests give; another is answered 404")
    add("--key", help="asked for as a Bearer token or as x-api-key")
    add("--price", default="0.40/1.60", help="dollars per million tokens, in/out or in/out/cached")
    add("--cached-from", type=int, default=1024, help="tokens of a beginning that is cached, and then every 128 more")
    add("--ledger", type=Path, help="a file that gets a line a call")
    add("--latency", type=float, default=0.0, help="seconds of every call, at least")
    add("--rpm", type=int, help="requests a minute")
    add("--tpm", type=int, help="tokens a minute")
    add("--concurrency", type=int, help="calls at once; more are answered 429")
    add("--batch-price", type=Decimal, default=Decimal("0.5"), help="share of the prices that a call in a batch costs")
    add("--batch-seconds", type=float, default=0.0, help="that a batch lies before it is begun")
    add("--batch-most", type=int, help="calls that may wait in batches together; a batch beyond it fails")
    add(
        "--thought",
        type=int,
        default=0,
        help="tokens before each answer, within max_completion_tokens; max_tokens is refused",
    )
    add("--faults", default="{}", help="as POST /faults takes them")
    return parser


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
