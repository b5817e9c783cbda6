"""What the calls of a probe cost: counted as they end, and held to what is left of the project's month. Amounts are micro-dollars."""

from dataclasses import dataclass, field
from decimal import Decimal

from gateway.price import Price, exact, whole
from gateway.purse import Broke
from gateway.reply import Ask, Usage
from models.purse import Spent
from spec import facts
from spec.call import bound
from spec.digest import canonical


@dataclass
class Meter:
    """Of one look at an endpoint, on one event loop. Nothing is set aside in the database: a job that pays meanwhile may take the month above its cap by what one look costs."""

    endpoint: str = ""
    """`ep_name`."""
    price: facts.Price | None = None
    left: int | None = None
    """Of the project's month, as the look begins; None: it has no cap."""
    broke: bool = False
    """A call was not made for want of money."""
    _flying: int = field(default=0, init=False)
    """Bounds of calls in flight."""
    _amount: Decimal = field(default_factory=Decimal, init=False)
    _calls: int = field(default=0, init=False)
    _used: list[Usage] = field(default_factory=list, init=False)

    def affords(self, *sizes: int) -> bool:
        """Whether a month that has a cap has money for plain questions of these bytes, and any at all."""
        least = sum(bound(self.price, [size], 2, 1) for size in sizes)
        return self.left is None or self.left >= max(least, 1)

    def take(self, ask: Ask, tokens_per_call: float) -> int:
        """The bound of one call, which may now be made. Raises Broke."""
        sizes = [len(message.content.encode()) for message in ask.messages]
        sizes += [len(canonical(ask.schema))] if ask.schema else []
        most = bound(self.price, sizes, ask.sampling.max_tokens, ask.sampling.n or 1, tokens_per_call)
        if self.left is not None and self._amount + self._flying + most > self.left:
            self.broke = True
            raise Broke("project")
        self._flying += most
        return most

    def settle(self, most: int, usage: Usage | None, *, billed: bool = True) -> None:
        """The call is over. Where nobody knows what it has used, it is booked at its bound."""
        self._flying -= most
        if not billed:
            return
        self._calls += 1
        if usage is None:
            self._amount += most
            return
        self._used.append(usage)
        self._amount += Decimal() if self.price is None else exact(usage, Price.of(self.price))

    def spent(self) -> Spent | None:
        """What all calls cost together, rounded up once; None: none may be on a bill."""
        if not self._calls:
            return None
        return Spent(
            group=0,
            endpoint=self.endpoint,
            price_version=self.price.version if self.price else 0,
            amount=whole(self._amount),
            released=0,
            calls=self._calls,
            input_tokens=sum(usage.input for usage in self._used),
            output_tokens=sum(usage.output for usage in self._used),
            cached_tokens=sum(usage.cached for usage in self._used),
        )
