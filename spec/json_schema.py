"""JSON Schema, draft 2020-12: what is a schema, and what fits one. Nothing is ever fetched.

The library is imported where there is a schema: it takes a quarter of a second, and few jobs have one.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from spec.pattern import unreadable

DIALECT = "https://json-schema.org/draft/2020-12/schema"
REFERENCES = ("$ref", "$dynamicRef")


def fault(schema: Mapping[str, Any]) -> str | None:
    """Why it is no schema that can be used here, as one sentence; None where it is one. It is not tried on anything."""
    from jsonschema import Draft202012Validator, SchemaError  # noqa: PLC0415  # see above
    from referencing import Registry  # noqa: PLC0415  # see above
    from referencing.exceptions import Unresolvable  # noqa: PLC0415  # see above
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415  # see above

    if str(schema.get("$schema", DIALECT)).rstrip("#") != DIALECT:
        return f"Its $schema is not {DIALECT}."
    if why := _unusable(schema):
        return why
    try:
        Draft202012Validator.check_schema(schema)
        resolver = Registry().resolver_with_root(DRAFT202012.create_resource(schema))
        for reference in _references(schema):
            if not reference.startswith("#"):
                return f'"{reference[:100]}" leads out of it, and nothing is fetched.'
            if _circles(resolver, reference):
                return f'"{reference[:100]}" leads back to itself.'
    except SchemaError as error:
        return f"At {error.json_path}: {error.message[:200]}."
    except Unresolvable as error:
        return f'"{str(error.ref)[:100]}" is not in it.'
    except (RecursionError, OverflowError):
        return "It is too deep, or one of its numbers is too large."
    return None


def _unusable(schema: Mapping[str, Any]) -> str | None:
    """What no schema of ours may have, wherever it stands in it."""
    for node in _nodes(schema):
        for pattern in _patterns(node):
            if why := unreadable(pattern):
                return f'"{pattern[:100]}": {why}'
        if node is not schema and isinstance(node.get("$id"), str):
            return "A part of it has an $id of its own, which changes what references lead to."
    return None


def _circles(resolver: Any, reference: str) -> bool:
    """Whether references lead on and on without a schema between them. Raises Unresolvable."""
    found, seen = resolver.lookup(reference), {reference}
    while isinstance(found.contents, Mapping) and isinstance(further := found.contents.get("$ref"), str):
        if further in seen:
            return True
        seen.add(further)
        found = found.resolver.lookup(further)
    return False


def fits(schema: Mapping[str, Any]) -> Callable[[Any], bool]:
    """Whether a value fits a schema that has no fault. A value too deep for it does not, nor one whose numbers are too large for it."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415  # see above
    from referencing import Registry  # noqa: PLC0415  # see above
    from referencing.exceptions import Unresolvable  # noqa: PLC0415  # see above

    validator = Draft202012Validator(schema, registry=Registry())  # the library's own registry would fetch

    def fit(value: Any) -> bool:
        try:
            return bool(validator.is_valid(value))
        except (RecursionError, ArithmeticError, Unresolvable):
            return False

    return fit


def _nodes(node: Any) -> Iterator[Mapping[str, Any]]:
    """All objects in it, itself first."""
    if isinstance(node, Mapping):
        yield node
    for inner in node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ():
        yield from _nodes(inner)


def _patterns(node: Mapping[str, Any]) -> list[str]:
    keyed = node.get("patternProperties")
    own = [node["pattern"]] if isinstance(node.get("pattern"), str) else []
    return own + (list(keyed) if isinstance(keyed, Mapping) else [])


def _references(node: Any) -> Iterator[str]:
    """Values of `$ref` and the like, wherever they stand."""
    if isinstance(node, Mapping):
        yield from (node[name] for name in REFERENCES if isinstance(node.get(name), str))
        node = list(node.values())
    for inner in node if isinstance(node, list) else ():
        yield from _references(inner)
