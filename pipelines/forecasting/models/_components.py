"""The components of forecasts as the table that `protocols.Explains` requires."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from pipelines.forecasting.models._local import Array
from pipelines.tables.schema import COMPONENT, KEY, VALUE


def long(chunks: Iterable[tuple[pd.DataFrame, Mapping[str, Array]]]) -> pd.DataFrame:
    """`unique_id, ds, component, value` from rows `unique_id, ds` and the values of each component in their order."""
    tables = []
    for rows, parts in chunks:
        table = rows.loc[rows.index.repeat(len(parts)), KEY]
        names = np.tile(np.array(list(parts), dtype=object), len(rows))
        values = np.column_stack(list(parts.values())).ravel() if parts else np.empty(0)
        tables.append(table.assign(**{COMPONENT: names, VALUE: values}))
    return pd.concat(tables, ignore_index=True)
