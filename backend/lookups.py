"""What goes out about what can be looked up, as the OpenAPI shows it."""

from pydantic import BaseModel, Field

from backend.copilot.knowledge.embeddings import Kind as EmbeddingKind
from backend.copilot.knowledge.sources import Kind as SourceKind


class SourceOut(BaseModel):
    """`chunks`: in how many pieces it is found. `added_at` and `by`: of a note; the others follow from the project."""

    source_id: str
    name: str
    kind: SourceKind
    chunks: int
    characters: int
    added_at: str | None
    by: str | None


class SourcesOut(BaseModel):
    workspace: str
    total: int
    limit: int
    offset: int
    sources: list[SourceOut]


class HitOut(BaseModel):
    """`quote` is a piece of the source, byte for byte, and no markup to be rendered. `score`: 1 is first by both rankings;
    it compares hits of the same search only.
    """

    source_id: str
    source: str
    kind: SourceKind
    heading: str
    quote: str
    score: float
    chunk_id: str


class SearchOut(BaseModel):
    """`embedding`: `lexical` compares how texts are written, `local` and `provider` by a model what they mean."""

    workspace: str
    embedding: EmbeddingKind
    embedding_name: str = Field(description="Which model, or which version.")
    hits: list[HitOut]
