"""A teacher behind a real socket, in a thread of its own: a model of word counts with prices, faults, and a bill of its own, by words as tokens."""

import asyncio
import json
import math
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.acceptance.writing import Written, written
from tests.distill import topics
from tests.exchange import Request, converse, http, send

WORDS = {
    "animals": ("cat", "dog", "horse", "mouse", "goat", "otter", "heron", "finch"),
    "plants": ("oak", "rose", "fern", "moss", "birch", "tulip", "reed", "clover"),
    "stones": ("basalt", "flint", "slate", "marble", "granite", "quartz", "jasper", "chalk"),
}
FILLER = ("the", "a", "near", "under", "old", "small", "grey", "by", "with", "some", "of", "and", "over", "beside")
KEY = "sk-test-0123456789abcdef"
ODD = "\0\ud800"
"""What PostgreSQL does not take, at the end of words."""


def model(text: str, aside: float = 0.0) -> dict[str, float]:
    """Softmax over twice the counts of a class's words, of what is left by something else (`aside`)."""
    words = text.lower().split()
    counts = {name: 2.0 * sum(word in own for word in words) for name, own in WORDS.items()}
    total = sum(map(math.exp, counts.values()))
    shares = {name: (1 - aside) * math.exp(count) / total for name, count in counts.items()}
    return shares | ({"water": aside} if aside else {})


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


def events(reply: dict[str, Any]) -> bytes:
    """The same reply as a stream: each choice letter by letter, with its log-probabilities beside the first one."""
    parts: list[dict[str, Any]] = []
    for choice in reply["choices"]:
        for place, letter in enumerate(choice["message"]["content"] or ""):
            told = choice.get("logprobs") if place == 0 else None
            parts.append({"index": choice["index"], "delta": {"content": letter}, "logprobs": told})
        parts.append({"index": choice["index"], "delta": {}, "finish_reason": choice["finish_reason"]})
    chunks = [{"model": reply["model"], "choices": [part]} for part in parts] + [
        {"choices": [], "usage": reply.get("usage")}
    ]
    return "".join(f"data: {said}\n\n" for said in (*map(json.dumps, chunks), "[DONE]")).encode()


