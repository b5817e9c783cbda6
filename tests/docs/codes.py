"""Every error code that the source can give, read from its syntax trees: nobody keeps a list by hand."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from standalone.process import ROOT

FOLDERS = ("api", "distill", "gateway", "models", "spec", "storage", "workers")
OTHER = {"Waiting", "End", "Post", "visible", "GoogleStatus", "GoogleErrorBody"}
"""Callables whose `code` is no error's."""


class Unreadable(AssertionError):
    """A code that the source computes in a way that this reader does not know."""


@dataclass
class Module:
    """One source file."""

    path: Path
    tree: ast.Module
    constants: dict[str, ast.expr] = field(default_factory=dict)
    """Names assigned at its top."""
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Local name to (module, name there)."""

    @classmethod
    def read(cls, path: Path) -> "Module":
        found = cls(path, ast.parse(path.read_text()))
        for node in found.tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found.constants[node.targets[0].id] = node.value
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    found.imported[alias.asname or alias.name] = (node.module, alias.name)
        return found

    @property
    def name(self) -> str:
        return ".".join(self.path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")

    @cached_property
    def takers(self) -> dict[str, int]:
        """Callables defined here that take a `code`, and its place among their positional arguments."""
        found: dict[str, int] = {}
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef) and "code" in _names(node):
                found[node.name] = _names(node).index("code")
            elif isinstance(node, ast.ClassDef):
                for one in node.body:
                    if isinstance(one, ast.FunctionDef) and one.name == "__init__" and "code" in _names(one):
                        found[node.name] = _names(one).index("code") - 1  # without `self`
        return {name: place for name, place in found.items() if name not in OTHER}


def _names(function: ast.FunctionDef) -> list[str]:
    return [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]


class Reader:
    """All modules, and what their expressions mean."""

    def __init__(self) -> None:
        paths = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
        self.modules = {module.name: module for module in map(Module.read, paths)}

    def codes(self) -> dict[str, str]:
        """Code, or template such as `{role}_missing`, to the first place that gives it. Raises Unreadable."""
        found: dict[str, str] = {}
        for module in self.modules.values():
            for expression, function in self._given(module):
                for code in self._values(expression, module, function):
                    found.setdefault(code, f"{module.path.relative_to(ROOT)}:{expression.lineno}")
        return found

    def _given(self, module: Module) -> Iterator[tuple[ast.expr, ast.AST]]:
        """Expressions that become codes, each with the function (or module) around it."""
        for scope in (
            module.tree,
            *(node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)),
        ):
            for node in _own(scope):
                if isinstance(node, ast.Call):
                    yield from ((expression, scope) for expression in self._argument(node, module))
                elif isinstance(node, ast.ClassDef):
                    yield from ((value, scope) for value in _attribute(node))

    def _argument(self, call: ast.Call, module: Module) -> Iterator[ast.expr]:
        called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if called not in OTHER:
            yield from (keyword.value for keyword in call.keywords if keyword.arg == "code")
        place = self._place(call.func, module)
        if place is not None and place < len(call.args):
            yield call.args[place]

    def _place(self, called: ast.expr, module: Module) -> int | None:
        """Where a callable takes its code; None if it takes none."""
        if isinstance(called, ast.Name) and called.id in module.imported:
            home, name = module.imported[called.id]
        elif isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
            home, name = ".".join(module.imported.get(called.value.id, ("", ""))), called.attr
        else:
            home, name = module.name, getattr(called, "id", "")
        return self.modules[home].takers.get(name) if home in self.modules else None

    def _values(self, expression: ast.expr, module: Module, scope: ast.AST) -> Iterator[str]:
        match expression:
            case ast.Constant(value=str(code)):
                yield code
            case ast.IfExp(body=body, orelse=other):
                yield from self._values(body, module, scope)
                yield from self._values(other, module, scope)
            case ast.Call():
                yield f"{{{ast.unparse(expression)}}}"
            case ast.JoinedStr(values=parts):
                yield "".join(map(_template, parts))
            case ast.BoolOp(values=values):
                for value in values:
                    yield from self._values(value, module, scope)
            case ast.Attribute(attr="code"):
                return  # handed on from another error, which is counted where it was made
            case ast.Name(id=name):
                yield from self._named(name, module, scope)
            case _:
                raise Unreadable(f"{module.path}:{expression.lineno}: {ast.unparse(expression)}")

    def _named(self, name: str, module: Module, scope: ast.AST) -> Iterator[str]:
        local = [
            node.value
            for node in ast.walk(scope)
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
        ]
        if isinstance(scope, ast.FunctionDef) and local:
            for value in local:
                yield from self._values(value, module, scope)
        elif name in module.constants:
            yield from self._values(module.constants[name], module, module.tree)
        elif name in module.imported:
            home, there = module.imported[name]
            yield from self._named(there, self.modules[home], self.modules[home].tree)
        elif not (isinstance(scope, ast.FunctionDef) and name == "code"):  # a parameter: its callers are read
            raise Unreadable(f"{module.path}: {name}")


def _template(part: ast.expr) -> str:
    """A part of an f-string as it is written."""
    return str(part.value) if isinstance(part, ast.Constant) else ast.unparse(part).removeprefix("f'").removesuffix("'")


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """Nodes below, without those of functions inside."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (node for decorator in child.decorator_list for node in ast.walk(decorator))
            continue
        yield child
        yield from _own(child)


def _attribute(node: ast.ClassDef) -> Iterator[ast.expr]:
    """`code = "…"` of an exception."""
    for line in node.body:
        target = line.targets[0] if isinstance(line, ast.Assign) else getattr(line, "target", None)
        if (
            isinstance(target, ast.Name)
            and target.id == "code"
            and isinstance(line, ast.Assign | ast.AnnAssign)
            and isinstance(line.value, ast.Constant)
        ):
            yield line.value
