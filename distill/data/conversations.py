"""Conversations, one a line, as Amazon Bedrock and Vertex AI take them: a prompt, perhaps a system text before it and a response after it.

Bedrock: `{"schemaVersion": "bedrock-conversation-2024", "system": [{"text": …}], "messages": [{"role": "user", "content": [{"text": …}]}, …]}`
(User Guide, "Prepare your training datasets for distillation"). Vertex: `{"systemInstruction": {"parts": [{"text": …}]}, "contents":
[{"role": "user", "parts": [{"text": …}]}, …]}` (REST reference, `Content`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
SYSTEM, PROMPT, RESPONSE = "system", "prompt", "response"
ROLES = {"input": PROMPT, "label": RESPONSE, "system": SYSTEM}
"""Column of each role."""
VERSIONS = ("bedrock-conversation-2024", "bedrock-conversion-2024")
"""The second one is how Amazon's guide once spelled it."""


class Unreadable(Exception):
    """Why a line is no conversation that can be read."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """Who speaks, and where the texts are."""

    fields: tuple[str, ...]
    """Of a line."""
    system: Callable[[Row], str | None]
    turns: str
    """The field of a line that lists the turns, and that of a turn which lists its texts."""
    texts: str
    asker: tuple[str | None, ...] = ("user",)
    """What the role of a question may be; None: it may be left out."""
    answerer: tuple[str, ...]

    def read(self, row: Row) -> Row | str:
        """The columns of a line, or why it has none."""
        try:
            known(row, self.fields, "a conversation")
            system, said = self.system(row), self._said(row)
        except Unreadable as reason:
            return str(reason)
        return {SYSTEM: system or None, PROMPT: said[0], RESPONSE: said[1].strip() if len(said) > 1 else None}

    def _said(self, row: Row) -> list[str]:
        """A question, and its answer where it has one."""
        turns = row.get(self.turns)
        if not isinstance(turns, list) or not turns or not all(isinstance(turn, dict) for turn in turns):
            raise Unreadable(f"{self.turns} is not a list of turns")
        if len(turns) > 2:
            raise Unreadable(f"the conversation has {len(turns)} turns, and one question with its answer is read")
        speakers = (self.asker, self.answerer)
        return [self._turn(turns[i], f"{self.turns}[{i}]", speakers[i]) for i in range(len(turns))]

    def _turn(self, turn: Row, where: str, roles: tuple[str | None, ...]) -> str:
        known(turn, ("role", self.texts), where)
        role = turn.get("role")
        if role not in roles:
            raise Unreadable(f"{where}.role is not {roles[0]!r} but {str(role)[:40]!r}")
        said = joined(turn.get(self.texts), f"{where}.{self.texts}")
        if not said.strip():
            raise Unreadable(f"{where} says nothing")
        return said


def joined(pieces: Any, where: str) -> str:
    """The texts of a list of pieces, a line each. Raises Unreadable: a piece is no text."""
    if not isinstance(pieces, list) or not pieces:
        raise Unreadable(f"{where} is not a list of texts")
    for place, piece in enumerate(pieces):
        if not isinstance(piece, dict) or set(piece) != {"text"} or not isinstance(piece["text"], str):
            what = ", ".join(sorted(piece))[:40] if isinstance(piece, dict) else type(piece).__name__
            raise Unreadable(f"{where}[{place}] is not a text alone but {what or 'empty'}")
    return "\n".join(piece["text"] for piece in pieces)


def known(found: Row, fields: Sequence[str], what: str) -> None:
    """Raises Unreadable: a field that would not be read."""
    for name in found:
        if name not in fields:
            raise Unreadable(f"{what} has no field {name[:40]!r}, only {', '.join(fields)}")


def _bedrock_system(row: Row) -> str | None:
    if row.get("schemaVersion") not in VERSIONS:
        raise Unreadable(f"schemaVersion is not {VERSIONS[0]!r} but {str(row.get('schemaVersion'))[:40]!r}")
    return joined(row["system"], "system") if row.get("system") is not None else None


def _vertex_system(row: Row) -> str | None:
    said = row.get("systemInstruction")
    if said is None:
        return None
    if not isinstance(said, dict):
        raise Unreadable("systemInstruction is not an object with parts")
    known(said, ("role", "parts"), "systemInstruction")
    return joined(said.get("parts"), "systemInstruction.parts")


BEDROCK = Format(
    fields=("schemaVersion", "system", "messages"),
    system=_bedrock_system,
    turns="messages",
    texts="content",
    answerer=("assistant",),
)
VERTEX = Format(
    fields=("systemInstruction", "contents"),
    system=_vertex_system,
    turns="contents",
    texts="parts",
    asker=("user", None),
    answerer=("model",),
)


def format_of(row: Row) -> Format | None:
    """How the lines of a file are to be read whose first object is `row`; None where that is no conversation."""
    if isinstance(row.get("schemaVersion"), str) and "messages" in row:
        return BEDROCK
    contents = row.get("contents")
    first = contents[0] if isinstance(contents, list) and contents else None
    return VERTEX if isinstance(first, dict) and "parts" in first else None
