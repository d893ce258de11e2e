"""A parsed question: its intents, series, times and unknown words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from backend.copilot.answers import ExplainIn
from backend.copilot.offline import dates, intents, refusals, vocabulary
from backend.copilot.offline.names import Mention, Name, Names, fold
from backend.copilot.scope import CannotTell, Scope
from backend.copilot.times import local
from pipelines.forecasting.read.series import Positions, SeriesTable

_WORD = re.compile(r"[^\W_]+(?:'[a-z]+)?")
_SNAKE = re.compile(r"[\w-]*[^\W_]_[\w-]*")
_PREFIX = "\u203b"  # replaces one of them in a folded text
_CHUNK = re.compile(r"[^\s,;:!?()\"“”]+")
_COUNTED = re.compile(r"\b(?:\d{1,3}|two|three|four|five|six|seven|eight|nine|ten)\b(?!\s*%)")
_LEVEL = re.compile(r"\b(\d{2})\s*(?:%|percent|per cent)")
_BACKWARD = re.compile(r"\b(?:did|was|were|sold|had|actuals?|actually|happened|recorded|measured|observed)\b")
_FORWARD = re.compile(r"\b(?:will|going to|forecast\w*|expect\w*|predict\w*)\b")
_PRONOUN = re.compile(r"\b(?:it|its|it's|they|them|their|this|that|these|those|one|same)\b")
_FOLLOWS = re.compile(
    r"^\W*(?:and|but|so|what about|how about|what of|also|ok(?:ay)? and|then|why|really|since when|how come)\b"
)
_WHOLE = re.compile(
    r"\b(?:workspace|all (?:the |our |of the )?(?:series|stores?|products?|items?|of them|together|categories|ATTRIBUTE|data)|overall|everything|across|portfolio|whole)\b"
)


@dataclass(frozen=True)
class Question:
    """A parsed question. `text`: in lower case, with names and times replaced by upper-case words.

    `series`: those named, or selected by `filters` and parts of names; `alike`: several series matched by the same
    words; `values`: the values named, by attribute; `unknown`: words that are neither in the vocabulary nor in the
    workspace.
    """

    asked: ExplainIn
    text: str
    series: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    matching: tuple[str, ...] = ()
    nothing: bool = False  # the names in the question match no series together
    attributes: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    spans: tuple[dates.Span, ...] = ()
    number: int | None = None
    level: int | None = None
    unknown: tuple[str, ...] = ()
    refused: str | None = None
    calendar: dates.Calendar | None = None
    inherited: bool = False  # its subject comes from the previous question

    @cached_property
    def intents(self) -> list[str]:
        return intents.all_of(self.text)

    @property
    def filters(self) -> dict[str, str]:
        """The attributes with a single value."""
        return {attribute: values[0] for attribute, values in self.values.items() if len(values) == 1}

    @property
    def names_something(self) -> bool:
        return bool(self.series or self.alike or self.values or self.matching or self.nothing)

    @property
    def is_of_all(self) -> bool:
        return bool(_WHOLE.search(self.text))

    @property
    def span(self) -> dates.Span | None:
        """The first moment that is named, else the first span of time."""
        return next((one for one in self.spans if one.is_moment), self.spans[0] if self.spans else None)


async def understand(scope: Scope, ask: ExplainIn) -> Question:
    """Parses a question; a follow-up takes its subject from the previous one."""
    table, run = await scope.series(), await scope.run()
    key = (scope.workspace, table.version, run.id)
    names: Names = await scope.data.catalog.tables.get(
        "names", key, lambda: Names(table, run.settings, run.figures.leaderboard)
    )
    calendar = await _calendar(scope, table)
    question = _read(ask, ask.question, names, calendar)
    if ask.history:
        last = ask.history[-1]
        before = _read(ask, last.question, names, calendar)
        return _continued(question, before, [one for one in last.unique_ids if one in table])
    return question


def _continued(now: Question, before: Question, series: Sequence[str]) -> Question:
    """Completes a follow-up question from the previous one."""
    follows = bool(_FOLLOWS.search(now.text)) or bool(_PRONOUN.search(now.text)) or not now.intents
    if not follows or now.refused:
        return now
    wanted = [one for one in now.intents if one not in ("forecast", "compare")]
    if not wanted and (now.names_something or now.spans or not now.intents) and not _asks_itself(now):
        kept = before.text  # "and for Leeds?", "and tomorrow?"
        text = f"{kept} {now.text}"
        now = replace(
            now, text=text, attributes=now.attributes or before.attributes, number=now.number or before.number
        )
        now = replace(now, spans=now.spans or before.spans, inherited=True)
    if not now.names_something and not (now.is_of_all and not _PRONOUN.search(now.text)):
        if series:
            now = replace(now, series=tuple(series), inherited=True)
        elif before.names_something:
            now = replace(
                now,
                series=before.series,
                values=before.values,
                matching=before.matching,
                alike=before.alike,
                inherited=True,
            )
    return now


def _asks_itself(question: Question) -> bool:
    return bool(re.search(r"\b(?:how much|how many|forecast|expect\w*|what will)\b", question.text))


def _read(ask: ExplainIn, question: str, names: Names, calendar: dates.Calendar) -> Question:
    prefixes, question = _prefixes(question, names)
    text = _mended(fold(question), names)
    if why := refusals.reason(text, names.words):
        return Question(ask, text, refused=why)
    mentions = names.mentioned(text)
    masked = _masked(text, [(one.start, one.end, one.kind.upper()) for one in mentions])
    level = int(match.group(1)) if (match := _LEVEL.search(masked)) else None
    masked = _LEVEL.sub("LEVEL", masked)
    calendar = dates.Calendar(
        calendar.last, calendar.step, calendar.end, bool(_BACKWARD.search(masked)) and not _FORWARD.search(masked)
    )
    try:
        times = dates.find(masked, calendar)
    except dates.NoSuchDate:
        return Question(ask, text, refused="A date in the question does not exist in the calendar.")
    masked = _masked(
        masked,
        [
            (one.start, one.end, "last year SPAN" if masked[one.start : one.end].endswith("last year") else "SPAN")
            for one in times
        ],
    )
    number = _number(counted.group()) if (counted := _COUNTED.search(masked)) else None
    masked = _COUNTED.sub("NUMBER", masked)
    masked, parts = _parts(masked.replace(_PREFIX, "PART"), names)
    whole = Question(
        ask,
        masked,
        attributes=_called(mentions, "attribute"),
        models=_called(mentions, "model"),
        columns=_called(mentions, "column"),
        metrics=_called(mentions, "metric"),
        spans=tuple(_told(one.span, calendar) for one in times),
        number=number,
        level=level,
        unknown=tuple(_odd(masked)),
        calendar=calendar,
    )
    return _about(whole, mentions, [*prefixes, *parts], names.table)


def _told(span: dates.Span, calendar: dates.Calendar) -> dates.Span:
    """Sets `past`: spans that start after the latest actual are future, those that end before it past; the wording
    decides others.
    """
    if span.start > calendar.last or span.end <= calendar.last:
        return replace(span, past=span.start <= calendar.last)
    return replace(span, past=span.past or calendar.backward)


def _about(question: Question, mentions: Sequence[Mention], parts: Sequence[Positions], table: SeriesTable) -> Question:
    """Resolves the names in the question to series."""
    series = [one.names for one in mentions if one.kind == "series"]
    if alike := next((names for names in series if len(names) > 1), None):
        return replace(question, alike=tuple(one.called for one in alike))
    named = tuple(dict.fromkeys(names[0].called for names in series))
    values: dict[str, tuple[str, ...]] = {}
    for mention in mentions:
        if mention.kind == "value":
            name = _most_fitting(mention.names, question.attributes)
            values[name.of] = tuple(dict.fromkeys((*values.get(name.of, ()), name.called)))
    question = replace(question, series=named, values=values)
    if named:
        return question
    single = {attribute: chosen[0] for attribute, chosen in values.items() if len(chosen) == 1}
    rows = [one.names[0].rows for one in mentions if one.kind == "part"]
    rows += list(parts)
    if not single and not rows:
        return question
    left = set(table.select("", single).tolist())
    for some in rows:
        left &= set(some.tolist() if some is not None else ())
    matching = tuple(table.ids[row] for row in sorted(left))
    several = any(len(chosen) > 1 for chosen in values.values())
    if not matching:
        return replace(question, nothing=True)
    if len(matching) == 1 and not several:
        return replace(question, series=matching, values={})
    return replace(question, matching=matching if rows else ())


def _most_fitting(names: Sequence[Name], attributes: Sequence[str]) -> Name:
    return next((name for name in names if name.of in attributes), names[0])


def _mended(text: str, names: Names) -> str:
    """The text with typos corrected if there is only one candidate."""

    def correct(match: re.Match[str]) -> str:
        word = match.group()
        known = (
            word in names.words
            or word in dates.NUMBERS
            or vocabulary.is_known(word)
            or any(stem in names.words for stem in vocabulary.stems(word))
        )
        if known or not word.isalpha() or len(word) < 3 or refusals.words().search(word):
            return word
        if len(word) >= 5 and (meant := vocabulary.near(word, vocabulary.subjects())):
            return meant
        return names.slip(word) or word

    return _WORD.sub(correct, text)


def _parts(text: str, names: Names) -> tuple[str, list[Positions]]:
    """Replaces words that occur within series names, such as a common prefix, by PART."""
    parts: list[Positions] = []

    def look(chunk: re.Match[str]) -> str:
        said = chunk.group().strip(".'’`-")
        if len(said) >= 3 and _odd(said) and len(rows := names.holding(said)):
            parts.append(rows)
            return "PART"
        return chunk.group()

    return _CHUNK.sub(look, text), parts


def _prefixes(question: str, names: Names) -> tuple[list[Positions], str]:
    """Replaces parts of names that contain an underscore, which folding removes."""
    prefixes: list[Positions] = []

    def look(chunk: re.Match[str]) -> str:
        said = chunk.group().casefold()
        if said in names.table.by_name or not len(rows := names.holding(said)):
            return chunk.group()
        prefixes.append(rows)
        return _PREFIX

    return prefixes, _SNAKE.sub(look, question)


def _odd(masked: str) -> list[str]:
    """The words that are neither placeholders nor known."""
    words = [word.removesuffix("'s") for word in _WORD.findall(masked)]
    return [word for word in words if not word.isupper() and not vocabulary.is_known(word)]


def _masked(text: str, spans: Sequence[tuple[int, int, str]]) -> str:
    for start, end, word in sorted(spans, reverse=True):
        text = f"{text[:start]}{word}{text[end:]}"
    return text


def _called(mentions: Sequence[Mention], kind: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.names[0].called for one in mentions if one.kind == kind))


def _number(said: str) -> int:
    return (
        int(said)
        if said.isdigit()
        else ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"].index(said)
    )


async def _calendar(scope: Scope, table: SeriesTable) -> dates.Calendar:
    clock = (await scope.run()).clock
    if table.last_ds is None:
        raise CannotTell("The workspace has no actuals yet.")
    last, published = local(table.last_ds), await scope.published()
    return dates.Calendar(last, clock.longest_step, last + (published.info.horizon * clock.longest_step))
