"""A teacher that is asked through its batch API: the example's server in a thread, with word counts as its model, and a bill of its own for each job."""

import json
import math
import socket
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from examples.teacher_server.app import Server
from examples.teacher_server.faults import Faults
from examples.teacher_server.ledger import Counts, Ledger, Prices
from examples.teacher_server.limits import Limits
from examples.teacher_server.refused import Json
from examples.teacher_server.tokens import Tokens
from examples.teacher_server.transport import Protocol
from tests.acceptance.teacher import WORDS, model

FAULTS = {"line_fails": 0.02, "line_expires": 0.02, "slow_batch": 0.3}


class Model:
    classes = list(WORDS)

    async def logprobs(self, text: str) -> list[float]:
        return [math.log(share) for share in model(text).values()]


class Words(Tokens):
    """A word counts as `factor` tokens; nothing is cached."""

    factor = 1

    def __init__(self) -> None:
        tokenizer = Tokenizer(WordLevel({"?": 0}, unk_token="?"))
        tokenizer.pre_tokenizer = WhitespaceSplit()
        super().__init__(tokenizer)

    def prompt(self, contents: tuple[str, ...], floor: int) -> tuple[int, int]:
        return self.factor * super().prompt(contents, floor)[0], 0


@dataclass
class Batcher(Server):
    asked: Counter[str] = field(default_factory=Counter)
    """Billed calls of batches by the user's last message."""
    bills: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Dollars by what that message ends with: the number of a job."""
    url: str = ""

    async def batched(self, id: str, body: bytes, fault: str | None) -> tuple[Json, Counts]:
        said, counts = await super().batched(id, body, fault)
        text = json.loads(body)["messages"][-1]["content"]
        self.asked[text] += 1
        self.bills[text.rpartition(" ")[2]] += float(self.ledger.prices.usd(counts) * self.batch_share)
        return said, counts


@contextmanager
def batching(price: str, tokens: Words) -> Iterator[Batcher]:
    """Answers on loopback until the block ends. Some batches lie for long, and some of their calls come to nothing."""
    batcher = Batcher(
        Model(), tokens, Ledger(Prices.read(price)), Limits(), "words", batch_seconds=1.0,
        faults=Faults(FAULTS, seconds=8.0),
    )  # fmt: skip
    listener = socket.create_server(("127.0.0.1", 0))
    batcher.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    server = uvicorn.Server(uvicorn.Config(batcher.app(), log_level="warning", access_log=False, http=Protocol))
    thread = threading.Thread(target=lambda: server.run(sockets=[listener]), daemon=True)
    thread.start()
    try:
        yield batcher
    finally:
        server.should_exit = True
        thread.join()
