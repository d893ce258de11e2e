"""Copilot: answers from published files; changes nothing."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Annotated

import structlog
from fastapi import APIRouter, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

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

_TICK = 0.2  # seconds between checks for a closed client or a shutdown
_STOPPING = {"status": 503, "detail": "The service is stopping. Ask again in a moment."}
_PIECE = re.compile(r".{1,80}(?:\s+|\Z)|.{1,80}", re.DOTALL)  # a piece of streamed text


CopilotDep = Annotated[Copilot, provided(Copilot)]


@router.post("/explain", response_model=AnswerOut, responses=problems(400, 404, 413), max_body_size=MAX_BODY)
async def explain(access: Viewer, asked: ExplainIn, copilot: CopilotDep) -> AnswerOut:
    """Answers a question about forecasts, accuracy, drift, data, runs or documents, from facts only."""
    return await _answer(asked, access, copilot)


@router.post("/summarize", response_model=AnswerOut, responses=problems(400, 404, 413), max_body_size=MAX_BODY)
async def summarize(access: Viewer, asked: SummarizeIn, copilot: CopilotDep) -> AnswerOut:
    """Summarises the state of a workspace, or of one series: forecast, accuracy, monitoring."""
    question = "Summarise the workspace." if asked.unique_id is None else "Summarise this series."
    whole = ExplainIn(workspace=asked.workspace, question=question, unique_id=asked.unique_id)
    return await _answer(whole, access, copilot)


@router.post(
    "/stream",
    response_class=EventSourceResponse,
    responses={**problems(400, 404, 413), 200: {"description": "Events."}},
    max_body_size=MAX_BODY,
)
async def stream(
    access: Viewer, asked: ExplainIn, copilot: CopilotDep, shutdown: Annotated[Shutdown, provided(Shutdown)]
) -> AsyncIterator[ServerSentEvent]:
    """Streams an answer: `start`, `tool` for each call, `text` in pieces, `facts`, then `done` with the whole answer,
    or `error`. No text is sent before all of it has passed the checks.
    """
    yield ServerSentEvent(event="start", data={"workspace": asked.workspace})
    told: asyncio.Queue[str] = asyncio.Queue()
    work = asyncio.create_task(copilot.answer(asked, access.workspace, access.identity, told.put_nowait))
    try:
        while not work.done() or not told.empty():
            if shutdown.begun:
                yield ServerSentEvent(event="error", data=_STOPPING)
                return
            try:
                async with asyncio.timeout(_TICK):  # sends nothing: slow clients do not trigger it
                    tool = await told.get()
            except TimeoutError:
                continue
            yield ServerSentEvent(event="tool", data={"tool": tool})
        if problem := work.exception():
            yield ServerSentEvent(event="error", data=_told(problem))
            return
        answer = work.result()
        for piece in _PIECE.findall(answer.explanation):
            yield ServerSentEvent(event="text", data={"text": piece})
        yield ServerSentEvent(event="facts", data={"facts": answer.facts})
        yield ServerSentEvent(event="done", data=answer)
    finally:
        work.cancel()  # not needed after a disconnect or a shutdown


@router.get("/suggestions", response_model=SuggestionsOut, responses=problems(404))
async def suggestions(access: Viewer, query: Annotated[SuggestionsQuery, Query()]) -> SuggestionsOut:
    """Suggested questions for a page and the series on it."""
    nothing_yet = ExplainIn(workspace=query.workspace, question="?", unique_id=query.unique_id, page=query.page)
    return SuggestionsOut(suggestions=offline.suggestions(nothing_yet))


async def _answer(asked: ExplainIn, access: Access, copilot: Copilot) -> AnswerOut:
    try:
        return await copilot.answer(asked, access.workspace, access.identity)
    except CannotTell as reason:
        raise Problem(404, str(reason)) from None


def _told(error: BaseException) -> dict[str, int | str]:
    """An error as clients may see it; internal errors go to the log."""
    match error:
        case Problem():
            return {"status": error.status, "detail": error.detail}
        case CannotTell():
            return {"status": 404, "detail": str(error)}
        case ForecastError():
            problem = of_library(error)
            return {"status": problem.status, "detail": problem.detail}
        case _:
            structlog.get_logger("backend").error("copilot failed", exc_info=error)
            return {"status": 500, "detail": "Something failed here. The log has it."}
