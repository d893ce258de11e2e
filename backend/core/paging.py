"""Paging: the shape of every list response."""

from typing import Generic, TypeVar

from pydantic import BaseModel

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """Part of a list: at most `limit` of the `total` items, from `offset` on."""

    items: list[T]
    total: int
    limit: int
    offset: int
