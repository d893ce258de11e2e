"""The models a workspace chooses from."""

from collections.abc import Iterable
from functools import partial

from pipelines.core import plugins
from pipelines.core.errors import ConfigError
from pipelines.core.plugins import Params
from pipelines.forecasting.evaluation.backtest import Build
from pipelines.forecasting.settings import Workspace

# The mean minimises squared errors, the median absolute ones.
_MEAN: dict[str, Params] = {"rmse": {"objective": "mean"}, "rmsse": {"objective": "mean"}}
_BY_METRIC = {"gbm": _MEAN, "gbm_seasonal": _MEAN}


def build(name: str, workspace: Workspace) -> Build:
    """A picklable factory of unfitted forecasters; ConfigError if `model_params` does not fit the model."""
    params = {**_BY_METRIC.get(name, {}).get(workspace.metric, {}), **workspace.model_params.get(name, {})}
    make = partial(plugins.load("pipelines.forecasting.models", name).build, **params)
    try:
        make()
    except TypeError as error:
        raise ConfigError(
            f"{error}",
            code="wrong_model_params",
            field=f"model_params.{name}",
            found=workspace.model_params.get(name),
            remedy="Correct or remove the parameter.",
        ) from None
    return make


def builds(names: Iterable[str], workspace: Workspace) -> dict[str, Build]:
    """Each model with its factory."""
    return {name: build(name, workspace) for name in names}
