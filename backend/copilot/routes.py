"""Questions and answers: all that is said is read from published files, and nothing is changed."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from backend.copilot import offline
from backend.copilot.agent import Copilot
from backend.copilot.answers import AnswerOut, ExplainIn, SuggestionsOut, SuggestionsQuery, SummarizeIn
from backend.copilot.scope import CannotTell
from backend.core.access import Access, Viewer
from backend.core.errors import Problem, of_library
from backend.core.rate import MAX_BODY
from backend.core.responses import problems
from backend.core.services import provided
from backend.core.shutdown import Shutdown
from pipelines.core.errors import ForecastError

router = APIRouter(prefix="/copilot", tags=["copilot"])

_TICK = 0.2  # seconds between looks at whether the client or the service is gone
_PIECE = re.compile(r".{1,80}(?:\s+|\Z)|.{1,80}", re.DOTALL)  # of a text as it is streamed


CopilotDep = Annotated[Copilot, provided(Copilot)]


@router.post("/explain", response_model=AnswerOut, responses=problems(400, 404, 413), max_body_size=MAX_BODY)
async def explain(access: Viewer, asked: ExplainIn, copilot: CopilotDep) -> AnswerOut:
    """Answers a question about forecasts, accuracy, drift, data, runs or documents, from facts only."""
    return await _answer(asked, access, copilot)


@router.post("/summarize", response_model=AnswerOut, responses=problems(400, 404, 413), max_body_size=MAX_BODY)
async def summarize(access: Viewer, asked: SummarizeIn, copilot: CopilotDep) -> AnswerOut:
    """How a workspace, or one series, stands: forecast, accuracy, monitoring."""
    question = "Summarise the workspace." if asked.unique_id is None else "Summarise this series."
    whole = ExplainIn(workspace=asked.workspace, question=question, unique_id=asked.unique_id)
    return await _answer(whole, access, copilot)


@router.post(
    "/stream",
    response_class=StreamingResponse,
    responses={**problems(400, 404, 413), 200: {"description": "Events.", "content": {"text/event-stream": {}}}},
    max_body_size=MAX_BODY,
)
async def stream(
    access: Viewer, asked: ExplainIn, copilot: CopilotDep, shutdown: Annotated[Shutdown, provided(Shutdown)]
) -> StreamingResponse:
    """The same as it comes: `start`, a `tool` for each look-up, `text` in pieces, `facts`, then `done` with the whole
    answer, or `error`. Text is sent when all of it has passed."""
    return StreamingResponse(
        _events(asked, access, copilot, shutdown),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@router.get("/suggestions", response_model=SuggestionsOut, responses=problems(404))
async def suggestions(access: Viewer, query: Annotated[SuggestionsQuery, Query()]) -> SuggestionsOut:
    """Questions to begin with, for a page and the series on it."""
    nothing_yet = ExplainIn(workspace=query.workspace, question="?", unique_id=query.unique_id, page=query.page)
    return SuggestionsOut(suggestions=offline.suggestions(nothing_yet))


async def _answer(asked: ExplainIn, access: Access, copilot: Copilot) -> AnswerOut:
    try:
        return await copilot.answer(asked, access.workspace, access.identity.prefix)
    except CannotTell as reason:
        raise Problem(404, str(reason)) from None


async def _events(asked: ExplainIn, access: Access, copilot: Copilot, shutdown: Shutdown) -> AsyncIterator[bytes]:
    """The answer as events; the work ends with the client, and the stream with the service."""
    yield _event("start", {"workspace": asked.workspace})
    told: asyncio.Queue[str] = asyncio.Queue()
    work = asyncio.create_task(copilot.answer(asked, access.workspace, access.identity.prefix, told.put_nowait))
    try:
        while not work.done() or not told.empty():
            if shutdown.begun:
                yield _event("error", {"status": 503, "detail": "The service is stopping. Ask again in a moment."})
                return
            try:
                async with asyncio.timeout(_TICK):
                    yield _event("tool", {"tool": await told.get()})
            except TimeoutError:
                continue
        if problem := work.exception():
            yield _event("error", _told(problem))
            return
        answer = work.result()
        for piece in _PIECE.findall(answer.explanation):
            yield _event("text", {"text": piece})
        yield _event("facts", {"facts": [one.model_dump() for one in answer.facts]})
        yield _event("done", answer.model_dump())
    finally:
        work.cancel()


def _told(error: BaseException) -> dict[str, Any]:
    """An error as a client may read it; what is none of theirs goes to the log."""
    match error:
        case Problem():
            return {"status": error.status, "detail": error.detail}
        case CannotTell():
            return {"status": 404, "detail": str(error)}
        case ForecastError():
            found = of_library(error)
            return {"status": found.status, "detail": found.detail}
        case _:
            structlog.get_logger("backend").error("copilot failed", exc_info=error)
            return {"status": 500, "detail": "Something failed here. The log has it."}


def _event(kind: str, content: dict[str, Any]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(content, ensure_ascii=False)}\n\n".encode()
