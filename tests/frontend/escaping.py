"""Finds text that reaches Markdown, or a figure, without being escaped, by reading the source of the web app."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# What Streamlit renders as Markdown: the number of first arguments, and the names of others.
SPEAKING: dict[str, int] = {
    **dict.fromkeys(("markdown", "caption", "title", "header", "subheader"), 1),
    **dict.fromkeys(("info", "warning", "error", "success", "toast", "spinner", "badge"), 1),
    **dict.fromkeys(("button", "form_submit_button", "download_button", "expander", "popover", "dialog", "status"), 1),
    **dict.fromkeys(("selectbox", "multiselect", "text_input", "text_area", "number_input", "file_uploader"), 1),
    **dict.fromkeys(("pills", "segmented_control", "radio", "select_slider", "slider", "checkbox", "toggle"), 1),
    "metric": 3,
    "page_link": 0,
}
NAMED = ("body", "label", "text", "help", "delta", "value", "delta_description", "caption")
CHOICES = ("pills", "segmented_control", "radio")  # which render their options, too
PLAIN_VALUE = ("text_input", "text_area", "number_input", "select_slider", "slider", "selectbox")
DRAWN = ("hovertemplate", "name", "text", "title_text", "annotation_text")  # what a figure reads as a little HTML
CHAINED = ("join", "replace", "strip", "capitalize")  # methods that keep what is escaped escaped
_TWICE = re.compile(r"words\.(literal|lines|label)\(")  # st.badge escapes brackets itself, and so opens what was closed
ESCAPED = ("Markdown", "Drawn")  # annotations: of arguments that must be escaped, and of results that are


@dataclass
class Module:
    """One file: its constants, and which of the functions that it knows take escaped text, and return it."""

    path: Path
    tree: ast.Module
    constants: set[str]
    taking: dict[str, set[int | str]]
    returning: set[str]

    @property
    def is_chart(self) -> bool:
        return self.path.name in ("charts.py", "theme.py")


def modules(folder: Path) -> list[Module]:
    """The files below a folder. A function that begins with an underscore is known in its own file only."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.py"))}
    public = [one for tree in trees.values() for one in _functions(tree) if not one.name.startswith("_")]
    return [
        Module(
            path,
            tree,
            {name for node in tree.body for name in _assigned(node)},
            {one.name: places for one in [*public, *_functions(tree)] if (places := _places(one))},
            {one.name for one in [*public, *_functions(tree)] if _is_escaped(one.returns)} | {"len"},
        )
        for path, tree in trees.items()
    ]


def unescaped(found: list[Module]) -> Iterator[str]:
    """Places where data reaches Markdown or a figure as it is."""
    for module in found:
        knowing: dict[ast.AST, Known] = {}
        for function, call in _calls(module.tree):
            known = knowing[function] if function in knowing else knowing.setdefault(function, Known(module, function))
            for argument in _arguments(call, module):
                if not known.safe(argument) or (_name(call) == "badge" and _TWICE.search(ast.unparse(argument))):
                    yield f"{module.path.name}:{argument.lineno}: {ast.unparse(argument)}"


def _calls(tree: ast.Module) -> Iterator[tuple[ast.AST, ast.Call]]:
    def walk(node: ast.AST, function: ast.AST) -> Iterator[tuple[ast.AST, ast.Call]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Call):
                yield function, child
            yield from walk(child, child if isinstance(child, ast.FunctionDef) else function)

    return walk(tree, tree)


def _arguments(call: ast.Call, module: Module) -> Iterator[ast.expr]:
    """What a call shows."""
    name = _name(call)
    of_words = isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") == "words"
    named = {one.arg: one.value for one in call.keywords if one.arg}
    if module.is_chart:
        yield from (named[key] for key in DRAWN if key in named)
    if name in module.taking:
        yield from (value for place, value in enumerate(call.args) if place in module.taking[name])
        yield from (value for key, value in named.items() if key in module.taking[name])
    elif name in SPEAKING and isinstance(call.func, ast.Attribute) and not module.is_chart and not of_words:
        yield from call.args[: SPEAKING[name]]
        yield from (named[key] for key in NAMED if key in named and not (key == "value" and name in PLAIN_VALUE))
        if name in CHOICES and not _is_constant(call.args[1]):
            yield named.get("format_func", call.args[1])
    elif name == "progress":
        yield from call.args[1:2]
    elif name.endswith("Column") and "help" in named:
        yield named["help"]


