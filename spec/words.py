"""Says in words what a type of the spec takes: "auto", or a number over 0 and under 1."""

from typing import Any, Literal, get_args, get_origin

import annotated_types
from pydantic import StringConstraints

from spec.plain import Plain
from spec.shape import bare, fields, is_model, items, members, nullable, tagged

PATTERNS = {
    r"^(mdl_[0-9a-z]+|ep_[a-z0-9][a-z0-9-]{0,39}/[!-~]{1,200})$": "the id of a model (mdl_…), or ep_name/model behind an endpoint",
    r"^ep_[a-z0-9][a-z0-9-]{0,39}/[!-~]{1,200}$": "ep_name/model, a model behind an endpoint",
    r"^ep_[a-z0-9][a-z0-9-]{0,39}$": "the id of an endpoint, such as ep_openai",
    r"^file-[0-9a-z]+$": "the id of a file (file-…)",
    r"^(file-[0-9a-z]+|[0-9a-f]{64})$": "the id of a file (file-…), or its sha256",
    r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$": "a name of 1 to 64 letters, digits, or any of _.-",
    r"^(ds_|file-)[0-9a-z]+(/[A-Za-z0-9_.-]+)?$": "a dataset or a file: ds_…, ds_…/split or file-…",
}
"""Patterns that have a meaning of their own; the others only bar the character NUL."""
BOUNDS = {"gt": "over", "ge": "at least", "lt": "under", "le": "at most"}
SCALARS = {"bool": "true or false", "int": "a whole number", "float": "a number", "str": "text"}


def expected(annotation: Any) -> str:
    """What may stand at a place, as one phrase; branches are joined by "or"."""
    found = bare(annotation)
    if models := tagged(annotation):
        return f"an object with a type: {listed(models)}"
    if branches := members(found.core):
        words = [value for one in branches for value in literals(one)]
        others = [phrase for one in branches if not literals(one) for phrase in _phrases(one)]
        return joined([f'"{word}"' for word in words] + others + (["null"] if nullable(found.core) else []))
    if words := literals(annotation):
        return listed(words)
    if items(found.core):
        return _counted("a list", found.metadata, "items")
    if get_origin(found.core) is dict:
        if bounds := next((m for m in found.metadata if isinstance(m, Plain)), None):
            return bounds.words
        return _counted("an object", found.metadata, "fields")
    if is_model(found.core):
        return f"an object with {joined(list(fields(found.core)), 'and')}"
    return _scalar(found.core, found.metadata)


def _phrases(annotation: Any) -> list[str]:
    return ["true", "false"] if bare(annotation).core is bool else [expected(annotation)]


def literals(annotation: Any) -> list[Any]:
    """The words that a Literal allows; [] for anything else."""
    core = bare(annotation).core
    return list(get_args(core)) if get_origin(core) is Literal else []


def listed(values: Any) -> str:
    """`"a", "b", or "c"`."""
    return joined([f'"{value}"' for value in values])


def joined(phrases: list[str], last: str = "or") -> str:
    once = list(dict.fromkeys(phrases))
    comma = "," if len(once) > 2 or any(word in once[0] for word in (" and ", " or ")) else ""
    return once[0] if len(once) == 1 else f"{', '.join(once[:-1])}{comma} {last} {once[-1]}"


def _counted(what: str, metadata: tuple[Any, ...], of: str) -> str:
    low = next((m.min_length for m in metadata if isinstance(m, annotated_types.MinLen)), 0)
    high = next((m.max_length for m in metadata if isinstance(m, annotated_types.MaxLen)), None)
    if high is None:
        return what if not low else f"{what} of at least {low} {of}"
    return f"{what} of {low} to {high} {of}" if low else f"{what} of at most {high} {of}"


def _scalar(core: Any, metadata: tuple[Any, ...]) -> str:
    name = SCALARS.get(getattr(core, "__name__", ""), "a value")
    text = next((m for m in metadata if isinstance(m, StringConstraints)), None)
    if text is not None:
        return _text(text)
    bounds = {sign: getattr(item, sign) for item in metadata for sign in BOUNDS if hasattr(item, sign)}
    if "ge" in bounds and "le" in bounds:
        return f"{name} from {_number(bounds['ge'])} to {_number(bounds['le'])}"
    return " ".join([name, " and ".join(f"{BOUNDS[sign]} {_number(value)}" for sign, value in bounds.items())]).strip()


def _number(value: float) -> str:
    """Whole numbers without a fraction, and with commas up to where a power says more."""
    if value == 2**63:
        return "2^63"
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


def _text(text: StringConstraints) -> str:
    if isinstance(text.pattern, str) and text.pattern in PATTERNS:
        return PATTERNS[text.pattern]
    low, high = text.min_length or 0, text.max_length
    return (
        f"text of {low} to {high} characters"
        if low and high
        else f"text of at most {high} characters"
        if high
        else "text"
    )
