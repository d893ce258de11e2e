"""Asks the copilot every question of the evaluation on the demo's workspaces, and reports the results."""

import asyncio
import json
import logging
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import structlog
import typer

from backend.app import create_app
from backend.copilot import settings as copilots
from backend.copilot.agent import Copilot
from backend.copilot.answers import ExplainIn, Turn
from backend.core.catalog import Catalog
from backend.core.metrics import Metrics
from backend.knowledge.knowledge import Knowledge
from pipelines.core import config
from pipelines.core.errors import ConfigError
from scripts import _cli
from scripts.dev.evals.cases import Case, load
from scripts.dev.evals.judge import Judged, judge
from scripts.dev.evals.oracle import Oracle

CASES = Path(__file__).parents[2] / "tests/evals/copilot"
# Requirements of a release: shares of the respective questions, and milliseconds.
ANSWERED, REFUSED, FALSE_REFUSALS, PATIENCE = 0.90, 0.98, 0.03, 300.0


def main(
    provider: Annotated[
        str, typer.Option(help="offline, or configured: what copilot.yaml and the environment name.")
    ] = "offline",
    kind: Annotated[str, typer.Option(help="Only the questions of this file of tests/evals/copilot.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
    show: Annotated[bool, typer.Option(help="Every answer that is not right, as it was given.")] = True,
) -> None:
    """Ask all questions and judge the answers; exits with 1 if they miss a requirement of a release."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    project = config.load_project()
    asked = [case for case in load(CASES) if not kind or case.kind == kind]
    if missing := sorted(
        {case.workspace for case in asked if not _is_published(Path(project.artifacts_dir), case.workspace)}
    ):
        raise ConfigError(
            f"nothing is published in {', '.join(missing)}",
            code="no_forecasts",
            found=missing,
            remedy="Run `make demo` first.",
        )
    judged = asyncio.run(evaluate(asked, Path(project.data_dir), Path(project.artifacts_dir), provider))
    figures = report(judged)
    short = shortfalls(figures) if not kind else []
    if as_json:
        wrong = [
            {"id": one.case.id, "verdict": one.verdict, "why": one.why or one.loose}
            for one in judged
            if not one.is_right or one.loose
        ]
        sys.stdout.write(
            json.dumps({**figures, "provider": provider, "not_right": wrong, "short": short}, indent=1) + "\n"
        )
    else:
        sys.stdout.write(
            _table(figures) + (_shown(judged) if show else "") + "".join(f"short: {one}\n" for one in short)
        )
    if short:
        raise typer.Exit(1)


async def evaluate(cases: Sequence[Case], data: Path, artifacts: Path, provider: str = "offline") -> list[Judged]:
    """Judged answers; each case is asked separately, on warm workspaces."""
    services = create_app().state.services
    chosen = copilots.load() if provider == "configured" else copilots.CopilotSettings()
    copilot, catalog = Copilot(services[Knowledge], services[Metrics], chosen), services[Catalog]
    oracles = {name: Oracle(data, artifacts, name) for name in {case.workspace for case in cases}}
    for workspace in oracles:
        ask = ExplainIn(workspace=workspace, question="Summarise the workspace.")
        await copilot.answer(ask, catalog.open(workspace))
    judged = []
    for case in cases:
        turns = tuple(Turn(question=one.question, unique_ids=tuple(one.unique_ids)) for one in case.history)
        ask = ExplainIn(workspace=case.workspace, question=case.question, unique_id=case.unique_id, history=turns)
        answer = await copilot.answer(ask, catalog.open(case.workspace))
        judged.append(judge(case, answer, oracles[case.workspace]))
    return judged


def report(judged: Sequence[Judged]) -> dict[str, float]:
    """Figures of an evaluation: counts, shares, milliseconds and tokens."""
    verdicts = Counter(one.verdict for one in judged)
    to_answer = [one for one in judged if one.case.answered is True]
    to_refuse = [one for one in judged if one.case.answered is False]
    times = [one.answer.latency_ms for one in judged]
    return {
        "questions": len(judged),
        "answered correctly": _share(verdicts["right"] - sum(one.case.answered == "any" for one in judged), to_answer),
        "refused wrongly": _share(verdicts["refused wrongly"], to_answer),
        "refused rightly": _share(verdicts["refused rightly"], to_refuse),
        "answered wrongly": _share(verdicts["answered wrongly"], to_refuse),
        "numbers outside facts": sum(bool(one.loose) for one in judged),
        "given by the provider": sum(one.answer.grounding != "fallback" for one in judged),
        "p50 ms": float(np.quantile(times, 0.5)),
        "p95 ms": float(np.quantile(times, 0.95)),
        "tokens in": sum(one.answer.usage.input_tokens for one in judged),
        "tokens out": sum(one.answer.usage.output_tokens for one in judged),
    }


def shortfalls(figures: dict[str, float]) -> list[str]:
    """Requirements of a release that the evaluation misses."""
    wanted = [
        ("answered correctly", figures["answered correctly"] >= ANSWERED, f"at least {ANSWERED:.0%}"),
        ("refused rightly", figures["refused rightly"] >= REFUSED, f"at least {REFUSED:.0%}"),
        ("refused wrongly", figures["refused wrongly"] <= FALSE_REFUSALS, f"at most {FALSE_REFUSALS:.0%}"),
        ("numbers outside facts", figures["numbers outside facts"] == 0, "none"),
        ("p95 ms", figures["p95 ms"] <= PATIENCE or figures["tokens in"] > 0, f"at most {PATIENCE:.0f}"),
    ]
    return [f"{name}: {figures[name]:.3g}, wanted {what}" for name, is_met, what in wanted if not is_met]


def _is_published(artifacts: Path, workspace: str) -> bool:
    pointers = artifacts / workspace / "pointers.json"
    return pointers.is_file() and bool(json.loads(pointers.read_text(encoding="utf-8"))["published"])


def _share(count: int, of: Sequence[Judged]) -> float:
    return count / len(of) if of else float("nan")


def _table(figures: dict[str, float]) -> str:
    counted = ("questions", "numbers outside facts", "given by the provider", "tokens in", "tokens out")
    written = {
        name: f"{value:,.0f}" if name in counted or name.endswith("ms") else f"{value:.1%}"
        for name, value in figures.items()
    }
    return "".join(f"{name:<24}{value:>8}\n" for name, value in written.items())


def _shown(judged: Sequence[Judged]) -> str:
    lines = []
    for one in judged:
        if not one.is_right or one.loose:
            lines.append(
                f"\n{one.case.kind}/{one.case.id}: {one.verdict}\n  asked: {one.case.question}\n  why: {one.why or one.loose}\n"
            )
            lines.append("  said: " + one.answer.explanation.replace("\n", " ")[:400] + "\n")
    return "".join(lines)


if __name__ == "__main__":
    _cli.command(main)()
