"""The names that an answer may say, and which of them a text is."""

from dataclasses import dataclass
from functools import cached_property

from spec.marks import bare


@dataclass(frozen=True, kw_only=True)
class Names:
    """Compared without case."""

    names: tuple[str, ...]

    @cached_property
    def folded(self) -> list[str]:
        """Names as they are compared."""
        return [name.strip().casefold() for name in self.names]

    @cached_property
    def _alike(self) -> dict[str, list[int]]:
        """Places by what is left of a name without the marks around it."""
        found: dict[str, list[int]] = {}
        for place, name in enumerate(self.folded):
            found.setdefault(bare(name), []).append(place)
        return found

    def find(self, text: str) -> int | None:
        """The place of the name that the text is but for marks around it. None: it is no name, or might be several.

        Marks that are of a name are looked for first ("U.S." in quotes), and may be missing where no other name is the same without its marks.
        """
        said = text.strip().casefold()
        if said in self.folded:
            return self.folded.index(said)
        core = bare(said)
        if not core:
            return None
        alike = self._alike.get(core, [])
        before, _, behind = said.partition(core)
        fitting = []
        for place in alike:
            lead, _, trail = self.folded[place].partition(core)
            if before.endswith(lead) and behind.startswith(trail):
                fitting.append(place)
        if fitting:
            return max(fitting, key=lambda place: len(self.folded[place]))
        return alike[0] if len(alike) == 1 else None