@dataclass
class Teacher:
    """What it served and what it bills."""

    rate_in: float = 1.0
    rate_out: float = 2.0
    rate_cached: float | None = None
    """Of the words of a system message that it has read before, an even number of them: a bill has whole micro-dollars at half a rate. None: it has no cache."""
    tokens_factor: int = 1
    """A word counts as so many tokens."""
    hidden: int = 0
    """Tokens that it puts before each prompt."""
    latency: float = 0.0
    odd: bool = False
    """Replies are such as no endpoint should send."""
    aside: float = 0.0
    logprobs: bool = True
    several: bool = True
    streams: bool = False
    streamed: int = 0
    """Replies that it gave as a stream."""
    judge: Callable[[str], str] | None = None
    """What it says to messages that end with a question mark."""
    lists: bool = False
    """Answers are lists of topics."""
    faults: Counter[str] = field(default_factory=Counter)
    """How many of the next calls fail in which way: 429, 500, reset, truncated, empty, refusal, garbage, unusable; 504 where it has answered, to nobody;
    mute: with no answer beside the usage; 201 does not fail."""
    failing: str = ""
    """A text about which it always answers 500."""
    forbidden: str = ""
    """A text that it never takes (403), as a gateway that moderates."""
    retry_after_ms: int = 50
    """What it asks for with 429 and 500."""
    others: tuple[str, ...] = ()
    """Models that it lists beside its own, and that chat with nobody."""
    retired: tuple[str, ...] = ()
    """Models that it neither lists nor has."""
    asked: Counter[str] = field(default_factory=Counter)
    """Calls by the user's last message, those of probes too."""
    said: dict[str, list[str]] = field(default_factory=dict)
    """Its last answers to the user's last message."""
    wrote: list[Written] = field(default_factory=list)
    """Calls for new texts, in the order in which they came; they are not among `asked`."""
    heard: list[tuple[bool, list[dict[str, str]]]] = field(default_factory=list)
    """Of each call that it answered: whether it bounded the answer, and its messages."""
    calls: int = 0
    """Billed ones."""
    tokens_in: int = 0
    tokens_out: int = 0
    cached: int = 0
    """Of `tokens_in`, from its cache."""
    flying: int = 0
    most: int = 0
    read: set[str] = field(default_factory=set)
    """System messages that its cache has."""
    keys: set[str] = field(default_factory=set)
    url: str = ""

    @property
    def bill(self) -> float:
        """US dollars."""
        cached = self.cached * (self.rate_in if self.rate_cached is None else self.rate_cached)
        return ((self.tokens_in - self.cached) * self.rate_in + cached + self.tokens_out * self.rate_out) / 1e6

    def forget(self) -> None:
        """Starts the count anew."""
        self.asked.clear()
        self.said.clear()
        self.wrote.clear()
        self.heard.clear()
        self.calls = self.tokens_in = self.tokens_out = self.cached = self.most = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await converse(reader, writer, self._exchange)

    async def _exchange(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        self.keys.add(request.headers.get("authorization", "").removeprefix("Bearer "))
        self.flying += 1
        self.most = max(self.most, self.flying)
        try:
            if self.latency:
                await asyncio.sleep(self.latency)
            sent = self._reply(request.path, request.body)
        finally:
            self.flying -= 1
        if sent is None:
            writer.transport.abort()
            return False
        return await send(writer, sent)

    def _fault(self) -> str | None:
        name = next((name for name, left in self.faults.items() if left > 0), None)
        if name is not None:
            self.faults[name] -= 1
        return name

    def _reply(self, path: str, body: dict[str, Any]) -> bytes | None:
        if path.partition("?")[0].endswith("/models"):
            models = [
                {"id": name} for name in (*self.others, "words", *([f"odd{ODD}", "odd" * 1000] if self.odd else []))
            ]
            return http(200, json.dumps({"object": "list", "data": models}).encode())
        if "messages" not in body:
            return http(404, b'{"error": {"message": "nothing here"}}')
        if body.get("model") in (*self.others, *self.retired):
            return http(404, b'{"error": {"message": "This is not a chat model"}}')
        last = body["messages"][-1]["content"]
        fault = "500" if last == self.failing else "403" if last == self.forbidden else self._fault()
        if fault in ("429", "500", "401", "402", "403", "400"):
            error = json.dumps({"error": {"message": f"no: {fault}{ODD if self.odd else ''}"}}).encode()
            after = {"retry-after-ms": str(self.retry_after_ms)} if fault in ("429", "500") else {}
            return http(int(fault), error, **after)
        if body.get("logprobs") and not self.logprobs:
            return http(400, b'{"error": {"message": "no logprobs here"}}')
        if body.get("n", 1) > 1 and not self.several:
            return http(400, b'{"error": {"message": "one at a time"}}')
        answered = self._answer(body, fault)
        if self.streams and body.get("stream"):
            self.streamed += 1
            return http(200, events(json.loads(answered)), Content_Type="text/event-stream")
        return None if fault == "reset" else http(int(fault) if fault in ("201", "504") else 200, answered)

    def _answer(self, body: dict[str, Any], fault: str | None) -> bytes:
        text = body["messages"][-1]["content"]
        if (wrote := written(text)) is not None:
            return self._write(wrote, body)
        self.asked[text] += 1
        self.heard.append(("max_tokens" in body, body["messages"]))
        shares = model(text, self.aside)
        best = max(shares, key=lambda name: shares[name])
        if self.judge is not None and text.endswith("?"):
            best = self.judge(text)
            shares = {best: 1.0}
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
        self.said[text] = [choice["message"]["content"] for choice in choices]
        words = self.hidden + self.tokens_factor * sum(len(message["content"].split()) for message in body["messages"])
        self.calls += 1
        self.tokens_in += words
        self.tokens_out += len(choices)
        usage: dict[str, Any] = {"prompt_tokens": words, "completion_tokens": len(choices)} | self._from_cache(body)
        if self.odd:
            usage = {"prompt_tokens": 2**70 if self.calls % 3 == 0 else words, "completion_tokens": 1}
            choices[0]["message"]["content"] += "\0"
            choices[0]["finish_reason"] += "\0" * 10_000
            tops = [{"token": "a\0", "logprob": float("-inf")}, {"token": best, "logprob": 1000.0}]
            choices[0]["logprobs"] = {"content": [{"token": best, "logprob": 0.0, "top_logprobs": tops}]}
        reply: dict[str, Any] = {"id": "c", "object": "chat.completion", "model": body["model"], "choices": choices}
        if fault == "mute":
            del reply["choices"]
        return json.dumps(reply if fault == "unusable" else reply | {"usage": usage}).encode()

    def _from_cache(self, body: dict[str, Any]) -> dict[str, Any]:
        """What the usage says of it, and the bill counts."""
        first = body["messages"][0]
        if self.rate_cached is None or first["role"] != "system":
            return {}
        known, words = first["content"] in self.read, self.tokens_factor * len(first["content"].split())
        self.read.add(first["content"])
        cached = words // 2 * 2 if known else 0
        self.cached += cached
        return {"prompt_tokens_details": {"cached_tokens": cached}}

    def _write(self, wrote: Written, body: dict[str, Any]) -> bytes:
        self.wrote.append(wrote)
        words, said = len(body["messages"][-1]["content"].split()), len(wrote.reply.split())
        self.calls, self.tokens_in, self.tokens_out = self.calls + 1, self.tokens_in + words, self.tokens_out + said
        choice = {"index": 0, "message": {"role": "assistant", "content": wrote.reply}, "finish_reason": "stop"}
        usage = {"prompt_tokens": words, "completion_tokens": said}
        reply = {"id": "c", "object": "chat.completion", "model": body["model"], "choices": [choice], "usage": usage}
        return json.dumps(reply).encode()

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
def served(teacher: Teacher | None = None, **settings: Any) -> Iterator[Teacher]:
    """A teacher that answers on loopback until the block ends."""
    teacher = teacher or Teacher(**settings)
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
