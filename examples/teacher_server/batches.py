"""Texts that arrive while the encoder is busy go through it together."""

import asyncio

from examples.teacher_server.teacher import Teacher


class Batches:
    def __init__(self, teacher: Teacher, size: int = 32) -> None:
        self.teacher, self.size, self.classes = teacher, size, teacher.classes
        self.waiting: list[tuple[str, asyncio.Future[list[float]]]] = []
        self.running: asyncio.Task[None] | None = None

    async def logprobs(self, text: str) -> list[float]:
        future: asyncio.Future[list[float]] = asyncio.get_running_loop().create_future()
        self.waiting.append((text, future))
        if self.running is None or self.running.done():
            self.running = asyncio.create_task(self.run())
        return await future

    async def run(self) -> None:
        while self.waiting:
            batch, self.waiting = self.waiting[: self.size], self.waiting[self.size :]
            try:
                found = await asyncio.to_thread(self.teacher.logprobs, [text for text, _ in batch])
                rows = zip((future for _, future in batch), found.tolist(), strict=True)
            except BaseException as wrong:
                for _, future in batch:
                    future.set_exception(wrong)
                raise
            for future, row in rows:
                if not future.done():
                    future.set_result(row)
