"""Plugins: one file, one name."""

import importlib
from pathlib import Path

import pytest

from pipelines.core import plugins
from pipelines.core.errors import UnknownName

PACKAGES = ["pipelines.forecasting.models", "pipelines.sources"]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_names_are_the_files(package: str) -> None:
    """Sorted, without helpers, and nothing but what lies there."""
    folder = Path(next(iter(importlib.import_module(package).__path__)))
    assert plugins.names(package) == sorted(file.stem for file in folder.glob("[!_]*.py"))


@pytest.mark.parametrize(("package", "name"), [(one, name) for one in PACKAGES for name in plugins.names(one)])
def test_every_plugin_loads_and_can_be_built(package: str, name: str) -> None:
    """Each has `build`; a source has the `Options` that its keys are checked by."""
    module = plugins.load(package, name)
    assert callable(module.build)
    assert package == "pipelines.forecasting.models" or module.Options.model_config["extra"] == "forbid"


@pytest.mark.parametrize("name", ["", "thetta", "_local", "..theta", "os", "theta.build", "../theta"])
def test_an_unknown_name_lists_the_valid_ones(name: str) -> None:
    """Helpers, paths and modules of elsewhere are no plugins."""
    with pytest.raises(UnknownName, match=r"unknown model .*Use one of: .*naive, .*theta"):
        plugins.load("pipelines.forecasting.models", name)


def test_the_nearest_name_is_proposed() -> None:
    """A typing error is answered with what was probably meant."""
    with pytest.raises(UnknownName, match=r"unknown source 'flie' \(did you mean 'file'\?\)"):
        plugins.load("pipelines.sources", "flie")
