"""The models a workspace chooses from."""

from functools import partial

from pipelines import plugins
from pipelines.errors import ConfigError
from pipelines.evaluation.backtest import Build
from pipelines.schema import BASELINE
from pipelines.settings import Workspace


def candidates(workspace: Workspace) -> list[str]:
    """The models to choose from: the workspace's, and always the baseline."""
    return list(dict.fromkeys([*workspace.models, BASELINE]))


def build(name: str, workspace: Workspace) -> Build:
    """A picklable call that makes a fresh forecaster; ConfigError where `model_params` does not fit the model."""
    make = partial(plugins.load("pipelines.models", name).build, **workspace.model_params.get(name, {}))
    try:
        make()
    except TypeError as error:
        raise ConfigError(f"model_params.{name}: {error}.") from None
    return make


def builds(workspace: Workspace) -> dict[str, Build]:
    """Each candidate with the call that makes it."""
    return {name: build(name, workspace) for name in candidates(workspace)}
