"""Size limits of tables and their regular grids, checked before memory is allocated."""

from pydantic import PositiveInt

from pipelines.core.layers import Strict

COLUMNS = 100_000  # of a table: a wide one has a column per series, and panels have up to 100,000
LINE = 16 * 2**20  # characters of a line above the rows: 100,000 names of 160 characters
CELLS = 2_000_000_000  # of a table: ten columns of the largest grid below
SHEET_CELLS = 100_000_000  # of a worksheet: all 1,048,576 rows with 95 columns; untyped cells are objects
UNPACKED = 4 * 2**30  # bytes of a workbook: a full worksheet of 95 columns
RATIO = 100  # unpacked to packed bytes of a workbook: XML cells compress 10 to 30 times, a bomb 1,000 times

UPLOAD_COLUMNS = 2_000  # of an upload: a mapping names at most 112 of them
UPLOAD_UNPACKED = 128 * 2**20  # bytes; a gzipped upload may unpack to a thousand times its size
UPLOAD_LINES = 12_000_000  # as many as fit into 128 MiB with a date and a digit each
UPLOAD_STEPS = 20_000_000  # of an upload's grid: 128 MiB hold 12 million rows
UPLOAD_ADDED = 5_000_000  # of these, added steps: as many as a preview can process in time


class Limits(Strict):
    """The grid of a panel: each step, with or without a row, takes about 100 bytes while data are loaded.

    Without limits, one wrong date or too fine a frequency turns a few rows into more steps than fit into memory.
    """

    steps: PositiveInt = 200_000_000  # of all series together: 20 GB; 30,490 series of 1,941 days have 59 million
    added: PositiveInt = 20_000_000  # of these, without a row; or ten per row, if that is more
    gap: PositiveInt = (
        5_000  # consecutive steps that a series may lack if they exceed ten times the rest of its history
    )

    def of_upload(self) -> "Limits":
        """These limits, capped at what a preview can process."""
        steps, added = min(self.steps, UPLOAD_STEPS), min(self.added, UPLOAD_ADDED)
        return self.model_copy(update={"steps": steps, "added": added})
