"""Requests and responses for knowledge search."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from backend.core.paging import Page
from backend.core.queries import Of, Paged
from backend.knowledge.embeddings import Kind as EmbeddingKind
from backend.knowledge.sources import Kind as SourceKind

SourceId = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{16}$"), Field(description="As GET /knowledge/sources has it.")
]


class SourcesQuery(Paged):
    kind: SourceKind | None = None


class NoteQuery(Of):
    name: Annotated[
        str,
        StringConstraints(pattern=r"^[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]{0,99}$"),
        Field(description="What people call it, such as the name of the file."),
    ]


class SearchQuery(Of):
    q: Annotated[str, Field(min_length=1, max_length=1000, description="A question, or words of it.")]
    limit: Annotated[int, Field(ge=1, le=50)] = 5
    kind: Annotated[
        Literal["project"] | None, Field(description="Search README, docs and API reference instead. For analysts.")
    ] = None


class SourceOut(BaseModel):
    """A source. `chunks`: number of pieces it is split into. `added_at` and `by`: for notes only."""

    source_id: str
    name: str
    kind: SourceKind
    chunks: int
    characters: int
    added_at: str | None
    by: str | None


class SourcesOut(Page[SourceOut]):
    workspace: str


class HitOut(BaseModel):
    """A search hit. `quote` is an exact excerpt of the source; do not render it as markup. `score`: 1 is first in both
    rankings; scores are comparable within one search only.
    """

    source_id: str
    source: str
    kind: SourceKind
    heading: str
    quote: str
    score: float
    chunk_id: str


class SearchOut(BaseModel):
    """Search hits. `embedding`: `lexical` compares spelling; `local` and `provider` compare meaning with a model."""

    workspace: str
    embedding: EmbeddingKind
    embedding_name: str = Field(description="Which model, or which version.")
    hits: list[HitOut]
