"""Asks ten questions about the demo and writes them with their answers into docs/COPILOT.md."""

import asyncio
import logging
import re
from pathlib import Path

import structlog

from backend.app import create_app
from backend.copilot.answers import AnswerOut, ExplainIn
from backend.copilot.settings import CopilotSettings
from backend.core.catalog import Catalog
from backend.core.metrics import Metrics
from backend.knowledge.knowledge import Knowledge
from scripts import _cli

PAGE = Path(__file__).parents[2] / "docs/COPILOT.md"
QUESTIONS = (
    ("retail", "Summarise the workspace."),
    ("retail", "Why did Exeter/drinks-04 rise against last year?"),
    ("retail", "Which series are forecast worst?"),
    ("retail", "Can I trust the forecast of Leeds/dairy-02?"),
    ("retail", "What is the peak next week?"),
    ("retail", "compare Bath and Leeds"),
    ("retail", "What changed since the last run?"),
    ("retail", "Will it rain tomorrow?"),
    ("electricity", "What is the demand tomorrow at 18:00?"),
    ("replay", "Do the forecasts still hold?"),
)
_PLACE = re.compile(r"(?<=<!-- transcript -->\n).*(?=<!-- end -->)", re.DOTALL)


def main() -> None:
    """Regenerate the transcript; run `make demo` first."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    told = asyncio.run(_asked())
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_PLACE.sub(lambda _: "\n".join(told), page), encoding="utf-8")


async def _asked() -> list[str]:
    from backend.copilot.agent import Copilot

    services = create_app().state.services
    copilot, catalog = Copilot(services[Knowledge], services[Metrics], CopilotSettings()), services[Catalog]
    told = []
    for workspace, question in QUESTIONS:
        ask = ExplainIn(workspace=workspace, question=question)
        told.append(_told(workspace, question, await copilot.answer(ask, catalog.open(workspace))))
    return told


def _told(workspace: str, question: str, answer: AnswerOut) -> str:
    quoted = "\n".join(f"> {line}".rstrip() for line in answer.explanation.splitlines())
    return f"**{question}** ({workspace}, {answer.grounding})\n\n{quoted}\n"


if __name__ == "__main__":
    _cli.command(main)()
