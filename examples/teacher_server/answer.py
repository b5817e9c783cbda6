"""From the model's distribution over its classes to an answer, token by token.

A class name of several tokens is told by the chain rule: at each position, the probability of a token is the share of the
classes that begin with what was said so far, and go on with it. Where one name's tokens begin another's, the end of the
answer decides between them, which the wire shows only within JSON, whose closing quote is a token of its own.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from examples.teacher_server.ask import Ask
from examples.teacher_server.tokens import Tokens

REFUSAL = "I cannot help with that request."
GARBAGE = "Well, it depends! Perhaps 42, or %%?"


@dataclass(frozen=True)
class Answer:
    """`tops[t]` are the tokens that could stand at position t: token to natural log-probability, most likely first."""

    pieces: list[str]
    tops: list[dict[str, float]]
    finish: str = "stop"  # or length, or refusal
    stopped: str | None = None  # the stop sequence that was met

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass(frozen=True)
class Event:
    """A piece of a stream, and how many tokens of the answers it tells."""

    text: str
    tokens: int = 0


def answers(ask: Ask, distribution: Mapping[str, float], tokens: Tokens) -> list[Answer]:
    """`ask.n` answers drawn from the log-probabilities of the classes, renormalised among those that may be said."""
    among = {name: distribution[name] for name in ask.among(list(distribution))}
    spoken = {name: tokens.pieces(ask.frame.write(name) if ask.frame else name) for name in among}
    made = []
    for number in range(ask.n):
        name = choose(among, ask.temperature, ask.top_p, dice(ask, number))
        said = spoken[name]
        tops = [alternatives(said[:position], among, spoken) for position in range(len(said))]
        made.append(cut(Answer(said, tops), ask))
    return made


def dice(ask: Ask, number: int) -> random.Random:
    """The same for the same seed, prompt and number of the choice."""
    return random.Random() if ask.seed is None else random.Random(f"{ask.seed} {number} {ask.contents}")


def choose(logprobs: Mapping[str, float], temperature: float, top_p: float, dice: random.Random) -> str:
    """The most likely at 0; else a draw at that temperature from the smallest set of classes that reaches `top_p`."""
    ranked = sorted(logprobs, key=lambda name: -logprobs[name])
    if temperature == 0:
        return ranked[0]
    best = logprobs[ranked[0]]
    weights = [math.exp((logprobs[name] - best) / temperature) for name in ranked]
    kept, total, whole = 1, weights[0], sum(weights)
    while kept < len(ranked) and total < top_p * whole:
        total, kept = total + weights[kept], kept + 1
    return dice.choices(ranked[:kept], weights[:kept])[0]


def alternatives(said: list[str], logprobs: Mapping[str, float], spoken: Mapping[str, list[str]]) -> dict[str, float]:
    """Tokens that may follow `said`, with their log-probabilities given it."""
    shares: dict[str, float] = {}
    for name, pieces in spoken.items():
        if len(pieces) > len(said) and pieces[: len(said)] == said:
            shares[pieces[len(said)]] = shares.get(pieces[len(said)], 0.0) + math.exp(logprobs[name])
    whole = sum(shares.values())
    return {token: math.log(share / whole) for token, share in sorted(shares.items(), key=lambda pair: -pair[1])}


def verbatim(text: str, ask: Ask, tokens: Tokens) -> Answer:
    """An answer of no class, every token certain."""
    pieces = tokens.pieces(text)
    return cut(Answer(pieces, [{piece: 0.0} for piece in pieces]), ask)


def cut(answer: Answer, ask: Ask) -> Answer:
    """Up to the first stop sequence, and not beyond the limit of tokens."""
    shortened = answer
    if ask.limit is not None and len(answer.pieces) > ask.limit:
        shortened = replace(answer, pieces=answer.pieces[: ask.limit], tops=answer.tops[: ask.limit], finish="length")
    met = [(place, stop) for stop in ask.stop if (place := shortened.text.find(stop)) >= 0]
    if not met:
        return shortened
    place, stop = min(met)
    pieces, left = [], place
    for piece in shortened.pieces:
        if left > 0:
            pieces.append(piece[:left])
        left -= len(piece)
    return Answer(pieces, shortened.tops[: len(pieces)], "stop", stop)
