"""HTML and SVG as values: text is escaped unless it is Markup already, so a name out of somebody's file can never become a tag."""

from collections.abc import Iterable
from html import escape
from typing import TypeAlias


class Markup(str):
    """Text that is HTML as it stands."""

    __slots__ = ()


Child: TypeAlias = "str | int | Iterable[Child] | None"
Attribute = str | int | float | None
VOID = {"meta", "img", "br"}


def join(children: Child) -> Markup:
    """Children one after another; None is nothing."""
    match children:
        case None:
            return Markup("")
        case Markup():
            return children
        case str() | int():
            return Markup(escape(str(children)))
        case _:
            return Markup("".join(join(child) for child in children))


def tag(element: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """`tag("td", "x", class_="n", data_label="p50")`; an attribute that is None is left out, floats have one decimal."""
    words = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    if element in VOID:
        return Markup(f"<{element}{words}>")
    return Markup(f"<{element}{words}>{join(children)}</{element}>")


def _attribute(key: str, value: str | float) -> str:
    text = f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
    return f' {key.rstrip("_").replace("_", "-")}="{escape(text)}"'
