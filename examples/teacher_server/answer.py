"""From a prompt and the head's distribution to an answer, token by token.

A class name of several tokens is told by the chain rule: at each position, the probability of a token is the share of the
classes that begin with what was said so far, and go on with it. Where one name's tokens begin another's, the end of the
answer decides between them, and the wire does not show it.
"""

import math
import random
import re
from dataclasses import dataclass

OFFER = re.compile(r"one of:\s*([^\n]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    pieces: list[str]
    tops: list[dict[str, float]]  # at each position: token to log-probability, most likely first
    finish: str


def asked_text(message: str) -> str:
    """What is to be classed: what follows the last `Text:`; else the last paragraph."""
    return message.rpartition("Text:")[2].strip() if "Text:" in message else message.strip().rpartition("\n\n")[2]


def offered(prompt: str, classes: list[str]) -> list[str]:
    """The classes after the last "one of:" in the prompt; all, where it offers none that is known."""
    found = OFFER.findall(prompt)
    named = {name.strip(" .\"'`").lower() for name in found[-1].split(",")} if found else set()
    return [name for name in classes if name.lower() in named] or classes


def choose(logprobs: dict[str, float], temperature: float, top_p: float, seed: object) -> str:
    """The most likely at 0; else a draw at that temperature from the smallest set of classes that reaches `top_p`."""
    ranked = sorted(logprobs, key=lambda name: -logprobs[name])
    if temperature == 0:
        return ranked[0]
    best = logprobs[ranked[0]]
    weights = [math.exp((logprobs[name] - best) / temperature) for name in ranked]
    kept, total = 1, weights[0]
    while kept < len(ranked) and total < top_p * sum(weights):
        total, kept = total + weights[kept], kept + 1
    return random.Random(str(seed)).choices(ranked[:kept], weights[:kept])[0]


def tell(name: str, logprobs: dict[str, float], pieces: dict[str, list[str]], limit: int | None) -> Answer:
    """`name` in tokens, each with its alternatives, cut after `limit` tokens."""
    said = pieces[name] if limit is None else pieces[name][:limit]
    tops = [alternatives(said[:position], logprobs, pieces) for position in range(len(said))]
    return Answer(said, tops, "stop" if len(said) == len(pieces[name]) else "length")


def alternatives(said: list[str], logprobs: dict[str, float], pieces: dict[str, list[str]]) -> dict[str, float]:
    fitting = {name: math.exp(value) for name, value in logprobs.items() if pieces[name][: len(said)] == said}
    sums: dict[str, float] = {}
    for name, share in fitting.items():
        if len(pieces[name]) > len(said):
            token = pieces[name][len(said)]
            sums[token] = sums.get(token, 0) + share
    total = max(sum(fitting.values()), 1e-300)
    return {token: math.log(max(sums[token] / total, 1e-300)) for token in sorted(sums, key=lambda token: -sums[token])}
