"""The parts of the application: `create_app` builds each once, and whatever needs one finds it by its type."""

from typing import Any, TypeVar, cast

from fastapi import Depends, Request

T = TypeVar("T")


class Services:
    """One part of each type."""

    def __init__(self, *parts: object) -> None:
        self._parts = {type(part): part for part in parts}

    def __getitem__(self, kind: type[T]) -> T:
        return cast(T, self._parts[kind])


def provided(kind: type[Any]) -> Any:
    """A dependency that gives a route the part of this type."""

    async def find(request: Request) -> Any:  # a plain function would be called in a thread
        return request.app.state.services[kind]

    return Depends(find)
