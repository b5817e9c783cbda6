"""What all questions of a step have in common: how one is asked, what finds its answer again, what it can cost."""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

from gateway.client import REPLY
from gateway.reply import Ask, Message, Sampling
from models.postage import Entry
from spec import facts
from spec.call import bound
from spec.digest import canonical, digest
from spec.tokens import Extent

AROUND = 8 << 10
"""Bytes of a result in a batch's file beside its answers: some 1,000 as OpenAI sends it, 2,000 with what Azure's filters say."""
TOKEN, TOP = 128, 256
"""Bytes of a token, which may stand there twice, with escapes, and of one with its log-probability and its bytes: some 80 as OpenAI sends it."""
UNKNOWN = facts.Capabilities()
UNBOUNDED = 4096
"""Tokens of an answer that has no bound, as most of a batch keep to."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """What all questions of a step have in common."""

    endpoint: str
    """`ep_name`."""
    digest: str
    """Of its wire and URL."""
    model: str
    sampling: Sampling
    samples: int = 1
    several: bool = False
    """The endpoint gives several answers to one call."""
    top_logprobs: int | None = None
    schema: dict[str, object] | None = None
    price: facts.Price | None = None
    able: facts.Capabilities = UNKNOWN
    bounded_by: facts.BoundName = "max_tokens"

    def digest_of(self, messages: Sequence[Message]) -> str:
        """By which an answer is found: all that it depends on, and not how many are asked for."""
        asked = {
            "endpoint": self.digest,
            "model": self.model,
            "messages": [[message.role, message.content] for message in messages],
            "sampling": {name: value for name, value in vars(self.sampling).items() if value is not None},
            "top_logprobs": self.top_logprobs,
            "schema": self.schema,
        }
        return digest(asked)

    def runs(self, have: Container[int]) -> list[tuple[int, int]]:
        """Calls for the samples that are missing: the first sample and the number of each; one call for all where the endpoint can."""
        missing = [i for i in range(self.samples) if i not in have]
        if self.several and missing and missing == list(range(missing[0], self.samples)):
            return [(missing[0], len(missing))]
        return [(i, 1) for i in missing]

    def ask(self, messages: Sequence[Message], first: int, samples: int) -> Ask:
        """For samples `first` to `first + samples` of a question; each has a seed of its own, where there is one."""
        seed = None if self.sampling.seed is None else self.sampling.seed + first
        sampling = replace(self.sampling, seed=seed, n=samples if samples > 1 else None)
        return Ask(self.model, tuple(messages), sampling, self.top_logprobs, self.schema, self.bounded_by)

    def bound(self, messages: Sequence[Message], samples: int) -> int:
        return bound(self.price, self._sizes(messages), self.sampling.max_tokens, samples, self.able.tokens_per_call)

    def entry(self, messages: Sequence[Message], key: str, first: int, samples: int) -> Entry:
        """The same call in a batch."""
        return Entry(key, first, samples, self.bound(messages, samples), self._room(samples))

    def _room(self, samples: int) -> int:
        """Bytes of its result, by the tokens of an answer and those that are told beside each; never more than of a reply that comes by itself."""
        beside = 0 if self.top_logprobs is None else TOP * (1 + self.top_logprobs)
        return min(REPLY, AROUND + samples * (self.sampling.max_tokens or UNBOUNDED) * (TOKEN + beside))

    def tokens(self, messages: Sequence[Message], samples: int) -> int:
        """About so many, for the limit of tokens a minute."""
        prompt = sum(Extent.written(self.able, message.content).tokens for message in messages)
        return int(prompt + self.able.tokens_per_call) + samples * (self.sampling.max_tokens or 0)

    def _sizes(self, messages: Sequence[Message]) -> list[int]:
        schema = [len(canonical(self.schema))] if self.schema else []
        return [*(len(message.content.encode()) for message in messages), *schema]
