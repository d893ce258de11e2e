"""What differs between two runs."""

from pipelines.registry.compare import changes


def test_changes_are_named_by_dotted_keys() -> None:
    """Nested, added, removed and replaced; lists are compared whole."""
    a = {"horizon": 7, "target": {"unit": "kg", "name": "y"}, "models": ["a"], "old": {"x": 1}}
    b = {"horizon": 14, "target": {"unit": "kg", "name": "z"}, "models": ["a", "b"], "new": None, "fresh": 1}
    assert changes(a, b) == [
        {"key": "fresh", "a": None, "b": 1},
        {"key": "horizon", "a": 7, "b": 14},
        {"key": "models", "a": ["a"], "b": ["a", "b"]},
        {"key": "old", "a": {"x": 1}, "b": None},
        {"key": "target.name", "a": "y", "b": "z"},
    ]
    assert changes(a, a) == []
