"""A teacher behind a real socket, in a thread of its own: a model of word counts with prices, a bill of its own, and faults.

Its tokens are words, so an independent count of its bill is a count of words.
"""

import asyncio
import json
import math
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.distill import topics
from tests.gateway.server import http

WORDS = {
    "animals": ("cat", "dog", "horse", "mouse", "goat", "otter", "heron", "finch"),
    "plants": ("oak", "rose", "fern", "moss", "birch", "tulip", "reed", "clover"),
    "stones": ("basalt", "flint", "slate", "marble", "granite", "quartz", "jasper", "chalk"),
}
FILLER = ("the", "a", "near", "under", "old", "small", "grey", "by", "with", "some", "of", "and", "over", "beside")
KEY = "sk-test-0123456789abcdef"


def model(text: str) -> dict[str, float]:
    """Softmax over twice the counts of a class's words."""
    words = text.lower().split()
    counts = {name: 2.0 * sum(word in own for word in words) for name, own in WORDS.items()}
    total = sum(map(math.exp, counts.values()))
    return {name: math.exp(count) / total for name, count in counts.items()}


def sentences(number: int, seed: int) -> tuple[list[str], list[str]]:
    """Texts with one to three words of their own class and now and then one of another; and their true labels."""
    source = random.Random(seed)
    texts: dict[str, str] = {}
    while len(texts) < number:
        label = source.choice(list(WORDS))
        own = source.sample(WORDS[label], source.randint(1, 3))
        others = [source.choice(WORDS[source.choice(list(WORDS))])] if source.random() < 0.3 else []
        words = [*own, *others, *source.choices(FILLER, k=source.randint(3, 9))]
        source.shuffle(words)
        texts[" ".join(words)] = label
    return list(texts), list(texts.values())


def listed(text: str) -> str:
    """The topics of tests/distill/topics.py that a text has a word of, but for a word or two that this teacher does not know."""
    words = set(text.lower().split())
    return ", ".join(name for name, own in topics.WORDS.items() if words & set(own[:7])) or "none"


@dataclass
class Teacher:
    """What it served and what it bills."""

    rate_in: float = 1.0
    rate_out: float = 2.0
    tokens_factor: int = 1
    """A word counts as so many tokens."""
    latency: float = 0.0
    odd: bool = False
    """Replies are such as no endpoint should send."""
    logprobs: bool = True
    several: bool = True
    lists: bool = False
    """Answers are lists of topics."""
    faults: Counter[str] = field(default_factory=Counter)
    """How many of the next calls fail in which way: 429, 500, reset, truncated, empty, refusal, garbage, unusable."""
    asked: Counter[str] = field(default_factory=Counter)
    """Calls by the user's last message, those of probes too."""
    calls: int = 0
    """Billed ones."""
    tokens_in: int = 0
    tokens_out: int = 0
    flying: int = 0
    most: int = 0
    keys: set[str] = field(default_factory=set)
    url: str = ""

    @property
    def bill(self) -> float:
        """US dollars."""
        return (self.tokens_in * self.rate_in + self.tokens_out * self.rate_out) / 1e6

    def forget(self) -> None:
        """Starts the count anew."""
        self.asked.clear()
        self.calls = self.tokens_in = self.tokens_out = self.most = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
        fields = {name.lower(): value for name, value in fields.items()}
        body = json.loads(await reader.readexactly(int(fields.get("content-length", 0))) or b"{}")
        self.keys.add(fields.get("authorization", "").removeprefix("Bearer "))
        self.flying += 1
        self.most = max(self.most, self.flying)
        try:
            if self.latency:
                await asyncio.sleep(self.latency)
            sent = self._reply(head[0].split()[1], body)
        finally:
            self.flying -= 1
        if sent is None:
            writer.transport.abort()
            return False
        writer.write(sent)
        await writer.drain()
        return True

    def _fault(self) -> str | None:
        name = next((name for name, left in self.faults.items() if left > 0), None)
        if name is not None:
            self.faults[name] -= 1
        return name

    def _reply(self, path: str, body: dict[str, Any]) -> bytes | None:
        if path.endswith("/models"):
            return http(200, json.dumps({"object": "list", "data": [{"id": "words"}]}).encode())
        fault = self._fault()
        if fault in ("429", "500", "401", "400"):
            error = json.dumps({"error": {"message": f"no: {fault}"}}).encode()
            return http(int(fault), error, Retry_After="0.05") if fault == "429" else http(int(fault), error)
        if body.get("logprobs") and not self.logprobs:
            return http(400, b'{"error": {"message": "no logprobs here"}}')
        if body.get("n", 1) > 1 and not self.several:
            return http(400, b'{"error": {"message": "one at a time"}}')
        answered = self._answer(body, fault)
        return None if fault == "reset" else http(200, answered)

    def _answer(self, body: dict[str, Any], fault: str | None) -> bytes:
        text = body["messages"][-1]["content"]
        self.asked[text] += 1
        shares = model(text)
        best = max(shares, key=lambda name: shares[name])
        source = random.Random(f"{text} {body.get('seed')}")
        choices = []
        for index in range(body.get("n", 1)):
            said = (
                listed(text)
                if self.lists
                else best
                if not body.get("temperature")
                else source.choices(list(shares), list(shares.values()))[0]
            )
            choices.append(self._choice(index, said, shares, body, fault))
        words = self.tokens_factor * sum(len(message["content"].split()) for message in body["messages"])
        self.calls += 1
        self.tokens_in += words
        self.tokens_out += len(choices)
        usage = {"prompt_tokens": words, "completion_tokens": len(choices)}
        if self.odd:
            usage = {"prompt_tokens": 2**70 if self.calls % 3 == 0 else words, "completion_tokens": 1}
            choices[0]["message"]["content"] += "\0"
            tops = [{"token": "a\0", "logprob": float("-inf")}, {"token": best, "logprob": 1000.0}]
            choices[0]["logprobs"] = {"content": [{"token": best, "logprob": 0.0, "top_logprobs": tops}]}
        reply: dict[str, Any] = {"id": "c", "object": "chat.completion", "model": body["model"], "choices": choices}
        return json.dumps(reply if fault == "unusable" else reply | {"usage": usage}).encode()

    def _choice(
        self, index: int, said: str, shares: dict[str, float], body: dict[str, Any], fault: str | None
    ) -> dict[str, Any]:
        spoken = {"empty": "", "garbage": "I would rather talk of the sea.", "truncated": "anim"}.get(fault or "", said)
        message: dict[str, Any] = {"role": "assistant", "content": spoken}
        if fault == "refusal":
            message |= {"content": None, "refusal": "I cannot help with that."}
        choice: dict[str, Any] = {
            "index": index,
            "message": message,
            "finish_reason": "length" if fault == "truncated" else "stop",
        }
        if body.get("logprobs") and fault is None:
            tops = [{"token": name, "logprob": math.log(share)} for name, share in shares.items()]
            choice["logprobs"] = {"content": [{"token": said, "logprob": math.log(shares[said]), "top_logprobs": tops}]}
        return choice


@contextmanager
def served(**settings: Any) -> Iterator[Teacher]:
    """A teacher that answers on loopback until the block ends."""
    teacher = Teacher(**settings)
    loop = asyncio.new_event_loop()
    ready = threading.Event()

    async def run() -> None:
        server = await asyncio.start_server(teacher.serve, "127.0.0.1", 0)
        teacher.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        ready.set()
        async with server:
            await stop.wait()

    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield teacher
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
