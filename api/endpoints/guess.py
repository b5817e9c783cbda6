"""Which of the models that an endpoint lists may chat, by their names: lists such as OpenAI's have all kinds."""

import re
from collections.abc import Sequence

OTHERS = (
    "embed", "bge-", "gte-", "rerank", "whisper", "transcribe", "tts", "audio", "speech", "voice", "realtime", "dall-e", "image", "sora", "video",
    "ocr", "moderation", "guard", "babbage", "davinci", "ada-00", "codex", "computer-use", "deep-research", "search",
)  # fmt: skip
"""Parts of names of models that embed, speak, draw, judge or complete, or chat at another path: they are tried last."""
DATED = re.compile(r"-\d{4}(-?\d{2}-?\d{2})?$")
"""A version of a day, as in gpt-4-0613 or gpt-4o-2024-08-06: it is retired before the name without the day is."""


def likely(models: Sequence[str]) -> list[str]:
    """The likeliest first; by name where nothing tells them apart."""

    def place(name: str) -> tuple[bool, bool, str]:
        return any(part in name.lower() for part in OTHERS), DATED.search(name) is not None, name

    return sorted(models, key=place)
