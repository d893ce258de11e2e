"""Layered settings: YAML files, then environment variables, merged key by key with the origin of every value kept."""

import contextlib
import os
import types
import typing
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.core.errors import ConfigError, ConfigErrors, ForecastError, did_you_mean

PREFIX = "FORECAST_"
_MOST_VALUES = 100_000  # in a settings file
_DEEPEST = 100  # nested brackets
M = TypeVar("M", bound=BaseModel)
Key = tuple[str, ...]
Values = dict[str, Any]  # nested settings as read from YAML, not yet validated


class Strict(BaseModel):
    """Immutable settings that reject unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Layers:
    """A merged mapping that remembers which file or variable set each key."""

    def __init__(self) -> None:
        self.values: Values = {}
        self._origins: dict[Key, str] = {}

    def add(self, values: Mapping[str, Any], origin: str) -> "Layers":
        """Adds `values` on top: mappings are merged, everything else replaces."""
        self._merge(self.values, values, (), origin)
        return self

    def add_file(self, path: Path) -> "Layers":
        """Adds a YAML file on top; a missing file adds nothing."""
        return self.add(read_yaml(path), str(path)) if path.exists() else self

    def add_environment(self, keys: set[str], environ: Mapping[str, str] | None = None) -> "Layers":
        """Adds the variables `FORECAST_<KEY>[__<KEY>…]` on top, for top-level `keys` only."""
        for name, key, value in environment(environ):
            if key[0] in keys:
                nested: Any = value
                for part in reversed(key):
                    nested = {part: nested}
                self.add(nested, f"environment variable {name}")
        return self

    def origin(self, key: Key) -> str:
        """The file or variable that set `key`, or the nearest key above it."""
        for end in range(len(key), -1, -1):
            if key[:end] in self._origins:
                return self._origins[key[:end]]
        return "configuration"

    def validate(self, model: type[M], default_origin: str, **sections: type[BaseModel]) -> M:
        """The values as `model`; a ConfigError lists every problem with its origin, key, value found and values
        allowed.

        `sections` are stricter models for keys whose content `model` leaves open.
        """
        self._origins.setdefault((), default_origin)
        problems: dict[Key, ConfigError] = {}
        parts: list[tuple[Key, type[BaseModel], Any]] = [((), model, self.values)]
        parts += [((name,), section, self.values.get(name)) for name, section in sections.items()]
        for above, part, values in parts:
            try:
                part.model_validate(values)
            except ValidationError as error:
                for problem in error.errors():
                    key = tuple(str(one) for one in (*above, *problem["loc"]))
                    problems.setdefault(key, self._explain(part, len(above), key, problem))
        if not problems:
            return model.model_validate(self.values)
        raise wrong_settings(list(problems.values()))

    def _merge(self, into: Values, values: Mapping[str, Any], above: Key, origin: str) -> None:
        for name, value in values.items():
            key = (*above, str(name))
            self._origins[key] = origin
            if isinstance(value, Mapping) and isinstance(into.get(name), Mapping):
                self._merge(into[name], value, key, origin)
            elif isinstance(value, Mapping):
                into[name] = {}
                self._merge(into[name], value, key, origin)
            else:
                into[name] = value

    def _explain(self, model: type[BaseModel], depth: int, key: Key, problem: Any) -> ConfigError:
        """The error for a problem at `key`; `model` describes the first `depth` parts of the key."""
        where, field, setting = self.origin(key), ".".join(key) or None, problem["input"]
        shown = setting if isinstance(setting, str | int | float | None) else f"{setting!r:.80}"
        cause = getattr(problem.get("ctx", {}).get("error"), "__cause__", None)
        match problem["type"]:
            case "extra_forbidden":
                valid = sorted(_fields_at(model, key[depth:-1]))
                near = did_you_mean(key[-1], valid)
                remedy = f"Use one of: {', '.join(valid)}."
                return ConfigError(
                    f"unknown key{near}", where=where, field=field, code="unknown_setting", remedy=remedy
                )
            case "missing":
                keys = list(map(str, setting))
                there = f"is missing (found: {', '.join(keys) or 'nothing'})"
                return ConfigError(
                    there, where=where, field=field, code="setting_missing", found=keys, remedy="Add it."
                )
            case "model_type":
                keys = _fields_at(model, key[depth:])
                remedy = f"Give keys and values ({', '.join(keys)})."
                return ConfigError(
                    f"found {setting!r:.80}",
                    where=where,
                    field=field,
                    code="not_keys_and_values",
                    found=shown,
                    remedy=remedy,
                )
            case "string_type":
                remedy = "Text is expected: put it in quotes."
                return ConfigError(
                    f"found {setting!r:.80}",
                    where=where,
                    field=field,
                    code="setting_not_text",
                    found=shown,
                    remedy=remedy,
                )
            case _ if isinstance(cause, ForecastError):
                return ConfigError(
                    cause.problem, where=where, field=field, code=cause.code, found=shown, remedy=cause.remedy
                )
            case _:
                message = problem["msg"].removeprefix("Value error, ")
                remedy = f"{message[0].upper()}{message[1:]}."
                return ConfigError(
                    f"found {setting!r:.80}", where=where, field=field, code="wrong_setting", found=shown, remedy=remedy
                )


def wrong_settings(problems: Sequence[ConfigError]) -> ConfigErrors:
    """The error for all wrong settings at once."""
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return ConfigErrors(f"{count} in the configuration", problems, code="wrong_settings")


@contextlib.contextmanager
def as_value_error() -> Iterator[None]:
    """Turns a ForecastError within a validator into a ValueError; the ConfigError then carries its data."""
    try:
        yield
    except ForecastError as error:
        raise ValueError(error.text.removesuffix(".")) from error


def environment(environ: Mapping[str, str] | None = None) -> Iterator[tuple[str, Key, Any]]:
    """Variables with the prefix, as (name, key, value read as YAML), sorted by name; empty ones count as unset."""
    for name, text in sorted((environ if environ is not None else os.environ).items()):
        if name.startswith(PREFIX) and len(name) > len(PREFIX) and text:
            try:
                value = yaml.safe_load(text)
            except (yaml.YAMLError, ValueError):
                value = text
            yield name, tuple(name.removeprefix(PREFIX).lower().split("__")), value


def read_yaml(path: Path) -> Values:
    """A YAML mapping; ConfigError with the line for bad syntax, a repeated key, or anything but a mapping."""
    try:
        values = _load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise ConfigError(
            f"{getattr(error, 'problem', None) or error}",
            where=f"{path}{line}",
            code="yaml_syntax",
            remedy="Correct the YAML there.",
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"is no UTF-8 ({error.reason} at byte {error.start})",
            where=str(path),
            code="not_utf8",
            found=error.start,
            remedy="Save it as UTF-8.",
        ) from None
    except RecursionError:
        raise ConfigError(
            "is nested too deeply to be read",
            where=str(path),
            code="nested_too_deeply",
            remedy="Write it with fewer levels.",
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a date such as 2024-13-45
        raise ConfigError(
            f"cannot be read ({getattr(error, 'strerror', None) or error})",
            where=str(path),
            code="unreadable_file",
            remedy="Correct what is named there, or the file's permissions.",
        ) from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(
            f"found a {type(values).__name__}, expected keys and values",
            where=str(path),
            code="not_keys_and_values",
            found=type(values).__name__,
            remedy="Write keys and values such as 'frequency: D'.",
        )
    return values


def _load(text: str) -> Any:
    """The document as Python values. Documents whose aliases expand without limit are refused before they are built."""
    loader = _UniqueKeys(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _size(node, {}) > _MOST_VALUES:
            problem = f"its anchors and aliases stand for over {_MOST_VALUES:,} values; write out what is meant"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _size(node: yaml.Node, known: dict[int, float]) -> float:
    """The number of values in a node after expanding aliases; infinite for a node that contains itself."""
    if id(node) not in known:
        known[id(node)] = float("inf")  # until counted: meeting it again below means that it contains itself
        parts = node.value if isinstance(node, yaml.CollectionNode) else []
        inside = [one for part in parts for one in (part if isinstance(part, tuple) else (part,))]
        known[id(node)] = 1 + sum(_size(one, known) for one in inside)
    return known[id(node)]


class _UniqueKeys(yaml.SafeLoader):
    """A YAML loader that rejects repeated keys, of which YAML would silently keep only the last."""

    def fetch_flow_collection_start(self, TokenClass: type[yaml.Token]) -> None:
        if self.flow_level > _DEEPEST:  # scanning time grows with the square of the depth
            raise yaml.scanner.ScannerError(None, None, "brackets are nested too deeply", self.get_mark())
        super().fetch_flow_collection_start(TokenClass)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == "tag:yaml.org,2002:merge":
                continue  # a merge may repeat keys; non-scalars are refused below
            key = self.construct_object(key_node)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key '{key}' stands twice; keep one", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _fields_at(model: type[BaseModel], key: Key) -> list[str]:
    """Names of the fields that the model at `key` allows."""
    for part in key:
        field = model.model_fields.get(part)
        nested = _model_in(field.annotation) if field else None
        if nested is None:
            return []
        model = nested
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return next((model for part in typing.get_args(annotation) if (model := _model_in(part))), None)
    return None
