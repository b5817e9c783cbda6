"""Money for calls, taken in lots: a call is not made before its bound is set aside. Amounts are micro-dollars.

Lots and bounds are whole, what calls cost is exact: what is free for no call has a part of one, which another call's may complete. The bounds of
calls in flight are whole together, so they lie within what the database has set aside once what was spent is rounded up (gateway/till.py).
"""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

from gateway.price import whole
from models.purse import Cap, Lot

LOT = 64
"""Calls for which money is set aside at once, those in flight among them: what a worker that is killed is booked for at most."""


class Broke(Exception):
    """A cap leaves no money for one more call, and no call in flight could give any back."""

    def __init__(self, cap: Cap) -> None:
        super().__init__(cap)
        self.cap = cap


class Lost(Exception):
    """The step is somebody else's."""


class Purse:
    """What a step has set aside and not spent. `reserve(wanted, least, bound)` asks the database for more, for a call of this bound; `lot`: for how many calls at once."""

    def __init__(self, reserve: Callable[[int, int, int], Awaitable[Lot]], lot: int = LOT) -> None:
        self._reserve, self._lot = reserve, lot
        self._free, self._flying, self._bound = Decimal(), 0, 0
        """Money for no call yet; calls in flight; their bounds together."""
        self._taken = self._taken_for = 0
        """The bounds of all calls so far, and how many they were."""
        self._opened = self._barred = False
        self._broke: Cap | None = None
        self._changed = asyncio.Condition()

    @property
    def flying(self) -> int:
        """Calls for which money is set aside, and that are not settled."""
        return self._flying

    async def take(self, bound: int) -> None:
        """Sets the bound of one call aside. Raises Broke, Lost.

        Once a cap has said no, only what calls in flight leave of their bounds can pay for more: the database is not asked again until
        none is in flight.
        """
        async with self._changed:
            while self._free < bound or not self._opened:
                if self._broke is not None:
                    raise Broke(self._broke)
                if self._barred and self._flying:
                    await self._changed.wait()
                    continue
                await self._fetch(bound)
            self._free -= bound
            self._bound, self._flying = self._bound + bound, self._flying + 1
            self._taken, self._taken_for = self._taken + bound, self._taken_for + 1

    async def _fetch(self, bound: int) -> None:
        """One more lot: with what is in flight it is for so many calls of a mean bound. Raises Broke, Lost."""
        usual = (self._taken + bound) // (self._taken_for + 1)
        wanted = max(bound, self._lot * usual - self._bound)
        lot = await self._reserve(whole(wanted - self._free), whole(bound - self._free), bound)
        if lot.lost:
            raise Lost
        self._barred = lot.barred is not None
        if lot.barred is None:
            self._opened = True
            self._free += lot.granted
        elif not self._flying:
            self._broke = lot.barred
            self._changed.notify_all()
            raise Broke(lot.barred)

    async def settle(self, bound: int, amount: Decimal) -> None:
        """The call is over and cost `amount`; what was set aside beyond it is free for others."""
        async with self._changed:
            self._free += max(Decimal(), bound - amount)
            self._bound -= bound
            self._flying -= 1
            self._changed.notify_all()
