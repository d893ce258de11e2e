"""Chronos (Ansari et al. 2024, 2025): a pretrained network that forecasts each series from its own history.

Off unless a workspace lists it. Requires the extra `foundation` and weights on this machine; nothing is downloaded.
Covariates are not used.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from pipelines.core.errors import ModelError
from pipelines.forecasting.models._local import targets
from pipelines.forecasting.panel import Panel
from pipelines.forecasting.protocols import Forecaster
from pipelines.tables.schema import Y_HAT

_BATCH = 64  # series per batch, which bounds memory


def build(
    weights: str = "amazon/chronos-bolt-small", device: str = "cpu", max_history: int | None = 2048
) -> Forecaster:
    """`weights`: a folder, or the name of a Chronos-Bolt or Chronos-2 model in the cache of Hugging Face."""
    return FoundationForecaster(weights, device, max_history)


class FoundationForecaster:
    """Forecasts the medians of the pretrained network. Nothing is learnt, so a pickle holds only the name of the
    weights.
    """

    scope: Literal["series"] = "series"
    uses_future = False

    def __init__(self, weights: str, device: str, max_history: int | None) -> None:
        self.weights = weights
        self.device = device
        self.max_history = max_history

    def fit(self, panel: Panel) -> Self:
        _pipeline(self.weights, self.device)  # a missing package is reported now, not at the first forecast
        return self

    def predict(self, panel: Panel, h: int, future: pd.DataFrame | None = None) -> pd.DataFrame:
        pipeline = _pipeline(self.weights, self.device)
        import torch

        histories = [torch.as_tensor(y, dtype=torch.float32) for _, y in targets(panel, self.max_history)]
        forecasts = []
        for start in range(0, len(histories), _BATCH):
            medians, _ = pipeline.predict_quantiles(
                histories[start : start + _BATCH], prediction_length=h, quantile_levels=[0.5]
            )
            # Bolt: (h, 1) per series; Chronos-2 has a leading axis of targets.
            forecasts += [np.asarray(one, dtype=float).reshape(h) for one in medians]
        return panel.grid(h).assign(**{Y_HAT: np.concatenate(forecasts)})


@lru_cache(maxsize=1)
def _pipeline(weights: str, device: str) -> Any:
    try:
        from chronos import BaseChronosPipeline
        from huggingface_hub import constants, snapshot_download
    except ImportError as error:
        raise ModelError(
            f"model foundation: a package is not installed ({error})",
            code="package_not_installed",
            field="models",
            found=error.name,
            remedy="Install it: pip install -e .[foundation], or take foundation out of models.",
        ) from error
    try:
        # Resolved first, since the pipeline would look up a name over the network.
        folder = weights if Path(weights).is_dir() else snapshot_download(weights, local_files_only=True)
        return BaseChronosPipeline.from_pretrained(folder, device_map=device)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"model foundation: no usable weights '{weights}', neither as a folder nor in {constants.HF_HUB_CACHE} "
            f"({type(error).__name__}: {error})",
            code="weights_missing",
            field="model_params.foundation.weights",
            found=weights,
            remedy=f"Get them where there is a network: hf download {weights}. "
            "Or name their folder in model_params.foundation.weights.",
        ) from error
