"""Making the models that a workspace names: what cannot be made is told before anything is computed."""

import pytest

from pipelines.core.errors import ConfigError
from pipelines.forecasting.evaluation.candidates import build, builds
from pipelines.forecasting.settings import Workspace


def workspace(**given: object) -> Workspace:
    source = {"kind": "file", "path": "x.csv"}
    return Workspace.model_validate({"name": "mine", "source": source, "frequency": "D", **given})


def test_every_call_makes_a_fresh_model() -> None:
    """What one window has learnt is unknown to the next."""
    made = builds(["moving_average", "naive"], workspace(model_params={"moving_average": {"window": 9}}))
    assert list(made) == ["moving_average", "naive"]
    assert made["moving_average"]() is not made["moving_average"]()


def test_a_parameter_that_a_model_does_not_have_is_told() -> None:
    """With the key in the workspace's file."""
    with pytest.raises(ConfigError, match=r"model_params\.naive: .*'window'"):
        build("naive", workspace(model_params={"naive": {"window": 9}}))
