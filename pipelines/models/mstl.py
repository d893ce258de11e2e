"""Several seasons by repeated LOESS (MSTL; Bandara et al. 2021), what is left by exponential smoothing, one a series."""

from collections.abc import Sequence

from pipelines.models._local import LocalForecaster
from pipelines.panel import Panel
from pipelines.protocols import Forecaster


def build(season_lengths: Sequence[int] | None = None, max_history: int | None = None) -> Forecaster:
    """`season_lengths` in steps; without them, all that the workspace has."""
    return MstlForecaster(season_lengths, max_history)


class MstlForecaster(LocalForecaster):
    """A season that does not fit into a series twice is left out; without any, the trend is all there is.

    The seasons are no parameters, so newer rows are decomposed anew; how the trend is smoothed stays as learnt.
    """

    def __init__(self, season_lengths: Sequence[int] | None, max_history: int | None) -> None:
        super().__init__(_make, max_history=max_history)
        self.season_lengths = season_lengths

    def _season(self, panel: Panel, n: int) -> list[int]:
        return [season for season in self.season_lengths or panel.season_lengths if 1 < season <= n // self.min_seasons]


def _make(seasons: list[int]) -> object:
    from statsforecast.models import MSTL, AutoETS

    trend = AutoETS(model="ZZN")
    return MSTL(seasons, trend) if seasons else trend
