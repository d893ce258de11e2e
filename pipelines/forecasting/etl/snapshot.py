"""Immutable parquet snapshots of source rows; equal rows always give equal bytes."""

import io

import pandas as pd
import pyarrow as pa


def to_parquet(rows: pd.DataFrame) -> bytes:
    """The rows as parquet with zstd; columns of mixed types are stored as text."""
    storable = rows.rename(columns=str)
    for name in storable.select_dtypes("object").columns:
        try:
            pa.array(storable[name], from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
            storable = storable.assign(**{name: storable[name].astype("string")})
    buffer = io.BytesIO()
    storable.to_parquet(buffer, engine="pyarrow", compression="zstd", index=False)
    return buffer.getvalue()


def from_parquet(content: bytes) -> pd.DataFrame:
    """The rows of a snapshot."""
    return pd.read_parquet(io.BytesIO(content), engine="pyarrow")
