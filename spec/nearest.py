"""The known name that a misspelt one was probably meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The most similar known name; None where none is similar. Case is no difference."""
    names = {name.lower(): name for name in known}
    found = get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    return names[found[0]] if found else None


def suggestion(word: str, known: Iterable[str]) -> str | None:
    """A hint that names the nearest, else all where they are few; None where nothing is known."""
    names = list(known)
    found = nearest(word, names)
    if found is not None:
        return f'Did you mean "{found}"?'
    listed = ", ".join(f'"{name}"' for name in names[:10])
    return f"There is {listed}{', …' if len(names) > 10 else ''}." if names else None
