"""Points of the service as frames."""

import pandas as pd

from frontend.core.frames import frame


def test_times_are_the_wall_clock_of_the_workspace() -> None:
    """Their offsets say which; a picture of days has none."""
    table = frame([{"ds": "2024-10-27T01:30:00+01:00", "y": 1.0}, {"ds": "2024-10-27T02:00:00+00:00", "y": None}])
    assert table["ds"].tolist() == [pd.Timestamp("2024-10-27 01:30"), pd.Timestamp("2024-10-27 02:00")]
    assert table["y"].isna().tolist() == [False, True]
