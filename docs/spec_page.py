"""docs/spec.md, written from the spec itself."""

import json
from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from spec.distillation import Distillation
from spec.rules import RULES, WARNINGS, Rule
from spec.shape import bare, fields, is_model, items, members, tagged
from spec.words import expected

HEAD = """# The spec of a distillation

<!-- Written by `python -m docs.generate` from the docstrings in spec/: edit those. -->

{summary}

POST these parts flat. GET returns `spec` with every `auto` replaced (`resolved: true`), which can be posted as it stands.
A field without a default is required. Unknown fields are refused, with the nearest known name.
"""
REFUSED = """
## What is refused

Beyond what the types say, and before anything is spent. All problems come at once; a rule whose facts are not there yet is silent.

"""
WARNED = """
## What is warned of

"""


def spec_page() -> str:
    """The whole page: a table for each part, then the sentences of the rules."""
    summary = cleandoc(Distillation.__doc__ or "")
    tables = "".join(_part(part) for part in _parts(Distillation))
    refused, warned = ("".join(map(_sentence, rules)) for rules in (RULES, WARNINGS))
    return HEAD.format(summary=summary) + tables + REFUSED + refused + WARNED + warned


def _parts(model: type[BaseModel]) -> list[type[BaseModel]]:
    """The job, then its parts, each after the one that names it first."""
    found = [model]
    for annotation in fields(model).values():
        for inner in _models(annotation):
            found += [part for part in _parts(inner) if part not in found]
    return found


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Parts that a field may hold."""
    core = bare(annotation).core
    if is_model(core):
        yield core
    for inner in (*tagged(annotation).values(), *(members(core) if not tagged(annotation) else ()), *items(core)):
        yield from _models(inner)


def _part(model: type[BaseModel]) -> str:
    tags = expected(fields(model)["type"]).strip('"') if "type" in fields(model) else None
    title = f"{model.__name__}, `type: {tags}`" if tags else "Fields" if model is Distillation else model.__name__
    rows = "".join(
        _row(name, field, fields(model)[name])
        for name, field in ((field.alias or name, field) for name, field in model.model_fields.items())
        if name != "type"
    )
    summary = "" if model is Distillation else f"\n{cleandoc(model.__doc__ or '')}\n"
    table = f"\n| field | takes | default | meaning |\n|---|---|---|---|\n{rows}" if rows else ""
    return f"\n## {title}\n{summary}{table}"


def _row(name: str, field: FieldInfo, annotation: Any) -> str:
    linked = ", ".join(f"[{model.__name__}](#{_anchor(model)})" for model in _models(annotation))
    takes = f"{_takes(annotation)}{': ' if linked else ''}{linked}"
    return f"| `{name}` | {_cell(takes)} | {_default(field)} | {_cell(cleandoc(field.description or ''))} |\n"


def _takes(annotation: Any) -> str:
    """As errors say it; a part's fields stand in its own table, and a list says what it is a list of."""
    core = bare(annotation).core
    if is_model(core) or tagged(annotation):
        return "an object"
    phrase = expected(annotation)
    inner = [one for branch in (members(core) or (core,)) for one in items(bare(branch).core)]
    return f"{phrase}; each {_takes(inner[0])}" if inner else phrase.partition(" with ")[0]


def _anchor(model: type[BaseModel]) -> str:
    tag = expected(fields(model)["type"]).strip('"') if "type" in fields(model) else None
    return f"{model.__name__}-type-{tag}".lower() if tag else model.__name__.lower()


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    if isinstance(field.default, BaseModel):
        return "as below"
    return f"`{json.dumps(field.default)}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _sentence(rule: Rule) -> str:
    return f"- {cleandoc(rule.__doc__ or '')}\n"
