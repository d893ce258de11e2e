"""Requests and responses of the copilot."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from backend.copilot import render
from backend.copilot.facts import Fact
from backend.core.queries import In, Of, SeriesId, said

Page = Literal["portfolio", "forecast", "accuracy", "monitoring", "data", "runs", "copilot"]
Grounding = Literal["grounded", "fallback", "abstained"]
Question = Annotated[str, said(1_000)]


class Turn(In):
    """A previous question, and the series that its answer was about."""

    question: Question
    unique_ids: Annotated[tuple[SeriesId, ...], Field(max_length=10)] = ()


class ExplainIn(Of):
    """A question. `unique_id`: the series on screen; `page`: the current page; `history`: previous questions, oldest
    first.
    """

    question: Question
    unique_id: SeriesId | None = None
    page: Page = "copilot"
    history: Annotated[tuple[Turn, ...], Field(max_length=10)] = ()


class SummarizeIn(Of):
    """What to summarise: one series or, without `unique_id`, the whole workspace."""

    unique_id: SeriesId | None = None


class SuggestionsQuery(Of):
    """Context of suggestions. `unique_id`: the series on screen; `page`: the current page."""

    unique_id: SeriesId | None = None
    page: Page = "copilot"


class SuggestionsOut(BaseModel):
    """Suggested questions that can be answered on the current page."""

    suggestions: list[str]


class FactOut(BaseModel):
    """A number, date or name in the answer, as written there, with its source.

    Shares and changes have the unit `fraction`: a `value` of 0.801 has the `text` 80.1 %.
    """

    id: str
    label: str
    text: str
    value: float | int | str | list[float]
    unit: str
    unique_id: str | None
    about: list[str]
    period: str
    source: str
    how: str


class SpanOut(BaseModel):
    """Position of a fact in the explanation: characters from `start` up to `end`."""

    start: int
    end: int
    fact: str


class Citation(BaseModel):
    """A quoted source. `quote` is byte for byte the text of the source."""

    source: str
    heading: str
    quote: str


class Usage(BaseModel):
    """Token usage at the provider; 0 offline."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


class AnswerOut(BaseModel):
    """An answer. `grounding`: `grounded`: every number is a fact; `fallback`: the offline answer replaces the
    provider's; `abstained`: the data do not answer the question. `note`: why the provider's answer is not shown; empty
    if it is shown, and offline.
    """

    workspace: str
    explanation: str
    facts: list[FactOut]
    spans: list[SpanOut]
    citations: list[Citation]
    grounding: Grounding
    note: str = ""
    provider: Literal["offline", "openai"]
    model: str
    usage: Usage
    latency_ms: float
    suggestions: list[str]


def fact_out(fact: Fact) -> FactOut:
    """Converts a fact to its response model."""
    value = list(fact.value) if isinstance(fact.value, tuple) else fact.value
    return FactOut(
        id=fact.id,
        label=fact.what.label,
        text=render.text(fact),
        value="" if value is None else value,
        unit=fact.unit,
        unique_id=fact.unique_id,
        about=[subject.name for subject in fact.of],
        period=fact.period,
        source=fact.source,
        how=fact.how,
    )
