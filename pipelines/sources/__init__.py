"""Sources, one file per kind: `Options` (validated settings) and `build(options, data_dir) -> Source`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Raw:
    """The result of a source: unprocessed rows (text or typed) and a description of their origin for people."""

    rows: "pd.DataFrame"
    origin: str
    synthetic: bool = False
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """A source of rows. Made by its module's `build(options, data_dir)`; reads only when `read` is called."""

    def read(self) -> Raw:
        """All rows of the source; DataError with a remedy if it cannot be read. Reading unchanged data twice gives
        equal rows.
        """
        ...
