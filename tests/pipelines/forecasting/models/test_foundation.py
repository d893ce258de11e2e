"""The pretrained network: how it is loaded, asked and read. A stand-in speaks the API of chronos-forecasting 2.3."""

import pickle
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from pipelines.core.errors import ModelError
from pipelines.forecasting.models import foundation
from tests.support.factories import panel

CACHE = "/cache/hub"


class Pipeline:
    """Repeats the last value; the shape of its answer is that of Chronos-Bolt or, with targets, of Chronos-2."""

    loaded: ClassVar[list[tuple[str, str]]] = []

    def __init__(self, targets: bool) -> None:
        self.targets = targets

    @classmethod
    def from_pretrained(cls, folder: str, *, device_map: str) -> "Pipeline":
        if not (Path(folder) / "config.json").exists():
            raise OSError(f"{folder} does not appear to have a file named config.json")
        cls.loaded.append((folder, device_map))
        return cls(targets="chronos-2" in folder)

    def predict_quantiles(
        self, inputs: Sequence[Any], prediction_length: int, quantile_levels: list[float]
    ) -> tuple[Any, Any]:
        assert all(one.ndim == 1 and one.dtype == np.float32 for one in inputs)
        one = [np.full((prediction_length, len(quantile_levels)), y[-1]) for y in inputs]
        quantiles = [y[np.newaxis] for y in one] if self.targets else np.stack(one)
        return quantiles, [y[..., 0] for y in quantiles]


def snapshot_download(name: str, *, local_files_only: bool) -> str:
    assert local_files_only
    raise FileNotFoundError(f"cannot find {name} in the cached files")


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    foundation._pipeline.cache_clear()
    yield
    foundation._pipeline.cache_clear()


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def module(name: str, **content: Any) -> None:
        found = ModuleType(name)
        vars(found).update(content)
        monkeypatch.setitem(sys.modules, name, found)

    module("torch", as_tensor=np.asarray, float32=np.float32)
    module("chronos", BaseChronosPipeline=Pipeline)
    constants = SimpleNamespace(HF_HUB_CACHE=CACHE)
    module("huggingface_hub", constants=constants, snapshot_download=snapshot_download)
    monkeypatch.setattr(Pipeline, "loaded", [])


def weights(folder: Path, name: str) -> str:
    (folder / name).mkdir()
    (folder / name / "config.json").touch()
    return str(folder / name)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ["chronos-bolt-tiny", "chronos-2"])
def test_medians_of_many_series_come_in_their_place(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each series gets its own h steps, over several batches, in either shape of answer."""
    monkeypatch.setattr(foundation, "_BATCH", 2)
    past = panel()
    found = foundation.build(weights(tmp_path, name)).fit(past).predict(past, 4)
    last = past.history.groupby("unique_id")["y"].last().to_numpy(dtype=np.float32)
    assert found[["unique_id", "ds"]].equals(past.grid(4))
    assert np.array_equal(found["y_hat"].to_numpy().reshape(3, 4), np.repeat(last, 4).reshape(3, 4).astype(float))


@pytest.mark.usefixtures("installed")
def test_weights_are_loaded_once_and_never_pickled(tmp_path: Path) -> None:
    """The pickle names the folder; loading it again in one process reads nothing twice."""
    folder, past = weights(tmp_path, "chronos-bolt-tiny"), panel()
    forecaster = foundation.build(folder, device="cuda").fit(past)
    again = pickle.loads(pickle.dumps(forecaster))
    assert again.predict(past, 3).equals(forecaster.predict(past, 3))
    assert Pipeline.loaded == [(folder, "cuda")]


def test_a_missing_package_is_told_when_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be named in a workspace without the extra, but not be trained; the message says what to install."""
    monkeypatch.setitem(sys.modules, "chronos", None)
    forecaster = foundation.build()
    with pytest.raises(ModelError, match=r"pip install -e \.\[foundation\]"):
        forecaster.fit(panel())


@pytest.mark.usefixtures("installed")
def test_missing_weights_are_told_with_where_they_were_looked_for(tmp_path: Path) -> None:
    """A name that is not in the cache, and a folder that holds no model."""
    with pytest.raises(
        ModelError, match=rf"'amazon/chronos-bolt-small'.*{CACHE}.*hf download amazon/chronos-bolt-small"
    ):
        foundation.build().fit(panel())
    with pytest.raises(ModelError, match=r"config\.json.*model_params\.foundation\.weights"):
        foundation.build(str(tmp_path)).fit(panel())
