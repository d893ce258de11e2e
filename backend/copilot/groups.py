"""Groups: series with the same attributes, as one subject of facts."""

from collections.abc import Mapping

from backend.copilot.facts import Subject
from backend.copilot.scope import CannotTell
from pipelines.core.errors import UnknownName
from pipelines.forecasting.read.series import Positions, SeriesTable


def select(table: SeriesTable, filters: Mapping[str, str] | None) -> tuple[Positions, tuple[Subject, ...]]:
    """Positions of the series with these attributes, and the subjects of facts about them: empty for all series.

    CannotTell for an attribute that the workspace does not have, or if no series match.
    """
    try:
        rows = table.select("", filters or {})
    except UnknownName as error:
        raise CannotTell(str(error)) from None
    if not len(rows):
        raise CannotTell("No series has these attributes.")
    return rows, (Subject("group", ", ".join(filters.values())),) if filters else ()
