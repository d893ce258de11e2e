"""Registry of the application's parts: `create_app` builds each part once, and routes look it up by type."""

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
    """Dependency that passes the part of this type to a route."""

    async def find(request: Request) -> Any:  # async: a plain function would be called in a thread
        return request.app.state.services[kind]

    return Depends(find)
