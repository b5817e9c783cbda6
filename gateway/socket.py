"""The Unix socket that a child asks through: lines in, lines out, both bounded. The child is not trusted."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from pydantic import ValidationError

from spec.gateway import Asked, Told

TOGETHER = 256
"""Questions that are looked up in one statement."""
Take = Callable[[Sequence[Asked]], Awaitable[None]]


class Conversation:
    """With one child."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def tell(self, told: Told) -> None:
        """Sends a reply; nothing happens if the child has gone."""
        if self._writer.is_closing():
            return
        try:
            self._writer.write(told.model_dump_json().encode() + b"\n")
            await self._writer.drain()
        except ConnectionError:
            return

    async def listen(self, take: Take) -> None:
        """Until the child has closed its end, or says what is no question."""
        pending: asyncio.Queue[Asked | None] = asyncio.Queue(TOGETHER)
        reading = asyncio.create_task(self._read(pending))
        try:
            more = True
            while more:
                group = [await pending.get()]
                while len(group) < TOGETHER and not pending.empty():
                    group.append(pending.get_nowait())
                asked = [one for one in group if one is not None]
                more = len(asked) == len(group)
                if asked:
                    await take(asked)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, pending: "asyncio.Queue[Asked | None]") -> None:
        try:
            while line := await self._reader.readline():
                await pending.put(Asked.model_validate_json(line))
        except (ValidationError, ValueError, ConnectionError):
            pass  # too long, or no question: whoever says so is not answered
        await pending.put(None)

    def close(self) -> None:
        self._writer.close()
