"""Layers: later ones win key by key, and every mistake names the file or variable it stands in."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from pipelines.core.errors import ConfigError
from pipelines.core.layers import Layers, environment, read_yaml


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: int = 1
    colour: str = "red"


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    path: str


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    inner: Inner = Inner()
    maybe: Inner | None = None
    items: tuple[int, ...] = ()
    open: dict[str, object] = {}


def refused(layers: Layers, **sections: type[BaseModel]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        layers.validate(Outer, "the.yaml", **sections)
    head, *lines = str(caught.value).split("\n  - ")
    assert head == ("1 problem" if len(lines) == 1 else f"{len(lines)} problems") + " in the configuration:"
    return lines


def test_mappings_merge_and_all_else_replaces() -> None:
    """A later layer changes the keys that it names; a list is taken whole; nothing that was given is changed."""
    first = {"name": "a", "inner": {"size": 2, "colour": "blue"}, "items": [1, 2, 3]}
    layers = Layers().add(first, "first").add({"inner": {"size": 3}, "items": [4], "open": {"x": {"y": 1}}}, "second")
    assert layers.validate(Outer, "x") == Outer(
        name="a", inner=Inner(size=3, colour="blue"), items=(4,), open={"x": {"y": 1}}
    )
    assert first == {"name": "a", "inner": {"size": 2, "colour": "blue"}, "items": [1, 2, 3]}


def test_a_mapping_replaces_nothing_and_a_value() -> None:
    """An empty section in one file does not break the same section in the next."""
    for before in (None, 5):
        layers = Layers().add({"name": "a", "inner": before}, "first").add({"inner": {"size": 3}}, "second")
        assert layers.validate(Outer, "x").inner.size == 3


def test_all_problems_come_at_once_each_from_its_own_layer() -> None:
    """Five mistakes in three places: five lines with origin, key, what was found and what is allowed."""
    layers = Layers().add({"inner": {"sise": 1, "colour": False}, "items": [1, "x"]}, "base.yaml")
    layers.add({"maybe": 7}, "mine.yaml").add_environment({"inner"}, {"FORECAST_INNER__SIZE": "large"})
    assert sorted(refused(layers)) == [
        "base.yaml: inner.colour: found False. Text is expected: put it in quotes.",
        "base.yaml: inner.sise: unknown key (did you mean 'size'?). Use one of: colour, size.",
        "base.yaml: items.1: found 'x'. Input should be a valid integer, unable to parse string as an integer.",
        "environment variable FORECAST_INNER__SIZE: inner.size: found 'large'. "
        "Input should be a valid integer, unable to parse string as an integer.",
        "mine.yaml: maybe: found 7. Give keys and values (size, colour).",
        "the.yaml: name: is missing (found: inner, items, maybe). Add it.",
    ]


def test_a_section_is_checked_by_its_own_model_in_the_same_go() -> None:
    """What the model leaves open is closed by the section's; its lines come with the others, none twice."""
    layers = Layers().add({"open": {"paht": "x"}}, "mine.yaml")
    assert refused(layers, open=Options) == [
        "the.yaml: name: is missing (found: open). Add it.",
        "mine.yaml: open.path: is missing (found: paht). Add it.",
        "mine.yaml: open.paht: unknown key (did you mean 'path'?). Use one of: path.",
    ]
    assert refused(Layers().add({"name": 5, "open": {"path": 5}}, "mine.yaml"), open=Options) == [
        "mine.yaml: name: found 5. Text is expected: put it in quotes.",
        "mine.yaml: open.path: found 5. Text is expected: put it in quotes.",
    ]


def test_what_was_found_is_shown_on_one_short_line() -> None:
    """Neither a line break nor a novel in a value gets into a message."""
    (line,) = refused(Layers().add({"name": "a", "items": "x\n" * 500}, "mine.yaml"))
    assert line.isprintable()
    assert len(line) < 200


def test_variables_are_read_as_yaml_and_nested_by_two_underscores() -> None:
    """Numbers, lists, mappings and text; other prefixes and empty ones do not count; bad YAML is text."""
    given = {
        "FORECAST_B__C_D__E": "3",
        "FORECAST_A": "[1, x]",
        "FORECAST_DATE": "2024-13-45",
        "FORECAST_TEXT": "a: b: c",
        "FORECAST_EMPTY": "",
        "FORECAST_": "x",
        "OTHER_A": "1",
        "forecast_a": "1",
    }
    assert list(environment(given)) == [
        ("FORECAST_A", ("a",), [1, "x"]),
        ("FORECAST_B__C_D__E", ("b", "c_d", "e"), 3),
        ("FORECAST_DATE", ("date",), "2024-13-45"),
        ("FORECAST_TEXT", ("text",), "a: b: c"),
    ]


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"---\n", b"null\n"])
def test_an_empty_file_adds_nothing(tmp_path: Path, content: bytes) -> None:
    """Nor does one that does not exist."""
    (tmp_path / "a.yaml").write_bytes(content)
    assert Layers().add_file(tmp_path / "a.yaml").add_file(tmp_path / "gone.yaml").values == {}


def test_a_byte_order_mark_accents_and_merge_keys_are_read(tmp_path: Path) -> None:
    """What Windows editors write first is skipped; anchors may repeat a key that they bring along."""
    text = "\ufefftitle: Café\na: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\n"
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    assert read_yaml(tmp_path / "a.yaml") == {"title": "Café", "a": {"x": 1, "y": 2}, "b": {"x": 3, "y": 2}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\nb: 2\na: 3\n", r"a.yaml line 3: key 'a' stands twice; keep one"),
        (b"a:\n  b: 1\n  c: 1\n  b: 2\n", r"a.yaml line 4: key 'b' stands twice"),
        (b"a: [1, 2\nb: 3\n", r"a.yaml line 2: "),
        (b"a: 1\n\tb: 2\n", r"a.yaml line 2: .*'\\t'"),
        (b"a: {{ name }}\n", r"a.yaml line 1: found unhashable key"),
        (b"a: !!python/object:os.system {}\n", r"a.yaml line 1: could not determine a constructor"),
        (b"a: 1\n---\nb: 2\n", r"a.yaml line 2: but found another document"),
        (b"a: 2024-13-45\n", r"a.yaml: cannot be read \(month must be in 1..12\)"),
        (b"- a\n- b\n", r"a.yaml: found a list, expected keys and values"),
        (b"just text\n", r"a.yaml: found a str, expected keys and values"),
        ("title: Café\n".encode("cp1252"), r"a.yaml: is no UTF-8 \(.* at byte 10\). Save it as UTF-8."),
        ("title: x\n".encode("utf-16"), r"a.yaml: is no UTF-8"),
        (b"a: \0\n", r"a.yaml: .*special characters are not allowed"),
    ],
    ids=lambda value: None if isinstance(value, str) else repr(value)[2:14],
)
def test_a_file_that_is_no_yaml_mapping_says_where(tmp_path: Path, content: bytes, message: str) -> None:
    """File, line where there is one, and what is wrong."""
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        read_yaml(path)


def test_a_folder_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    """Whatever the operating system says comes with the path."""
    with pytest.raises(ConfigError, match=r"cannot be read \(.*directory"):
        read_yaml(tmp_path)