class Known:
    """Which names of a function hold nothing but constants and escaped text."""

    def __init__(self, module: Module, function: ast.AST) -> None:
        self.module, self.names = module, set(module.constants)
        if not isinstance(function, ast.FunctionDef):
            return
        self.names |= {one.arg for one in _all_arguments(function) if _is_escaped(one.annotation)}
        for _ in range(3):  # a name may be made of another
            values: dict[str, list[bool]] = {}
            for node in ast.walk(function):
                for name, value in self._bindings(node):
                    values.setdefault(name, []).append(value is not None and self.safe(value))
            self.names |= {name for name, safe in values.items() if all(safe)}

    def safe(self, node: ast.expr) -> bool:
        """Whether an expression is no data, or escaped."""
        match node:
            case ast.Constant() | ast.Compare():
                return True
            case ast.Name(id=name):
                return name in self.names or name.isupper()
            case ast.JoinedStr(values=parts) | ast.List(elts=parts) | ast.Tuple(elts=parts):
                return all(map(self.safe, parts))
            case ast.FormattedValue(value=value, format_spec=spec):
                return _is_numeric(spec) or self.safe(value)
            case ast.Starred(value=part) | ast.GeneratorExp(elt=part) | ast.ListComp(elt=part):
                return self.safe(part)
            case ast.IfExp(body=body, orelse=otherwise):
                return self.safe(body) and self.safe(otherwise)
            case ast.BoolOp(op=ast.And(), values=[*_, last]):
                return self.safe(last)
            case ast.BoolOp(values=values):
                return all(map(self.safe, values))
            case ast.BinOp(left=left, right=right):
                return self.safe(left) and self.safe(right)
            case ast.Subscript(value=owner) | ast.Attribute(value=owner, attr="__getitem__"):
                return _is_constant(owner)
            case ast.Attribute(attr=name):
                return name.isupper() or name in self.module.returning
            case ast.Call(func=ast.Attribute(value=owner, attr=name), args=args) if name in CHAINED:
                return self.safe(owner) and all(map(self.safe, args))
            case ast.Call(func=ast.Attribute(value=owner, attr="get"), args=[_, *args]):
                return _is_constant(owner) and all(map(self.safe, args))
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
                return name in self.module.returning
        return False

    def _bindings(self, node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
        """The names that a node gives a value, with it; None for a value that is data."""
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)) if len(names) == len(values):
                yield from (
                    (one.id, value) for one, value in zip(names, values, strict=True) if isinstance(one, ast.Name)
                )
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=value):
                yield from ((one.id, value) for one in names if isinstance(one, ast.Name))
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case (
                ast.AugAssign(target=ast.Name(id=name), value=value)
                | ast.NamedExpr(target=ast.Name(id=name), value=value)
            ):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                yield name, ast.Constant("") if "Markdown" in ast.unparse(annotation) else value
            case ast.For(target=target, iter=items) | ast.comprehension(target=target, iter=items):
                constant = _is_constant(items) or self.safe(items)
                names = [one.id for one in ast.walk(target) if isinstance(one, ast.Name)]
                yield from ((name, ast.Constant("") if constant else None) for name in names)


def _assigned(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Assign):
        yield from (one.id for one in node.targets if isinstance(one, ast.Name))
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _functions(tree: ast.Module) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def _all_arguments(function: ast.FunctionDef) -> list[ast.arg]:
    return [*function.args.args, *function.args.kwonlyargs]


def _places(function: ast.FunctionDef) -> set[int | str]:
    """The arguments that must be escaped, by place and by name."""
    escaped = [(place, one.arg) for place, one in enumerate(_all_arguments(function)) if _is_escaped(one.annotation)]
    return {key for both in escaped for key in both}


def _is_constant(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return bool(name) and name.isupper()


def _is_escaped(annotation: ast.expr | None) -> bool:
    named = ast.unparse(annotation) if annotation else ""
    return named.removeprefix("words.").removesuffix(" | None") in ESCAPED


def _is_numeric(spec: ast.expr | None) -> bool:
    """Whether a format takes numbers and times only: a text in their place is an error, not markup."""
    return spec is not None and any(sign in ast.unparse(spec) for sign in (",", ".0f", ".1f", "g", "%-d", "%H"))
