"""Types from an OpenAPI document: `python sdk/generate.py docs/openapi.json > sdk/src/stillhouse/types.py`. One TypedDict a schema.

What requests are made of takes any sequence, and leaves out what has a default; what replies are made of is there in full.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEAD = '''"""Generated from the OpenAPI document by sdk/generate.py; do not edit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

'''
SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
Schema = dict[str, Any]


def generate(document: Schema) -> str:
    """The text of a module."""
    schemas: dict[str, Schema] = document["components"]["schemas"]
    sent = reached(schemas, bodies(document))
    names = {name: schema["title"] if name.startswith("Page_") else name for name, schema in schemas.items()}
    classes = [
        declare(names, name, schema, name in sent) for name, schema in sorted(schemas.items()) if "properties" in schema
    ]
    unions = [
        f"{name} = {hint(names, schema, name in sent)}"
        for name, schema in sorted(schemas.items())
        if "properties" not in schema
    ]
    return HEAD + "".join(f"\n{one}\n\n" for one in classes) + "\n" + "\n".join(unions) + "\n"


def bodies(document: Schema) -> Iterator[Schema]:
    for path in document["paths"].values():
        for operation in path.values():
            yield operation.get("requestBody", {})


def reached(schemas: dict[str, Schema], roots: Iterator[Schema]) -> set[str]:
    """Names of all schemas that the roots refer to, at any depth."""
    found: set[str] = set()
    waiting = [name for root in roots for name in references(root)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += references(schemas[name])
    return found


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rpartition("/")[2]
        node = list(node.values())
    for item in node if isinstance(node, list) else ():
        yield from references(item)


def declare(names: dict[str, str], name: str, schema: Schema, sent: bool) -> str:
    lines = [f"class {names[name]}(TypedDict):", *document_of(schema)]
    for field, part in schema["properties"].items():
        written = hint(names, part, sent)
        optional = sent and field not in schema.get("required", ())
        lines += [f"    {field}: {f'NotRequired[{written}]' if optional else written}", *document_of(part)]
    return "\n".join(lines)


def document_of(schema: Schema) -> list[str]:
    text = schema.get("description", "").replace("\\", "\\\\").replace('"""', "'''").strip()
    return ['    """' + text.replace("\n", "\n    ") + '"""'] if text else []


def hint(names: dict[str, str], schema: Schema, sent: bool) -> str:
    """A schema as an annotation."""
    match schema:
        case {"$ref": reference}:
            return names[reference.rpartition("/")[2]]
        case {"anyOf": parts} | {"oneOf": parts}:
            return " | ".join(dict.fromkeys(hint(names, part, sent) for part in parts))
        case {"enum": values}:
            return f"Literal[{', '.join(map(repr, values))}]"
        case {"const": value}:
            return f"Literal[{value!r}]"
        case {"type": "array"}:
            items = [
                hint(names, part, sent)
                for part in (schema.get("items") or schema.get("prefixItems"),)
                if isinstance(part, dict)
            ]
            items = items or sorted({hint(names, part, sent) for part in schema.get("prefixItems", [])}) or ["Any"]
            return f"{'Sequence' if sent else 'list'}[{' | '.join(items)}]"
        case {"type": "object"}:
            values = [
                value
                for value in (schema.get("additionalProperties"), *schema.get("patternProperties", {}).values())
                if isinstance(value, dict)
            ]
            return f"{'Mapping' if sent else 'dict'}[str, {hint(names, values[0], sent) if values else 'Any'}]"
    return SCALARS.get(schema.get("type", ""), "Any")


if __name__ == "__main__":
    sys.stdout.write(generate(json.loads(Path(sys.argv[1]).read_text())))
