"""Judges answers: facts against the oracle, prose for stray numbers, refusals against the case."""

import math
import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from backend.copilot import numberwords
from backend.copilot.answers import AnswerOut, FactOut
from scripts.dev.evals.cases import Case
from scripts.dev.evals.oracle import Oracle

Verdict = Literal["right", "wrong", "refused rightly", "refused wrongly", "answered wrongly"]

_CLOSE = 2e-3  # relative: sums of floats in different precision


@dataclass(frozen=True)
class Judged:
    """`loose`: a number in the text that is not a fact; `why`: the faults of the answer."""

    case: Case
    answer: AnswerOut
    verdict: Verdict
    why: str = ""
    loose: str = ""

    @property
    def is_right(self) -> bool:
        return self.verdict in ("right", "refused rightly")


def judge(case: Case, answer: AnswerOut, oracle: Oracle) -> Judged:
    """The verdict on one answer."""
    loose = loose_number(answer)
    refused = answer.grounding == "abstained"
    if case.answered == "any":
        return Judged(case, answer, "right", loose=loose)
    if not case.answered:
        return Judged(case, answer, "refused rightly" if refused else "answered wrongly", loose=loose)
    if refused:
        return Judged(case, answer, "refused wrongly", answer.explanation, loose)
    why = next(iter(_faults(case, answer, oracle)), "")
    return Judged(case, answer, "wrong" if why else "right", why, loose)


def loose_number(answer: AnswerOut) -> str:
    """A number in the text outside of its facts; empty if there is none."""
    prose, at = [], 0
    for span in answer.spans:
        prose.append(answer.explanation[at : span.start])
        at = span.end
    rest = " ".join([*prose, answer.explanation[at:]])
    digit = re.search(r"\d", rest)
    return digit.group() if digit else numberwords.find(rest) or ""


def _faults(case: Case, answer: AnswerOut, oracle: Oracle) -> list[str]:
    """What is missing or wrong in the answer."""
    named = {fact.unique_id for fact in answer.facts if fact.unique_id}
    faults = [f"it does not name {one}" for one in case.about if one not in named]
    faults += [f"it is about {one}" for one in sorted(named - set(case.about)) if case.about]
    for wanted in case.facts:
        ((concept, asked),) = wanted.items()
        faults += (
            _ranking(answer, oracle.ranked(**asked)) if concept == "ranked" else _fact(concept, asked, answer, oracle)
        )
    if case.groups:
        faults += _ranking(answer, oracle.groups(case.groups.by)[: case.groups.n])
    if case.asks is not None:
        others = named - set(oracle.ids(case.asks))
        faults += (
            [] if named and not others else [f"it asks which series is meant with {sorted(others) or 'no example'}"]
        )
    return faults


def _fact(concept: str, asked: dict[str, Any], answer: AnswerOut, oracle: Oracle) -> list[str]:
    of = asked.get("of")
    about = {of} if isinstance(of, str) else set(of.values()) if of else set()
    about |= {one if isinstance(one, str) else ", ".join(one.values()) for one in asked.get("between", ())}
    about |= {asked["component"]} if "component" in asked else set()
    facts = [fact for fact in answer.facts if fact.label == _label(concept)]
    facts = [fact for fact in facts if about <= {part for one in fact.about for part in (one, *one.split(", "))}]
    if not facts:
        return [f"no {concept} of {of or 'all series'}"]
    if asked.get("model") == "*":
        return []
    if concept == "forecast_date":
        return [] if any(str(fact.value) == str(asked["at"]) for fact in facts) else [f"{concept} is {facts[0].value}"]
    right = oracle(concept, asked)
    if any(_same(fact.value, right) for fact in facts):
        return []
    return [f"{concept} is {[fact.value for fact in facts]} in place of {right}"]


def _ranking(answer: AnswerOut, right: list[str]) -> list[str]:
    """Faults in the series or groups that an answer names; those with equal figures may change places."""
    known = set(right)
    named = list(dict.fromkeys(one for fact in answer.facts for one in fact.about if _is_name(fact)))[: len(right)]
    missing = [one for one, times in (Counter(right) - Counter(named)).items() if times]
    return [f"it lacks {missing} and names {[one for one in named if one not in known]}"] if missing else []


def _is_name(fact: FactOut) -> bool:
    return fact.label in ("series", "group of series")


def _label(concept: str) -> str:
    from backend.copilot.concepts import CONCEPTS

    return CONCEPTS[concept].label


def _same(stated: Any, right: Any) -> bool:
    if isinstance(right, list):
        return isinstance(stated, list) and all(_same(a, b) for a, b in zip(stated, right, strict=True))
    if isinstance(right, float | int) and isinstance(stated, float | int):
        return math.isclose(stated, right, rel_tol=_CLOSE, abs_tol=1e-6)
    return _plain(stated) == _plain(right)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
