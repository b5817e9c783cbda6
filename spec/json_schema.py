"""JSON Schema, draft 2020-12: what is a schema, and what fits one. Nothing is ever fetched.

The library is imported where there is a schema: it takes a quarter of a second, and few jobs have one.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

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
    try:
        Draft202012Validator.check_schema(schema)
        resolver = Registry().resolver_with_root(DRAFT202012.create_resource(schema))
        for reference in _references(schema):
            if not reference.startswith("#"):
                return f'"{reference[:100]}" leads out of it, and nothing is fetched.'
            resolver.lookup(reference)
    except SchemaError as error:
        return f"At {error.json_path}: {error.message[:200]}."
    except Unresolvable as error:
        return f'"{str(error.ref)[:100]}" is not in it.'
    except RecursionError:
        return "It is too deep."
    return None


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


def _references(node: Any) -> Iterator[str]:
    """Values of `$ref` and the like, wherever they stand."""
    if isinstance(node, Mapping):
        yield from (node[name] for name in REFERENCES if isinstance(node.get(name), str))
        node = list(node.values())
    for inner in node if isinstance(node, list) else ():
        yield from _references(inner)
