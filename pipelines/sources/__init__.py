"""One file a kind of source: `Options` (validated settings) and `build(options, data_dir) -> Source`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Raw:
    """What a source gave: rows as they came (text or typed) and where they came from, for people."""

    rows: "pd.DataFrame"
    origin: str
    synthetic: bool = False
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """Brings rows in. Built by its module's `build(options, data_dir)`; it reads when asked, not before."""

    def read(self) -> Raw:
        """All rows of the source; DataError with a remedy when it cannot be had. Two reads of one state are equal."""
        ...
