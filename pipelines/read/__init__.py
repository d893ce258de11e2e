"""The only reader for others: what is published of every workspace, as folders, tables and rows of one series."""

from pipelines.folders import Folder
from pipelines.read.reader import CALIBRATION, CURRENT, MONITORING, POINTERS, Dataset, Reader, reader
from pipelines.store import new_version, oldest_first

__all__ = [
    "CALIBRATION", "CURRENT", "MONITORING", "POINTERS", "Dataset", "Folder", "Reader", "new_version", "oldest_first",
    "reader",
]  # fmt: skip
