"""The way of an answer along its tokens to the name of a choice."""

from collections.abc import Mapping, Sequence

from spec.marks import closed, opened


class Path:
    """How far it is, and where each token would lead. Names are compared without case, and without the marks around them."""

    def __init__(self, names: Sequence[str], text: str) -> None:
        """`names`: folded."""
        self._names, self._rest = names, text.casefold()
        self._first = {name[:1] for name in names}
        self._said = opened(self._rest, self._first)
        self._prefix = ""

    @property
    def begun(self) -> bool:
        """Whether a token was more than marks before a name."""
        return bool(self._prefix)

    @property
    def over(self) -> bool:
        """Whether nothing but marks follows."""
        return closed(self._prefix) == closed(self._said)

    def taken(self, likely: Mapping[str, float]) -> str | None:
        """The listed token that the answer went on with; `likely`: probabilities.

        Within a name the longest that fits the text. Before it the most likely one: where the text begins without white space, its endpoint may
        have cut off some that a token had.
        """
        if self.begun:
            fitting = [token for token in likely if token and self._said.startswith(self._prefix + token.casefold())]
            return max(fitting, key=len, default=None)
        before = [token for token in likely if token and self._rest.startswith(self._cut(token))]
        within = [token for token in likely if (name := self._name(token)) and self._said.startswith(name)]
        return max(before or within, key=lambda token: (likely[token], len(token)), default=None)

    def go(self, token: str) -> None:
        """Takes one step along the text."""
        if self.begun:
            self._prefix += token.casefold()
        else:
            self._rest, self._prefix = self._rest.removeprefix(self._cut(token)), self._name(token)

    def led(self, token: str, names: Sequence[int]) -> list[int]:
        """Places of those names that are possible after the token; none where it says nothing of a name."""
        path = self._prefix + (token.casefold() if self.begun else self._name(token))
        if not path:
            return []
        possible = [v for v in names if self._names[v].startswith(path) or self._names[v] == path.rstrip()]
        return possible or [v for v in names if self._names[v] == closed(path)]

    def left(self, names: list[int]) -> list[int]:
        """Places of those names that are possible now."""
        return self.led("", names) if self.begun else names

    def whole(self, place: int) -> bool:
        """Whether this name was said to its end."""
        return self._names[place] in (self._prefix.rstrip(), closed(self._prefix))

    def _name(self, token: str) -> str:
        """What of a first token is of a name."""
        return opened(token.casefold(), self._first)

    def _cut(self, token: str) -> str:
        """A first token as it stands in the text."""
        return token.casefold() if self._rest[:1].isspace() else token.casefold().lstrip()
