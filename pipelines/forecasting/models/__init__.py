"""One file a model: `build(**params) -> Forecaster`; the file's name is the model's name."""

import os

# Threads of OpenMP wait for each other by spinning: beside one other busy process on two cores, LightGBM then took
# fifteen times as long (218 s instead of 14 s). The libraries read this when they are loaded, so it stands before them.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
