"""Computes new facts from known ones, so that no model calculates."""

from typing import Annotated, Literal

from pydantic import Field

from backend.copilot.facts import Fact, Facts, Subject
from backend.copilot.scope import CannotTell, Scope
from pipelines.tables.schema import FRACTION

Operation = Literal["sum", "average", "difference", "ratio", "share", "change"]
_OF_TWO = ("difference", "ratio", "share", "change")
_NUMERIC = ("quantity", "number", "count", "share", "difference", "change")


async def run(
    scope: Scope,
    operation: Operation,
    facts: Annotated[list[str], Field(min_length=2, max_length=20, description="Ids of facts such as f3.")],
) -> Facts:
    """Calculate with facts: their sum or average; or of two facts a and b the difference a − b, the ratio a / b, the
    share of a in b, or the relative change from b to a. Facts of different units are refused.
    """
    used = [scope.fact(one) for one in facts]
    return Facts([combine(operation, used)])


def combine(operation: Operation, used: list[Fact]) -> Fact:
    """The result of an operation on facts; CannotTell if it is not meaningful."""
    values = [float(one.value) for one in used if isinstance(one.value, int | float)]
    kinds = {one.what.kind for one in used}
    if len(values) < len(used) or not kinds <= set(_NUMERIC):
        raise CannotTell("Only facts that are numbers can be calculated with.")
    if len({one.unit for one in used}) > 1:
        raise CannotTell("The facts have different units.")
    if operation in _OF_TWO and len(used) != 2:
        raise CannotTell(f"A {operation} is of exactly two facts.")
    if operation in ("ratio", "share", "change") and not values[1]:
        raise CannotTell(f"A {operation} with nothing but zero below has no value.")
    unit = used[0].unit
    if unit == FRACTION and operation in ("sum", "average"):
        raise CannotTell("Shares and changes of different wholes cannot be added or averaged.")
    of = _common(used)
    how = f"{operation} of {', '.join(one.id for one in used)}"
    period = used[0].period if len({one.period for one in used}) == 1 else ""
    a, b = values[0], values[1]
    match operation:
        case "sum":
            return Fact("sum", sum(values), unit, of, period, "calculated", how)
        case "average":
            return Fact("average", sum(values) / len(values), unit, of, period, "calculated", how)
        case "difference":
            return Fact("derived_difference", a - b, unit, of, period, "calculated", how)
        case "ratio":
            return Fact("derived_ratio", a / b, "times", of, period, "calculated", how)
        case "share":
            return Fact("derived_share", a / b, "", of, period, "calculated", how)
        case "change":
            return Fact("derived_change", (a - b) / abs(b), "", of, period, "calculated", how)


def _common(used: list[Fact]) -> tuple[Subject, ...]:
    """All subjects of the facts, without duplicates."""
    return tuple(dict.fromkeys(subject for one in used for subject in one.of))
