"""Errors as `application/problem+json` (RFC 9457). Details meant for operators go to the log only."""

import http
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from backend.core.problem_types import uri_of
from pipelines.core import errors
from pipelines.core.errors import ForecastError

PROBLEM_JSON = "application/problem+json"
TOO_LARGE = "The body is larger than 5 MiB (32 MiB for an upload)."
_SHOWN = 20  # field errors per response


class Problem(Exception):
    """Ends a request with an error response. `detail` is for people; `extra` holds further members of the response."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers, self.extra = status, detail, dict(headers or {}), extra


def answer(
    scope: Scope, status: int, detail: str, headers: Mapping[str, str] | None = None, **extra: Any
) -> JSONResponse:
    """The problem as a response."""
    content = {
        "type": uri_of(status),
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": scope["path"],
        "request_id": scope.get("state", {}).get("request_id", ""),
        **extra,
    }
    return JSONResponse(content, status, dict(headers or {}), PROBLEM_JSON)


def of_library(error: ForecastError) -> Problem:
    """The problem for an error of the library: its text and its members.

    Messages of the storage may contain file paths of the server, so only their code is passed on.
    """
    match error:
        case errors.NotFound():
            return Problem(404, "There is nothing complete under that name.", code=error.code)
        case errors.Conflict():
            again = "Read it and try again."
            first = f"Another writer was first; nothing was changed. {again}"
            return Problem(409, first, code=error.code, remedy=again)
        case errors.StoreError():
            failed = "The storage failed or refuses what it holds."
            return Problem(503, failed, headers={"Retry-After": "5"}, code=error.code)
        case errors.UnknownName():
            return Problem(404, error.text, **error.members())
        case errors.ConfigError() | errors.DataError() | errors.ModelError():
            return Problem(422, error.text, **error.members())
        case _:
            return Problem(409, error.text, **error.members())


def install(app: FastAPI, public: Callable[[str], str]) -> None:
    """Installs the handlers for every error raised by routes or the framework; middleware catches the rest.

    `public` removes from a message what only operators may see.
    """
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(ForecastError, partial(_library, public))
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework)


async def _problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)  # noqa: S101 - registered for it
    return answer(request.scope, error.status, error.detail, error.headers, **error.extra)


async def _library(public: Callable[[str], str], request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ForecastError)  # noqa: S101 - registered for it
    request.state.reason = str(error)  # for the access log
    problem = of_library(error)
    if problem.status == 503:
        problem.detail += f" {public(str(error))}"
    return await _problem(request, problem)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    _release(error)
    return answer(request.scope, 422, "The request is not valid.", errors=_fields(error.errors()))


async def _framework(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    _release(error)
    headers = dict(error.headers or {})
    details = {404: "There is nothing at this path.", 413: TOO_LARGE}
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_allowed(request))
    return answer(request.scope, error.status_code, details.get(error.status_code, str(error.detail)), headers)


def _release(error: BaseException) -> None:
    """Frees the body of a failed request. The framework's frames reference the error and would keep the body until the
    next cyclic garbage collection; hundreds of aborted uploads would add up by then.
    """
    for one in (error, error.__cause__):
        traceback.clear_frames(one.__traceback__ if one else None)


def _fields(mistakes: Sequence[Any]) -> list[dict[str, str]]:
    """The location and message of each mistake, without the value sent, which may be anything."""
    return [{"field": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in mistakes[:_SHOWN]]


def _allowed(request: Request) -> list[str]:
    """The methods that the routes of this path accept."""
    methods: set[str] = set()
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] == Match.FULL for route in request.app.router.routes):
            methods.add(method)
    return sorted(methods)
