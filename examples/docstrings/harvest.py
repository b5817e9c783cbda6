"""Docstrings, read from the source of installed libraries. Nothing is imported: `ast` parses the files."""

import ast
import re
from collections.abc import Iterator
from hashlib import sha256
from importlib.machinery import PathFinder
from pathlib import Path

SKIPPED = re.compile(
    r"(^|/)(tests?|testing|_?vendor(ed)?|externals?|_?extern|conftest|test_[^/]*|[^/]*_pb2?)(\.py|/|$)"
)
TWINS = re.compile(r"_?(asyncio|asyncs?|aio|sync)_?")
MARKUP = re.compile(r":[\w:.+-]+:`~?[.!]?([^`<]*)(?:<[^`]*>)?`|`+([^`]*)`+|[-=~^]{3,}|[*|]+|\s+")


def docstrings(library: str, seed: int) -> Iterator[tuple[str, str]]:
    """(module, docstring on one line) of every docstring of `library`, its modules in an order drawn from the seed. A
    synchronous module and its asynchronous twin go by one name and come together."""
    root = folder(library)
    modules: dict[str, list[Path]] = {}
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root).as_posix()
        if not SKIPPED.search(name):
            modules.setdefault(TWINS.sub("", name), []).append(path)
    for module in sorted(modules, key=lambda name: sha256(f"{seed} {library} {name}".encode()).digest()):
        yield from ((module, text) for path in modules[module] for text in of_file(path))


def folder(library: str) -> Path:
    """Where the library's source lies. Raises LookupError where it is not installed."""
    found = PathFinder.find_spec(library)
    if found is None or not found.submodule_search_locations:
        raise LookupError(f"{library} is not installed here; `make .venv/ready` installs it")
    return Path(found.submodule_search_locations[0])


def of_file(path: Path) -> Iterator[str]:
    """The docstrings of one file; none of a file that is no Python of this version."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = plain(ast.get_docstring(node) or "")
            if text:
                yield text


def plain(text: str) -> str:
    """Without markup, on one line."""
    return re.sub(r"\s+", " ", MARKUP.sub(lambda found: found[1] or found[2] or " ", text)).strip()
