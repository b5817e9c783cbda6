"""Walks the types of a document: where an error's location leads, what may stand there, and where a field's name belongs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typing_extensions import TypeAliasType

Location = Sequence[int | str]


@dataclass(frozen=True)
class Bare:
    """A type without its wrapping: `core` is a class, a Literal, a union or a generic; `metadata` its constraints."""

    core: Any
    metadata: tuple[Any, ...] = ()


def bare(annotation: Any) -> Bare:
    """Takes off type aliases and Annotated, and keeps what they say."""
    metadata: tuple[Any, ...] = ()
    while True:
        if isinstance(annotation, TypeAliasType):
            annotation = annotation.__value__
        elif get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            metadata = (*_flat(more), *metadata)
        else:
            return Bare(annotation, metadata)


def _flat(items: Sequence[Any]) -> Iterator[Any]:
    """pydantic's Field holds its constraints inside."""
    for item in items:
        yield item
        if isinstance(item, FieldInfo):
            yield from item.metadata


def members(core: Any) -> tuple[Any, ...]:
    """Branches of a union without null; () for anything else."""
    if get_origin(core) not in (Union, UnionType):
        return ()
    return tuple(one for one in get_args(core) if one is not NoneType)


def items(core: Any) -> tuple[Any, ...]:
    """What a list holds, as one type; () for anything else."""
    return get_args(core)[:1] if get_origin(core) in (tuple, list) else ()


def item(core: Any, index: int) -> Any:
    """What a list holds at a place: the same everywhere, but in a tuple of fixed length."""
    held = get_args(core)
    fixed = get_origin(core) is tuple and Ellipsis not in held
    return held[index] if fixed and index < len(held) else held[0]


def nullable(core: Any) -> bool:
    return get_origin(core) in (Union, UnionType) and NoneType in get_args(core)


@cache
def fields(model: type[BaseModel]) -> Mapping[str, Any]:
    """Field name, as it is sent, to annotation."""
    hints = get_type_hints(model, include_extras=True)
    return {field.alias or name: hints[name] for name, field in model.model_fields.items()}


def tagged(annotation: Any) -> dict[str, type[BaseModel]]:
    """Tag to model of a union with a discriminator, null allowed or not; {} for anything else."""
    found = bare(annotation)
    if len(alone := members(found.core)) == 1:
        return tagged(alone[0])
    name = next((m.discriminator for m in found.metadata if isinstance(m, FieldInfo) and m.discriminator), None)
    if not isinstance(name, str):
        return {}
    return {str(tag): one for one in members(found.core) for tag in get_args(bare(fields(one)[name]).core)}


def is_model(core: Any) -> bool:
    return isinstance(core, type) and issubclass(core, BaseModel)


@dataclass(frozen=True)
class Place:
    """Where a location leads: its path as users write it, and the type there; None where no field has this name."""

    path: str
    annotation: Any


def place(location: Location, annotation: Any, path: str = "") -> Place | None:
    """Follows pydantic's location, dropping tags and names of branches. None: this branch of a union has no such place."""
    core = bare(annotation).core
    if not location:
        return Place(path, annotation)
    head, rest = location[0], location[1:]
    if models := tagged(annotation):
        return place(rest, models[str(head)], path) if str(head) in models else None
    if branches := members(core):
        return _in_branches(location, branches, annotation, path)
    if is_model(core):
        known = fields(core)
        step = f"{path}.{head}" if path else str(head)
        return place(rest, known[str(head)], step) if str(head) in known else Place(step, None) if not rest else None
    if items(core) and isinstance(head, int):
        return place(rest, item(core, head), f"{path}[{head}]")
    if get_origin(core) is dict:
        key, value = get_args(core)
        return place(rest[1:] if rest == ("[key]",) else rest, key if rest == ("[key]",) else value, _key(path, head))
    return None


def _in_branches(location: Location, branches: tuple[Any, ...], whole: Any, path: str) -> Place | None:
    """A union of several branches puts the branch's name in the location, `X | None` does not."""
    if len(branches) == 1:
        return place(location, branches[0], path)
    rest = location[1:]
    if not rest:
        return Place(path, whole)
    return next((found for one in branches if (found := place(rest, one, path))), None)


def _key(path: str, key: int | str) -> str:
    return f"{path}.{key}" if str(key).isidentifier() else f'{path}["{str(key)[:64]}"]'


@cache
def homes(model: type[BaseModel]) -> Mapping[str, tuple[str, ...]]:
    """Every field name in a document to all the paths that it belongs to, `objective[].temperature (soft_targets)`."""
    found: dict[str, list[str]] = {}
    for name, path in _walk(model, "", ""):
        if path not in found.setdefault(name, []):
            found[name].append(path)
    return {name: tuple(paths) for name, paths in found.items()}


def _walk(annotation: Any, path: str, note: str) -> Iterator[tuple[str, str]]:
    core = bare(annotation).core
    if models := tagged(annotation):
        shared = set.intersection(*(set(fields(one)) for one in models.values()))
        for tag, one in models.items():
            for name, inner in fields(one).items():
                yield from _field(name, inner, path, "" if name in shared else f" ({tag})")
    elif is_model(core):
        for name, inner in fields(core).items():
            yield from _field(name, inner, path, note)
    else:
        for inner in members(core):
            yield from _walk(inner, path, note)
        for inner in items(core):
            yield from _walk(inner, f"{path}[]", note)


def _field(name: str, annotation: Any, path: str, note: str) -> Iterator[tuple[str, str]]:
    here = f"{path}.{name}" if path else name
    yield name, here + note
    yield from _walk(annotation, here, note)
