"""Models, one file each, named after the file: `build(**params) -> Forecaster`."""

import os

# OpenMP threads wait by spinning: with one other busy process on two cores, LightGBM took fifteen times as long
# (218 s instead of 14 s). The libraries read the variable at import, so it is set before them.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
